"""Measuring: what will run, in which processes, for how long, and where it is kept."""

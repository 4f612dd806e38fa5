"""Scaling: from the results of a session to curves, what they show, and a sentence about each."""

from armbench.bench.scaling.analysis import Analysis, analyze
from armbench.bench.scaling.curve import Curve, curves
from armbench.bench.scaling.sentences import sentence

__all__ = ["Analysis", "Curve", "analyze", "curves", "sentence"]

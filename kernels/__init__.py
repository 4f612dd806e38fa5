"""The kernels: one folder each, found by bench/registry.py."""

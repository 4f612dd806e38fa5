"""Scaling: from the results of a session to curves, what they show, and a sentence about each."""

from armbench.bench.scaling.analysis import Analysis, analyze
from armbench.bench.scaling.curve import Curve, curves
from armbench.bench.scaling.document import curves_json, splits_json
from armbench.bench.scaling.sentences import sentence
from armbench.bench.scaling.splits import Split, split_sentence, splits

__all__ = [
    "Analysis",
    "Curve",
    "Split",
    "analyze",
    "curves",
    "curves_json",
    "sentence",
    "split_sentence",
    "splits",
    "splits_json",
]

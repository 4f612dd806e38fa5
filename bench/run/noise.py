"""How precise a session's numbers are so far, and what disturbs them: told while it runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from armbench.bench import estimates
from armbench.bench.model import Result

CONFIDENCE = 0.95
STEADY = "not_steady"  # of the work itself; all other flags are of what ran beside it


@dataclass(frozen=True, slots=True)
class Precision:
    """Half widths of the results' intervals, as shares of their times: the median and the largest."""

    typical: float
    worst: float
    worst_result: Result


@dataclass(frozen=True, slots=True)
class Noise:
    """precision: None in the rounds that are too few for an interval.

    disturbed  {flag: trials of this round that have it}, and 1 for a flag of the round itself
    trials     measured in this round so far
    """

    precision: Precision | None = None
    disturbed: Mapping[str, int] = field(default_factory=dict)
    trials: int = 0


def half_width(result: Result) -> float:
    """Of the 95 % interval, as a share of the time; infinite while the rounds are too few."""
    summary = estimates.summarize(result)
    if summary.confidence < CONFIDENCE - 0.01:
        return math.inf
    return (summary.high - summary.low) / 2 / summary.seconds


def precision(results: Sequence[Result]) -> Precision | None:
    """Of those results that have rounds enough."""
    widths = [(width, result) for result in results if math.isfinite(width := half_width(result))]
    if not widths:
        return None
    worst, of = max(widths, key=lambda pair: pair[0])
    return Precision(float(np.median([width for width, _ in widths])), worst, of)

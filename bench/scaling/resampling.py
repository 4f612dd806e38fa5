"""Intervals by resampling rounds: a round measured the whole curve, so it is drawn as a whole."""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

import numpy as np

from armbench.bench import stats
from armbench.bench.model import Array
from armbench.bench.stats import Interval

RESAMPLES = 1000
SEED = 8  # fixed: the same file always gives the same numbers
LEAST_ROUNDS = 6  # below it a resampled curve has too few different rounds to tell 95 %
OUTLIER_DEVIATIONS = 4.0  # a value further out is moved there: the curve's level, not a burst, is wanted
NORMAL_MAD = 1.4826  # standard deviations in a median absolute deviation, of a normal distribution


def tamed(logs: Array) -> Array:
    """Log rates [rounds][points] with outliers moved to four deviations from where they belong.

    Where a value belongs: the point's median plus what the round as a whole is off.
    """
    level = np.median(logs, axis=0)
    shift = np.median(logs - level, axis=1, keepdims=True)
    rest = logs - level - shift
    reach = OUTLIER_DEVIATIONS * NORMAL_MAD * np.median(np.abs(rest), axis=0)
    kept: Array = level + shift + np.where(reach > 0, np.clip(rest, -reach, reach), rest)
    return kept


def resampled_means(logs: Array) -> Array:
    """Means over the rounds [1 + RESAMPLES][points]: of all rounds first, then of rounds drawn anew."""
    means: Array = _weights(len(logs)) @ logs
    return means


@cache
def _weights(count: int) -> Array:
    """Of each round in each mean, [1 + RESAMPLES][rounds]."""
    drawn = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    weights: Array = np.vstack([np.ones((1, count)), drawn]) / count
    return weights


def interval(values: Array, rounds: int, together: int = 1) -> Interval | None:
    """The first value, with the percentiles of the others as limits; None with too few rounds.

    together: how many intervals hold at once with 95 % (Bonferroni), as those of a model do.

    The plain percentile interval is too narrow for few rounds, by the factor between n - 1 and n
    and that between the normal and Student's t; the percentiles are moved outwards by both
    (Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69, 2015).
    """
    if rounds < LEAST_ROUNDS:
        return None
    outside = (1 - stats.CONFIDENCE) / together
    reach = math.sqrt(rounds / (rounds - 1)) * stats.t_quantile(1 - outside / 2, rounds - 1)
    tail = NormalDist().cdf(-reach)
    low, high = np.quantile(values[1:], [tail, 1 - tail], method="nearest")  # inf may be among them
    return Interval(float(values[0]), float(low), float(high), stats.CONFIDENCE)

"""Estimates, intervals and tests: pure functions of numbers, exact or deterministic.

One value a round (or a session) goes in, never pooled samples: samples of one process share
its address-space layout, so counting them all as evidence finds differences where there are
none.  Every interval says which confidence it really has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from statistics import NormalDist

import numpy as np

from armbench.bench.model import Array

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with limits that enclose the truth with `confidence`."""

    value: float
    low: float
    high: float
    confidence: float


# --- one sample: Hodges-Lehmann and the signed-rank test -----------------------------------


@cache
def _pairs(count: int) -> tuple[Array, Array]:
    return np.triu_indices(count)


def walsh(values: Sequence[float] | Array) -> Array:
    """The means of all pairs, each value with itself included, ascending: float64 [n (n + 1) / 2].

    Of values [many, n] those of each row.
    """
    array = np.asarray(values, np.float64)
    first, second = _pairs(array.shape[-1])
    return np.sort((array[..., first] + array[..., second]) / 2)


def hodges_lehmann(values: Sequence[float]) -> float:
    """The median of the Walsh averages; nearly as precise as the mean and deaf to outliers."""
    return float(np.median(walsh(values)))


@cache
def signed_rank_tail(count: int) -> Array:
    """P(T <= t) of the signed-rank statistic T = 0 … n (n + 1) / 2 under symmetry: float64."""
    return _cumulative(tuple(range(1, count + 1)))


def _cumulative(ranks: Sequence[int]) -> Array:
    """P(sum of the ranks of a fair coin's heads <= t), by dynamic programming over the ranks."""
    chance = np.zeros(sum(ranks) + 1)
    chance[0] = 1.0
    for rank in ranks:
        shifted = np.zeros_like(chance)
        shifted[rank:] = chance[: len(chance) - rank]
        chance = (chance + shifted) / 2
    return np.cumsum(chance)


@cache
def _depth(count: int, confidence: float) -> tuple[int, float]:
    """How many Walsh averages to leave out at each end, and the confidence that this has.

    With too few values none is left out, and the confidence is what it is: 1 - 2 / 2^n.
    """
    tail = signed_rank_tail(count)
    allowed = int(np.searchsorted(tail, (1 - confidence) / 2, side="right"))
    dropped = max(0, allowed - 1)
    return dropped, max(0.0, 1 - 2 * float(tail[dropped]))


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Hodges-Lehmann with the exact signed-rank interval: at least `confidence`, or all there is.

    The limits are order statistics of the Walsh averages (Hollander, Wolfe & Chicken,
    Nonparametric Statistical Methods, 3.3).  One value gives low = high = value, confidence 0.
    """
    (found,) = intervals(np.asarray([values], np.float64), confidence)
    return found


def intervals(rows: Array, confidence: float = CONFIDENCE) -> list[Interval]:
    """The interval() of each row of values [many, n]."""
    averages = walsh(rows)
    dropped, real = _depth(rows.shape[1], confidence)
    count = averages.shape[1]
    middle = (averages[:, (count - 1) // 2] + averages[:, count // 2]) / 2
    limits = zip(
        middle.tolist(), averages[:, dropped].tolist(), averages[:, -1 - dropped].tolist(), strict=True
    )
    return [Interval(*limit, real) for limit in limits]


def signed_rank_p(values: Sequence[float]) -> float:
    """The exact two-sided p of "symmetric around zero", by the signs of the ranked values.

    Zeros are left out and ties share their mean rank; the distribution is that of these ranks,
    so it is exact with ties too.
    """
    present = [value for value in values if value != 0]
    doubled = _doubled_ranks([abs(value) for value in present])
    positive = sum(rank for rank, value in zip(doubled, present, strict=True) if value > 0)
    tail = signed_rank_tail(len(present)) if _untied(doubled) else _cumulative(doubled)
    scale = 2 if _untied(doubled) else 1
    extreme = min(positive, sum(doubled) - positive) // scale
    return min(1.0, 2 * float(tail[extreme]))


def _doubled_ranks(magnitudes: Sequence[float]) -> tuple[int, ...]:
    """Twice the mid-ranks, which are whole numbers."""
    ordered = np.sort(magnitudes)
    below = np.searchsorted(ordered, magnitudes, side="left")
    upto = np.searchsorted(ordered, magnitudes, side="right")
    return tuple(int(rank) for rank in below + upto + 1)


def _untied(doubled: Sequence[int]) -> bool:
    return len(set(doubled)) == len(doubled)


# --- many tests, equivalence, planning -----------------------------------------------------


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p, in the order given: at most q of those <= q are false (Benjamini & Hochberg 1995)."""
    count = len(p_values)
    adjusted = [1.0] * count
    smallest = 1.0
    for rank, index in zip(range(count, 0, -1), np.argsort(p_values, kind="stable")[::-1], strict=True):
        smallest = min(smallest, p_values[index] * count / rank)
        adjusted[index] = smallest
    return adjusted


EQUIVALENCE = 0.90  # confidence of the interval that two one-sided tests at 5 % are


def equivalence_bound(inner: Interval) -> float:
    """How near to zero the truth is, by two one-sided tests at 5 % (Schuirmann 1987).

    inner: the interval of EQUIVALENCE; one of less confidence proves no bound.
    """
    return max(abs(inner.low), abs(inner.high)) if inner.confidence >= EQUIVALENCE else math.inf


def repeats_needed(deviation: float, difference: float) -> int:
    """Rounds (or sessions a side) that show `difference` with 80 % power at the 5 % level.

    deviation: standard deviation of the log ratio of one round.  (3.1 sd / difference)^2 fits
    the simulated signed-rank test within a tenth from 12 to 30 rounds.
    """
    return max(1, math.ceil((3.1 * deviation / difference) ** 2))


# --- two samples: Welch --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """An estimated difference, its standard error, and the degrees of freedom of that error."""

    value: float
    error: float
    dof: float

    @property
    def p(self) -> float:
        """Two-sided p of no difference; without any error 1 for none and 0 for some."""
        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        return min(1.0, 2 * t_tail(abs(self.value) / self.error, self.dof))

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        if self.error == 0:
            return Interval(self.value, self.value, self.value, confidence)
        reach = t_quantile((1 + confidence) / 2, self.dof) * self.error
        return Interval(self.value, self.value - reach, self.value + reach, confidence)


def combined(value: float, errors: Sequence[tuple[float, float]]) -> Difference:
    """`value` with independent errors (standard error, degrees of freedom) added in squares.

    Degrees of freedom by Welch-Satterthwaite; an error that is known, not estimated, has inf.
    """
    variance = sum(error**2 for error, _ in errors)
    spread = sum(error**4 / dof for error, dof in errors)
    return Difference(value, math.sqrt(variance), variance**2 / spread if spread else math.inf)


def welch(base: Sequence[float], new: Sequence[float]) -> Difference:
    """mean(new) - mean(base) of two independent samples of at least two values each (Welch 1947)."""
    errors = [
        (float(np.std(side, ddof=1)) / math.sqrt(len(side)), float(len(side) - 1)) for side in (base, new)
    ]
    return combined(float(np.mean(new) - np.mean(base)), errors)


# --- Student's t ---------------------------------------------------------------------------

NORMAL_DOF = 1e6  # above it t differs from the normal by less than 1e-6


def clopper_pearson(hits: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact interval of a rate of which `hits` of `trials` were seen (Clopper & Pearson 1934)."""
    half = (1 - confidence) / 2
    low = _beta_quantile(half, hits, trials - hits + 1) if hits else 0.0
    high = _beta_quantile(1 - half, hits + 1, trials - hits) if hits < trials else 1.0
    return low, high


def binomial_tail(hits: int, trials: int, rate: float) -> float:
    """P(at least so many hits) of independent trials."""
    return incomplete_beta(hits, trials - hits + 1, rate) if hits else 1.0


def _beta_quantile(probability: float, a: float, b: float) -> float:
    """By bisection, to the last bit that matters."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if incomplete_beta(a, b, middle) < probability else (low, middle)
    return (low + high) / 2


def t_tail(t: float, dof: float) -> float:
    """P(T > t) of Student's t."""
    if dof > NORMAL_DOF:
        return 0.5 * math.erfc(t / math.sqrt(2))
    square = t * t
    if square < dof:  # near the middle 1 - x would lose a small t
        inside = 0.5 * incomplete_beta(0.5, dof / 2, square / (dof + square))
        return 0.5 - math.copysign(inside, t)
    outside = 0.5 * incomplete_beta(dof / 2, 0.5, dof / (dof + square))
    return outside if t >= 0 else 1 - outside


@lru_cache(maxsize=1024)
def t_quantile(probability: float, dof: float) -> float:
    """The t with P(T <= t) = probability, 0.5 <= probability < 1.

    Newton from the normal quantile, which lies below, or from its expansion in 1 / dof where that
    is near; the tail is convex, so that no step but the first overshoots.
    """
    z = NormalDist().inv_cdf(probability)
    if dof > NORMAL_DOF or z <= 0:
        return z
    t = _expanded(z, dof) if dof > 4 * z * z else z
    if dof > 32 * max(1.0, z * z):  # where the expansion has nine digits
        return t
    for _ in range(100):
        step = (t_tail(t, dof) - (1 - probability)) / _t_density(t, dof)
        t += step
        if abs(step) <= 1e-5 * t:  # the error is of the order of its square
            break
    return t


def _expanded(z: float, dof: float) -> float:
    """Abramowitz & Stegun 26.7.5."""
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + first / dof + second / dof**2 + third / dof**3 + fourth / dof**4


def _t_density(t: float, dof: float) -> float:
    log_scale = math.lgamma((dof + 1) / 2) - math.lgamma(dof / 2) - math.log(dof * math.pi) / 2
    return math.exp(log_scale - (dof + 1) / 2 * math.log1p(t * t / dof))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), a and b > 0, 0 <= x <= 1.

    By its continued fraction (DLMF 8.17.22), on the side where that converges quickly.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) / a * _beta_fraction(a, b, x)


def _beta_fraction(a: float, b: float, x: float) -> float:
    """1 / (1 + d1 / (1 + d2 / (1 + …))) by Lentz's method, two terms at a time."""
    above, below = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = below
    for m in range(1, 50_000):
        place = a + 2 * m
        even = m * (b - m) * x / ((place - 1) * place)
        below = 1 / (1 + even * below)
        above = 1 + even / above
        value *= above * below
        odd = -(a + m) * (a + b + m) * x / (place * (place + 1))
        below = 1 / (1 + odd * below)
        above = 1 + odd / above
        change = above * below
        value *= change
        if abs(change - 1) < 1e-15:
            break
    return value

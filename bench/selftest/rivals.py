"""The rules by which other tools call two files different, on the samples of two sides.

Each takes float64 [processes][samples] of both sides, oldest first, and says +1 (slower), -1
(faster) or 0.  Re-implemented from the tools' sources, which are named; pyperf's own function is
what tests compare with.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from armbench.bench.model import Array
from armbench.bench.stats import t_quantile

Rule = Callable[[Array, Array], int]


def pyperf(a: Array, b: Array) -> int:
    """compare_to: a pooled t test on all values of all processes, 95 % (pyperf/_utils.py)."""
    x, y = a.ravel(), b.ravel()
    n, m = len(x), len(y)
    pooled = ((n - 1) * x.var(ddof=1) + (m - 1) * y.var(ddof=1)) / (n + m - 2)
    error = math.sqrt(pooled * (1 / n + 1 / m))
    difference = float(y.mean() - x.mean())
    if error == 0:
        return int(np.sign(difference))
    critical = t_quantile(0.975, n + m - 2)
    return int(np.sign(difference)) if abs(difference / error) >= critical else 0


def pytest_mean(a: Array, b: Array) -> int:
    """--benchmark-compare-fail=mean:5% on one process, slower alone (pytest_benchmark/utils.py)."""
    return int(b[0].mean() / a[0].mean() * 100 - 100 > 5)


def pytest_min(a: Array, b: Array) -> int:
    """--benchmark-compare-fail=min:5%, likewise."""
    return int(b[0].min() / a[0].min() * 100 - 100 > 5)


def benchstat(a: Array, b: Array) -> int:
    """Mann-Whitney at 5 % on ten samples of one process (benchmath/anone.go)."""
    return _mann_whitney(a[0][:10], b[0][:10], 0.05)


def asv(a: Array, b: Array) -> int:
    """A factor of 1.1 and Mann-Whitney p < 0.002 on two processes' samples (asv/_stats.py)."""
    x, y = a[:2].ravel(), b[:2].ravel()
    ratio = float(np.median(y) / np.median(x))
    if 1 / 1.1 < ratio < 1.1:
        return 0
    return _mann_whitney(x, y, 0.002)


def criterion(a: Array, b: Array) -> int:
    """Bootstrap of the mean's ratio beyond 1 % and of Welch's t at 5 %, one process (criterion.rs)."""
    x, y = a[0], b[0]
    random = np.random.default_rng(1)

    def welch(p: Array, q: Array) -> Array:
        error = np.sqrt(p.var(axis=-1, ddof=1) / p.shape[-1] + q.var(axis=-1, ddof=1) / q.shape[-1])
        return np.asarray((q.mean(axis=-1) - p.mean(axis=-1)) / np.maximum(error, 1e-300))

    pooled = np.concatenate([x, y])
    drawn = random.choice(pooled, (2000, len(pooled)))
    extreme = np.abs(welch(drawn[:, : len(x)], drawn[:, len(x) :])) >= abs(float(welch(x, y)))
    if extreme.mean() > 0.05:
        return 0
    ratios = random.choice(y, (2000, len(y))).mean(axis=1) / random.choice(x, (2000, len(x))).mean(axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return 1 if low > 1.01 else -1 if high < 0.99 else 0


RULES: dict[str, Rule] = {
    "pyperf compare_to": pyperf,
    "pytest-benchmark mean:5%": pytest_mean,
    "pytest-benchmark min:5%": pytest_min,
    "benchstat": benchstat,
    "asv compare": asv,
    "criterion": criterion,
}


def _mann_whitney(x: Array, y: Array, alpha: float) -> int:
    """Normal approximation with ties, as good as exact from ten samples on at these levels."""
    both = np.concatenate([x, y])
    order = np.argsort(both, kind="stable")
    ranks = np.empty(len(both))
    ranks[order] = np.arange(1, len(both) + 1)
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.bincount(inverse, ranks) / counts)[inverse]
    n, m = len(x), len(y)
    u = ranks[n:].sum() - m * (m + 1) / 2
    ties = float((counts**3 - counts).sum()) / ((n + m) * (n + m - 1))
    deviation = math.sqrt(n * m / 12 * ((n + m + 1) - ties))
    if deviation == 0:
        return 0
    z = (abs(u - n * m / 2) - 0.5) / deviation
    p = math.erfc(z / math.sqrt(2))
    return int(np.sign(u - n * m / 2)) if p <= alpha else 0

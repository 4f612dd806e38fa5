"""What two sides that take turns within a trial are judged by.

Each visit of one side lies beside a visit of the other, a few samples apart.  What slows a machine
for longer than that slows both; what interrupts a single sample makes only that one longer.  So
the time of a visit is that of its faster half, and a round's difference the median of its visits':
deaf to a visit that went wrong on either side.  Its spread is a quarter (on a busy host) to three quarters
(on a quiet one) of what medians over all samples of a side give (docs/selftest.md).
"""

from __future__ import annotations

import numpy as np

from armbench.bench.model import Array

VISITS = 5  # in which the samples of a trial are taken, where each has two


def shares(samples: int) -> list[int]:
    """How many samples each visit takes."""
    count = VISITS if samples >= 2 * VISITS else 1
    each = samples // count
    return [samples - each * (count - 1), *[each] * (count - 1)]


def visits(ticks: Array) -> Array:
    """float64 [..., samples] -> [..., visits]: the mean of the faster half of each visit's samples."""
    ends = np.cumsum(shares(ticks.shape[-1]))
    parts = np.split(ticks, ends[:-1], axis=-1)
    return np.stack([np.sort(p)[..., : (p.shape[-1] + 1) // 2].mean(axis=-1) for p in parts], axis=-1)


def differences(a: Array, b: Array) -> Array:
    """Log B - log A of each round, of the logarithms of visits float64 [rounds][visits] of either side."""
    middle: Array = np.median(b - a, axis=1)
    return middle

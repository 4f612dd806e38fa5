"""Shapes of matmul: all small ones, some that cross every block of every variant, random ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from armbench.bench.model import Case
from armbench.kernels.matmul import case_of

SMALL = range(1, 18)
RANDOM, RANDOM_LIMIT = 24, 300
# m, n, k around what gemm.h and the variants divide by: 4 rows that stream; 64 rows, or 256 if B
# is small, in strips; row blocks of 128 to 196, k blocks of 128 to 384, column blocks of 1020 to
# 4096.  264, 280 and 288 rows fall into whole tiles, whose last step then ends where A does.
CROSSING = (
    (1, 4097, 3),
    (2, 4112, 257),
    (4, 33, 385),
    (5, 515, 9),
    (64, 513, 8),
    (65, 259, 260),
    (65, 2065, 33),
    (129, 171, 385),
    (197, 256, 257),
    (256, 256, 256),
    (257, 256, 256),
    (264, 31, 259),
    (264, 24, 770),
    (280, 33, 515),
    (288, 16, 261),
    (300, 17, 2),
    (392, 33, 1),
    (1025, 2049, 13),  # C beyond LARGE_C
)


def cases() -> Iterator[Case]:
    for m, n, k in (*product(SMALL, SMALL, SMALL), *CROSSING, *_random()):
        yield case_of(f"m{m}-n{n}-k{k}", m, n, k)


def _random() -> list[tuple[int, int, int]]:
    random = np.random.default_rng(20)
    return [tuple(shape) for shape in random.integers(1, RANDOM_LIMIT, (RANDOM, 3), endpoint=True).tolist()]

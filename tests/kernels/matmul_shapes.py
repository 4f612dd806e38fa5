"""Shapes of matmul, for every operation: all pairs of small lengths, blocks crossed, random ones.

All triples of small lengths are in test_matmul_every_shape.py, which costs less a shape.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from armbench.bench.model import Case
from armbench.kernels.matmul import case_of

OPERATIONS = (
    *(("f64", False), ("f32", False), ("f16", False), ("bf16", False), ("int8", False)),
    *(("f32", True), ("bf16", True), ("int8", True), ("int4", True)),
)
SMALL = 17
RANDOM, RANDOM_LIMIT = 24, 300
CHEAP = 9_000_000  # operations
GROUP = 32  # of int4, whose k is a multiple of it
# m, n, k around what the frameworks and the variants divide by: few rows that stream, or 16 of packed
# weights; 64 rows, or 256 if B is small, in strips; row blocks of 128 to 224, k blocks of 128 to 2048,
# column blocks of 1020 to 4096.  264, 280 and 288 rows fall into whole tiles, whose last step then
# ends where A does.
CROSSING = (
    (1, 4097, 3),
    (2, 4112, 257),
    (4, 33, 385),
    (5, 515, 9),
    (16, 95, 1027),
    (17, 97, 514),
    (64, 513, 8),
    (65, 259, 260),
    (65, 2065, 33),
    (129, 171, 385),
    (197, 256, 257),
    (256, 256, 256),
    (257, 256, 256),
    (264, 31, 259),
    (264, 24, 770),
    (225, 37, 2051),
    (280, 33, 515),
    (288, 16, 261),
    (300, 17, 2),
    (392, 33, 1),
)
LARGE = (1025, 2049, 13)  # several blocks of rows and of columns


def cases() -> Iterator[Case]:
    yield case_of("f32", *LARGE)
    for dtype, packed in OPERATIONS:
        for m, n, k in (*pairs(), *_beyond(whole=(dtype, packed) == ("f32", False))):
            yield case_of(
                dtype, m, n, k * GROUP if dtype == "int4" and k <= SMALL else _grouped(dtype, k), packed
            )


def _beyond(whole: bool) -> list[tuple[int, int, int]]:
    """What crosses blocks, and random shapes; of all operations but one the cheaper of them.

    Emulated CPUs need seconds for what real ones do in a millisecond.
    """
    random = _random()
    if whole:
        return [*CROSSING, *random]
    return [shape for shape in (*CROSSING, *random[::3]) if 2 * shape[0] * shape[1] * shape[2] < CHEAP]


def _grouped(dtype: str, k: int) -> int:
    return -(-k // GROUP) * GROUP if dtype == "int4" else k


def pairs() -> list[tuple[int, int, int]]:
    """Every pair of lengths up to SMALL among m, n and k: a Latin square."""
    lengths = range(1, SMALL + 1)
    return [(m, n, (m + n) % SMALL + 1) for m in lengths for n in lengths]


def _random() -> list[tuple[int, int, int]]:
    random = np.random.default_rng(20)
    return [tuple(shape) for shape in random.integers(1, RANDOM_LIMIT, (RANDOM, 3), endpoint=True).tolist()]

"""Every m, n and k up to 17 of every operation, each buffer ending, then beginning, at a guard page.

The buffers are mapped once and the operands copied to their edges, so that a shape costs little.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from armbench.bench import native, registry
from armbench.bench.model import Array, Settings
from armbench.kernels.matmul import KERNEL, case_of
from tests.kernels import guarded
from tests.kernels.isolated import Note, isolated
from tests.kernels.matmul_shapes import GROUP, OPERATIONS, SMALL

VARIANTS = [v.name for v in registry.variants("matmul") if v.native and not v.why_not]
LENGTHS = range(1, SMALL + 1)


class Edges:
    """A buffer between guard pages, of which each use takes as many bytes as it needs, at one edge."""

    def __init__(self, place: guarded.Place):
        self.place, self.memory = place, guarded.empty(1 << 16, place)

    def of(self, shape: tuple[int, ...], dtype: np.dtype, data: Array | None = None) -> Array:
        nbytes = int(np.prod(shape)) * dtype.itemsize
        part = self.memory[:nbytes] if self.place == "start" else self.memory[len(self.memory) - nbytes :]
        view = part.view(dtype).reshape(shape)
        view[...] = 0 if data is None else data
        if data is None:
            part[:] = 0xFF
        return view


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("dtype", "packed"), OPERATIONS)
def test_every_small_shape(variant: str, dtype: str, packed: bool) -> None:
    name = case_of(dtype, 1, 1, GROUP, packed).operation
    found = native.find("matmul", variant, name)
    if found is None:
        return  # not every instruction set has every operation
    step = GROUP if dtype == "int4" else 1
    largest = case_of(dtype, SMALL, SMALL, SMALL * step, packed)
    a, b, c = (o.data for o in KERNEL.problem(largest, Settings(), 5).operands)

    def every_shape(note: Note) -> None:
        for place in guarded.PLACES:
            edges = [Edges(place) for _ in range(3)]
            for m, n, k in product(LENGTHS, LENGTHS, LENGTHS):
                note(f"m{m}-n{n}-k{k * step}, {place}")
                case = case_of(dtype, m, n, k * step, packed)
                right = b[:n, :k] if dtype == "int4" else b[:k, :n]
                arrays = [
                    edges[0].of((m, k * step), a.dtype, a[:m, : k * step]),
                    edges[1].of(right.shape, b.dtype, right),
                    edges[2].of((m, n), c.dtype),
                ]
                guarded.call(found, case.native_params, arrays, place)
                expected, scale, tolerance = answer(dtype, arrays[0], arrays[1])
                assert off(dtype, arrays[2], expected, scale) <= tolerance

    isolated(every_shape)


def answer(dtype: str, a: Array, b: Array) -> tuple[Array, Array, float]:
    from armbench.kernels import matmul

    return matmul._expected(dtype, a, b)


def off(dtype: str, c: Array, expected: Array, scale: Array) -> float:
    from armbench.kernels import formats

    values = formats.bf16_values(c) if dtype == "bf16" else c
    difference = np.abs(values.astype(np.float64) - expected)
    worst = float((difference / scale).max())
    return worst if np.isfinite(worst) else float("inf")

"""matmul's own judgement: what error() accepts and what it must not."""

from __future__ import annotations

import numpy as np
import pytest

from armbench.bench import registry
from armbench.bench.model import Array, Problem, Settings, Variant
from armbench.kernels.matmul import KERNEL, case_of

SHAPES = ((1, 64, 4096), (16, 48, 4096), (128, 128, 128), (3, 5, 7))
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def made(shape: tuple[int, int, int]) -> tuple[Problem, Array, Array, Array]:
    """A problem, its operands and a single-precision answer that is right."""
    case = case_of("case", *shape)
    problem = KERNEL.problem(case, Settings(), 3)
    a, b = problem.operands[0].data, problem.operands[1].data
    return problem, a, b, problem.expected["c"].astype(np.float32)


def accepts(problem: Problem, c: Array) -> bool:
    return KERNEL.error(problem, {"c": c}) <= problem.tolerance


@shapes
def test_accepts_a_sum_in_any_order(shape: tuple[int, int, int]) -> None:
    problem, a, b, right = made(shape)
    one_by_one = np.zeros_like(right)
    for p in np.random.default_rng(5).permutation(shape[2]):
        one_by_one += np.outer(a[:, p], b[p])
    assert accepts(problem, right)
    assert accepts(problem, one_by_one)


@shapes
def test_catches_one_dropped_product(shape: tuple[int, int, int]) -> None:
    problem, a, b, right = made(shape)
    products = a[-1].astype(np.float64) * b[:, -1]
    average = int(np.argsort(np.abs(products))[len(products) * 2 // 3])
    right[-1, -1] -= np.float32(products[average])
    assert not accepts(problem, right)


@shapes
def test_catches_a_dropped_step_of_k(shape: tuple[int, int, int]) -> None:
    problem, a, b, right = made(shape)
    assert not accepts(problem, (right - np.outer(a[:, -1], b[-1])).astype(np.float32))


@pytest.mark.parametrize("axis", [0, 1])
def test_catches_rows_and_columns_out_of_place(axis: int) -> None:
    problem, _, _, right = made((16, 48, 4096))
    assert not accepts(problem, np.roll(right, 1, axis=axis))


@shapes
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_catches_what_is_not_a_number(shape: tuple[int, int, int], wrong: float) -> None:
    problem, _, _, right = made(shape)
    right[-1, -1] = wrong
    assert KERNEL.error(problem, {"c": right}) == float("inf")


def test_half_precision_is_not_good_enough() -> None:
    problem, a, b, _ = made((128, 128, 128))
    halves = a.astype(np.float16).astype(np.float32) @ b.astype(np.float16).astype(np.float32)
    assert not accepts(problem, halves)


def test_work_is_counted_once() -> None:
    case = case_of("case", 3, 5, 7)
    work = KERNEL.problem(case, Settings(), 0).work
    assert (work.flops, work.bytes_read, work.bytes_written) == (2 * 3 * 5 * 7, 4 * (21 + 35), 4 * 15)
    assert case.flops == work.flops


def test_problem_depends_on_the_seed_alone() -> None:
    case = case_of("case", 3, 5, 7)
    first, again, other = (KERNEL.problem(case, Settings(), seed) for seed in (1, 1, 2))
    assert np.array_equal(first.operands[0].data, again.operands[0].data)
    assert not np.array_equal(first.operands[0].data, other.operands[0].data)


@pytest.mark.parametrize(
    "variant", [v for v in registry.variants("matmul") if v.library and not v.why_not], ids=lambda v: v.name
)
def test_library_variants_are_right(variant: Variant) -> None:
    assert variant.library
    for shape in SHAPES:
        case = case_of("case", *shape)
        problem = KERNEL.problem(case, Settings(), 3)
        operands = {o.name: np.array(o.data) for o in problem.operands}
        call, outputs = variant.library.bind(case, operands)
        assert accepts(problem, outputs(call())["c"])

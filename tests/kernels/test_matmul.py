"""matmul's own judgement: what error() accepts and what it must not."""

from __future__ import annotations

import numpy as np
import pytest

from armbench.bench import native, registry
from armbench.bench.model import Array, Problem, Settings, Variant
from armbench.kernels import formats
from armbench.kernels.matmul import KERNEL, case_of

SHAPES = ((1, 64, 4096), (16, 48, 4096), (128, 128, 128), (3, 5, 7))
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def made(shape: tuple[int, int, int]) -> tuple[Problem, Array, Array, Array]:
    """A problem, its operands and a single-precision answer that is right."""
    case = case_of("f32", *shape)
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
    case = case_of("f32", 3, 5, 7)
    work = KERNEL.problem(case, Settings(), 0).work
    assert (work.flops, work.bytes_read, work.bytes_written) == (2 * 3 * 5 * 7, 4 * (21 + 35), 4 * 15)
    assert case.flops == work.flops


def test_problem_depends_on_the_seed_alone() -> None:
    case = case_of("f32", 3, 5, 7)
    first, again, other = (KERNEL.problem(case, Settings(), seed) for seed in (1, 1, 2))
    assert np.array_equal(first.operands[0].data, again.operands[0].data)
    assert not np.array_equal(first.operands[0].data, other.operands[0].data)


# --- narrow types ----------------------------------------------------------------------------

DTYPES = ("f64", "f32", "f16", "bf16", "int8", "int4")


def nearby(problem: Problem, dtype: str) -> Array:
    """C as it should be, in its own type."""
    c = problem.expected["c"]
    return formats.bf16_bits(c) if dtype == "bf16" else c.astype(problem.operands[2].data.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_right_answer_is_right_and_a_row_out_of_place_is_not(dtype: str) -> None:
    problem = KERNEL.problem(case_of(dtype, 5, 40, 4096), Settings(), 3)
    right = nearby(problem, dtype)
    assert accepts(problem, right)
    assert not accepts(problem, np.roll(right, 1, axis=0))
    assert not accepts(problem, np.roll(right, 1, axis=1))


@pytest.mark.parametrize("dtype", ["f64", "f32", "int8"])
def test_never_looser_than_four_times_the_bound_of_the_naive_order(dtype: str) -> None:
    """k half units in the last place of |A| |B| (Higham 2002, section 3.1)."""
    for k in (1, 17, 300, 4096, 14336):
        problem = KERNEL.problem(case_of(dtype, 2, 3, k), Settings(), 3)
        half_ulp = 0.0 if dtype == "int8" else float(np.finfo(problem.operands[0].data.dtype).eps) / 2
        assert problem.tolerance <= max(4 * k, 8) * half_ulp


def test_bfloat16_is_rounded_once_and_sums_are_not() -> None:
    """Sums kept in bfloat16 lose what float32 keeps."""
    problem = KERNEL.problem(case_of("bf16", 4, 24, 4096), Settings(), 3)
    a, b = (formats.bf16_values(o.data) for o in problem.operands[:2])
    sums = np.zeros((4, 24), np.float32)
    for p in range(4096):
        sums = formats.bf16_values(formats.bf16_bits(sums + np.outer(a[:, p], b[p])))
    assert not accepts(problem, formats.bf16_bits(sums))


def test_f16_sums_may_be_f16_in_blocks_but_not_throughout() -> None:
    problem = KERNEL.problem(case_of("f16", 4, 24, 4096), Settings(), 3)
    a, b = (o.data for o in problem.operands[:2])

    def summed(block: int) -> Array:
        total = np.zeros((4, 24), np.float32)
        for first in range(0, 4096, block):
            part = np.zeros((4, 24), np.float16)
            for p in range(first, first + block):
                part = (part + np.outer(a[:, p], b[p]).astype(np.float32)).astype(np.float16)
            total += part
        return total.astype(np.float16)

    assert accepts(problem, summed(256))
    assert not accepts(problem, summed(4096))


def test_int8_is_exact() -> None:
    problem = KERNEL.problem(case_of("int8", 3, 5, 700), Settings(), 3)
    c = nearby(problem, "int8")
    c[1, 2] += 1
    assert not accepts(problem, c)


@pytest.mark.parametrize("group", [32, 4096])
def test_int4_takes_activations_of_8_bits_in_groups_or_whole(group: int) -> None:
    problem = KERNEL.problem(case_of("int4", 5, 40, 4096), Settings(), 3)
    a, b = (o.data for o in problem.operands[:2])
    q, scale = formats.quantised(a, group)
    rounded = (q.reshape(5, -1, group) * scale[..., None]).reshape(5, 4096)
    assert accepts(problem, (rounded @ formats.q4_0_values(b).T).astype(np.float32))
    q, scale = formats.quantised(a / 12, group)  # as if 4 bits wide
    coarse = (np.rint(q / 12.0).reshape(5, -1, group) * scale[..., None] * 144).reshape(5, 4096)
    assert not accepts(problem, (coarse @ formats.q4_0_values(b).T).astype(np.float32))


@pytest.mark.parametrize(
    "variant", [v.name for v in registry.variants("matmul") if v.native and not v.why_not]
)
@pytest.mark.parametrize("m", [1, 3, 17])
def test_int4_follows_its_definition(variant: str, m: int) -> None:
    """Activations in groups of 32, integer dot products, float32 sums: nothing else is rounded."""
    case = case_of("int4", m, 70, 960)
    found = native.find("matmul", variant, case.operation)
    if found is None:
        return  # not every instruction set has one
    problem = KERNEL.problem(case, Settings(), 4)
    a, b = (o.data for o in problem.operands[:2])
    c = np.empty((m, 70), np.float32)
    native.Bound(found, case.native_params, [a, b, c])()
    (q, scale), (w, scales) = formats.quantised(a), formats.q4_0_parts(b)
    dots = np.einsum("igx,jgx->ijg", q.reshape(m, -1, 32).astype(np.float64), w.astype(np.float64))
    terms = dots * scale[:, None].astype(np.float64) * scales[None].astype(np.float64)
    bound = 40 * np.finfo(np.float32).eps * np.abs(terms).sum(axis=-1)
    assert np.all(np.abs(c - terms.sum(axis=-1)) <= bound)


# --- libraries -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variant", [v for v in registry.variants("matmul") if v.library and not v.why_not], ids=lambda v: v.name
)
def test_library_variants_are_right(variant: Variant) -> None:
    assert variant.library
    ran = 0
    for shape in ((1, 64, 4096), (24, 48, 4096), (128, 128, 128), (3, 5, 96)):
        for dtype, packed in ((d, p) for d in DTYPES for p in (False, True)):
            case = case_of(dtype, *shape, packed=packed)
            if variant.library.accepts(case):
                continue
            problem = KERNEL.problem(case, Settings(), 3)
            operands = {o.name: np.array(o.data) for o in problem.operands}
            call, outputs = variant.library.bind(case, operands)
            assert accepts(problem, outputs(call())["c"]), case.name
            ran += 1
    assert ran

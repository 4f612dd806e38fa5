"""Matrix multiplication C = A B, A [m, k] and C [m, n] row-major.

dtype  A, C        B
f64    f64         f64 [k, n]
f32    f32         f32 [k, n]
f16    f16         f16 [k, n]; sums in f16 over at most 256 steps of k, in f32 across them, or better
bf16   bf16        bf16 [k, n]; sums in f32, rounded once
int8   int8, int32 int8 [k, n]; exact
int4   f32         Q4_0 [n, k / 32] (formats.py), as inference keeps weights; A is rounded to 8 bits
w8a8   f32         int8 [n, k] and an f32 scale for each row; A is rounded to 8 bits ("dynamic int8")

Square shapes are the prefill side of inference, as numpy does it: packing is part of the call.
Packed cases have B prepared before anything is timed, as inference servers prepare weights: square
ones, a prompt of 512 tokens against a feed-forward layer (4096 x 14336), and decode, in which a few
rows meet such weights, which every call must stream from memory.

Native parameters: m, n, k; of int4 also the group, 32.  No native variant has w8a8, which is int8 and
what a library does around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from armbench.bench.model import (
    Array,
    Case,
    Kernel,
    Operand,
    Param,
    Problem,
    Settings,
    Work,
    empty,
    largest_error,
)
from armbench.kernels import formats

SQUARE = (128, 256, 512, 1024, 2048, 4096)
SQUARE_TYPES = ("f64", "f32", "f16", "bf16", "int8")
PACKED_TYPES = ("f32", "bf16", "int8", "int4")
DECODE_M, DECODE_N, HIDDEN = (1, 2, 4, 8, 16), (4096, 14336), 4096
PREFILL_M, PREFILL_N = 512, 14336
CORE = {
    *("f32-n128", "f32-n1024", "bf16-n1024", "int8-n1024"),
    *("f32-m1-k4096-n4096", "int4-m1-k4096-n4096-packed"),
}

# One rounding per addition, in any order, of k products: the error is a random walk of k steps
# of half a unit in the last place, and 8 standard deviations of it are never seen (Higham & Mary
# 2019).  A missing product of average size among 4096 is 8 times this.
SIGMAS = 8.0
F16_STEPS = 256
# A sum of s random products grows as their root, so its s roundings add up to s / sqrt(6) half units
# of a product's standard deviation, which is pi / 2 times its mean magnitude: relative to what is
# added up without signs, 0.64 half units whatever s is.
F16_BLOCK = 0.64


def cases(settings: Settings) -> Sequence[Case]:
    del settings
    square = [case_of(t, n, n, n) for t in SQUARE_TYPES for n in SQUARE]
    square += [case_of(t, n, n, n, packed=True) for t in PACKED_TYPES if t != "int4" for n in SQUARE]
    prefill = [case_of(t, PREFILL_M, PREFILL_N, HIDDEN, packed=True) for t in PACKED_TYPES]
    plain = [case_of("f32", m, DECODE_N[0], HIDDEN, cold=True) for m in (1, 16)]
    decode = [
        case_of(t, m, n, HIDDEN, packed=True, cold=True)
        for t in PACKED_TYPES
        for n in DECODE_N
        for m in DECODE_M
    ]
    dynamic = [
        case_of("w8a8", PREFILL_M, PREFILL_N, HIDDEN),
        *(case_of("w8a8", m, DECODE_N[0], HIDDEN, cold=True) for m in (1, 16)),
    ]
    return [*square, *prefill, *plain, *decode, *dynamic]


def case_of(dtype: str, m: int, n: int, k: int, packed: bool = False, cold: bool = False) -> Case:
    """int4 and w8a8 are always packed."""
    packed = packed or dtype in ("int4", "w8a8")
    group = formats.GROUP if dtype == "int4" else None
    params: dict[str, Param] = {"m": m, "n": n, "k": k, "dtype": dtype, "group": group, "packed": packed}
    suffix = "_packed" if packed else ""
    name = f"{dtype}-{f'n{n}' if m == n == k else f'm{m}-k{k}-n{n}'}{'-packed' if packed else ''}"
    return Case(
        name,
        params,
        operation=f"{dtype}{suffix}",
        native_params=(m, n, k, group) if group else (m, n, k),
        tier="core" if name in CORE else "full",
        flops=2 * m * n * k,
        cold=cold,
    )


def problem(case: Case, settings: Settings, seed: int) -> Problem:
    """Random A and B (standard normals, or all of int8); what C should be, in float64, and its scale.

    An element may be wrong by tolerance x scale (error()).
    """
    del settings
    m, n, k = case.native_params[:3]
    dtype = str(case.params["dtype"])
    a, b = _operands(dtype, m, n, k, np.random.default_rng([seed, m, n, k]))
    out = _OUT.get(dtype, a.dtype)
    expected, scale, tolerance = _expected(dtype, a, b)
    work = Work(case.flops, a.nbytes + b.nbytes, np.dtype(out).itemsize * m * n)
    operands = [Operand("a", a), Operand("b", b), Operand("c", empty((m, n), out), output=True)]
    if dtype == "w8a8":
        operands.append(Operand("scales", _scales(n)))
    return Problem(tuple(operands), {"c": expected, "scale": scale, **_marks(dtype)}, tolerance, work)


_OUT = {"int8": np.int32}


def _marks(dtype: str) -> dict[str, Array]:
    """What error() must know of C: that its uint16 are bfloat16."""
    return {"bf16": np.empty(0)} if dtype == "bf16" else {}


def _operands(dtype: str, m: int, n: int, k: int, random: np.random.Generator) -> tuple[Array, Array]:
    if dtype == "int8":
        a, b = (random.integers(-128, 128, shape, np.int8) for shape in ((m, k), (k, n)))
        return a, b
    if dtype == "f64":
        return random.standard_normal((m, k)), random.standard_normal((k, n))
    a = random.standard_normal((m, k), np.float32)
    if dtype == "w8a8":
        return a, random.integers(-127, 128, (n, k), np.int8)
    if dtype == "int4":
        return a, formats.q4_0_bytes(random.standard_normal((n, k), np.float32))
    b = random.standard_normal((k, n), np.float32)
    if dtype == "bf16":
        return formats.bf16_bits(a), formats.bf16_bits(b)
    return (a.astype(np.float16), b.astype(np.float16)) if dtype == "f16" else (a, b)


def _scales(n: int) -> Array:
    """f32 [n], of rows of int8 weights."""
    return np.linspace(0.5, 1.5, n, dtype=np.float32) / np.float32(127)


def _expected(dtype: str, a: Array, b: Array) -> tuple[Array, Array, float]:
    """(C in float64, scale, tolerance)."""
    k = a.shape[1]
    if dtype == "int4":
        return _expected_rounded(a, formats.q4_0_values(b), np.abs(a).max(axis=1, keepdims=True) / 127)
    if dtype == "w8a8":  # libraries give the whole of A one range, of 7 bits where sums of 16 could overflow
        return _expected_rounded(a, b * _scales(len(b))[:, None], np.ptp(a, keepdims=True) / 127)
    x, y = (formats.bf16_values(v) if dtype == "bf16" else v for v in (a, b))
    c: Array = x.astype(np.float64) @ y.astype(np.float64)
    if dtype == "int8":
        return c, np.ones((1, 1)), 0.0  # a float64 holds every such sum
    magnitude: Array = (np.abs(x).astype(np.float32) @ np.abs(y).astype(np.float32)).astype(np.float64)
    if dtype == "f16":
        tolerance = SIGMAS * F16_BLOCK * formats.F16_HALF_ULP * float(np.sqrt(min(1, F16_STEPS / k)))
        return c, magnitude + np.abs(c) * formats.F16_HALF_ULP / tolerance, tolerance
    half_ulp = float(np.finfo(np.float64 if dtype == "f64" else np.float32).eps) / 2
    tolerance = SIGMAS * float(np.sqrt(k)) * half_ulp
    if dtype == "bf16":  # and once more, to bfloat16
        magnitude += np.abs(c) * formats.BF16_HALF_ULP / tolerance
    return c, magnitude, tolerance


def _expected_rounded(a: Array, weights: Array, step: Array) -> tuple[Array, Array, float]:
    """With A as it is; whoever rounds it to multiples of `step` or less is within 8 deviations."""
    exact = weights.astype(np.float64)
    c: Array = a.astype(np.float64) @ exact.T
    deviation: Array = step.astype(np.float64) / np.sqrt(12) * np.linalg.norm(exact, axis=1)
    return c, deviation, SIGMAS


def error(problem: Problem, outputs: Mapping[str, Array]) -> float:
    """The largest |C - expected| / scale, element by element; inf where C is not finite."""
    c = outputs["c"]
    if "bf16" in problem.expected:
        c = formats.bf16_values(c)
    return largest_error(c.astype(np.float64), problem.expected["c"], problem.expected["scale"])


KERNEL = Kernel(
    name="matmul",
    version=1,
    summary="dense matrix multiplication, square (prefill) and narrow (decode)",
    cases=cases,
    problem=problem,
    error=error,
)

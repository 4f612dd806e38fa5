"""Matrix multiplication C = A B, row-major, as numpy does it: packing is part of the call.

Square shapes are the prefill side of inference; m = 1 and m = 16 against a 4096 x 4096 weight
matrix are decode, where every call must stream the weights from memory.
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

SQUARE = (128, 256, 512, 1024, 2048)
CORE_SQUARE = (128, 512, 1024, 2048)
DECODE_M = (1, 16)
DECODE_K = DECODE_N = 4096

# One rounding per addition, in any order, of k products: the error is a random walk of k steps
# of half a unit in the last place, and 8 standard deviations of it are never seen (Higham & Mary
# 2019).  A missing product of average size among 4096 is 8 times this.
SIGMAS = 8.0


def cases(settings: Settings) -> Sequence[Case]:
    del settings
    square = [case_of(f"f32-n{n}", n, n, n, core=n in CORE_SQUARE) for n in SQUARE]
    decode = [
        case_of(f"f32-m{m}-k{DECODE_K}-n{DECODE_N}", m, DECODE_N, DECODE_K, cold=True) for m in DECODE_M
    ]
    return [*square, *decode]


def case_of(name: str, m: int, n: int, k: int, core: bool = True, cold: bool = False) -> Case:
    params: dict[str, Param] = {"m": m, "n": n, "k": k, "dtype": "f32", "group": None, "packed": False}
    return Case(
        name,
        params,
        operation="f32",
        native_params=(m, n, k),
        tier="core" if core else "full",
        flops=2 * m * n * k,
        cold=cold,
    )


def problem(case: Case, settings: Settings, seed: int) -> Problem:
    """A [m, k] and B [k, n] of standard normals; the expected C in float64 with |A| |B| as scale."""
    del settings
    m, n, k = case.native_params
    random = np.random.default_rng([seed, m, n, k])
    a = random.standard_normal((m, k), np.float32)
    b = random.standard_normal((k, n), np.float32)
    operands = (Operand("a", a), Operand("b", b), Operand("c", empty((m, n), np.float32), output=True))
    expected = {
        "c": a.astype(np.float64) @ b.astype(np.float64),
        "scale": np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64),
    }
    tolerance = SIGMAS * float(np.sqrt(k)) * float(np.finfo(np.float32).eps) / 2
    work = Work(flops=case.flops, bytes_read=a.nbytes + b.nbytes, bytes_written=4 * m * n)
    return Problem(operands, expected, tolerance, work)


def error(problem: Problem, outputs: Mapping[str, Array]) -> float:
    """The largest |C - expected| / (|A| |B|), element by element; inf where C is not finite."""
    return largest_error(outputs["c"], problem.expected["c"], problem.expected["scale"])


KERNEL = Kernel(
    name="matmul",
    version=1,
    summary="dense matrix multiplication, square (prefill) and narrow (decode)",
    cases=cases,
    problem=problem,
    error=error,
)

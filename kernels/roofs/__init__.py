"""Roofs: what this machine can do at most, against which every other number stands.

peak        TYPE-KIND: multiply-adds a second of one instruction, two operations each; `dot` adds up
            two bf16 or four int8 products in a lane, `mmla` multiplies small matrices
bandwidth   read, write, copy and triad of buffers of SIZE together, or of memory (dram: copies of
            64 MiB that exceed four times the last-level cache).  read4 and read8 read so many streams
            side by side; `past` stores without reading their lines first, four streams side by
            side.  Bytes are those that must move: a line that a store reads before is not counted
latency     nanoseconds of a load whose address the load before it gave, in a random cycle of lines

Native parameters: multiply-adds; 64-bit words of each buffer; loads and lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from armbench.bench.model import Array, Case, Kernel, Operand, Param, Problem, Settings, Tier, Work, empty

ADDS = 3 << 22  # multiply-adds of a call: all vector lengths, times 12 or 16 chains, divide it
PEAKS = {
    "f64-fma": "f64",
    "f32-fma": "f32",
    "f16-fma": "f16",
    "bf16-dot": "bf16",
    "bf16-mmla": "bf16",
    "int8-dot": "int8",
    "int8-mmla": "int8",
}
WORD, LINE = 8, 64  # bytes
WORDS = 256  # that a buffer is a multiple of: four vectors of 64 bytes, by eight streams
DRAM_BYTES = 64 << 20
SIZES = {
    name: units << shift
    for shift, names in ((10, "16k 32k 64k 128k 256k 512k"), (20, "1m 2m 4m 8m 16m 32m 64m 128m 256m"))
    for name in names.split()
    for units in (int(name[:-1]),)
}
READS = ("read", "read4", "read8")
BUFFERS = {
    **dict.fromkeys(READS, 1),
    "write": 1,
    "write-past": 1,
    "copy": 2,
    "copy-past": 2,
    "triad": 3,
    "triad-past": 3,
}
LOADS = 4096  # of a call
CORE_PEAKS = ("f32-fma", "bf16-dot", "bf16-mmla", "int8-dot", "int8-mmla")
CORE_SIZES = {"read": ("1m",), "read4": ("dram",), "latency": ("1m",)}


def cases(settings: Settings) -> Sequence[Case]:
    del settings
    peaks = [_peak(name, dtype) for name, dtype in PEAKS.items()]
    moved = [_bandwidth(kind, size) for kind in BUFFERS for size in (*SIZES, "dram")]
    waited = [_latency(size) for size in (*SIZES, "dram")]
    return [*peaks, *moved, *waited]


def _peak(name: str, dtype: str) -> Case:
    params: dict[str, Param] = {"roof": "peak", "dtype": dtype, "multiply_adds": ADDS}
    tier: Tier = "core" if name in CORE_PEAKS else "full"
    return Case(name, params, name.replace("-", "_"), (ADDS,), tier, flops=2 * ADDS)


def _bandwidth(kind: str, size: str) -> Case:
    """SIZE is of all buffers together, rounded down to whole vectors."""
    whole = DRAM_BYTES if size == "dram" else SIZES[size]
    words = whole // BUFFERS[kind] // WORD // WORDS * WORDS
    params: dict[str, Param] = {"roof": kind, "bytes": BUFFERS[kind] * words * WORD, "size": size}
    return _sized(f"{kind}-{size}", params, kind.replace("-", "_"), (words,), kind, size)


def _latency(size: str) -> Case:
    whole = DRAM_BYTES if size == "dram" else SIZES[size]
    params: dict[str, Param] = {"roof": "latency", "bytes": whole, "size": size}
    return _sized(f"latency-{size}", params, "latency", (LOADS, whole // LINE), "latency", size)


def _sized(
    name: str, params: Mapping[str, Param], operation: str, native: tuple[int, ...], kind: str, size: str
) -> Case:
    tier: Tier = "core" if size in CORE_SIZES.get(kind, ()) else "full"
    return Case(name, params, operation, native, tier, cold=size == "dram")


def problem(case: Case, settings: Settings, seed: int) -> Problem:
    del settings
    kind = str(case.params["roof"])
    if kind == "peak":
        return _peak_problem(case)
    if kind == "latency":
        return _latency_problem(case, seed)
    return _bandwidth_problem(case, kind, seed)


ONES = {"f64": np.float64, "f32": np.float32, "f16": np.float16, "int8": np.int8}
VECTOR_BYTES = 256  # of the longest vectors there may be


def _peak_problem(case: Case) -> Problem:
    dtype = str(case.params["dtype"])
    if dtype == "bf16":
        ones: Array = np.full(VECTOR_BYTES // 2, 0x3F80, np.uint16)
    else:
        ones = np.ones(VECTOR_BYTES // np.dtype(ONES[dtype]).itemsize, ONES[dtype])
    (adds,) = case.native_params
    operands = (Operand("x", ones), Operand("z", ones.copy()), _output(1, np.float64))
    return Problem(operands, {"y": np.array([adds], np.float64)}, 0.0, Work(flops=2 * adds))


def _bandwidth_problem(case: Case, kind: str, seed: int) -> Problem:
    (words,) = case.native_params
    random = np.random.default_rng([seed, words])

    def some() -> Array:
        return random.integers(0, 1 << 60, words, np.uint64)

    nothing = np.zeros(0, np.uint64)
    size = words * WORD
    x = nothing if kind.startswith("write") else some()
    z = some() if kind.startswith("triad") else nothing
    if kind in READS:
        expected = np.array([np.bitwise_xor.reduce(x)], np.uint64)
        work = Work(bytes_read=size)
    elif kind.startswith("write"):
        expected, work = np.full(words, 7, np.uint64), Work(bytes_written=size)
    else:
        expected = x + np.uint64(3) * z if len(z) else x
        work = Work(bytes_read=x.nbytes + z.nbytes, bytes_written=size)
    operands = (Operand("x", x), Operand("z", z), _output(len(expected), np.uint64))
    return Problem(operands, {"y": expected}, 0.0, work)


def _latency_problem(case: Case, seed: int) -> Problem:
    loads, lines = case.native_params
    order = np.random.default_rng([seed, lines]).permutation(lines)
    following = np.zeros((lines, LINE // WORD), np.int64)
    following[order, 0] = np.roll(order, -1)
    start = int(np.flatnonzero(order == 0)[0])
    end = order[(start + loads) % lines]
    operands = (Operand("x", following.ravel()), Operand("z", np.zeros(0, np.uint64)), _output(1, np.int64))
    work = Work(items=loads, item="load", bytes_read=0)
    return Problem(operands, {"y": np.array([end], np.int64)}, 0.0, work)


def _output(length: int, dtype: type) -> Operand:
    return Operand("y", empty(length, dtype), output=True)


def error(problem: Problem, outputs: Mapping[str, Array]) -> float:
    """0 where every element is what it must be, else inf: sums count every multiply-add."""
    return 0.0 if np.array_equal(outputs["y"], problem.expected["y"]) else float("inf")


KERNEL = Kernel(
    name="roofs",
    version=1,
    summary="what the machine can do at most: multiply-adds of each instruction, bandwidth, latency",
    cases=cases,
    problem=problem,
    error=error,
)

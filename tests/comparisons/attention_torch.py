"""The native attention variants against torch's scaled_dot_product_attention, side by side.

    python tests/comparisons/attention_torch.py [VARIANT...]

Native vector variants unless some are named.  One thread on one CPU (the last that this process
may use), the same operands in the same memory, calls of both sides in turn, medians.  Prints the
time of a call, its rate (GFLOP/s of prefill, GB/s that decode must read) and how many times faster
than torch it is.  Needs torch; not a test.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median

import torch
from torch.nn.functional import scaled_dot_product_attention

from armbench.bench import native
from armbench.bench.model import Array, Case, Problem, Settings
from armbench.kernels.attention import KERNEL

REPETITIONS = 15
SAMPLE_SECONDS = 0.05
VARIANTS = ("neon", "avx2", "avx512")
COLD_BYTES = 256 << 20  # of all copies together: several times a last-level cache

Calls = Callable[[int], float]  # seconds of one call, when so many are made


def native_calls(case: Case, variant: native.NativeVariant, data: native.Data, calls: int) -> float:
    ticks = data.team.measure(variant, case.native_params, data, calls, 0, 1).ticks
    return float(ticks[0, 0]) / native.tick_hz() / calls


def torch_calls(case: Case, copies: list[Mapping[str, Array]], calls: int) -> float:
    prefill = case.params["phase"] == "prefill"
    tensors = [[torch.from_numpy(c[name]) for name in "qkv"] for c in copies]
    start = native.ticks()
    for i in range(calls):
        q, k, v = tensors[i % len(tensors)]
        q = q if prefill else q.unsqueeze(2)
        scaled_dot_product_attention(q, k, v, is_causal=prefill, enable_gqa=not prefill)
    return (native.ticks() - start) / native.tick_hz() / calls


def interleaved(sides: Mapping[str, Calls], fewest: int) -> dict[str, float]:
    """The median seconds of each side over REPETITIONS turns."""
    calls = {name: max(fewest, int(SAMPLE_SECONDS / run(fewest))) for name, run in sides.items()}
    turns = [{name: run(calls[name]) for name, run in sides.items()} for _ in range(REPETITIONS)]
    return {name: median(turn[name] for turn in turns) for name in sides}


def compare(case: Case, problem: Problem, names: list[str], team: native.Team) -> None:
    operands = {o.name: o.data for o in problem.operands}
    size = sum(array.nbytes for array in operands.values())
    copies = -(-COLD_BYTES // size) if case.cold else 1
    data = team.load(operands, ["o"], copies, "throughput", seed=1)
    arrays = [data.arrays(0, copy) for copy in range(copies)]
    sides: dict[str, Calls] = {"torch": partial(torch_calls, case, arrays)}
    for variant in native.variants():
        chosen = variant.kernel == "attention" and variant.operation == case.operation
        if chosen and variant.supported and variant.name in (names or VARIANTS):
            sides[variant.name] = partial(native_calls, case, variant, data)
    seconds = interleaved(sides, copies)
    data.close()
    work = problem.work
    amount, unit = (work.bytes_read, "GB/s") if case.params["phase"] == "decode" else (work.flops, "GFLOP/s")
    for name, time in seconds.items():
        rate, ratio = amount / time / 1e9, seconds["torch"] / time
        print(f"{case.name:28} {name:8} {time * 1e3:9.3f} ms {rate:7.1f} {unit:8} {ratio:6.2f} x torch")


def main(names: list[str]) -> None:
    cpu = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpu})
    torch.set_num_threads(1)
    with native.Team([cpu]) as team:
        for case in KERNEL.cases(Settings()):
            compare(case, KERNEL.problem(case, Settings(), 1), names, team)


if __name__ == "__main__":
    main(sys.argv[1:])

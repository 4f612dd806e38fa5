"""The native matmul variants, the libraries and the arithmetic roof side by side.

    python tests/comparisons/matmul_rivals.py CASE...          (f32-n1024, int8-n512-packed, …)

One thread on one CPU (the last that this process may use), the same operands in the same memory,
calls of all sides in turn, each turn in another order.  Prints the median rate of each side, the
share of the machine's roof in that data type, measured in the same turns, and the median of the
ratios to each library within a turn.  Libraries that are not installed are left out; not a test.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median

import numpy as np

from armbench.bench import native, registry
from armbench.bench.model import Case, Problem, Settings
from armbench.kernels.matmul import KERNEL

TURNS = 15
SAMPLE_SECONDS = 0.05
COLD_BYTES = 1280 << 20  # of all copies together: 4 x the largest last-level cache that was met

Calls = Callable[[int], float]  # seconds of one call, when so many are made


def native_calls(case: Case, variant: native.NativeVariant, data: native.Data, calls: int) -> float:
    ticks = data.team.measure(variant, case.native_params, data, calls, 0, 1).ticks
    return float(ticks[0, 0]) / native.tick_hz() / calls


def library_calls(bound: list[Callable[[], object]], calls: int) -> float:
    start = native.ticks()
    for i in range(calls):
        bound[i % len(bound)]()
    return (native.ticks() - start) / native.tick_hz() / calls


def sides_of(case: Case, problem: Problem, copies: int) -> tuple[dict[str, Calls], list[object]]:
    """{name: calls}; and what must stay alive meanwhile."""
    cpu = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpu})
    sides: dict[str, Calls] = {}
    kept: list[object] = []
    for variant in registry.variants("matmul"):
        if variant.why_not or variant.name == "scalar":
            continue
        operands = {o.name: o.data for o in problem.operands}
        if variant.library:
            if variant.library.accepts(case):
                continue
            sets = [
                {n: np.array(a) if n != "c" else np.empty(a.shape, a.dtype) for n, a in operands.items()}
                for _ in range(copies)
            ]
            sides[variant.name] = partial(library_calls, [variant.library.bind(case, s)[0] for s in sets])
            kept.append(sets)
            continue
        found = native.find("matmul", variant.name, case.operation)
        if found is None:
            continue
        arrays = native.packed(found, case.native_params, list(operands.values()))
        team = native.Team([cpu])
        data = team.load(dict(zip(operands, arrays, strict=True)), ["c"], copies, "throughput", seed=1)
        sides[variant.name] = partial(native_calls, case, found, data)
        kept += [team, data]
    return sides, kept


def interleaved(sides: Mapping[str, Calls], fewest: int) -> list[dict[str, float]]:
    """The seconds of each side in each turn."""
    calls = {name: max(fewest, int(SAMPLE_SECONDS / run(fewest))) for name, run in sides.items()}
    turns = []
    for turn in range(TURNS):
        order = random.Random(turn).sample(list(sides), len(sides))
        found = {name: sides[name](calls[name]) for name in order}
        turns.append(found)
    return turns


def compare(case: Case) -> None:
    problem = KERNEL.problem(case, Settings(), 1)
    copies = -(-COLD_BYTES // problem.work.bytes_read) if case.cold else 1
    sides, kept = sides_of(case, problem, copies)
    turns = interleaved(sides, copies)
    natives = {v.name for v in registry.variants("matmul") if v.native}
    unit = 1e9
    for name in sorted(sides, key=lambda n: (n not in natives, n)):
        rate = case.flops / median(turn[name] for turn in turns) / unit
        bandwidth = problem.work.bytes_read / median(turn[name] for turn in turns) / unit
        ratios = [
            f"{median(turn[other] / turn[name] for turn in turns):.2f} x {other}"
            for other in sides
            if name in natives and other not in natives
        ]
        print(
            f"{case.name:28} {name:13} {rate:7.1f} G/s {bandwidth:6.1f} GB/s  {'  '.join(ratios)}", flush=True
        )
    del kept


def main(names: list[str]) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    known = {case.name: case for case in KERNEL.cases(Settings())}
    for name in names:
        compare(known[name])


if __name__ == "__main__":
    if os.environ.get("OMP_NUM_THREADS") != "1":  # read by libraries when they are loaded
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **one})
    main(sys.argv[1:])

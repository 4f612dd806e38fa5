"""The native variants of matmul or attention against the libraries and the machine's own roofs, side by side.

    python -m tests.comparisons.rivals KERNEL [CASE...]

CASE is a name or a glob of `armbench list`'s cases ("int8-n*", "bf16-m?-*"); all core cases if none
is given.  One thread on one CPU (the last that this process may use), operands in the same memory,
all sides in turn, medians.  Prints the rate of each, how it compares with the fastest library, and
with the roof measured in the same turns: the fastest multiply-add instruction for the type that any
variant of roofs/ has, and of cold cases also what it reads takes from memory, whichever is lower.
Libraries are marked *.  ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 keeps torch from AMX.  Not a test.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from functools import partial
from statistics import median

from threadpoolctl import threadpool_limits

from armbench.bench import native, registry
from armbench.bench.model import Call, Case, Kernel, Outputs, Settings, Work
from armbench.bench.run.plan import why_not_case
from tests.comparisons.measured_roofs import COLD_BYTES, MeasuredRoofs, native_calls

TURNS = 9
SAMPLE_SECONDS = 0.05
PEAKS = {  # cases of roofs/ that bound a type: what it may be computed in
    "f64": ("f64-fma",),
    "f32": ("f32-fma",),
    "f16": ("f32-fma", "f16-fma"),
    "bf16": ("f32-fma", "bf16-dot", "bf16-mmla"),
    "int8": ("int8-dot", "int8-mmla"),
    "int4": ("int8-dot", "int8-mmla"),
}
READS = ("read-dram", "read4-dram", "read8-dram")

Calls = Callable[[int], float]  # seconds of one call, when so many are made


def library_calls(bound: list[tuple[Call, Outputs]], calls: int) -> float:
    start = native.ticks()
    for i in range(calls):
        bound[i % len(bound)][0]()
    return (native.ticks() - start) / native.tick_hz() / calls


def sides_of(kernel: str, case: Case, data: native.Data, copies: int) -> dict[str, Calls]:
    """{variant: its calls} of all that run here and take the case."""
    sides: dict[str, Calls] = {}
    arrays = [data.arrays(0, copy) for copy in range(copies)]
    for variant in registry.variants(kernel):
        if variant.native:
            found = native.find(kernel, variant.name, case.operation)
            if found is not None and found.supported and variant.name != "scalar":
                sides[variant.name] = partial(native_calls, found, case, data)
        elif not variant.why_not and not why_not_case(variant, case):
            # What reads the outputs keeps the inputs that the call has but the addresses of.
            bound = [variant.library.bind(case, operands) for operands in arrays]
            sides[f"{variant.name}*"] = partial(library_calls, bound)
    return sides


def roof_of(machine: MeasuredRoofs, case: Case, work: Work) -> float:
    """Operations a second that this case could reach."""
    peak = machine.best(PEAKS[str(case.params["dtype"])])
    return min(peak, machine.best(READS) * work.flops / work.bytes_read) if case.cold else peak


def compare(kernel: Kernel, case: Case, team: native.Team, machine: MeasuredRoofs) -> None:
    problem = kernel.problem(case, Settings(), 1)
    operands = {o.name: o.data for o in problem.operands}
    size = sum(array.nbytes for array in operands.values())
    copies = -(-COLD_BYTES // size) if case.cold else 1
    outputs = [o.name for o in problem.operands if o.output]
    data = team.load(operands, outputs, copies, "throughput", seed=1)
    sides = sides_of(kernel.name, case, data, copies)
    calls = {name: max(copies, int(SAMPLE_SECONDS / run(copies))) for name, run in sides.items()}
    turns = []
    for _ in range(TURNS):
        roof = roof_of(machine, case, problem.work)
        turns.append({"roof": roof, **{name: case.flops / run(calls[name]) for name, run in sides.items()}})
    data.close()
    libraries = [name for name in sides if name.endswith("*")]
    for name in sides:
        rate = median(turn[name] for turn in turns)
        of_roof = median(turn[name] / turn["roof"] for turn in turns)
        against = [(median(turn[name] / turn[other] for turn in turns), other) for other in libraries]
        rival = "".join(f" {ratio:6.2f} x {other}" for ratio, other in sorted(against)[:1])
        print(f"{case.name:28} {name:12} {rate / 1e9:8.1f} Gop/s {of_roof:6.3f} of roof{rival}", flush=True)


def main(name: str, patterns: list[str]) -> None:
    kernel = registry.kernels()[name]
    cpu = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpu})
    cases = kernel.cases(Settings())
    chosen = (
        [c for c in cases if any(fnmatch(c.name, p) for p in patterns)]
        if patterns
        else [c for c in cases if c.tier == "core"]
    )
    # Affinity comes too late for a BLAS that has counted the CPUs as it was loaded.
    with native.Team([cpu]) as team, threadpool_limits(1):
        for case in chosen:
            compare(kernel, case, team, MeasuredRoofs(cpu))


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in registry.kernels():
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])

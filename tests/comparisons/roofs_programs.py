"""The roofs against the clock, and against programs that bandwidth is measured with, in turn.

    python -m tests.comparisons.roofs_programs [STREAM]

One thread on one CPU (the last that this process may use), all sides in turn.  First how many of
each instruction a cycle does, by the clock of chains of dependent additions right before and after;
then GB/s of 1 GiB in memory, as STREAM counts them: ours, likwid-bench's and mbw's where they are
installed, and STREAM's (its program is the argument, built for arrays of at least four times the
last-level cache).  Of every program the best kernel of its kind.  The best of all turns and their
median: a shared machine only ever slows a program down.  Not a test.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from shutil import which
from statistics import median

from armbench.bench import native
from tests.comparisons.measured_roofs import MeasuredRoofs

PEAK_TURNS, TURNS = 100, 3
CLOCK_CHAINS = 3
WARMUP = 8  # times the calls of a sample: cores start wide vectors slowly
CALLS = 2  # of an instruction's peak in a turn: too short to be disturbed every time
ADDS = {  # multiply-adds of one instruction (two for int8 of avx2 and avx512) by case and variant
    "f64-fma": {"avx2": 4, "avx512": 8, "neon": 2},
    "f32-fma": {"avx2": 8, "avx512": 16, "neon": 4},
    "f16-fma": {"fp16": 8},
    "bf16-dot": {"avx512-bf16": 32, "bf16": 8},
    "bf16-mmla": {"bf16": 16},
    "int8-dot": {"avx2": 16, "avx512": 32, "avx512-vnni": 64, "dotprod": 16},
    "int8-mmla": {"i8mm": 32},
}
KINDS = {  # our cases, the start of likwid-bench's names, STREAM's name
    "read": (("read-dram", "read4-dram", "read8-dram"), "load", None),
    "write": (("write-dram", "write-past-dram"), "store", None),
    "copy": (("copy-dram", "copy-past-dram"), "copy", "Copy"),
    "triad": (("triad-dram", "triad-past-dram"), "stream", "Triad"),
}
LIKWID_KERNEL = "{}(_mem)?(_sse|_avx|_avx512|_neon|_sve[0-9]*)?(_fma)?"

Rate = Callable[[], float]  # GB/s of one run


def peaks(machine: MeasuredRoofs) -> Iterator[str]:
    for case, adds in ADDS.items():
        turns: list[tuple[float, dict[str, float]]] = []
        with machine.loaded(case, WARMUP) as measure:
            for _ in range(PEAK_TURNS):
                before = native.clock_hz(CLOCK_CHAINS)
                rates = measure(CALLS)
                turns.append((max(before, native.clock_hz(CLOCK_CHAINS)), rates))
        for name in (name for name in turns[0][1] if name in adds):
            each = sorted(rates[name] / 2 / adds[name] / clock for clock, rates in turns)
            best = max(rates[name] for _, rates in turns)
            clock = max(clock for clock, _ in turns)
            yield (
                f"{case:10} {name:12} {best / 1e9:8.1f} Gop/s at {clock / 1e9:.3f} GHz; instructions a cycle: "
                f"median {median(each):.3f}, upper decile {each[-len(each) // 10]:.3f}, best {each[-1]:.3f}"
            )


def printed(pattern: str, scale: float, command: list[str]) -> float:
    """What it printed, the highest number; 0 for a program that fails, as some kernels of likwid-bench do."""
    text = subprocess.run(command, capture_output=True, text=True).stdout
    return max((float(number) * scale for number in re.findall(pattern, text, re.MULTILINE)), default=0.0)


def programs(kind: str, stream: str | None) -> dict[str, Rate]:
    """{program and its kernel: one run of it}."""
    _, likwid, line = KINDS[kind]
    found: dict[str, Rate] = {}
    if which("likwid-bench"):
        listed = subprocess.run(["likwid-bench", "-a"], capture_output=True, text=True, check=True).stdout
        for name in re.findall(f"^({LIKWID_KERNEL.format(likwid)}) - ", listed, re.MULTILINE):
            command = ["likwid-bench", "-t", name[0], "-w", "N:1GB:1", "-s", "1"]
            found[f"likwid-bench {name[0]}"] = partial(printed, r"^MByte/s:\s+([0-9.]+)", 1e-3, command)
    if kind == "copy" and which("mbw"):
        command = ["mbw", "-q", "-n", "3", "-t0", "512"]
        found["mbw memcpy"] = partial(printed, r"Copy: ([0-9.]+) MiB/s", 2 * (1 << 20) / 1e9, command)
    if line and stream:
        found["stream"] = partial(printed, rf"^{line}:?\s+([0-9.]+)", 1e-3, [os.path.abspath(stream)])
    return found


def ours(machine: MeasuredRoofs, name: str) -> float:
    return max(machine.rates(name).values(), default=0.0) / 1e9


def bandwidth(machine: MeasuredRoofs, kind: str, stream: str | None) -> Iterator[str]:
    mine = {
        f"armbench {name}": partial(ours, machine, name) for name in KINDS[kind][0] if name in machine.cases
    }
    theirs = programs(kind, stream)
    first = {name: run() for name, run in (mine | theirs).items()}
    leading = {best for side in (mine, theirs) for best in sorted(side, key=first.__getitem__)[-2:]}
    turns = [{name: (mine | theirs)[name]() for name in leading} for _ in range(TURNS)]
    for name in sorted(first, key=first.__getitem__, reverse=True):
        rates = [first[name], *(turn[name] for turn in turns if name in turn)]
        yield f"{kind:6} {name:32} best {max(rates):6.2f} GB/s, median {median(rates):6.2f} of {len(rates)}"
    pairs = [
        (max(t[n] for n in mine if n in t), max(t[n] for n in theirs if n in t)) for t in turns if theirs
    ]
    if pairs:
        ratio = median(a / b for a, b in pairs)
        best = max(a for a, _ in pairs) / max(b for _, b in pairs)
        yield f"{kind:6} ours / best of theirs: {ratio:.3f} by turn, {best:.3f} best to best"


def main(arguments: list[str]) -> None:
    cpu = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpu})
    machine = MeasuredRoofs(cpu)
    for line in peaks(machine):
        print(line, flush=True)
    for kind in KINDS:
        for line in bandwidth(machine, kind, arguments[0] if arguments else None):
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

"""A machine that is set up well, and what to change to spoil it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from armbench.bench.doctor.evidence import Build, Evidence
from armbench.bench.machine.condition import Condition
from armbench.bench.machine.software import Installed, Pool
from armbench.bench.machine.software.atomics import Atomics
from armbench.bench.model import Core, Machine, Node, Perf, PerfEvent, Timer
from tests.bench.sessions import GRAVITON4, XEON

GIB = 1 << 30
FEATURES = ("asimd", "atomics", "asimddp", "asimdhp", "sve", "sve2", "i8mm", "bf16")

WHOLE_GRAVITON4 = replace(
    GRAVITON4,
    cpus=96,
    online="0-95",
    allowed="0-95",
    budget=replace(GRAVITON4.budget, cpus=96, reason="all online CPUs"),
    cores=(Core("Neoverse V2", "0x41", "0xd4f", 0, 1, "0-95"),),
    instance="m8g.24xlarge",
    packages=("0-95",),
    nodes=(Node(0, "0-95", 384 * GIB, (10,)),),
    memory_bytes=384 * GIB,
    features=FEATURES,
    clock_hz=2.8e9,
    clock_source="dependent adds",
    nominal_clock_hz=2.8e9,
    nominal_clock_source="facts",
    timer=Timer("cntvct_el0", 1.0, 10.0, 1e9),
    perf=Perf(2, 6, (PerfEvent("cycles", None),)),
)
CONDITION = Condition(
    load_average=0.0,
    others_busy=0.01,
    steal_share=0.0,
    memory_bytes=384 * GIB,
    available_bytes=370 * GIB,
    swap_used_bytes=0,
    settings={
        "clocksource": "arch_sys_counter",
        "perf_event_paranoid": "2",
        "ksm": "0",
        "numa_balancing": "1",
    },
    limits={"Max processes": 1_500_000},
    free_disk_bytes=50 * GIB,
)
NUMPY_BLAS = Pool("blas", "openblas", "0.3.33", "neoversev2", "pthreads", 96, "/x/libscipy_openblas64_.so")
NUMPY = Installed("numpy", "2.4.6", pools=(NUMPY_BLAS,), facts={"blas": "scipy-openblas"})
BUILD = Build(
    compiler="zig 0.17.1 (Clang 22.1.8)",
    pip="26.0",
    atomics={"libc.so.6": Atomics(20, 20), "libarmbench.so": Atomics(0, 4)},
)
WELL = Evidence(WHOLE_GRAVITON4, CONDITION, {}, {"numpy": NUMPY}, BUILD)

XEON_MACHINE: Machine = replace(
    XEON,
    cpus=96,
    online="0-95",
    allowed="0-95",
    budget=replace(XEON.budget, cpus=96, reason="all online CPUs"),
    features=("avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512_bf16"),
    chip="Intel(R) Xeon(R) 6975P-C",
)


def spoilt(base: Evidence = WELL, **changes: Any) -> Evidence:
    """`base` with fields of its machine or condition changed; environment and libraries as given."""
    own = {name: changes.pop(name) for name in list(changes) if name in Evidence.__dataclass_fields__}
    condition = {name: changes.pop(name) for name in list(changes) if name in Condition.__dataclass_fields__}
    if settings := condition.get("settings"):
        condition["settings"] = {**(base.condition.settings or {}), **settings}
    return replace(
        base,
        machine=replace(own.pop("machine", base.machine), **changes),
        condition=replace(own.pop("condition", base.condition), **condition),
        **own,
    )


def environment(**variables: str) -> Evidence:
    return spoilt(environment=variables)


def with_library(
    name: str, version: str, base: Evidence = WELL, *, variables: dict[str, str] | None = None, **fields: Any
) -> Evidence:
    """`base` with another library beside numpy, and variables set."""
    libraries = {**base.libraries, name: Installed(name, version, **fields)}
    return replace(base, libraries=libraries, environment=variables or {})


def with_blas(base: Evidence = WELL, **fields: Any) -> Evidence:
    """`base` whose numpy has another BLAS."""
    return replace(base, libraries={"numpy": replace(NUMPY, pools=(replace(NUMPY_BLAS, **fields),))})


def core(part: str, name: str = "a core", implementer: str = "0x41") -> tuple[Core, ...]:
    return (Core(name, implementer, part, 0, 1, "0-95"),)

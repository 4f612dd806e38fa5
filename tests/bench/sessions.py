"""Sessions made up for tests: no machine has run them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np

from armbench.bench.estimates import process
from armbench.bench.model import (
    Budget,
    Cache,
    Core,
    Finding,
    Machine,
    Node,
    Result,
    Round,
    Session,
    Verified,
    Work,
)

TICK_HZ = 1_000_000_000
STARTED = "2026-11-01T12:00:00Z"

GRAVITON4 = Machine(
    arch="aarch64",
    kernel="6.8.0-1021-aws",
    cpus=4,
    online="0-3",
    budget=Budget(4, "online"),
    cores=(Core("Neoverse V2", "0x41", "0xd4f", 0, 1, "0-3"),),
    features=("asimd", "sve", "sve2", "i8mm", "bf16"),
    isa=("scalar", "neon", "i8mm", "sve", "sve2"),
    sve_bits=128,
    sme_bits=None,
    packages=("0-3",),
    nodes=(Node(0, "0-3", 8 << 30, (10,)),),
    threads_per_core=1,
    caches=(
        Cache(1, "data", 65536, 4, 1),
        Cache(2, "unified", 2 << 20, 4, 1),
        Cache(3, "unified", 36 << 20, 1, 4),
    ),
    cloud="aws",
    instance="c8g.xlarge",
    chip="AWS Graviton4",
    hypervisor="nitro",
    clock_hz=2.8e9,
    clock_source="add chain",
    counter_hz=TICK_HZ,
    memory_bytes=8 << 30,
    page_bytes=4096,
    huge_pages="madvise",
    governor=None,
    emulated=False,
    comparability_key="aws:c8g.xlarge:0x41-0xd4f",
)

GRAVITON4_LARGE = replace(
    GRAVITON4,
    cores=(Core("Neoverse V2", "0x41", "0xd4f", 0, 1, "0-7"),),
    cpus=8,
    online="0-7",
    budget=Budget(8, "online"),
    instance="c8g.2xlarge",
    memory_bytes=16 << 30,
    comparability_key="aws:c8g.2xlarge:0x41-0xd4f",
)

GRAVITON3 = replace(
    GRAVITON4,
    cores=(Core("Neoverse V1", "0x41", "0xd40", 1, 1, "0-3"),),
    isa=("scalar", "neon", "i8mm", "sve"),
    sve_bits=256,
    instance="c7g.xlarge",
    chip="AWS Graviton3",
    clock_hz=2.6e9,
    counter_hz=1_050_000_000,
    comparability_key="aws:c7g.xlarge:0x41-0xd40",
)

XEON = replace(
    GRAVITON4,
    arch="x86_64",
    cores=(Core("Intel Xeon 6975P-C", None, None, None, 1, "0-3"),),
    features=("avx2", "avx512f"),
    isa=("scalar", "avx2", "avx512"),
    sve_bits=None,
    threads_per_core=2,
    instance="c8i.xlarge",
    chip=None,
    clock_hz=3.9e9,
    counter_hz=None,
    comparability_key="aws:c8i.xlarge:xeon-6975p-c",
)

SQUARE = Work(flops=2 * 1024**3, bytes_read=8 << 20, bytes_written=4 << 20)  # "cache"
DECODE = Work(flops=2 * 4096**2, bytes_read=4 * 4096**2, bytes_written=4 * 4096)  # "stream"
TEXT = Work(bytes_read=100_000, bytes_written=100_000, items=25_000, item="token")  # "branches"
CHAIN = Work(flops=100_000, bytes_read=64)  # "core"


def result(
    seconds: float = 10e-3,
    *,
    kernel: str = "matmul",
    variant: str = "neon",
    case: str = "f32-n1024",
    rounds: int = 20,
    samples: int = 10,
    noise: float = 0.002,
    threads: int = 1,
    seed: int = 0,
    **changes: Any,
) -> Result:
    """A trial whose processes differ by `noise` (standard deviation of the log) and samples by half of it.

    The noise depends on seed, kernel, variant, case and threads, and on nothing else.
    """
    random = np.random.default_rng([seed, crc32(f"{kernel}/{variant}/{case}/{threads}".encode())])
    made = Result(
        kernel=kernel,
        kernel_version=1,
        variant=variant,
        isa=None if variant in ("numpy", "tiktoken") else variant,
        case=case,
        params={"case": case},
        mode="throughput",
        cpus=tuple(range(threads)),
        placement="compact",
        memory="local",
        page_bytes=4096,
        tick_hz=TICK_HZ,
        calls=1,
        overhead_ticks=20.0,
        work=SQUARE,
        verified=Verified(1e-6, 1e-5),
        processes=(),
        stop="rounds",
    )
    made = replace(made, **changes)
    columns = made.at_once
    processes = []
    for number in range(rounds):
        spread = noise * (random.standard_normal() + random.standard_normal((3 + samples, columns)) / 2)
        ticks = np.rint(seconds * made.calls * made.tick_hz * np.exp(spread)).astype(np.int64)
        processes.append(process(number, 1000 + number, ticks, warmup=3))
    return replace(made, processes=tuple(processes))


def session(
    results: Sequence[Result] = (), machine: Machine = GRAVITON4, name: str = "base", **changes: Any
) -> Session:
    """A session of these results; keys of the session's own mapping may be given as `facts`."""
    count = max([1, *(p.round + 1 for r in results for p in r.processes)])
    facts = {
        "id": name,
        "started": STARTED,
        "ended": "2026-11-01T12:09:00Z",
        "argv": ["armbench", "run"],
        "profile": "standard",
        "version": "0.1.0",
        "commit": None,
        "seed": 1,
        "partial": False,
        "boot_id": f"{name}-boot",
        "sides": None,
    }
    software = {
        "python": "3.12.7",
        "libc": "glibc 2.39",
        "native": {"build_hash": "0123abcd", "compiler": "clang 22"},
        "libraries": [{"name": "numpy", "version": "2.4.6", "detail": "openblas neoversev1"}],
        "environment": {"OPENBLAS_CORETYPE": None},
    }
    made = Session(
        session={**facts, **changes.pop("facts", {})},
        machine=machine,
        software=software,
        findings=(Finding("thp", "huge pages only on request", "echo always > …"),),
        rounds=tuple(Round(i, i, STARTED, 0, machine.clock_hz, machine.clock_hz) for i in range(count)),
        results=tuple(results),
    )
    return replace(made, **changes)

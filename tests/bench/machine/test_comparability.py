"""Which machines have the same key.  tests/bench/test_machine.py tries it on whole machines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from armbench.bench import machine
from armbench.bench.machine import comparability
from armbench.bench.model import (
    Budget,
    Cache,
    Core,
    HugePages,
    Machine,
    Metadata,
    Perf,
    PerfEvent,
    Smbios,
    Timer,
)

HERE = machine.detect()


@pytest.mark.parametrize(
    "changed",
    [
        replace(HERE, kernel="9.9"),
        replace(HERE, features=tuple(reversed((*HERE.features, "ssbs")))),
        replace(HERE, memory_bytes=1),
        replace(HERE, budget=Budget(1, "affinity")),
        replace(HERE, clock_hz=1.0, clock_source="facts", governor="x", huge_pages="never"),
        replace(HERE, cores=tuple(replace(c, name=c.name.partition(" (")[0]) for c in HERE.cores)),
        replace(HERE, isa=()),
        replace(HERE, page_bytes=65536, huge_page_sizes=(HugePages(2 << 20, "always", 8, 8),)),
        replace(HERE, offline="7", allowed="0", clusters=("0",), pmus=("arm_spe_0",)),
        replace(HERE, nominal_clock_hz=1.0, nominal_clock_source="SMBIOS"),
        replace(
            HERE, smbios=Smbios("x", 1.0, 1.0, "DDR5", 1), metadata=Metadata("x", None, None, None, False)
        ),
        replace(HERE, timer=Timer("x", 1.0, 1.0, None), perf=Perf(2, 0, (PerfEvent("cycles", None),))),
        replace(HERE, cores=tuple(replace(core, clock_hz=1.0) for core in HERE.cores)),
    ],
)
def test_what_does_not_matter(changed: Machine) -> None:
    assert comparability.key(changed) == HERE.comparability_key


@pytest.mark.parametrize(
    "changed",
    [
        replace(HERE, cpus=HERE.cpus + 1),
        replace(HERE, caches=(*HERE.caches, Cache(4, "unified", 1, 1, 1))),
        replace(HERE, cloud="aws"),
        replace(HERE, instance="m9g.large"),
        replace(HERE, emulated=not HERE.emulated),
        replace(HERE, nodes=()),
        replace(HERE, features=()),
        replace(HERE, cores=(Core("x", "0x41", "0xd84", 0, 1, HERE.online),)),
    ],
)
def test_what_does(changed: Machine) -> None:
    assert comparability.key(changed) != HERE.comparability_key

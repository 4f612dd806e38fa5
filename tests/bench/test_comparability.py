"""Which machines have the same key.  tests/bench/test_machine.py tries it on whole machines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from armbench.bench import comparability, machine
from armbench.bench.model import Budget, Cache, Core, Machine

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
        replace(HERE, emulated=True),
        replace(HERE, nodes=()),
        replace(HERE, features=()),
        replace(HERE, cores=(Core("x", "0x41", "0xd84", 0, 1, HERE.online),)),
    ],
)
def test_what_does(changed: Machine) -> None:
    assert comparability.key(changed) != HERE.comparability_key

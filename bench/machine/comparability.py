"""Which machines' numbers may be compared as equals."""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple

from armbench.bench.facts import COMPARABLE, canonical_core
from armbench.bench.machine.hostfiles import parse_cpus
from armbench.bench.model import Core, Machine


def key(machine: Machine) -> str:
    """The same for machines whose numbers may be compared as equals; 16 hexadecimal digits.

    Built from what silicon and provider fix.  Not from what another kernel version hides,
    reorders or sizes a little differently (ssbs, the order of features, the last bytes of
    memory), nor from names, which newer facts may improve.
    """
    parts = {
        "arch": machine.arch,
        "cores": sorted(_core(core) for core in machine.cores),
        "brand": None if machine.arch == "aarch64" else machine.chip,
        "cpus": machine.cpus,
        "nodes": [node.cpus for node in machine.nodes],
        "caches": [astuple(cache) for cache in machine.caches],
        "place": [machine.cloud, machine.instance],
        "features": sorted(set(machine.features).intersection(COMPARABLE.get(machine.arch, []))),
        "emulated": machine.emulated,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _core(core: Core) -> str:
    """A core type without its name: x86 names begin with family and model."""
    model = core.name.partition(" (")[0] if core.implementer is None else None
    implementer, part = core.implementer, core.part
    if implementer and part:
        implementer, part = canonical_core(f"{implementer}/{part}").split("/")
    count = len(parse_cpus(core.cpus) or ())
    return json.dumps([implementer, part, core.variant, core.revision, model, count])

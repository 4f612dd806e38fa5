"""A machine in one line."""

from __future__ import annotations

import re

from armbench.bench import cpulist
from armbench.bench.model import Machine
from armbench.bench.report import units


def headline(machine: Machine) -> str:
    """ "AWS Graviton5 (m9g.48xlarge), 192 x Neoverse V3, 3.300 GHz"."""
    cores = " + ".join(f"{len(cpulist.parse(core.cpus))} x {_short(core.name)}" for core in machine.cores)
    place = f" ({machine.instance})" if machine.instance else ""
    parts = [f"{machine.chip}{place}" if machine.chip else None, cores or f"{machine.cpus} CPUs"]
    if machine.clock_hz:
        parts.append(units.hertz(machine.clock_hz))
    return ", ".join(part for part in parts if part)


def _short(core: str) -> str:
    """What "Intel family 6 model 207 (Emerald Rapids)" is called."""
    named = re.search(r"\((.+)\)$", core)
    return named[1] if named else core

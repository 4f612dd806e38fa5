"""How alike the machines and set-ups of two sessions are: a grade with reasons, and the residue.

Residue is whatever else differs and may explain a difference in time; it is shown before any
number is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from armbench.bench.facts import canonical_core
from armbench.bench.model import Json, Machine, Session
from armbench.bench.results import FOREIGN

Grade = Literal["same host", "same type", "same silicon", "same ISA", "different"]
ONE_TYPE: tuple[Grade, ...] = ("same host", "same type")
_READ_BY_ROOT_ALONE = {"memory modules"}  # told by firmware: unknown to one side is no difference
CLOCK_TOLERANCE = 0.005  # clocks nearer than this, as a fraction, are the same


@dataclass(frozen=True, slots=True)
class Change:
    """A fact and its values on both sides; None is unknown or absent."""

    name: str
    base: str | None
    new: str | None


def grade(base: Session, new: Session) -> tuple[Grade, tuple[Change, ...]]:
    """The closest grade that holds, and the differences that keep it from a closer one.

    same host     one boot of one machine
    same type     equal comparability keys, or one instance type with as many of the same cores
    same silicon  the same chip in another size or surrounding, such as metal
    same ISA      another chip of the same architecture, were it of the same cores
    different     another architecture, or an emulated CPU against a real one
    """
    a, b = base.machine, new.machine
    changes = tuple(_changes(dict(_identity(a)), dict(_identity(b))))
    if _is_type(a, b):
        before, after = (_text(side.session["boot_id"]) for side in (base, new))
        if before and before == after:
            return "same host", changes
        return "same type", (*changes, Change("boot", before and before[:8], after and after[:8]))
    if a.emulated != b.emulated:
        return "different", (*changes, Change("emulated", *("yes" if m.emulated else "no" for m in (a, b))))
    if a.arch != b.arch:
        return "different", changes
    if _cores(a) != _cores(b):
        return "same ISA", changes
    if _chip(a) == _chip(b):
        return "same silicon", changes
    return "same ISA", (*changes, Change("chip", a.chip, b.chip))


def _is_type(a: Machine, b: Machine) -> bool:
    """A key rests on files alone, so that two instance types that a service told apart may share it."""
    if a.comparability_key == b.comparability_key:
        return None in (a.instance, b.instance) or a.instance == b.instance
    same = a.instance is not None and a.instance == b.instance and _cores(a) == _cores(b)
    return same and (a.cpus, a.emulated) == (b.cpus, b.emulated)


def _cores(machine: Machine) -> frozenset[str]:
    """The core types, without what newer facts may put into their names."""
    return frozenset(
        canonical_core(f"{core.implementer}/{core.part}") if core.part else core.name.partition(" (")[0]
        for core in machine.cores
    )


def _chip(machine: Machine) -> str | None:
    """What tells chips of the same cores apart: on Arm the name, on x86 family and model already do."""
    return machine.chip if machine.arch == "aarch64" else None


def _identity(machine: Machine) -> Iterator[tuple[str, str | None]]:
    yield "architecture", machine.arch
    yield "core", " + ".join(sorted({core.name for core in machine.cores})) or None
    yield "instance", machine.instance
    yield "CPUs", str(machine.cpus)
    yield "NUMA nodes", str(len(machine.nodes)) if machine.nodes else None
    yield "memory", _text(machine.memory_bytes and f"{machine.memory_bytes / 2**30:.0f} GiB")


def facts_of(session: Session) -> Iterator[tuple[str, str | None]]:
    """All that is told of a session's machine and set-up, by the names of grade() and residue()."""
    yield from _identity(session.machine)
    yield from _settings(session)


def residue(bases: Sequence[Session], news: Sequence[Session]) -> tuple[Change, ...]:
    """What else differs between two sides, in the order of `_settings`.

    Values that vary within a side are listed with " | ".
    """
    return tuple(_changes(_joined(bases), _joined(news)))


def _joined(sessions: Sequence[Session]) -> dict[str, str | None]:
    values: dict[str, list[str]] = {}
    for session in sessions:
        for name, value in _settings(session):
            if value is not None and value not in values.setdefault(name, []):
                values[name].append(value)
    return {name: " | ".join(sorted(found)) or None for name, found in values.items()}


def _changes(base: dict[str, str | None], new: dict[str, str | None]) -> Iterator[Change]:
    for name in [*base, *(name for name in new if name not in base)]:
        before, after = base.get(name), new.get(name)
        one_sided = name in _READ_BY_ROOT_ALONE and None in (before, after)
        if before != after and not one_sided and not (name == "clock" and _same_clock(before, after)):
            yield Change(name, before, after)


def _same_clock(before: str | None, after: str | None) -> bool:
    if before is None or after is None or "|" in before + after:
        return False
    a, b = float(before.split()[0]), float(after.split()[0])
    return abs(a - b) <= CLOCK_TOLERANCE * b


def _settings(session: Session) -> Iterator[tuple[str, str | None]]:
    yield from _machine_settings(session.machine)
    software = session.software
    for name in ("python", "libc"):
        yield name, _text(software[name])
    yield "native build", _text(software["native"]["build_hash"])
    yield "compiler", _text(software["native"]["compiler"])
    for library in software["libraries"]:
        detail = f" ({library['detail']})" if library["detail"] else ""
        yield library["name"], f"{library['version']}{detail}"
    for name, value in software["environment"].items():
        yield name, _text(value)
    for finding in (found for found in session.findings if found.code != FOREIGN):
        yield f"finding {finding.code}", "present"
    yield "armbench", _text(session.session["version"])
    yield "profile", _text(session.session["profile"])
    yield "partial", "yes" if session.session["partial"] else None


def _machine_settings(machine: Machine) -> Iterator[tuple[str, str | None]]:
    yield "kernel", machine.kernel
    yield "hypervisor", machine.hypervisor
    yield "usable CPUs", f"{machine.budget.cpus} ({machine.budget.reason})"
    yield "clock", _text(machine.clock_hz and f"{machine.clock_hz / 1e9:.3f} GHz")
    yield "memory modules", _modules(machine)
    yield "page size", _text(machine.page_bytes)
    yield "huge pages", machine.huge_pages
    yield "governor", machine.governor


def _modules(machine: Machine) -> str | None:
    """Their speed differs within a generation: DDR5-4800 on c7g, DDR5-4400 on m7g and r7g."""
    found = machine.smbios
    if found is None or found.memory is None or found.memory_transfers_per_s is None:
        return None
    return f"{found.memory}-{found.memory_transfers_per_s // 1_000_000}"


def _text(value: Json) -> str | None:
    return None if value is None else str(value)

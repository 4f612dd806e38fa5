"""`armbench machine` for people: sections of facts, one a line; what is unknown is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from textwrap import wrap

from armbench.bench import cpulist
from armbench.bench.model import Cache, Core, HugePages, Machine, Node, Perf, Timer
from armbench.bench.report import units
from armbench.bench.report.headline import headline
from armbench.bench.report.output import Line

Facts = Iterator[tuple[str, str | None]]
_INDENT = 2
_LABEL_COLUMNS = 15


def machine_lines(machine: Machine, width: int) -> Iterator[Line]:
    """What was found out about the machine, in lines of at most `width` characters."""
    yield ((headline(machine), "bold"),)
    if machine.emulated:
        yield (("An emulated CPU: times here mean nothing.", "bold red"),)
    sections = {
        "Processor": _processor(machine),
        "System": _system(machine),
        "CPUs": _cpus(machine),
        "Memory": _memory(machine),
        "Time": _time(machine),
    }
    for title, facts in sections.items():
        lines = [line for name, value in facts if value for line in _lines(name, value, width)]
        if lines:
            yield from ((), ((title, "bold"),), *lines)
    yield from ((), (("Comparability key ", "bold"), (machine.comparability_key, "")))


def _lines(name: str, value: str, width: int) -> list[Line]:
    """The name once, the value beside it; a value of several lines keeps them."""
    room = max(20, width - _INDENT - _LABEL_COLUMNS)
    parts = [part for line in value.splitlines() for part in wrap(line, room, break_on_hyphens=False)]
    labels = [name, *[""] * len(parts)]
    return [
        ((" " * _INDENT, ""), (f"{label:<{_LABEL_COLUMNS}}", "dim"), (part, ""))
        for label, part in zip(labels, parts, strict=False)
    ]


# --- processor and system ------------------------------------------------------------------


def _processor(machine: Machine) -> Facts:
    several = len(machine.cores) > 1
    for core in machine.cores:
        yield "core", _core(core, several)
    yield "chip", machine.chip
    yield "firmware says", _firmware(machine)
    yield "runs", " ".join(machine.isa)
    yield "vectors", _vectors(machine)
    yield "features", " ".join(machine.features)


def _core(core: Core, several: bool) -> str:
    revision = "" if core.variant is None else f" r{core.variant}p{core.revision}"
    identity = f" ({core.implementer}/{core.part})" if core.part else ""
    cpus = f", CPUs {core.cpus}" if several else ""
    clock = f", {units.hertz(core.clock_hz)}" if several and core.clock_hz else ""
    return f"{core.name}{revision}{identity}{cpus}{clock}"


def _firmware(machine: Machine) -> str | None:
    found = machine.smbios
    return found.processor if found and found.processor != machine.chip else None


def _vectors(machine: Machine) -> str:
    lengths = (("SVE", machine.sve_bits), ("SME", machine.sme_bits))
    return ", ".join(f"{name} {bits} bits" for name, bits in lengths if bits)


def _system(machine: Machine) -> Facts:
    yield "cloud", " ".join(part for part in (machine.cloud, machine.instance) if part)
    if metadata := machine.metadata:
        place = " ".join(part for part in (metadata.zone or metadata.region, metadata.life_cycle) if part)
        yield "placed in", f"{place}, on a dedicated host" if metadata.dedicated_host else place
    yield "hypervisor", machine.hypervisor
    yield "architecture", machine.arch
    yield "kernel", machine.kernel


# --- CPUs ----------------------------------------------------------------------------------


def _cpus(machine: Machine) -> Facts:
    threads = machine.threads_per_core
    smt = f", {threads} thread{'s' * (threads != 1)} a core" if threads else ""
    online = f" ({machine.online})" if machine.online else ""
    yield "online", f"{machine.cpus}{online}{smt}"
    yield "offline", machine.offline
    yield "usable", f"{machine.budget.cpus} ({machine.budget.reason})"
    if machine.allowed != machine.online:
        yield "allowed", machine.allowed
    yield "packages", _groups(machine.packages)
    yield "clusters", _groups(machine.clusters)
    yield "governor", (machine.governor or "").replace(",", ", ")


def _groups(groups: tuple[str, ...]) -> str | None:
    """ "4: 0-3, 4-7, 8-11, 12-15"; of many only the first ones."""
    shown = groups if len(groups) <= 8 else (*groups[:4], "…", groups[-1])
    return f"{len(groups)}: {', '.join(shown)}" if groups else None


# --- memory --------------------------------------------------------------------------------


def _memory(machine: Machine) -> Facts:
    yield "total", _total(machine)
    yield "NUMA nodes", _table([_node(node) for node in machine.nodes])
    yield "caches", _table([_cache(cache) for cache in machine.caches])
    yield "pages", _pages(machine)
    yield "huge pages", _transparent(machine)
    yield "reserved", "\n".join(filter(None, map(_reserved, machine.huge_page_sizes)))


def _total(machine: Machine) -> str | None:
    parts = [units.binary_bytes(machine.memory_bytes) if machine.memory_bytes else None]
    if (found := machine.smbios) and found.memory:
        rate = found.memory_transfers_per_s
        parts.append(f"{found.memory}-{rate // 1_000_000}" if rate else found.memory)
    return ", ".join(part for part in parts if part)


def _table(rows: list[list[str]]) -> str:
    """Rows with their columns aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _node(node: Node) -> list[str]:
    memory = units.binary_bytes(node.memory_bytes) if node.memory_bytes else ""
    distances = f"distances {' '.join(map(str, node.distances))}" if len(node.distances) > 1 else ""
    return [str(node.id), f"CPUs {node.cpus}" if node.cpus else "no CPUs", memory, distances]


def _cache(cache: Cache) -> list[str]:
    size = units.binary_bytes(cache.bytes) if cache.bytes else "of unknown size"
    kind = "" if cache.type == "unified" else f" {cache.type}"
    sharing = "" if cache.cpus_per_instance == 1 else f"each for {cache.cpus_per_instance} CPUs"
    return [f"L{cache.level}{kind}", f"{cache.instances} x {size}", sharing]


def _pages(machine: Machine) -> str | None:
    return units.binary_bytes(machine.page_bytes) if machine.page_bytes else None


def _transparent(machine: Machine) -> str | None:
    """The mode for all, and the sizes that have one of their own."""
    own: dict[str, list[str]] = {}
    for row in machine.huge_page_sizes:
        if row.transparent and row.transparent != "inherit":
            own.setdefault(row.transparent, []).append(units.binary_bytes(row.bytes))
    sizes = [f"{mode} for {', '.join(names)}" for mode, names in own.items() if mode != "never"]
    return "; ".join([*filter(None, [machine.huge_pages]), *sizes])


def _reserved(row: HugePages) -> str | None:
    if not row.reserved:
        return None
    free = f", {row.free:,} free" if row.free is not None else ""
    return f"{row.reserved:,} x {units.binary_bytes(row.bytes)}{free}"


# --- time ----------------------------------------------------------------------------------


def _time(machine: Machine) -> Facts:
    yield "clock", _clock(machine)
    yield "counter", _counter(machine)
    yield "timer", _timer(machine.timer) if machine.timer else None
    yield "monitors", ", ".join(_runs(machine.pmus))
    yield "perf events", _perf(machine.perf) if machine.perf else None


def _clock(machine: Machine) -> str | None:
    if not machine.clock_hz:
        return None
    text = f"{units.hertz(machine.clock_hz)} ({machine.clock_source})"
    if not machine.nominal_clock_hz or machine.clock_source == machine.nominal_clock_source:
        return text
    share = 100 * machine.clock_hz / machine.nominal_clock_hz
    told = f"{units.hertz(machine.nominal_clock_hz)} ({machine.nominal_clock_source})"
    return f"{text}, {share:.1f} % of {told}"


def _counter(machine: Machine) -> str | None:
    measured = machine.timer.counter_hz if machine.timer else None
    parts = [
        units.hertz(machine.counter_hz) if machine.counter_hz else None,
        f"measured {units.hertz(measured)}" if measured else None,
    ]
    return ", ".join(part for part in parts if part)


def _timer(timer: Timer) -> str:
    step, reading = units.seconds(timer.step_ns * 1e-9), units.seconds(timer.read_ns * 1e-9)
    return f"{timer.source}, steps of {step}, {reading} a reading"


def _runs(names: Iterable[str]) -> list[str]:
    """Names that differ in their last number as one, "arm_dsu_0-47"."""
    runs: dict[str, list[int]] = {}
    for name in names:
        match = re.fullmatch(r"(.*?)([0-9]{0,4})", name)
        stem, number = match.groups() if match else (name, "")
        runs.setdefault(stem, []).extend([int(number)] if number else [])
    return [f"{stem}{cpulist.format(numbers)}" for stem, numbers in runs.items()]


def _perf(perf: Perf) -> str:
    """Which events can be counted, then those that cannot, by reason."""
    reasons: dict[str, list[str]] = {}
    for event in perf.events:
        reasons.setdefault(event.reason or "", []).append(event.name)
    counted = reasons.pop("", [])
    lines = [f"{', '.join(counted)}; {perf.counters} at a time"] if counted else []
    for reason, names in reasons.items():
        lines.append(f"{'no ' + ', '.join(names) if counted else 'none'}: {reason}")
    return "\n".join(lines)

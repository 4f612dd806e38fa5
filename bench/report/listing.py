"""`armbench list` and `armbench machine` for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from armbench.bench.model import Cache, Case, Core, Kernel, Machine, Node, Variant
from armbench.bench.report import units
from armbench.bench.report.session import headline


def print_kernels(
    kernels: Mapping[str, Kernel],
    variants: Mapping[str, Sequence[Variant]],
    cases: Mapping[str, Sequence[Case]],
    console: Console,
) -> None:
    """Every kernel with its variants, runnable or why not, and its cases."""
    for name, kernel in kernels.items():
        console.print(Text(f"{name}: {kernel.summary}", style="bold"))
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        table.add_column(no_wrap=True)
        table.add_column()
        for variant in variants[name]:
            runs = variant.why_not is None
            table.add_row(Text(variant.name), Text("runs here" if runs else _why_not(variant),
                                                   style="green" if runs else "dim"))
        console.print(table)
        for tier in ("core", "full"):
            names = [case.name for case in cases[name] if case.tier == tier]
            if names:
                console.print(Text(f"{tier} cases: {', '.join(names)}"), highlight=False)
        console.print()


def _why_not(variant: Variant) -> str:
    remedy = f" (EXTRAS={variant.extra})" if variant.extra else ""
    return f"{variant.why_not}{remedy}"


def print_machine(machine: Machine, console: Console) -> None:
    """What was found out about the machine, one fact a line; unknown things are left out."""
    console.print(headline(machine), style="bold", highlight=False)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in _facts(machine):
        if value:
            table.add_row(name, Text(value))
    console.print(table)


def _facts(machine: Machine) -> list[tuple[str, str | None]]:
    smt = f", {machine.threads_per_core} threads a core" if machine.threads_per_core else ""
    return [
        ("cloud", " ".join(part for part in (machine.cloud, machine.instance) if part)),
        ("CPUs", f"{machine.cpus} online ({machine.online}){smt}"),
        ("usable", f"{machine.budget.cpus} ({machine.budget.reason})"),
        *((f"core {core.cpus}", _core(core)) for core in machine.cores),
        ("packages", "; ".join(machine.packages)),
        *((f"NUMA node {node.id}", _node(node)) for node in machine.nodes),
        *((f"L{cache.level} {cache.type}", _cache(cache)) for cache in machine.caches),
        ("memory", units.binary_bytes(machine.memory_bytes) if machine.memory_bytes else None),
        ("pages", _pages(machine)),
        ("clock", f"{units.hertz(machine.clock_hz)} ({machine.clock_source})" if machine.clock_hz else None),
        ("counter", units.hertz(machine.counter_hz) if machine.counter_hz else None),
        ("governor", machine.governor),
        ("hypervisor", machine.hypervisor),
        ("kernel", machine.kernel),
        ("vector length", _vectors(machine)),
        ("native variants", ", ".join(machine.isa)),
        ("features", " ".join(machine.features)),
        ("comparability key", machine.comparability_key),
        ("emulated", "yes: times mean nothing" if machine.emulated else None),
    ]


def _core(core: Core) -> str:
    if core.part is None:
        return core.name
    revision = "" if core.variant is None else f", r{core.variant}p{core.revision}"
    return f"{core.name} ({core.implementer}/{core.part}{revision})"


def _node(node: Node) -> str:
    memory = f", {units.binary_bytes(node.memory_bytes)}" if node.memory_bytes else ""
    distances = " ".join(map(str, node.distances))
    return f"CPUs {node.cpus}{memory}, distances {distances}"


def _cache(cache: Cache) -> str:
    size = units.binary_bytes(cache.bytes) if cache.bytes else "unknown size"
    sharing = "" if cache.cpus_per_instance == 1 else f", each shared by {cache.cpus_per_instance} CPUs"
    return f"{cache.instances} x {size}{sharing}"


def _pages(machine: Machine) -> str | None:
    size = machine.page_bytes and units.binary_bytes(machine.page_bytes)
    parts = [size, machine.huge_pages and f"transparent huge pages: {machine.huge_pages}"]
    return ", ".join(part for part in parts if part)


def _vectors(machine: Machine) -> str | None:
    lengths = (("SVE", machine.sve_bits), ("SME", machine.sme_bits))
    return ", ".join(f"{name} {bits} bits" for name, bits in lengths if bits)


def kernels_json(
    kernels: Mapping[str, Kernel],
    variants: Mapping[str, Sequence[Variant]],
    cases: Mapping[str, Sequence[Case]],
) -> dict[str, object]:
    """The document of `armbench list --json`."""
    return {
        "kernels": [
            {
                "name": name,
                "version": kernel.version,
                "summary": kernel.summary,
                "variants": [
                    {"name": v.name, "isa": v.isa, "why_not": v.why_not, "extra": v.extra}
                    for v in variants[name]
                ],
                "cases": [
                    {"name": c.name, "tier": c.tier, "params": dict(c.params), "operation": c.operation}
                    for c in cases[name]
                ],
            }
            for name, kernel in kernels.items()
        ]
    }

"""`armbench list` for people and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from armbench.bench.model import Case, Kernel, Variant


def print_kernels(
    kernels: Mapping[str, Kernel],
    variants: Mapping[str, Sequence[Variant]],
    cases: Mapping[str, Sequence[Case]],
    console: Console,
) -> None:
    """Every kernel with its variants, runnable or why not, and its cases."""
    for name, kernel in kernels.items():
        console.print(Text(f"{name}: {kernel.summary}", style="bold"))
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), show_header=False)
        table.add_column(no_wrap=True)
        table.add_column()
        for variant in variants[name]:
            runs = variant.why_not is None
            table.add_row(
                Text(variant.name),
                Text("runs here" if runs else _why_not(variant), style="green" if runs else "dim"),
            )
        console.print(table)
        for tier in ("core", "full"):
            names = [case.name for case in cases[name] if case.tier == tier]
            if names:
                console.print(Text(f"{tier} cases: {', '.join(names)}"), highlight=False)
        console.print()


def _why_not(variant: Variant) -> str:
    remedy = f" (EXTRAS={variant.extra})" if variant.extra else ""
    return f"{variant.why_not}{remedy}"


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

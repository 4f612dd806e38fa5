"""`armbench list` for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from armbench.bench.model import Case, Kernel, Variant
from armbench.bench.report.output import Line


def listing_lines(
    kernels: Mapping[str, Kernel],
    variants: Mapping[str, Sequence[Variant]],
    cases: Mapping[str, Sequence[Case]],
    width: int,
) -> Iterator[Line]:
    """Every kernel with its variants, runnable or why not, and its cases, in at most `width` characters."""
    for name, kernel in kernels.items():
        yield from (((line, "bold"),) for line in wrap(f"{name}: {kernel.summary}", width))
        column = max((len(variant.name) for variant in variants[name]), default=0) + 2
        for variant in variants[name]:
            yield from _variant(variant, column, width)
        for tier in ("core", "full", "named"):
            names = ", ".join(case.name for case in cases[name] if case.tier == tier)
            text = f"{tier} cases: {names}" if names else ""
            yield from (((line, ""),) for line in wrap(text, width, break_on_hyphens=False))
        yield ()


def _variant(variant: Variant, column: int, width: int) -> Iterator[Line]:
    """Its name in a column of its own, beside it whether it runs."""
    runs = variant.why_not is None
    told = wrap("runs here" if runs else _why_not(variant), max(20, width - column - 2))
    for name, line in zip((variant.name, *[""] * len(told)), told, strict=False):
        yield ((f"  {name:<{column}}", ""), (line, "green" if runs else "dim"))


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

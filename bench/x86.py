"""Names of x86 cores from what /proc/cpuinfo says of them."""

from __future__ import annotations

from dataclasses import dataclass

from armbench.bench.facts import X86, X86Facts

_VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "HygonGenuine": "Hygon"}


@dataclass(frozen=True, slots=True)
class Model:
    """The identity of a core.  `kind` tells the core types of a hybrid machine apart."""

    vendor: str
    family: int
    model: int
    stepping: int | None = None
    kind: str | None = None


def core_name(core: Model) -> str:
    """ "AMD family 26 model 2 (Zen 5)", without the last part when facts/ do not name it."""
    name = f"{_VENDORS.get(core.vendor, core.vendor)} family {core.family} model {core.model}"
    known = next((row["name"] for row in X86 if _fits(row, core)), None)
    detail = " ".join(part for part in (known, core.kind) if part)
    return f"{name} ({detail})" if detail else name


def _fits(row: X86Facts, core: Model) -> bool:
    first, last = row.get("steppings", (core.stepping or 0, core.stepping or 0))
    return (
        (row["vendor"], row["family"]) == (core.vendor, core.family)
        and any(low <= core.model <= high for low, high in row["models"])
        and first <= (core.stepping or 0) <= last
    )

"""What Arm's registers and capability words mean, from facts/ alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from armbench.bench.facts import (
    CHIPS,
    CORES,
    FEATURES,
    IMPLEMENTERS,
    NEW_FAMILIES,
    NEW_PROCESSORS,
    ChipFacts,
    CoreFacts,
)

_WORDS = ("hwcap", "hwcap2", "hwcap3")


@dataclass(frozen=True, slots=True)
class Midr:
    """The identity of a core: MIDR_EL1 without its constant architecture field."""

    implementer: int
    part: int
    variant: int | None = None
    revision: int | None = None

    @property
    def core(self) -> str:
        """Its key in cores.json, "0x41/0xd84"."""
        return f"{self.implementer:#04x}/{self.part:#05x}"

    @property
    def release(self) -> str:
        """As Arm writes it, "r0p1"."""
        return f"r{self.variant}p{self.revision}"


def decode_midr(value: int) -> Midr | None:
    """The fields of MIDR_EL1; None for 0, which no core has."""
    if not value & 0xFFFFFFFF:
        return None
    return Midr(value >> 24 & 0xFF, value >> 4 & 0xFFF, value >> 20 & 0xF, value & 0xF)


def core_facts(core: str) -> CoreFacts:
    """The row of cores.json, empty for a core that it lacks."""
    return CORES.get(core, {})


def core_name(core: str) -> str:
    """ "Neoverse V3"; "Arm part 0xdff (unknown)" for a core that is in no table."""
    if known := core_facts(core).get("name"):
        return known
    implementer, _, part = core.partition("/")
    vendor = IMPLEMENTERS.get(implementer, f"implementer {implementer}")
    return f"{vendor} part {part} (unknown)"


def sve_bits(cores: Iterable[str]) -> int | None:
    """The vector length that all these cores have, None unless it is known of each."""
    known = {core_facts(core).get("sve_bits") for core in cores}
    return min(bits for bits in known if bits) if known and None not in known else None


def hwcap_names(words: Sequence[int]) -> tuple[str, ...]:
    """The features of AT_HWCAP, AT_HWCAP2, AT_HWCAP3 by name, an unknown bit as "hwcap2:63"."""
    names = {bit: name for name, bit in FEATURES["aarch64"].items()}
    return tuple(
        names.get((word, bit), f"{prefix}:{bit}")
        for word, (prefix, value) in enumerate(zip(_WORDS, words, strict=False))
        for bit in range(64)
        if value >> bit & 1
    )


# --- chips ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Clue:
    """What tells a chip.  `instance` is "m9g.48xlarge", `processor` SMBIOS's version; None is unknown."""

    cores: tuple[Midr, ...]
    cloud: str | None = None
    instance: str | None = None
    counter_hz: int | None = None
    processor: str | None = None

    @property
    def family(self) -> str | None:
        return self.instance.partition(".")[0] if self.instance else None

    @property
    def core_types(self) -> str:
        return " ".join(sorted({midr.core for midr in self.cores}))


def chip(clue: Clue) -> ChipFacts | None:
    """The chip of these cores, sold as this instance, or None.

    The part alone cannot tell Graviton from Altra, Axion or Grace.  The firmware's own name for
    the processor does; without it, a chip that a cloud owns is only named there: for an instance
    family that has it or, in a family newer than these facts, by core and counter if the
    family's name says that it is Arm.
    """
    if named := next((row for row in CHIPS if _named(row, clue)), None):
        return named
    if clue.processor and _newer_processor(clue.processor, clue.cloud):
        return {"name": clue.processor}
    fitting = [row for row in CHIPS if _fits(row, clue)]
    sold = [row for row in fitting if clue.family in row.get("families", [clue.family])]
    newer = [row for row in fitting if _same_counter(row, clue)] if _newer_family(clue) else []
    return next(iter((*sold, *newer)), None)


def _named(row: ChipFacts, clue: Clue) -> bool:
    """Whether the firmware names this chip and neither cores nor cloud speak against it."""
    fits = clue.core_types in (*row["cores"], "") and clue.cloud in row.get("clouds", [clue.cloud])
    return fits and clue.processor in row.get("smbios", [])


def _newer_processor(name: str, cloud: str | None) -> bool:
    """Whether the firmware of this cloud names a chip that these facts lack."""
    known = any(name in row.get("smbios", []) for row in CHIPS)
    return not known and bool(re.fullmatch(NEW_PROCESSORS.get(cloud or "", "(?!)"), name))


def _fits(row: ChipFacts, clue: Clue) -> bool:
    """Whether nothing but the family speaks against it; without cores, only a family can speak for it."""
    releases = {midr.release for midr in clue.cores}
    cores_fit = clue.core_types in row["cores"] if clue.core_types else "families" in row
    return (
        cores_fit
        and clue.cloud in row.get("clouds", [clue.cloud])
        and releases.issubset(row.get("revisions", releases))
        and (not row.get("by_counter") or clue.counter_hz == row["counter_hz"])
    )


def _same_counter(row: ChipFacts, clue: Clue) -> bool:
    return clue.counter_hz is None or clue.counter_hz == row.get("counter_hz", clue.counter_hz)


def _newer_family(clue: Clue) -> bool:
    pattern = NEW_FAMILIES.get(clue.cloud or "")
    named = clue.core_types and pattern is not None
    return bool(named and (not clue.family or re.match(pattern or "", clue.family)))


def chip_clock_hz(facts: ChipFacts, instance: str | None) -> float | None:
    """The published clock of a chip in an instance of this size, None when it is not known."""
    size = instance.partition(".")[2] if instance else ""
    return facts.get("clock_hz_by_size", {}).get(size, facts.get("clock_hz"))

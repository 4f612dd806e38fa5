"""Facts about processors, as data: read once, changed nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypedDict

from armbench.bench.installed import path_of


class InstructionSet(TypedDict):
    """A row of kernels/native/isa.json: a native variant's stem, its flags and requirements."""

    arch: str | None
    requires: list[str]
    gnu: str
    zig: str


class CoreFacts(TypedDict, total=False):
    """A row of cores.json, under "implementer/part" of its MIDR.

    `same_as` is the other key that the same core goes by.
    """

    name: str
    sources: str
    sve_bits: int
    emulator: bool
    same_as: str


class X86Facts(TypedDict, total=False):
    """A range of x86 models, [first, last] each; the first row that fits counts."""

    vendor: str
    family: int
    models: list[list[int]]
    steppings: list[int]
    name: str


class CloudFacts(TypedDict, total=False):
    """How a cloud's DMI strings look: sys_vendor and the like must be there as given.

    `instance` and `metal` are regular expressions over product_name, where that names the
    instance type.
    """

    name: str
    sys_vendor: str
    product_name: str
    chassis_asset_tag: str
    hypervisor: str
    instance: str
    metal: str


class ChipFacts(TypedDict, total=False):
    """A chip: what all of its conditions fit is one.  The first row that fits counts.

    cores       "implementer/part" of every core type, sorted, joined by a space; any of these
    clouds      where it is sold; anywhere without
    families    instance families that have it, "m9g"
    revisions   "r0p0"; any of these
    by_counter  the counter frequency is what tells it

    smbios      what its firmware calls it, any of these: tells it without the family
    """

    name: str
    cores: list[str]
    clouds: list[str]
    families: list[str]
    revisions: list[str]
    by_counter: bool
    smbios: list[str]
    clock_hz: float
    clock_hz_by_size: dict[str, float]
    counter_hz: int


def _read(package: str, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path_of(package, name).read_text("utf-8"))
    return loaded


ISA: dict[str, InstructionSet] = _read("armbench.kernels.native", "isa.json")
_features = _read("armbench.bench.facts", "features.json")
FEATURES: dict[str, dict[str, tuple[int, int]]] = {
    arch: {name: (word, bit) for name, (word, bit) in _features[arch].items()}
    for arch in ("aarch64", "x86_64")
}

_cores = _read("armbench.bench.facts", "cores.json")
IMPLEMENTERS: dict[str, str] = _cores["implementers"]
CORES: dict[str, CoreFacts] = _cores["cores"]
X86: list[X86Facts] = _cores["x86"]

_chips = _read("armbench.bench.facts", "chips.json")
CHIPS: list[ChipFacts] = _chips["chips"]
CLOUDS: list[CloudFacts] = _chips["clouds"]
HYPERVISORS: list[dict[str, str]] = _chips["hypervisors"]
NEW_FAMILIES: dict[str, str] = _chips["new_families"]
NEW_PROCESSORS: dict[str, str] = _chips["new_processors"]


class SessionNoise(TypedDict):
    """How much sessions of one machine differ in a kind of work (standard deviation of the log time)."""

    deviation: float


SESSION_NOISE: dict[str, SessionNoise] = _read("armbench.bench.facts", "session_noise.json")["kinds"]
COMPARABLE: dict[str, list[str]] = _read("armbench.bench.facts", "comparability.json")


def canonical_core(core: str) -> str:
    """One "implementer/part" for a core that goes by two."""
    return CORES.get(core, {}).get("same_as", core)


def missing_features(stem: str, features: Iterable[str]) -> list[str]:
    """What a CPU with `features` lacks to run the instruction set `stem`."""
    present = set(features)
    return [name for name in ISA[stem]["requires"] if name not in present]

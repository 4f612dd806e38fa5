"""Facts about processors, as data: read once, changed nowhere."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TypedDict


class InstructionSet(TypedDict):
    """A row of kernels/native/isa.json: a native variant's stem, its flags and requirements."""

    arch: str | None
    requires: list[str]
    gnu: str
    zig: str


def _read(package: str, name: str) -> dict[str, object]:
    loaded: dict[str, object] = json.loads((files(package) / name).read_text())
    return loaded


ISA: dict[str, InstructionSet] = _read("armbench.kernels.native", "isa.json")  # type: ignore[assignment]
_features = _read("armbench.bench.facts", "features.json")
FEATURES: dict[str, dict[str, tuple[int, int]]] = {
    arch: {name: (word, bit) for name, (word, bit) in _features[arch].items()}  # type: ignore[attr-defined]
    for arch in ("aarch64", "x86_64")
}

"""pytest-benchmark's --benchmark-json: one process; samples with --benchmark-save-data alone."""

from __future__ import annotations

from collections.abc import Iterator

from armbench.bench.foreign import common
from armbench.bench.model import Json, Machine

NAME = "pytest-benchmark"


def recognises(document: Json) -> bool:
    return isinstance(document, dict) and {"machine_info", "benchmarks", "commit_info"} <= document.keys()


def trials(document: Json) -> Iterator[common.Trial]:
    for entry in document["benchmarks"]:
        stats = entry["stats"]
        samples = stats.get("data") or [stats["median"]]
        params = {name: _plain(value) for name, value in (entry.get("params") or {}).items()}
        yield common.Trial(entry.get("fullname") or entry["name"], [samples], params)


def _plain(value: Json) -> int | float | str | bool | None:
    return value if isinstance(value, (int, float, str, bool)) or value is None else str(value)


def machine(document: Json) -> Machine:
    info = document["machine_info"]
    cpu = info.get("cpu") or {}
    return common.machine(
        cpu.get("brand_raw") or cpu.get("brand"), cpu.get("count"), info.get("machine"), info.get("release")
    )


def lacks(document: Json) -> Iterator[str]:
    if not all(entry["stats"].get("data") for entry in document["benchmarks"]):
        yield "it kept no samples, only their median; keep them with --benchmark-save-data"
    yield "all its samples are of one process, which cannot tell the noise between processes"

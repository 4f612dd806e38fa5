"""hyperfine's --export-json: whole commands, a process for each sample."""

from __future__ import annotations

from collections.abc import Iterator

from armbench.bench.foreign import common
from armbench.bench.model import Json, Machine

NAME = "hyperfine"


def recognises(document: Json) -> bool:
    results = document.get("results") if isinstance(document, dict) else None
    return bool(results) and isinstance(results, list) and {"command", "mean"} <= results[0].keys()


def trials(document: Json) -> Iterator[common.Trial]:
    for entry in document["results"]:
        times = entry.get("times") or [entry["median"]]
        params = {str(name): str(value) for name, value in (entry.get("parameters") or {}).items()}
        yield common.Trial(entry["command"], [[seconds] for seconds in times], params)


def machine(document: Json) -> Machine:
    del document
    return common.machine(None, None)


def lacks(document: Json) -> Iterator[str]:
    if not all(entry.get("times") for entry in document["results"]):
        yield "it kept no samples of some commands"
    yield "it does not name the machine; whether both files are of one, only you know"

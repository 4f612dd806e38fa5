"""pyperf's JSON: several processes, a few values each."""

from __future__ import annotations

from collections.abc import Iterator

from armbench.bench.foreign import common
from armbench.bench.model import Json, Machine

NAME = "pyperf"


def recognises(document: Json) -> bool:
    benchmarks = document.get("benchmarks") if isinstance(document, dict) else None
    return bool(benchmarks) and isinstance(benchmarks, list) and "runs" in benchmarks[0]


def trials(document: Json) -> Iterator[common.Trial]:
    shared = document.get("metadata") or {}
    for benchmark in document["benchmarks"]:
        facts = {**shared, **(benchmark.get("metadata") or {})}
        if facts.get("unit", "second") != "second":
            continue  # bytes, or a count
        processes = [run["values"] for run in benchmark["runs"] if run.get("values")]
        yield common.Trial(str(facts["name"]), processes)


def machine(document: Json) -> Machine:
    benchmark = document["benchmarks"][0]
    facts = {**(document.get("metadata") or {}), **(benchmark.get("metadata") or {})}
    platform = str(facts.get("platform", ""))
    arch = next((a for a in ("x86_64", "aarch64") if a in platform), None)
    return common.machine(
        facts.get("cpu_model_name"), facts.get("cpu_count"), arch, host=facts.get("hostname")
    )


def lacks(document: Json) -> Iterator[str]:
    del document
    yield "it does not say what disturbed it: steal, context switches and the clock are unknown"

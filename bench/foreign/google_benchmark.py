"""Google Benchmark's --benchmark_format=json: one process; a sample for each repetition."""

from __future__ import annotations

from collections.abc import Iterator

from armbench.bench.foreign import common
from armbench.bench.model import Json, Machine

NAME = "Google Benchmark"
SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


def recognises(document: Json) -> bool:
    context = document.get("context") if isinstance(document, dict) else None
    return isinstance(context, dict) and "num_cpus" in context and "benchmarks" in document


def trials(document: Json) -> Iterator[common.Trial]:
    samples: dict[str, list[float]] = {}
    threads: dict[str, int] = {}
    for entry in document["benchmarks"]:
        if entry.get("run_type", "iteration") != "iteration" or entry.get("error_occurred"):
            continue
        name = entry.get("run_name") or entry["name"]
        samples.setdefault(name, []).append(entry["real_time"] * SECONDS[entry["time_unit"]])
        threads[name] = int(entry.get("threads", 1))
    for name, seconds in samples.items():
        yield common.Trial(name, [seconds], threads=threads[name])


def machine(document: Json) -> Machine:
    context = document["context"]
    return common.machine(
        None,
        context["num_cpus"],
        host=context.get("host_name"),
        clock=context.get("mhz_per_cpu"),
        caches=context.get("caches"),
    )


def lacks(document: Json) -> Iterator[str]:
    if document["context"].get("library_build_type") == "debug":
        yield "the benchmark library itself was built for debugging"
    if all(entry.get("repetitions", 1) < 2 for entry in document["benchmarks"]):
        yield "it has one sample of each; repeat with --benchmark_repetitions"
    yield "all its samples are of one process, which cannot tell the noise between processes"

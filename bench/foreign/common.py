"""What the readers of other tools' files share: from seconds to results, and an unknown machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from armbench.bench.model import (
    Budget,
    Core,
    Finding,
    Json,
    Machine,
    Param,
    Process,
    Result,
    Session,
    Verified,
    Work,
)
from armbench.bench.results import FOREIGN

TICK_HZ = 10**12  # picoseconds: no tool writes finer times


@dataclass(frozen=True, slots=True)
class Trial:
    """One measurement: seconds of a call, all the samples of each process."""

    name: str
    processes: Sequence[Sequence[float]]
    params: Mapping[str, Param] = field(default_factory=dict)
    threads: int = 1
    tokens: int = 0


def result(tool: str, trial: Trial) -> Result:
    """A trial as this suite would have kept it; unverified, for the tool does not say."""
    return Result(
        kernel=tool,
        kernel_version=0,
        variant=tool,
        isa=None,
        case=trial.name,
        params=trial.params,
        mode="parallel" if trial.threads > 1 else "throughput",
        cpus=tuple(range(trial.threads)),
        placement="compact",
        memory="local",
        page_bytes=None,
        tick_hz=TICK_HZ,
        calls=1,
        overhead_ticks=0.0,
        work=Work(items=trial.tokens or 1, item="token" if trial.tokens else "call"),
        verified=Verified(0.0, 0.0),
        processes=tuple(_process(i, seconds) for i, seconds in enumerate(trial.processes)),
    )


def _process(index: int, seconds: Sequence[float]) -> Process:
    if any(not float(value) > 0 for value in seconds):
        raise ValueError("a time that is not above 0")
    rows = tuple((max(1, round(float(value) * TICK_HZ)),) for value in seconds)
    return Process(round=index, pid=0, warmup=(), samples=rows)


def machine(
    name: str | None, cpus: int | None, arch: str | None = None, kernel: str | None = None, **facts: Json
) -> Machine:
    """A machine of which a file says little; facts: what else tells it from others."""
    count = cpus or 1
    online = f"0-{count - 1}" if count > 1 else "0"
    identity = json.dumps([name, cpus, arch, facts], sort_keys=True)
    return Machine(
        arch=arch or "unknown",
        kernel=kernel,
        cpus=count,
        online=online,
        budget=Budget(count, "unknown"),
        cores=(Core(name, None, None, None, None, online),) if name else (),
        features=(),
        isa=(),
        sve_bits=None,
        sme_bits=None,
        packages=(),
        nodes=(),
        threads_per_core=None,
        caches=(),
        cloud=None,
        instance=None,
        chip=name,
        hypervisor=None,
        clock_hz=None,
        clock_source=None,
        counter_hz=None,
        memory_bytes=None,
        page_bytes=None,
        huge_pages=None,
        governor=None,
        emulated=False,
        comparability_key=hashlib.sha256(identity.encode()).hexdigest()[:16],
    )


def session(
    tool: str,
    document: Json,
    found: Machine,
    results: tuple[Result, ...],
    lacks: Sequence[str],
    path: Path | None,
) -> Session:
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:8]
    info: dict[str, Json] = {
        "id": digest,
        "started": date_of(document) or "unknown",
        "ended": None,
        "argv": [],
        "profile": None,
        "version": tool,
        "commit": None,
        "seed": 0,
        "partial": False,
        "boot_id": None,
        "sides": None,
    }
    software: dict[str, Json] = {
        "python": None,
        "libc": None,
        "native": {"build_hash": None, "compiler": None},
        "libraries": [],
        "environment": {},
    }
    findings = tuple(Finding(FOREIGN, text, "measure with armbench", "note") for text in lacks)
    return Session(info, found, software, findings, results=results, path=path)


def date_of(document: Json) -> str | None:
    """When it was measured, where the document says so at its top."""
    top = document if isinstance(document, dict) else {}
    places = (top, top.get("context") or {}, top.get("metadata") or {})
    for place in places:
        for name in ("datetime", "date"):
            if isinstance(place, dict) and isinstance(place.get(name), str):
                return str(place[name])
    return None

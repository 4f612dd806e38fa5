"""What was measured, what was not, and what is to be said of it.

What was measured (`Process`) and what was computed from it (`Summary`) are different types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from armbench.bench.model.aliases import Json, Param, Severity, Ticks
from armbench.bench.model.machine import Machine
from armbench.bench.model.modes import Mode, SideName, calls_at_once, place_key
from armbench.bench.model.work import Work


@dataclass(frozen=True, slots=True)
class Skip:
    """What was not run, and why; without a case all, without a mode in all modes."""

    kernel: str
    variant: str
    reason: str
    case: str | None = None
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """What crashed, hung or gave a wrong result, and where (None: a file that does not say)."""

    kernel: str
    variant: str
    case: str
    reason: str
    mode: Mode | None = None
    cpus: str | None = None
    instances: int | None = None
    side: SideName | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the machine or its software that makes numbers wrong or slow.

    `source` is the URL that says why.  Files of earlier versions have neither that nor a severity.
    """

    code: str
    text: str
    remedy: str
    severity: Severity | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """The raw samples of one trial in one fresh process.

    A row has a column for each call that runs at a time: one a thread in throughput mode, one a
    problem else.  Above eight it has three, over the columns: slowest, fastest, harmonic mean
    (their number divided by it is the sum of their rates, which no other mean keeps);
    `thread_medians` then has each column's median over the samples, and is None otherwise.

    start_spread_ticks  from the first thread's start of a sample to the last one's: the median
                        over the samples of a parallel problem, else that of the first sample
    page_nodes          {NUMA node: share of the operands' pages that lie there}
    library_threads     what the library said it uses in a process
    None: not known.
    """

    round: int
    pid: int
    warmup: Ticks
    samples: Ticks
    flags: tuple[str, ...] = ()
    thread_medians: tuple[float, ...] | None = None
    start_spread_ticks: float | None = None
    page_nodes: Mapping[str, float] | None = None
    library_threads: int | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One pass over all trials and what disturbed it."""

    index: int
    seed: int
    started: str
    steal_ticks: int | None
    clock_hz_before: float | None
    clock_hz_after: float | None
    quality: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rate:
    value: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True, slots=True)
class Fairness:
    """How evenly calls that run at a time share the machine: the rates of the slowest and the fastest.

    jain: (sum of rates)^2 / (their number x sum of squares): 1 when all are equal, 1 / number when
    one has everything (Jain, Chiu, Hawe 1984).
    """

    slowest: float
    fastest: float
    jain: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Seconds per call, estimated from the processes, with an interval.

    `confidence` is what the interval really has: few rounds cannot give 0.95.  `fairness` where
    several calls run at a time.
    """

    seconds: float
    low: float
    high: float
    confidence: float
    rate: Rate
    fairness: Fairness | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    max_error: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Result:
    """One trial of a session: what it was and its raw samples."""

    kernel: str
    kernel_version: int
    variant: str
    isa: str | None
    case: str
    params: Mapping[str, Param]
    mode: Mode
    cpus: tuple[int, ...]
    placement: str
    memory: str
    page_bytes: int | None
    tick_hz: int
    calls: int
    overhead_ticks: float
    work: Work
    verified: Verified
    processes: tuple[Process, ...]
    stop: str | None = None
    side: SideName | None = None
    instances: int | None = None

    @property
    def threads(self) -> int:
        return len(self.cpus)

    @property
    def at_once(self) -> int:
        """As Placement.at_once."""
        return calls_at_once(self.mode, self.threads, self.instances)

    @property
    def oversubscribed(self) -> bool:
        return len(set(self.cpus)) < self.threads

    @property
    def key(self) -> str:
        """As Trial.key."""
        where = place_key(self.mode, self.cpus, self.instances)
        side = f"/{self.side}" if self.side else ""
        return f"{self.kernel}/{self.variant}/{self.case}/{where}{side}"


@dataclass(frozen=True, slots=True)
class Session:
    """One `armbench run`: a result file."""

    session: Mapping[str, Json]
    machine: Machine
    software: Mapping[str, Json]
    findings: tuple[Finding, ...] = ()
    rounds: tuple[Round, ...] = ()
    results: tuple[Result, ...] = ()
    skipped: tuple[Skip, ...] = ()
    failed: tuple[Failure, ...] = ()
    path: Path | None = field(default=None, compare=False)

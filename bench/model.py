"""The values that everything else passes around.

Frozen and without behaviour beyond small derivations.  Units are in the names.  What was
measured (`Process`) and what was computed from it (`Summary`) are different types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Param = int | float | str | bool | None
Tier = Literal["core", "full"]
Mode = Literal["throughput", "parallel", "split"]
Json = Any  # what json.loads returns


# --- what is run ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Work:
    """What one call does.

    Bytes are those that must move once, reads and writes apart; write-allocate is not counted.
    `items` are counted things other than flops, named by `item` ("token").
    """

    flops: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    items: int = 0
    item: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One problem of a kernel.

    `operation` and `native_params` address the native variants: the operation they register
    and the integers that its C code takes, in order.  `params` is for people and result files.
    `cold`: operands must come from memory, so calls rotate over copies that together exceed
    the last-level cache.
    """

    name: str
    params: Mapping[str, Param]
    operation: str
    native_params: tuple[int, ...]
    tier: Tier = "core"
    flops: int = 0
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Operand:
    """An array that a call reads, or writes when `output`; `data` of an output is its shape."""

    name: str
    data: Array
    output: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A case with its data: operands in the order of the operation, and the expected answer."""

    operands: tuple[Operand, ...]
    expected: Mapping[str, Array]
    tolerance: float
    work: Work


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user gave that decides which cases exist."""

    corpus: Path | None = None
    vocabulary: Path | None = None


@dataclass(frozen=True, slots=True)
class Kernel:
    """One operation with a checked result.

    cases(settings)               every problem there is, cheap to call
    problem(case, settings, seed) its data and the reference answer
    error(problem, outputs)       distance of {output name: array} from the reference, to be
                                  at most problem.tolerance; inf for what is simply wrong
    """

    name: str
    version: int
    summary: str
    cases: Callable[[Settings], Sequence[Case]]
    problem: Callable[[Case, Settings, int], Problem]
    error: Callable[[Problem, Mapping[str, Array]], float]


Operands = Mapping[str, Array]
Call = Callable[[], Any]
Outputs = Callable[[Any], Mapping[str, Array]]


def accepts_everything(case: Case) -> str | None:
    """The answer of a library that runs every case."""
    del case
    return None


@dataclass(frozen=True, slots=True)
class Library:
    """A variant that calls an installed Python package.

    package   the distribution that must be there
    extra     the extra of armbench that installs it, None for a dependency
    bind      bind(case, operands) -> (call, outputs): `call()` is what is timed, and
              `outputs(what the last call returned)` gives {output name: array}
    accepts   the reason why a case is not run, or None
    detail    what the library really uses (back end, kernel set), read when it has run
    threads   environment variables that set its number of threads
    threads_used  how many it says it uses, None when it does not say; not given for a library
              whose calls use one thread whatever is set
    """

    package: str
    bind: Callable[[Case, Operands], tuple[Call, Outputs]]
    extra: str | None = None
    accepts: Callable[[Case], str | None] = accepts_everything
    detail: Callable[[], str | None] = lambda: None
    threads: tuple[str, ...] = ()
    threads_used: Callable[[], int | None] | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One implementation of a kernel as the registry found it.

    `isa` is the native instruction set (the file's stem without a "-2"), None for a library.
    `why_not` says in one line why it cannot run here; None when it can.
    """

    kernel: str
    name: str
    isa: str | None = None
    library: Library | None = None
    why_not: str | None = None
    extra: str | None = None

    @property
    def native(self) -> bool:
        return self.isa is not None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how a trial runs.

    cpus       in the order of the threads; one named twice carries two threads
    mode       throughput: every thread has a problem of its own; parallel: one problem for all;
               split: `instances` problems side by side, each for the next
               threads / instances CPUs of `cpus`
    policy     how the CPUs were chosen: "compact", "spread", "node:N" or "list"
    memory     where pages come from: "local", "interleave" or "node:N"
    """

    cpus: tuple[int, ...]
    mode: Mode = "throughput"
    policy: str = "compact"
    memory: str = "local"
    instances: int | None = None

    @property
    def threads(self) -> int:
        return len(self.cpus)

    @property
    def at_once(self) -> int:
        """How many calls run at a time."""
        return calls_at_once(self.mode, self.threads, self.instances)

    @property
    def oversubscribed(self) -> bool:
        return len(set(self.cpus)) < self.threads

    @property
    def teams(self) -> tuple[tuple[int, ...], ...]:
        """The CPUs of each call that runs at a time."""
        size = self.threads // self.at_once
        return tuple(self.cpus[start : start + size] for start in range(0, self.threads, size))


def calls_at_once(mode: Mode, threads: int, instances: int | None) -> int:
    """How many calls run at a time, each on an equal share of the threads."""
    return {"throughput": threads, "parallel": 1, "split": instances or 1}[mode]


def place_key(mode: Mode | None, cpus: Sequence[int], instances: int | None) -> str:
    """A placement in the key of a trial: "parallel/0,1", "split:2/0,1"."""
    return f"{mode}{f':{instances}' if instances else ''}/{','.join(map(str, cpus))}"


@dataclass(frozen=True, slots=True)
class Trial:
    """kernel x case x variant x placement: the unit that is measured."""

    kernel: Kernel
    case: Case
    variant: Variant
    placement: Placement

    @property
    def key(self) -> str:
        place = self.placement
        where = place_key(place.mode, place.cpus, place.instances)
        return f"{self.kernel.name}/{self.variant.name}/{self.case.name}/{where}"


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


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the machine or its software that makes numbers wrong or slow."""

    code: str
    text: str
    remedy: str


# --- where it runs -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Core:
    """One type of core and the CPUs that are of it."""

    name: str
    implementer: str | None
    part: str | None
    variant: int | None
    revision: int | None
    cpus: str


@dataclass(frozen=True, slots=True)
class Cache:
    level: int
    type: Literal["data", "instruction", "unified"]
    bytes: int | None
    instances: int
    cpus_per_instance: int


@dataclass(frozen=True, slots=True)
class Node:
    """A NUMA node; `distances` to every node in order of their ids."""

    id: int
    cpus: str
    memory_bytes: int | None
    distances: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """How many CPUs this process may use, and what limits them."""

    cpus: int
    reason: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What the suite found out about the host; None is unknown.

    CPU lists are in the kernel's format ("0-3,8").
    """

    arch: str
    kernel: str | None
    cpus: int
    online: str
    budget: Budget
    cores: tuple[Core, ...]
    features: tuple[str, ...]
    isa: tuple[str, ...]
    sve_bits: int | None
    sme_bits: int | None
    packages: tuple[str, ...]
    nodes: tuple[Node, ...]
    threads_per_core: int | None
    caches: tuple[Cache, ...]
    cloud: str | None
    instance: str | None
    chip: str | None
    hypervisor: str | None
    clock_hz: float | None
    clock_source: str | None
    counter_hz: int | None
    memory_bytes: int | None
    page_bytes: int | None
    huge_pages: str | None
    governor: str | None
    emulated: bool
    comparability_key: str

    @property
    def last_level_bytes(self) -> int | None:
        """Bytes of all instances of the last cache level, None when no cache is reported."""
        data = [c for c in self.caches if c.bytes and c.type != "instruction"]
        last = max((c.level for c in data), default=None)
        return sum((c.bytes or 0) * c.instances for c in data if c.level == last) or None


@dataclass(frozen=True, slots=True)
class Site:
    """Where a CPU sits: what it shares with others, each named by an id that they share.

    `cache` is the last-level cache, `cluster` a smaller group of cores that the kernel reports
    (the same for all where it reports none), `core` its core.
    """

    cpu: int
    node: int = 0
    package: int = 0
    cache: int = 0
    cluster: int = 0
    core: int = 0


# --- what was measured ---------------------------------------------------------------------

Ticks = tuple[tuple[int, ...], ...]  # [sample][thread]


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
    side: Literal["a", "b"] | None = None
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
        return f"{self.kernel}/{self.variant}/{self.case}/{where}"


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


def empty(shape: Sequence[int] | int, dtype: np.dtype[Any] | type | str) -> Array:
    """An output's data: shape and type without memory behind it."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def largest_error(output: Array, expected: Array, scale: Array) -> float:
    """The largest |output - expected| / scale, element by element; inf where output is not finite."""
    difference = output - expected
    np.abs(difference, out=difference)
    difference /= scale
    worst = float(difference.max(initial=0.0))
    return worst if np.isfinite(worst) else float("inf")

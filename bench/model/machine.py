"""The machine that everything else is told about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Core:
    """One type of core and the CPUs that are of it; `clock_hz` only where it was measured."""

    name: str
    implementer: str | None
    part: str | None
    variant: int | None
    revision: int | None
    cpus: str
    clock_hz: float | None = None


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
class HugePages:
    """Pages of one size: as transparent ones (always, inherit, madvise, never) and as a reserved pool."""

    bytes: int
    transparent: str | None
    reserved: int | None
    free: int | None


@dataclass(frozen=True, slots=True)
class Smbios:
    """What the firmware's tables say of the first processor and of the memory modules."""

    processor: str | None
    clock_hz: float | None
    max_clock_hz: float | None
    memory: str | None
    memory_transfers_per_s: int | None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What EC2's metadata service adds; nothing in it names the account or the instance."""

    instance: str | None
    region: str | None
    zone: str | None
    life_cycle: str | None
    dedicated_host: bool


@dataclass(frozen=True, slots=True)
class Timer:
    """The clock of all measurements as found, and the CPU's counter against the system's clock.

    step_ns     the smallest difference between two readings that is not 0
    read_ns     what one reading costs
    counter_hz  the counter's rate by CLOCK_MONOTONIC_RAW
    """

    source: str
    step_ns: float
    read_ns: float
    counter_hz: float | None


@dataclass(frozen=True, slots=True)
class PerfEvent:
    """An event that the kernel may count for us; `reason` why it does not, None when it does."""

    name: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Perf:
    """What perf_event_open gave: `counters` hardware events at a time, 0 for none."""

    paranoid: int | None
    counters: int
    events: tuple[PerfEvent, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """What the suite found out about the host; None is unknown.

    CPU lists are in the kernel's format ("0-3,8").  The last fields are those that files of
    earlier versions lack; `timer`, `perf` and the cores' clocks are there where they were measured.

    clock_hz          now (measured), or else as told; clock_source says by what
    nominal_clock_hz  what firmware, kernel or facts promise; nominal_clock_source says who
    allowed           the CPUs within affinity and cpuset, which need not be as few as the budget
    clusters          of cores below a package, where the kernel shows some
    pmus              what counts events, as the kernel names it
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
    offline: str | None = None
    allowed: str | None = None
    clusters: tuple[str, ...] = ()
    huge_page_sizes: tuple[HugePages, ...] = ()
    nominal_clock_hz: float | None = None
    nominal_clock_source: str | None = None
    smbios: Smbios | None = None
    metadata: Metadata | None = None
    pmus: tuple[str, ...] = ()
    timer: Timer | None = None
    perf: Perf | None = None

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

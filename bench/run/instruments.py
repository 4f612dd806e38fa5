"""What the runner asks of a machine while it measures; this one's, or one that is simulated."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Protocol

from armbench.bench import machine, native
from armbench.bench.run.plan import Group
from armbench.bench.run.processes import Event, on_cpus
from armbench.bench.run.worker import Job


class Launches(Protocol):
    """Runs the trials of a job in fresh processes of a group (processes.Launcher).

    started(index) is called when a trial begins; every trial then gives one event, a Done with
    the facts that worker.Worker.run describes, or a Broken.
    """

    def run(self, group: Group, job: Job, started: Callable[[int], None], seed: int) -> Iterator[Event]: ...

    def run_in_turns(
        self, sides: Sequence[tuple[Group, Job]], started: Callable[[int], None], seed: int
    ) -> Iterator[Event]: ...


def utc_now() -> str:
    now = datetime.now(timezone.utc)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock_hz(cpus: Collection[int]) -> float | None:
    """The core clock of these CPUs, by a chain that is pinned there."""
    with on_cpus(cpus):
        return native.clock_hz()


@dataclass(frozen=True, slots=True)
class Instruments:
    """Clocks and counters: seconds that only grow, UTC, steal, a CPU's Hz, free bytes, ticks a second."""

    monotonic: Callable[[], float] = time.monotonic
    utc_now: Callable[[], str] = utc_now
    watch: Callable[[], machine.Watch] = machine.watch
    clock_hz: Callable[[Collection[int]], float | None] = clock_hz
    free_memory_bytes: Callable[[], int] = machine.free_memory_bytes
    tick_hz: Callable[[], int] = native.tick_hz


HERE = Instruments()

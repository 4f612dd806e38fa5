"""Start the worker processes of a group, follow their events, and contain what goes wrong."""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import IO

import numpy as np

from armbench.bench.errors import UserError
from armbench.bench.model import Json, SideName
from armbench.bench.run.memory import pages_from
from armbench.bench.run.plan import Group
from armbench.bench.run.problems import ProblemFile
from armbench.bench.run.sides import LIBRARY, Start
from armbench.bench.run.turns import Pipes
from armbench.bench.run.worker import Job, TrialJob, encode_job

PADDING_BYTES = 4096  # of environment at most, to move the stack from process to process
START = (  # as -m does it, without importing from where the user stands: a numpy.py there is not numpy
    "import sys; sys.path[:] = filter(None, sys.path); from armbench.bench.run.worker import main; main()"
)


class WorkerError(UserError):
    """Worker processes do not even start; the message says how they ended."""

    exit_code = 6


@dataclass(frozen=True, slots=True)
class Done:
    """What the processes of a group measured of one trial: their "done" events, by rank."""

    index: int
    pid: int
    events: tuple[Json, ...]

    @property
    def ticks(self) -> np.ndarray:
        """int64 [warmup + samples][threads]."""
        return np.hstack([np.array(event["ticks"], np.int64) for event in self.events])

    @property
    def start_spread(self) -> float | None:
        """Ticks between the starts of the first and the last thread, or process."""
        starts = [event["start_ticks"] for event in self.events if "start_ticks" in event]
        if len(starts) > 1:
            return float(max(starts) - min(starts))
        said: float | None = self.events[0].get("start_spread")
        return said

    @property
    def page_nodes(self) -> dict[str, float] | None:
        """The shares of pages by node, all processes' together; they have equally many."""
        shares = [event.get("page_nodes") or {} for event in self.events]
        nodes = sorted({node for share in shares for node in share}, key=int)
        return {node: sum(s.get(node, 0.0) for s in shares) / len(shares) for node in nodes} or None

    @property
    def library_threads(self) -> int | None:
        """What the library says it uses in a process; the fewest where they differ."""
        said = [n for event in self.events if (n := event.get("library_threads")) is not None]
        return min(said, default=None)


@dataclass(frozen=True, slots=True)
class Broken:
    """A trial that failed, and why."""

    index: int
    reason: str


Event = Done | Broken


# What a process says of itself, beside its own events (which are objects).
ENDED, SILENT, GARBLED = "ended", "silent", "garbled"
Said = Json | str


@dataclass(frozen=True, slots=True)
class Launcher:
    """How to start a worker: the library variables for thread counts, and what a side of `ab` changes."""

    thread_variables: tuple[str, ...]
    limit_seconds: float
    starts: Mapping[SideName | None, Start] = field(default_factory=lambda: {None: Start()})

    def run(self, group: Group, job: Job, started: Callable[[int], None], seed: int) -> Iterator[Event]:
        """Run the job's trials in fresh processes, restarted after whatever one trial does to them.

        started(index) is called when a trial begins.  Yields one event per trial.
        """
        remaining = list(job.trials)
        chance = random.Random(seed)
        while remaining:
            self._clear_meetings(job, remaining)
            ranks = range(group.processes)
            jobs = [replace(job, trials=tuple(remaining), rank=r, processes=len(ranks)) for r in ranks]
            with self._processes([(group, job) for job in jobs], chance) as workers:
                rows = [(trial.index, ranks) for trial in remaining]
                for event in workers.follow(rows, started, self.limit_seconds):
                    yield event
                    remaining = [trial for trial in remaining if trial.index != event.index]

    def run_in_turns(
        self, sides: Sequence[tuple[Group, Job]], started: Callable[[int], None], seed: int
    ) -> Iterator[Event]:
        """Likewise the jobs of both sides, of a process each, whose trials of a place take turns.

        What one side has and the other has not, or no more, runs on its own.
        """
        chance = random.Random(seed)
        (_, job_a), (_, job_b) = sides
        pairs = list(zip(job_a.trials, job_b.trials, strict=False))
        over: set[int] = set()
        while pairs:
            coins = [chance.random() < 0.5 for _ in pairs]
            pipes = Pipes.open()
            jobs = [
                (group, replace(job, trials=_marked(pairs, coins, side), turns=pipes.ends[side]))
                for side, (group, job) in enumerate(sides)
            ]
            try:
                with self._processes(jobs, chance) as workers:
                    pipes.close()
                    rows = [(pair[side].index, (side,)) for pair in pairs for side in (0, 1)]
                    for event in workers.follow(rows, started, self.limit_seconds):
                        yield event
                        over.add(event.index)
            finally:
                pipes.close()
            pairs = [pair for pair in pairs if not over & {trial.index for trial in pair}]
        for group, job in sides:
            left = tuple(trial for trial in job.trials if trial.index not in over)
            yield from self.run(group, replace(job, trials=left), started, seed)

    @staticmethod
    def _clear_meetings(job: Job, trials: Sequence[TrialJob]) -> None:
        """Forget who came to the meetings: those processes are no more."""
        file = ProblemFile(job.fd, dict(job.table))
        for trial in trials:
            file.zero(trial.meeting)

    @contextmanager
    def _processes(self, jobs: Sequence[tuple[Group, Job]], chance: random.Random) -> Iterator[Workers]:
        workers = Workers([])
        try:
            for group, job in jobs:
                with on_cpus(group.cpus_of(job.rank)), pages_from(group.memory, job.memory_nodes):
                    workers.processes.append(self._start(group, job, chance))
            yield workers
        finally:
            workers.kill()

    def _start(self, group: Group, job: Job, chance: random.Random) -> Process:
        start = self.starts[group.side]
        environment = {**os.environ, **start.environment}
        environment.update({name: str(group.threads) for name in self.thread_variables})
        environment["ARMBENCH_PADDING"] = "x" * chance.randrange(PADDING_BYTES)
        if start.libraries:
            environment[LIBRARY] = chance.choice(start.libraries)
        errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  # closed with the process
        with tempfile.TemporaryFile("w+") as orders:  # a pipe would make each start wait for its reader
            orders.write(encode_job(job))
            orders.seek(0)
            popen = subprocess.Popen(
                [start.python, "-c", START],
                stdin=orders,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=(job.fd, *(job.turns or ())),
                env=environment,
                start_new_session=True,  # Ctrl-C is for the runner
            )
        return Process(popen, errors)


def _marked(
    pairs: Sequence[tuple[TrialJob, TrialJob]], coins: Sequence[bool], side: int
) -> tuple[TrialJob, ...]:
    """A side's trials, each with who begins: heads for side 1."""
    return tuple(
        replace(pair[side], first=coin == bool(side)) for pair, coin in zip(pairs, coins, strict=True)
    )


@contextmanager
def on_cpus(cpus: Collection[int]) -> Iterator[None]:
    """Run a block on these CPUs (none: wherever it may run); the affinity before is restored.

    What it starts stays there, which is how the thread pools that a library opens at its
    import come to the CPUs that are measured.
    """
    before = os.sched_getaffinity(0)
    with suppress(OSError):  # a CPU that is gone: the trial that needs it says so
        os.sched_setaffinity(0, cpus or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True, slots=True)
class Process:
    """A worker with a session of its own, in which whatever it starts is too."""

    popen: subprocess.Popen[bytes]
    errors: IO[str]

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def ending(self) -> str:
        """How it ended, in words; one that only fell silent is killed."""
        try:
            code = self.popen.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self.kill()
            return "closed its output (killed)"
        if code < 0:
            return f"killed by {signal_name(-code)}" + (" (out of memory?)" if code == -9 else "")
        self.errors.seek(0)
        lines = [line.strip() for line in self.errors.read().splitlines() if line.strip()]
        return f"ended with status {code}" + (f": {lines[-1][:200]}" if lines else "")


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Workers:
    """Processes that run trials; one is over when each process that runs it has said so."""

    def __init__(self, processes: list[Process]):
        self.processes = processes

    def kill(self) -> None:
        for process in self.processes:
            process.kill()
            assert process.popen.stdout is not None
            process.popen.stdout.close()
            process.errors.close()

    def follow(
        self,
        trials: Sequence[tuple[int, Collection[int]]],
        started: Callable[[int], None],
        limit_seconds: float,
    ) -> Iterator[Event]:
        """Events until all trials are over, or until one broke the processes (the last event).

        trials: (index, ranks of the processes that run it), in their order.
        """
        of_trial = dict(trials)
        done: dict[int, dict[int, Json]] = {index: {} for index in of_trial}  # that are not over
        begun: set[int] = set()
        for rank, said in self._said(limit_seconds):
            if isinstance(said, str):
                lacking = [
                    index
                    for index, ranks in done.items()
                    if said == SILENT or (rank in of_trial[index] and rank not in ranks)
                ]
                if not lacking:
                    continue  # it has finished; others have not
                reason = self._why(rank, said, limit_seconds)
                if not begun:
                    raise WorkerError(f"a worker process {reason}")
                yield Broken(lacking[0], reason)  # each runs them in their order: it was in its first
                return
            if "start" in said:
                if said["start"] not in begun:
                    begun.add(said["start"])
                    started(said["start"])
            elif "failed" in said:
                yield Broken(said["failed"], said["reason"])
                if len(of_trial[said["failed"]]) > 1:
                    return  # the others wait for it
                done.pop(said["failed"])
            else:
                ranks = done[said["done"]]
                ranks[rank] = said
                if len(ranks) == len(of_trial[said["done"]]):
                    done.pop(said["done"])
                    pid = self.processes[min(ranks)].popen.pid
                    yield Done(said["done"], pid, tuple(ranks[r] for r in sorted(ranks)))
            if not done:
                return

    def _why(self, rank: int, said: str, limit_seconds: float) -> str:
        if said == SILENT:
            return f"gave no result within {limit_seconds:g} s (killed)"
        if said == GARBLED:
            return "wrote into its process's own channel to the suite (killed)"
        return self.processes[rank].ending()

    def _said(self, limit_seconds: float) -> Iterator[tuple[int, Said]]:
        """(rank, event, ENDED or GARBLED); (0, SILENT) when no process says anything in time."""
        with selectors.DefaultSelector() as selector, ExitStack() as channels:
            for rank, process in enumerate(self.processes):
                channel = Channel(rank, process.popen, selector)
                channels.callback(channel.close)
            deadline = time.monotonic() + limit_seconds
            while ready := selector.select(max(0.0, deadline - time.monotonic())):
                for key, _ in ready:
                    for said in key.data.read(key.fd):
                        if not isinstance(said, str):
                            deadline = time.monotonic() + limit_seconds
                        yield key.data.rank, said
            yield 0, SILENT


class Channel:
    """The events of one process.

    It is over at the end of its output or of the process, whichever is first: what the process
    started may hold the output open.
    """

    def __init__(self, rank: int, popen: subprocess.Popen[bytes], selector: selectors.BaseSelector):
        assert popen.stdout is not None
        self.rank, self.selector = rank, selector
        self.output, self.pending = popen.stdout.fileno(), b""
        os.set_blocking(self.output, False)
        self.watched = [self.output]
        with suppress(OSError, AttributeError):  # no such system call: the end of its output must do
            self.watched.append(os.pidfd_open(popen.pid))
        for descriptor in self.watched:
            selector.register(descriptor, selectors.EVENT_READ, self)

    def read(self, ready: int) -> Iterator[Said]:
        """What came, now that one of the watched descriptors is ready."""
        if not self.watched:
            return
        over = ready != self.output
        try:
            while chunk := os.read(self.output, 1 << 20):
                self.pending += chunk
            over = True
        except BlockingIOError:
            pass
        *lines, self.pending = self.pending.split(b"\n")
        yield from map(event_of, lines)
        if over:
            self.close()
            yield ENDED

    def close(self) -> None:
        """Watch no more; harmless the second time."""
        for descriptor in self.watched:
            self.selector.unregister(descriptor)
        for descriptor in self.watched[1:]:
            os.close(descriptor)
        self.watched = []


def event_of(line: bytes) -> Said:
    """The event that a line holds, or GARBLED: a kernel can write into any descriptor."""
    try:
        event = json.loads(line)
    except ValueError:
        return GARBLED
    whole = isinstance(event, dict) and any(
        isinstance(event.get(k), int) for k in ("start", "done", "failed")
    )
    return event if whole else GARBLED

"""Start the worker processes of a group, follow their events, and contain what goes wrong."""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO

import numpy as np

from armbench.bench.model import Json
from armbench.bench.run.plan import Group
from armbench.bench.run.worker import Job, TrialJob, encode_job

PADDING_BYTES = 4096  # of environment at most, to move the stack from process to process


class WorkerError(RuntimeError):
    """Worker processes do not even start; the message says how they ended."""


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


@dataclass(frozen=True, slots=True)
class Broken:
    """A trial that failed, and why."""

    index: int
    reason: str


Event = Done | Broken


@dataclass(frozen=True, slots=True)
class Launcher:
    """How to start a worker: the interpreter and the library variables for thread counts."""

    thread_variables: tuple[str, ...]
    limit_seconds: float
    python: str = sys.executable

    def run(self, group: Group, job: Job, started: Callable[[int], None], seed: int) -> Iterator[Event]:
        """Run the job's trials in fresh processes, restarted after whatever one trial does to them.

        started(index) is called when a trial begins.  Yields one event per trial.
        """
        remaining = list(job.trials)
        chance = random.Random(seed)
        while remaining:
            with self._processes(group, replace(job, trials=tuple(remaining)), chance) as workers:
                for event in workers.follow(remaining, started, self.limit_seconds):
                    yield event
                    remaining = [trial for trial in remaining if trial.index != event.index]

    @contextmanager
    def _processes(self, group: Group, job: Job, chance: random.Random) -> Iterator[Workers]:
        workers = Workers([])
        try:
            for rank in range(group.processes):
                workers.processes.append(self._start(group, job, rank, chance))
            yield workers
        finally:
            workers.kill()

    def _start(self, group: Group, job: Job, rank: int, chance: random.Random) -> Process:
        environment = dict(os.environ)
        environment.update({name: str(group.threads) for name in self.thread_variables})
        environment["ARMBENCH_PADDING"] = "x" * chance.randrange(PADDING_BYTES)
        environment["PYTHONSAFEPATH"] = "1"  # a numpy.py where the user stands is not numpy
        errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the process
        with tempfile.TemporaryFile("w+") as orders:  # a pipe would make each start wait for its reader
            orders.write(encode_job(replace(job, rank=rank, processes=group.processes)))
            orders.seek(0)
            popen = subprocess.Popen(
                [self.python, "-m", "armbench.bench.run.worker"],
                stdin=orders,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=(job.fd,),
                env=environment,
                start_new_session=True,  # Ctrl-C is for the runner
            )
        return Process(popen, errors)


@dataclass(frozen=True, slots=True)
class Process:
    popen: subprocess.Popen[bytes]
    errors: IO[str]

    def ending(self) -> str:
        """How it ended, in words."""
        code = self.popen.wait()
        if code < 0:
            name = signal.Signals(-code).name
            return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
        self.errors.seek(0)
        lines = [line.strip() for line in self.errors.read().splitlines() if line.strip()]
        return f"ended with status {code}" + (f": {lines[-1][:200]}" if lines else "")


class Workers:
    """The processes of one group; every trial is over when each has said so."""

    def __init__(self, processes: list[Process]):
        self.processes = processes

    def kill(self) -> None:
        for process in self.processes:
            process.popen.kill()
            process.popen.wait()
            assert process.popen.stdout is not None
            process.popen.stdout.close()
            process.errors.close()

    def follow(
        self, trials: Sequence[TrialJob], started: Callable[[int], None], limit_seconds: float
    ) -> Iterator[Event]:
        """Events until all trials are over, or until one broke the processes (the last event)."""
        done: dict[int, dict[int, Json]] = {trial.index: {} for trial in trials}
        begun: list[int] = []
        for rank, event in self._events(limit_seconds):
            if event is None:
                if all(rank in ranks for ranks in done.values()):
                    continue  # it has finished; others have not
                if not begun:
                    raise WorkerError(f"a worker process {self._why(rank, limit_seconds)}")
                yield Broken(begun[-1], self._why(rank, limit_seconds))
                return
            if "start" in event:
                if event["start"] not in begun:
                    begun.append(event["start"])
                    started(event["start"])
            elif "failed" in event:
                yield Broken(event["failed"], event["reason"])
                if len(self.processes) > 1:
                    return  # the others wait for it
                done.pop(event["failed"])
            else:
                ranks = done[event["done"]]
                ranks[rank] = event
                if len(ranks) == len(self.processes):
                    done.pop(event["done"])
                    pid = self.processes[0].popen.pid
                    yield Done(event["done"], pid, tuple(ranks[r] for r in sorted(ranks)))
            if not done:
                return

    def _why(self, rank: int, limit_seconds: float) -> str:
        if rank < 0:
            return f"no result within {limit_seconds:g} s (killed)"
        return self.processes[rank].ending()

    def _events(self, limit_seconds: float) -> Iterator[tuple[int, Json | None]]:
        """(rank, event); (rank, None) when that process ended, (-1, None) when none speaks in time."""
        selector = selectors.DefaultSelector()
        pending = [b""] * len(self.processes)
        for rank, process in enumerate(self.processes):
            assert process.popen.stdout is not None
            os.set_blocking(process.popen.stdout.fileno(), False)
            selector.register(process.popen.stdout, selectors.EVENT_READ, rank)
        deadline = time.monotonic() + limit_seconds
        with selector:
            while True:
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    yield -1, None
                    return
                for key, _ in ready:
                    rank = key.data
                    chunk = os.read(key.fd, 1 << 20)
                    if not chunk:
                        selector.unregister(key.fileobj)
                        yield rank, None
                        continue
                    *lines, pending[rank] = (pending[rank] + chunk).split(b"\n")
                    for line in lines:
                        yield rank, json.loads(line)
                deadline = time.monotonic() + limit_seconds

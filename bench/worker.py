"""One fresh process of a round: verify, calibrate, warm up, sample, check.

Started by the runner as `python -m armbench.bench.worker`.  A Job comes as JSON on stdin; what
happens goes out as one JSON event a line, so that whatever kills this process costs the one
trial it was in.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from armbench.bench import machine, native, registry, sampling
from armbench.bench.model import Array, Case, Json, Kernel, Mode, Problem, Settings, Variant
from armbench.bench.problems import ProblemFile

FULL_CHECK_HEADER = 64  # bytes before a verified output: the first tells whether it is there


@dataclass(frozen=True, slots=True)
class TrialJob:
    """A trial as the worker gets it; keys address the problem file."""

    index: int
    kernel: str
    variant: str
    case: str
    mode: Mode
    cpus: tuple[int, ...]
    copies: int
    problem: str
    verified: str
    meeting: str
    schedule: sampling.Schedule | None


@dataclass(frozen=True, slots=True)
class Job:
    """What one process of a group runs, in the given order.

    rank, processes: its place in a group of processes that run every trial in step, the one
    of rank r on the r-th CPU of the trial.
    """

    fd: int
    table: Mapping[str, Json]
    settings: Settings
    trials: tuple[TrialJob, ...]
    rank: int
    processes: int
    seed: int
    cache_bytes: int


class WrongResult(Exception):
    """A kernel's output differs from the reference by more than the tolerance."""


# --- one trial -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prepared:
    """A trial ready to run: how to call it once, sample it, and look at its outputs."""

    call_once: Callable[[], None]
    sample: Callable[[sampling.Schedule], sampling.Samples]
    empty_ticks: Callable[[int], float]
    outputs: Callable[[], Sequence[Mapping[str, Array]]]


class Worker:
    """Runs the trials of a job, keeping operands that later trials can use again."""

    def __init__(self, job: Job):
        self.job = job
        self.file = ProblemFile(job.fd, dict(job.table))
        self.operands = OperandCache(job.cache_bytes, job.seed)
        self.allowed = os.sched_getaffinity(0)

    def run(self, trial: TrialJob) -> Json:
        """Measure one trial; the content of its "done" event.

        Raises WrongResult, NativeError, MemoryError, or what a library raises.
        """
        started = time.monotonic()
        kernel = registry.kernels()[trial.kernel]
        variant = next(v for v in registry.variants(trial.kernel) if v.name == trial.variant)
        case = next(c for c in kernel.cases(self.job.settings) if c.name == trial.case)
        problem = self.file.problem(trial.problem)
        meeting = Meeting(self.file.room(trial.meeting), self.job.rank, self.job.processes)
        cpus = trial.cpus if self.job.processes == 1 else (trial.cpus[self.job.rank],)
        data = self.operands.get(trial, problem, cpus)
        try:
            prepared = self._prepare(variant, case, data, cpus, meeting)
            checker = Checker(kernel, problem, self.file.room(trial.verified))
            max_error = None
            schedule = trial.schedule
            if schedule is None:
                prepared.call_once()
                max_error = checker.verify(prepared.outputs())
                schedule = sampling.schedule_for(meeting.agree(_calibrate(prepared.sample)))
            meeting.wait()
            samples = prepared.sample(schedule)
            checker.check(prepared.outputs())
            overhead = prepared.empty_ticks(schedule.calls)
            unsteady = sampling.not_steady(samples.ticks[schedule.warmup :])
        finally:
            os.sched_setaffinity(0, self.allowed)
        return {
            "schedule": asdict(schedule),
            "ticks": samples.ticks.tolist(),
            "flags": [*samples.flags, *(["not_steady"] if unsteady else [])],
            "max_error": max_error,
            "overhead_ticks": overhead,
            "page_bytes": data.page_bytes,
            "detail": variant.library.detail() if variant.library else None,
            "seconds": time.monotonic() - started,
        }

    def _prepare(
        self, variant: Variant, case: Case, data: Operands, cpus: tuple[int, ...], meeting: Meeting
    ) -> Prepared:
        if variant.library is None:
            return prepare_native(variant, case, data)
        os.sched_setaffinity(0, set(cpus))
        return prepare_library(variant, case, data, meeting)


def _calibrate(sample: Callable[[sampling.Schedule], sampling.Samples]) -> float:
    """Seconds per call, from ever longer samples until one lasts half a millisecond."""

    def seconds(calls: int) -> float:
        ticks = sample(sampling.Schedule(calls=calls, warmup=0, samples=1)).ticks
        return float(ticks.min()) / native.tick_hz()

    return sampling.calibrate(seconds)


def prepare_native(variant: Variant, case: Case, data: Operands) -> Prepared:
    found = native.find(variant.kernel, variant.name, case.operation)
    if found is None:
        raise native.NativeError(f"{variant.kernel}/{variant.name} has no {case.operation}")
    last_copies = [0] * len(data.team.cpus)

    def measure(chosen: native.NativeVariant | None, schedule: sampling.Schedule) -> native.Measurement:
        return data.team.measure(
            chosen, case.native_params, data.data, schedule.calls, schedule.warmup, schedule.samples
        )

    def sample(schedule: sampling.Schedule) -> sampling.Samples:
        measured = measure(found, schedule)
        last_copies[:] = [report.last_copy for report in measured.reports]
        flags = sampling.thread_flags(measured.reports, data.team.cpus)
        return sampling.Samples(measured.ticks, flags)

    def outputs() -> list[Mapping[str, Array]]:
        owners = 1 if data.data.mode == "parallel" else len(data.team.cpus)
        return [data.outputs(thread, last_copies[thread]) for thread in range(owners)]

    def empty_ticks(calls: int) -> float:
        ticks = measure(None, sampling.Schedule(calls, warmup=0, samples=3)).ticks
        return float(ticks.min()) / calls

    once = sampling.Schedule(calls=1, warmup=0, samples=1)
    return Prepared(lambda: void(sample(once)), sample, empty_ticks, outputs)


def prepare_library(variant: Variant, case: Case, data: Operands, meeting: Meeting) -> Prepared:
    assert variant.library is not None
    sets = [data.data.arrays(0, copy) for copy in range(data.data.copies)]
    bound = [variant.library.bind(case, arrays) for arrays in sets]
    calls = [call for call, _ in bound]
    last: list[Any] = [None, 0]  # what the last call returned, and its operand set

    def sample(schedule: sampling.Schedule) -> sampling.Samples:
        def poison() -> None:
            for copy in range(len(sets)):
                sampling.poison(data.outputs(0, copy).values())

        taken = sampling.sample_calls(calls, schedule, poison, meeting.keep_busy)
        last[:] = [taken.result, taken.last_set]
        return sampling.Samples(taken.ticks, taken.flags)

    def outputs() -> list[Mapping[str, Array]]:
        _, read = bound[last[1]]
        return [read(last[0])]

    def empty_ticks(count: int) -> float:
        schedule = sampling.Schedule(min(count, 100_000), warmup=0, samples=3)
        ticks = sampling.sample_calls([sampling.nothing] * len(calls), schedule).ticks
        return float(ticks.min()) / schedule.calls

    def call_once() -> None:
        last[:] = [calls[0](), 0]

    return Prepared(call_once, sample, empty_ticks, outputs)


def void(value: object) -> None:
    del value


# --- checking ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checker:
    """Compares outputs with the reference, and later ones with the verified output."""

    kernel: Kernel
    problem: Problem
    room: Array

    def verify(self, all_outputs: Sequence[Mapping[str, Array]]) -> float:
        """The largest error of any thread's outputs; keeps the first thread's for `check`."""
        worst = max(self._error(outputs) for outputs in all_outputs)
        packed = self._pack(all_outputs[0])
        if packed is not None and not self.room[0]:
            self.room[FULL_CHECK_HEADER:] = packed
            self.room[0] = 1
        return worst

    def check(self, all_outputs: Sequence[Mapping[str, Array]]) -> None:
        """Every thread's last timed output is the verified one, or right within the tolerance."""
        for outputs in all_outputs:
            packed = self._pack(outputs)
            if packed is None or not self.room[0] or (packed != self.room[FULL_CHECK_HEADER:]).any():
                self._error(outputs)

    def _error(self, outputs: Mapping[str, Array]) -> float:
        with np.errstate(all="ignore"):
            error = self.kernel.error(self.problem, outputs)
        if not error <= self.problem.tolerance:
            raise WrongResult(f"wrong result: error {error:.3g}, tolerance {self.problem.tolerance:.3g}")
        return error

    def _pack(self, outputs: Mapping[str, Array]) -> Array | None:
        """All outputs as bytes; None when a library returns them in another shape or type."""
        parts = []
        for operand in self.problem.operands:
            if operand.output:
                array = outputs.get(operand.name)
                if array is None or (array.shape, array.dtype) != (operand.data.shape, operand.data.dtype):
                    return None
                parts.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
        return np.concatenate(parts)


def verified_bytes(problem: Problem) -> int:
    """Room that a Checker needs for a verified output."""
    return FULL_CHECK_HEADER + sum(o.data.nbytes for o in problem.operands if o.output)


# --- several processes in step -------------------------------------------------------------


class Meeting:
    """Where the processes of a group start together and agree on a calibration.

    Without company everything here is free.
    """

    def __init__(self, room: Array, rank: int, processes: int):
        self.rank, self.processes = rank, processes
        self.gate = native.Gate(room, processes)
        self.seconds = room[64 : 64 + 8 * processes].view(np.float64)

    @staticmethod
    def nbytes(processes: int) -> int:
        return 64 + 8 * processes

    def wait(self) -> None:
        if self.processes > 1:
            self.gate.wait()

    def agree(self, seconds: float) -> float:
        """The smallest value that any process gives."""
        self.seconds[self.rank] = seconds
        self.wait()
        return float(self.seconds.min())

    def keep_busy(self, call: Callable[[], Any]) -> None:
        """Go on calling until every process has its samples."""
        if self.processes > 1:
            self.gate.finish()
            while self.gate.finished() < self.processes:
                call()


# --- operands ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Operands:
    """A problem laid out for a team of threads."""

    team: native.Team
    data: native.Data
    output_names: tuple[str, ...]
    page_bytes: int | None

    def outputs(self, thread: int, copy: int) -> dict[str, Array]:
        arrays = self.data.arrays(thread, copy)
        return {name: arrays[name] for name in self.output_names}


class OperandCache:
    """Teams by their CPUs, and operands by problem and team, oldest forgotten first."""

    def __init__(self, limit_bytes: int, seed: int):
        self.limit_bytes, self.seed = limit_bytes, seed
        self.teams: dict[tuple[int, ...], native.Team] = {}
        self.held: dict[tuple[object, ...], tuple[int, Operands]] = {}

    def get(self, trial: TrialJob, problem: Problem, cpus: tuple[int, ...]) -> Operands:
        key = (trial.problem, cpus, trial.mode, trial.copies)
        if key not in self.held:
            owners = 1 if trial.mode == "parallel" else len(cpus)
            nbytes = sum(o.data.nbytes for o in problem.operands) * trial.copies * owners
            self._make_room(nbytes)
            self.held[key] = (nbytes, self._load(trial, problem, cpus))
        self.held[key] = self.held.pop(key)  # youngest last
        return self.held[key][1]

    def _make_room(self, nbytes: int) -> None:
        while self.held and sum(size for size, _ in self.held.values()) + nbytes > self.limit_bytes:
            oldest = next(iter(self.held))
            self.held.pop(oldest)[1].data.close()

    def _load(self, trial: TrialJob, problem: Problem, cpus: tuple[int, ...]) -> Operands:
        if cpus not in self.teams:
            self.teams[cpus] = native.Team(cpus)
        team = self.teams[cpus]
        arrays = {operand.name: operand.data for operand in problem.operands}
        names = tuple(operand.name for operand in problem.operands if operand.output)
        data = team.load(arrays, names, trial.copies, trial.mode, self.seed)
        largest = max(data.arrays(0, 0).values(), key=lambda array: array.nbytes)
        page_bytes = machine.page_bytes_at(largest.ctypes.data, largest.nbytes)
        return Operands(team, data, names, page_bytes)


# --- the process ---------------------------------------------------------------------------


def decode_job(text: str) -> Job:
    raw = json.loads(text)
    settings = {name: value and Path(value) for name, value in raw["settings"].items()}
    trials = tuple(
        TrialJob(
            **{
                **trial,
                "cpus": tuple(trial["cpus"]),
                "schedule": trial["schedule"] and sampling.Schedule(**trial["schedule"]),
            }
        )
        for trial in raw["trials"]
    )
    return Job(**{**raw, "settings": Settings(**settings), "trials": trials})


def encode_job(job: Job) -> str:
    raw = asdict(job)
    raw["settings"] = {name: value and str(value) for name, value in raw["settings"].items()}
    return json.dumps(raw)


def serve(job: Job, out: TextIO) -> None:
    """Run every trial, an event before and after each."""

    def tell(event: Json) -> None:
        out.write(json.dumps(event) + "\n")
        out.flush()

    worker = Worker(job)
    gc.disable()
    for trial in job.trials:
        tell({"start": trial.index})
        try:
            tell({"done": trial.index, **worker.run(trial)})
        except MemoryError as error:
            tell({"failed": trial.index, "reason": f"out of memory: {error}".rstrip(": ")})
        except WrongResult as error:
            tell({"failed": trial.index, "reason": str(error)})
        except Exception as error:
            tell({"failed": trial.index, "reason": f"{type(error).__name__}: {error}"})
        gc.collect()


def die_with_parent() -> None:
    """A runner that is killed must not leave its workers loading the machine."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    die_with_parent()
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a library that prints must not break the protocol
    serve(decode_job(sys.stdin.read()), events)
    events.flush()
    os._exit(0)  # no teardown of libraries' thread pools: the samples are out


if __name__ == "__main__":
    main()

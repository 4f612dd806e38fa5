"""One fresh process of a round: verify, calibrate, warm up, sample, check.

Started by the runner (processes.py), which calls main().  A Job comes as JSON on stdin; what
happens goes out as one JSON event a line, so that whatever kills this process costs the one
trial it was in.
"""

from __future__ import annotations

import ctypes
import gc
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from armbench.bench import machine, native, registry
from armbench.bench.model import Array, Case, Json, Kernel, Mode, Placement, Problem, Settings, Variant
from armbench.bench.run import memory, sampling
from armbench.bench.run.problems import ProblemFile

PR_SET_PDEATHSIG = 1  # of linux/prctl.h
ROOM_HEADER = 64  # bytes before a verified output: the first tells whether it is there


@dataclass(frozen=True, slots=True)
class TrialJob:
    """A trial as the worker gets it; keys address the problem file.

    arena_bytes: of the largest operands that a call at a time gets on these CPUs.
    """

    index: int
    kernel: str
    variant: str
    case: str
    mode: Mode
    cpus: tuple[int, ...]
    instances: int | None
    memory: str
    copies: int
    arena_bytes: int
    problem: str
    verified: str
    meeting: str
    schedule: sampling.Schedule | None

    @property
    def place(self) -> Placement:
        return Placement(self.cpus, self.mode, memory=self.memory, instances=self.instances)


@dataclass(frozen=True, slots=True)
class Job:
    """What one process of a group runs, in the given order.

    rank, processes: its place in a group of processes that run every trial in step, the one
    of rank r on the r-th share of the trial's CPUs.
    memory_nodes  those of the trials' memory policy
    room_bytes    that the operands of all its teams may have at a time
    probe         only call each trial once, and say how large the process has become
    """

    fd: int
    table: Mapping[str, Json]
    settings: Settings
    trials: tuple[TrialJob, ...]
    rank: int
    processes: int
    seed: int
    sample_seconds: float
    memory_nodes: tuple[int, ...] = ()
    room_bytes: int = 1 << 62
    probe: bool = False


class ThreadsError(Exception):
    """A library uses more threads than it was told to, on CPUs that are not its own."""


class WrongResultError(Exception):
    """A kernel's output differs from the reference by more than the tolerance."""


# --- one trial -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prepared:
    """A trial ready to run: how to call it once, sample it, and look at its outputs."""

    call_once: Callable[[], None]
    sample: Callable[[sampling.Schedule], sampling.Samples]
    empty_ticks: Callable[[int], float]
    outputs: Callable[[], Sequence[Mapping[str, Array]]]
    idle: Sequence[Callable[[], Any]] = ()  # calls like the sampled ones that leave the outputs alone


class Worker:
    """Runs the trials of a job."""

    def __init__(self, job: Job):
        self.job = job
        self.file = ProblemFile(job.fd, dict(job.table))
        self.teams = Teams(job.seed, job.room_bytes)
        self.allowed = os.sched_getaffinity(0)
        self.cases: dict[str, dict[str, Case]] = {}

    def run(self, trial: TrialJob) -> Json:
        """Measure one trial; the content of its "done" event.

        A trial without a schedule is new in this session: it is verified and calibrated first,
        and the event has the facts that hold for all its processes.
        Raises WrongResultError, ThreadsError, NativeError, MemoryError, or what a library raises.
        """
        started = time.monotonic()
        kernel, variant, case = self._look_up(trial)
        problem = self.file.problem(trial.problem)
        place = trial.place
        meeting = Meeting(self.file.room(trial.meeting), self.job, place.oversubscribed)
        cpus = place.cpus if variant.native else place.teams[self.job.rank]
        data = self.teams.load(trial, problem, cpus, place.at_once if variant.native else 1)
        checker = Checker(kernel, problem, self.file.room(trial.verified))
        facts: Json = {}
        try:
            prepared = self._prepare(variant, case, data, cpus)
            if self.job.probe:
                prepared.call_once()
                return {"private_bytes": machine.private_bytes()}
            threads = _threads_used(variant, len(cpus))
            schedule = trial.schedule
            if schedule is None:
                prepared.call_once()
                facts["max_error"] = checker.verify(prepared.outputs())
                schedule = sampling.schedule_for(
                    meeting.agree(_calibrate(prepared.sample, place.oversubscribed)), self.job.sample_seconds
                )
                facts.update(_facts(variant, data, prepared, schedule))
            meeting.wait()
            samples = prepared.sample(schedule)
            meeting.keep_busy(prepared.idle)
            checker.check(prepared.outputs())
            pages = memory.lying(data.data, samples.homes, place.memory, self.job.memory_nodes)
        finally:
            os.sched_setaffinity(0, self.allowed)
            data.data.close()
        found = {
            "not_steady": sampling.not_steady(samples.ticks[schedule.warmup :]),
            "oversubscribed": place.oversubscribed,
            "remote_memory": pages.remote,
            "fewer_threads": threads is not None and threads < len(cpus),
        }
        return {
            **facts,
            "ticks": samples.ticks.tolist(),
            "start_ticks": samples.start,
            "start_spread": samples.start_spread,
            "page_nodes": pages.shares,
            "library_threads": threads,
            "flags": [*samples.flags, *(name for name, is_so in found.items() if is_so)],
            "seconds": time.monotonic() - started,
        }

    def _look_up(self, trial: TrialJob) -> tuple[Kernel, Variant, Case]:
        kernel = registry.kernels()[trial.kernel]
        variant = next(v for v in registry.variants(trial.kernel) if v.name == trial.variant)
        if trial.kernel not in self.cases:
            self.cases[trial.kernel] = {case.name: case for case in kernel.cases(self.job.settings)}
        return kernel, variant, self.cases[trial.kernel][trial.case]

    def _prepare(self, variant: Variant, case: Case, data: Operands, cpus: tuple[int, ...]) -> Prepared:
        if variant.library is None:
            return prepare_native(variant, case, data)
        os.sched_setaffinity(0, set(cpus))
        return prepare_library(variant, case, data, cpus, in_company=self.job.processes > 1)


def _threads_used(variant: Variant, wanted: int) -> int | None:
    """How many threads a library says it uses, None for native variants and silent ones."""
    library = variant.library
    used = library.threads_used() if library and library.threads_used else None
    if used is not None and used > wanted:
        raise ThreadsError(f"{variant.name} uses {used} threads, though told to use {wanted}")
    return used


def _facts(variant: Variant, data: Operands, prepared: Prepared, schedule: sampling.Schedule) -> Json:
    """What holds for every process of a trial."""
    largest = max(data.data.arrays(0, 0).values(), key=lambda array: array.nbytes)
    return {
        "schedule": asdict(schedule),
        "overhead_ticks": prepared.empty_ticks(schedule.calls),
        "page_bytes": machine.page_bytes_at(largest.ctypes.data, largest.nbytes),
        "detail": variant.library.detail() if variant.library else None,
    }


def _calibrate(sample: Callable[[sampling.Schedule], sampling.Samples], crowded: bool) -> float:
    """Seconds per call, from ever longer samples until one lasts half a millisecond.

    The shortest thread's, which was not interrupted; where they share CPUs waiting belongs to it.
    """

    def seconds(calls: int) -> float:
        ticks = sample(sampling.Schedule(calls=calls, warmup=0, samples=1)).ticks
        return float(ticks.mean() if crowded else ticks.min()) / native.tick_hz()

    return sampling.calibrate(seconds)


def prepare_native(variant: Variant, case: Case, data: Operands) -> Prepared:
    found = native.find(variant.kernel, variant.name, case.operation)
    if found is None:
        raise native.NativeError(f"{variant.kernel}/{variant.name} has no {case.operation}")
    last_copies = [0] * len(data.team.cpus)
    leaders = [data.data.leader(group) for group in range(data.data.groups)]

    def measure(chosen: native.NativeVariant | None, schedule: sampling.Schedule) -> native.Measurement:
        return data.team.measure(
            chosen, case.native_params, data.data, schedule.calls, schedule.warmup, schedule.samples
        )

    def sample(schedule: sampling.Schedule) -> sampling.Samples:
        measured = measure(found, schedule)
        last_copies[:] = [report.last_copy for report in measured.reports]
        return sampling.Samples(
            measured.ticks,
            sampling.thread_flags(measured.reports, data.team.cpus),
            homes=tuple(measured.reports[leader].node for leader in leaders),
            start=int(measured.starts[0].min()),
            start_spread=sampling.start_spread(measured.starts, data.data.groups),
        )

    def outputs() -> list[Mapping[str, Array]]:
        return [data.outputs(group, last_copies[leader]) for group, leader in enumerate(leaders)]

    def empty_ticks(calls: int) -> float:
        ticks = measure(None, sampling.Schedule(calls, warmup=0, samples=3)).ticks
        return float(ticks.min()) / calls

    once = sampling.Schedule(calls=1, warmup=0, samples=1)
    return Prepared(lambda: void(sample(once)), sample, empty_ticks, outputs)


def prepare_library(
    variant: Variant, case: Case, data: Operands, cpus: Sequence[int], in_company: bool
) -> Prepared:
    assert variant.library is not None
    copies = data.data.copies
    sets = range(2 * copies if in_company else copies)
    bound = [variant.library.bind(case, data.data.arrays(0, copy)) for copy in sets]
    calls, idle = [call for call, _ in bound[:copies]], [call for call, _ in bound[copies:]]
    last: list[Any] = [None, 0]  # what the last call returned, and its operand set

    def sample(schedule: sampling.Schedule) -> sampling.Samples:
        def poison() -> None:
            for copy in range(copies):
                sampling.poison(data.outputs(0, copy).values())

        taken = sampling.sample_calls(calls, schedule, poison, cpus)
        last[:] = [taken.result, taken.last_set]
        astray = len(cpus) > 1 and not machine.task_cpus() <= set(cpus)  # its own threads
        flags = dict.fromkeys([*taken.flags, *(["moved"] if astray else [])])
        return sampling.Samples(taken.ticks, tuple(flags), (taken.node,), taken.start)

    def outputs() -> list[Mapping[str, Array]]:
        _, read = bound[last[1]]
        return [read(last[0])]

    def empty_ticks(count: int) -> float:
        schedule = sampling.Schedule(min(count, 100_000), warmup=0, samples=3)
        ticks = sampling.sample_calls([sampling.nothing] * len(calls), schedule).ticks
        return float(ticks.min()) / schedule.calls

    def call_once() -> None:
        last[:] = [calls[0](), 0]

    return Prepared(call_once, sample, empty_ticks, outputs, idle)


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
        first, *others = all_outputs
        worst = self._error(first)
        if not self.room[0]:
            self._keep(first)
        return max([worst, *(self._error(outputs) for outputs in others if not self._kept(outputs))])

    def check(self, all_outputs: Sequence[Mapping[str, Array]]) -> None:
        """Every thread's last timed output is the verified one, or right within the tolerance."""
        for outputs in all_outputs:
            if not self._kept(outputs):
                self._error(outputs)

    def _error(self, outputs: Mapping[str, Array]) -> float:
        with np.errstate(all="ignore"):
            error = self.kernel.error(self.problem, outputs)
        if not error <= self.problem.tolerance:
            raise WrongResultError(f"wrong result: error {error:.3g}, tolerance {self.problem.tolerance:.3g}")
        return error

    def _keep(self, outputs: Mapping[str, Array]) -> None:
        """Make these the verified outputs, unless a library gives them in another shape or type."""
        pairs = list(self._pairs(outputs))
        if None not in pairs:
            for array, room in filter(None, pairs):
                room[:] = array
            self.room[0] = 1

    def _kept(self, outputs: Mapping[str, Array]) -> bool:
        """Whether these are, bit by bit, the verified outputs."""
        return bool(self.room[0]) and all(p and np.array_equal(*p) for p in self._pairs(outputs))

    def _pairs(self, outputs: Mapping[str, Array]) -> Iterator[tuple[Array, Array] | None]:
        """(bytes of an output, its place in the room), None when the output is not of the stated kind."""
        start = ROOM_HEADER
        for operand in self.problem.operands:
            if operand.output:
                array, stated = outputs.get(operand.name), operand.data
                end = start + stated.nbytes
                if array is None or (array.shape, array.dtype) != (stated.shape, stated.dtype):
                    yield None
                else:
                    yield np.ascontiguousarray(array).reshape(-1).view(np.uint8), self.room[start:end]
                start = end


def verified_bytes(problem: Problem) -> int:
    """Room that a Checker needs for a verified output."""
    return ROOM_HEADER + sum(o.data.nbytes for o in problem.operands if o.output)


# --- several processes in step -------------------------------------------------------------


class Meeting:
    """Where the processes of a group start together and agree on a calibration.

    Without company everything here is free.  crowded: processes share CPUs.
    """

    def __init__(self, room: Array, job: Job, crowded: bool):
        self.rank, self.processes = job.rank, job.processes
        self.gate = native.Gate(room, job.processes, crowded)
        self.seconds = room[64 : 64 + 8 * job.processes].view(np.float64)

    @staticmethod
    def nbytes(processes: int) -> int:
        return 64 + 8 * processes

    def wait(self) -> None:
        if self.processes > 1:
            self.gate.wait()

    def agree(self, seconds: float) -> float:
        """The smallest value that any process gives, all above 0."""
        self.seconds[self.rank] = seconds
        self.wait()
        least = float(self.seconds.min())
        if not least > 0:
            raise ValueError("a process of the group came to the meeting without its calibration")
        return least

    def keep_busy(self, calls: Sequence[Callable[[], Any]]) -> None:
        """Go on calling, in turn, until every process has its samples."""
        if self.processes > 1:
            self.gate.finish()
            turn = itertools.cycle(calls)
            while self.gate.finished() < self.processes:
                next(turn)()


# --- operands ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Operands:
    """A problem laid out for a team of threads."""

    team: native.Team
    data: native.Data
    output_names: tuple[str, ...]

    def outputs(self, group: int, copy: int) -> dict[str, Array]:
        arrays = self.data.arrays(group, copy)
        return {name: arrays[name] for name in self.output_names}


class Teams:
    """Threads by their CPUs; each team keeps its memory from trial to trial.

    Together they keep room_bytes at most: those that were not used for longest are closed first.
    """

    def __init__(self, seed: int, room_bytes: int):
        self.seed, self.room_bytes = seed, room_bytes
        self.teams: dict[tuple[int, ...], native.Team] = {}  # the latest last
        self.kept_bytes: dict[tuple[int, ...], int] = {}

    def load(self, trial: TrialJob, problem: Problem, cpus: tuple[int, ...], groups: int) -> Operands:
        """A problem's operands for the team on these CPUs; its earlier ones end here."""
        team = self._team(cpus, trial.arena_bytes, groups)
        arrays = {operand.name: operand.data for operand in problem.operands}
        names = tuple(operand.name for operand in problem.operands if operand.output)
        data = team.load(arrays, names, trial.copies, "split", self.seed, groups)
        return Operands(team, data, names)

    def _team(self, cpus: tuple[int, ...], arena_bytes: int, groups: int) -> native.Team:
        team = self.teams.pop(cpus, None)
        kept = max(self.kept_bytes.get(cpus, 0), arena_bytes * groups)
        while self.teams and kept + sum(self.kept_bytes[other] for other in self.teams) > self.room_bytes:
            oldest = next(iter(self.teams))
            self.teams.pop(oldest).close()
        if team is None:
            team = native.Team(cpus)
            team.reserve(arena_bytes)
        self.teams[cpus], self.kept_bytes[cpus] = team, kept
        return team


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
    nodes = tuple(raw["memory_nodes"])
    return Job(**{**raw, "settings": Settings(**settings), "trials": trials, "memory_nodes": nodes})


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
    gc.freeze()  # what is loaded stays: no collection runs into a sample
    gc.disable()
    for trial in job.trials:
        tell({"start": trial.index})
        try:
            tell({"done": trial.index, **worker.run(trial)})
        except MemoryError as error:
            tell({"failed": trial.index, "reason": f"out of memory: {error}".rstrip(": ")})
        except WrongResultError as error:
            tell({"failed": trial.index, "reason": str(error)})
        except Exception as error:
            tell({"failed": trial.index, "reason": f"{type(error).__name__}: {error}"})


def die_with_parent() -> None:
    """A runner that is killed must not leave its workers loading the machine."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    die_with_parent()
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a library that prints must not break the protocol
    serve(decode_job(sys.stdin.read()), events)
    events.flush()
    os._exit(0)  # no teardown of libraries' thread pools: the samples are out

"""One fresh process of a round: verify, calibrate, warm up, sample, check.

Started by the runner (processes.py), which calls main().  A Job comes as JSON on stdin; what
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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from armbench.bench import machine, native, registry
from armbench.bench.model import Array, Case, Json, Kernel, Mode, Placement, Problem, Settings, Variant
from armbench.bench.run import memory, sampling
from armbench.bench.run.checking import Checker, WrongResultError
from armbench.bench.run.meeting import Meeting
from armbench.bench.run.problems import ProblemFile
from armbench.bench.run.teams import Operands, Teams
from armbench.bench.run.turns import Turns

JOBS = 3  # the contract of Job; another one means that two suites cannot be the sides of one `ab`
PR_SET_PDEATHSIG, PR_SET_THP_DISABLE = 1, 41  # of linux/prctl.h


@dataclass(frozen=True, slots=True)
class TrialJob:
    """A trial as the worker gets it; keys address the problem file.

    arena_bytes: of the largest operands that a call at a time gets on these CPUs.
    first: whether this side begins, where the other side's process takes turns with this one.
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
    pace: str
    schedule: sampling.Schedule | None
    first: bool = False

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
    turns         the descriptors by which the other side's process gives a turn, and gets one
    """

    fd: int
    table: Mapping[str, Json]
    settings: Settings
    trials: tuple[TrialJob, ...]
    rank: int
    processes: int
    seed: int
    sample_seconds: float
    warmup_seconds: float
    memory_nodes: tuple[int, ...] = ()
    room_bytes: int = 1 << 62
    probe: bool = False
    turns: tuple[int, int] | None = None


class ThreadsError(Exception):
    """A library uses more threads than it was told to, on CPUs that are not its own."""


# --- one trial -----------------------------------------------------------------------------


Sample = Callable[[sampling.Schedule, Callable[[], None]], sampling.Samples]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A trial ready to run: how to call it once, sample it, and look at its outputs.

    sample(schedule, before_first): before_first() runs right before the first sample.
    """

    call_once: Callable[[], None]
    sample: Sample
    empty_ticks: Callable[[int], float]
    outputs: Callable[[], Sequence[Mapping[str, Array]]]
    idle: Sequence[Callable[[], Any]] = ()  # calls like the sampled ones that leave the outputs alone


class Worker:
    """Runs the trials of a job."""

    def __init__(self, job: Job):
        self.job = job
        self.file = ProblemFile(job.fd, dict(job.table))
        self.teams = Teams(job.seed, job.room_bytes)
        self.turns = Turns(*job.turns) if job.turns else None
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
        room = self.file.room(trial.meeting)
        meeting = Meeting(room, self.job.rank, self.job.processes, place.oversubscribed)
        cpus = place.cpus if variant.native else place.teams[self.job.rank]
        groups = place.at_once if variant.native else 1
        data = self.teams.load(_packed(problem, variant, case), cpus, groups, trial.copies, trial.arena_bytes)
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
                pace = sampling.common_pace(
                    lambda: meeting.agree(self._calibrate(prepared.sample, place.oversubscribed)),
                    self.file.room(trial.pace),
                )
                schedule = sampling.schedule_for(pace, self.job.sample_seconds, self.job.warmup_seconds)
                facts.update(_facts(variant, data, prepared, schedule))
            samples = self._sample(prepared, schedule, meeting)
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
            "flags": [*samples.watched.flags, *(name for name, is_so in found.items() if is_so)],
            "seconds": time.monotonic() - started,
        }

    def _look_up(self, trial: TrialJob) -> tuple[Kernel, Variant, Case]:
        kernel, variant = registry.find(trial.kernel, trial.variant)
        if trial.kernel not in self.cases:
            self.cases[trial.kernel] = {case.name: case for case in kernel.cases(self.job.settings)}
        return kernel, variant, self.cases[trial.kernel][trial.case]

    def _calibrate(self, sample: Sample, crowded: bool) -> float:
        """Seconds per call, from ever longer samples until one lasts half a millisecond.

        The shortest thread's, which was not interrupted; where they share CPUs waiting belongs to it.
        """

        def seconds(calls: int) -> float:
            ticks = sample(sampling.Schedule(calls=calls, warmup=0, samples=1), sampling.nothing).ticks
            return float(ticks.mean() if crowded else ticks.min()) / native.tick_hz()

        return sampling.calibrate(seconds, spend=sampling.PACE_SECONDS if self.turns else 0.0)

    def _sample(self, prepared: Prepared, schedule: sampling.Schedule, meeting: Meeting) -> sampling.Samples:
        if not self.turns:
            return prepared.sample(schedule, meeting.wait)
        visits = schedule.visits()
        parts: list[sampling.Samples] = []
        for visit in visits:
            if parts:
                self.turns.give()
            parts.append(prepared.sample(visit, sampling.nothing))
        return sampling.joined(parts, visits)

    def _prepare(self, variant: Variant, case: Case, data: Operands, cpus: tuple[int, ...]) -> Prepared:
        if variant.library is None:
            return prepare_native(variant, case, data)
        os.sched_setaffinity(0, set(cpus))
        return prepare_library(variant, case, data, cpus, in_company=self.job.processes > 1)


def _packed(problem: Problem, variant: Variant, case: Case) -> Problem:
    """The problem with its second operand as a native variant packs it, before anything is timed."""
    found = native.find(variant.kernel, variant.name, case.operation) if variant.native else None
    if found is None:
        return problem
    given = problem.operands
    arrays = native.packed(found, case.native_params, [operand.data for operand in given])
    operands = (replace(operand, data=data) for operand, data in zip(given, arrays, strict=True))
    return replace(problem, operands=tuple(operands))


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


def prepare_native(variant: Variant, case: Case, data: Operands) -> Prepared:
    found = native.find(variant.kernel, variant.name, case.operation)
    if found is None:
        raise native.NativeError(f"{variant.kernel}/{variant.name} has no {case.operation}")
    last_copies = [-1] * len(data.team.cpus)
    leaders = [data.data.leader(group) for group in range(data.data.groups)]

    def measure(chosen: native.NativeVariant | None, schedule: sampling.Schedule) -> native.Measurement:
        return data.team.measure(
            chosen,
            case.native_params,
            data.data,
            schedule.calls,
            schedule.warmup,
            schedule.samples,
            first=(last_copies[0] + 1) % data.data.copies,
        )

    def sample(schedule: sampling.Schedule, before_first: Callable[[], None]) -> sampling.Samples:
        before_first()
        measured = measure(found, schedule)
        last_copies[:] = [report.last_copy for report in measured.reports]
        return sampling.Samples(
            measured.ticks,
            sampling.watched(measured.reports, data.team.cpus),
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
    return Prepared(lambda: void(sample(once, sampling.nothing)), sample, empty_ticks, outputs)


def prepare_library(
    variant: Variant, case: Case, data: Operands, cpus: Sequence[int], in_company: bool
) -> Prepared:
    assert variant.library is not None
    copies = data.data.copies
    sets = range(2 * copies if in_company else copies)
    bound = [variant.library.bind(case, data.data.arrays(0, copy)) for copy in sets]
    calls, idle = [call for call, _ in bound[:copies]], [call for call, _ in bound[copies:]]
    last: list[Any] = [None, -1]  # what the last call returned, and its operand set

    def sample(schedule: sampling.Schedule, before_first: Callable[[], None]) -> sampling.Samples:
        def poison() -> None:
            for copy in range(copies):
                sampling.poison(data.outputs(0, copy).values())

        following = (last[1] + 1) % copies
        taken = sampling.sample_calls(calls, schedule, poison, cpus, before_first, following)
        last[:] = [taken.result, taken.last_set]
        astray = len(cpus) > 1 and not machine.task_cpus() <= set(cpus)  # its own threads
        watched = replace(taken.watched, moved=taken.watched.moved or astray)
        return sampling.Samples(taken.ticks, watched, (taken.node,), taken.start)

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
    tuples = {name: raw[name] and tuple(raw[name]) for name in ("memory_nodes", "turns")}
    return Job(**{**raw, **tuples, "settings": Settings(**settings), "trials": trials})


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
        if worker.turns:
            worker.turns.begin(trial.first)
        tell({"start": trial.index})
        try:
            event = {"done": trial.index, **worker.run(trial)}
        except MemoryError as error:
            event = {"failed": trial.index, "reason": f"out of memory: {error}".rstrip(": ")}
        except WrongResultError as error:
            event = {"failed": trial.index, "reason": str(error)}
        except Exception as error:
            event = {"failed": trial.index, "reason": f"{type(error).__name__}: {error}"}
        tell(event)
        if worker.turns:
            worker.turns.end()


def die_with_parent() -> None:
    """A runner that is killed must not leave its workers loading the machine."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    die_with_parent()
    if os.environ.get("ARMBENCH_HUGE_PAGES") == "never":
        ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a library that prints must not break the protocol
    serve(decode_job(sys.stdin.read()), events)
    events.flush()
    os._exit(0)  # no teardown of libraries' thread pools: the samples are out

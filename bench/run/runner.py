"""Rounds: fresh processes in random order, stop on precision or budget, lose nothing.

Each round runs every trial once; each group of trials that shares a software environment gets
fresh processes for it.  What comes back goes to the recorder at once, which syncs per round.
"""

from __future__ import annotations

import datetime
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import psutil

from armbench.bench import machine as host
from armbench.bench import native, stats
from armbench.bench.model import Failure, Machine, Process, Result, Round, Settings, Skip, Trial, Verified
from armbench.bench.run.plan import Group, Plan, Profile, copies_of, group_of
from armbench.bench.run.problems import ProblemFile
from armbench.bench.run.processes import Broken, Done, Event, Launcher
from armbench.bench.run.sampling import Schedule
from armbench.bench.run.worker import Job, Meeting, TrialJob, verified_bytes

DATA_SEED = 1  # inputs are the same in every session, so that sessions can be compared
CHECK_EVERY = 4  # rounds, from Limits.least_rounds on
CONFIDENCE = 0.95
STEAL_SHARE = 0.01
CLOCK_SHARE = 0.003
MEMORY_SHARE = 0.8  # of the free memory, that operands may take
OFFSET_BYTES = 4096 + 128  # an operand's random offset and alignment at most
START_SECONDS = 0.4  # first guess of what starting a group's processes costs


def utc_now() -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Watcher(Protocol):
    """What the runner tells about its progress; times are in seconds."""

    def preparing(self, what: str, index: int, count: int) -> None: ...
    def trial(self, round_index: int, rounds: int, key: str, share_done: float) -> None: ...
    def forecast(self, remaining: float) -> None: ...
    def note(self, text: str) -> None: ...


class Recorder(Protocol):
    """Keeps what is measured; `round` comes after everything of that round and makes it durable."""

    def process(self, result: Result, process: Process) -> None: ...
    def failure(self, failure: Failure) -> None: ...
    def skip(self, skip: Skip) -> None: ...
    def round(self, done: Round) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop: the profile's values, or what the user gave instead."""

    rounds: int
    least_rounds: int
    budget_seconds: float | None
    precision: float | None
    sample_seconds: float
    trial_seconds: float

    @classmethod
    def of(cls, profile: Profile, trial_seconds: float) -> Limits:
        return cls(
            profile.rounds,
            profile.least_rounds,
            profile.budget_seconds,
            profile.precision,
            profile.sample_seconds,
            trial_seconds,
        )


@dataclass
class Course:
    """What this session knows of a trial; grows round by round."""

    trial: Trial
    index: int
    schedule: Schedule | None = None
    result: Result | None = None
    stop: str | None = None
    left_out: bool = False  # it failed, or does not fit into memory

    @property
    def problem_key(self) -> str:
        return f"{self.trial.kernel.name}/{self.trial.case.name}"

    @property
    def verified_key(self) -> str:
        return f"{self.problem_key}/{self.trial.variant.name}"

    @property
    def meeting_key(self) -> str:
        return f"meeting/{self.index}"

    @property
    def active(self) -> bool:
        return self.stop is None and not self.left_out

    def continue_from(self, earlier: Result) -> None:
        """Take over what an interrupted session measured of the same trial."""
        self.result = replace(earlier, stop=None)
        last = earlier.processes[-1]
        self.schedule = Schedule(earlier.calls, len(last.warmup), len(last.samples))


class Runner:
    """One session from a plan: prepare(), then run(); results() is what there is at any time."""

    def __init__(
        self,
        plan: Plan,
        machine: Machine,
        settings: Settings,
        limits: Limits,
        watcher: Watcher,
        recorder: Recorder,
        seed: int,
    ):
        self.machine, self.settings, self.limits = machine, settings, limits
        self.watcher, self.recorder, self.seed = watcher, recorder, seed
        self.courses = [Course(trial, index) for index, trial in enumerate(plan.trials)]
        self.details: dict[tuple[str, str], str] = {}
        self.file = ProblemFile.create()
        self.launcher = Launcher(thread_variables(plan.trials), limits.trial_seconds)
        self.begun = time.monotonic()
        self.started_trials = 0

    def results(self) -> tuple[Result, ...]:
        return tuple(replace(c.result, stop=c.stop) for c in self.courses if c.result)

    def continue_from(self, earlier: Mapping[str, Result]) -> None:
        """Take over what an interrupted session measured, by trial key."""
        for course in self.courses:
            if course.trial.key in earlier:
                course.continue_from(earlier[course.trial.key])

    # --- preparing ---------------------------------------------------------------------

    def prepare(self) -> None:
        """Make every problem once and reserve what workers share."""
        keys = {course.problem_key: course.trial for course in self.courses}
        for done, (key, trial) in enumerate(keys.items()):
            self.watcher.preparing(key.replace("/", " "), done, len(keys))
            problem = trial.kernel.problem(trial.case, self.settings, DATA_SEED)
            self.file.add_problem(key, problem)
            for course in self.courses:
                if course.problem_key == key:
                    self.file.reserve(course.verified_key, verified_bytes(problem))
        for course in self.courses:
            self.file.reserve(course.meeting_key, Meeting.nbytes(group_of(course.trial).processes))
            self._leave_out_too_large(course)

    def _leave_out_too_large(self, course: Course) -> None:
        """Skip a trial whose operands do not fit, before the kernel kills something for it."""
        place = course.trial.placement
        owners = place.threads if place.mode == "throughput" else 1
        needed, free = self._arena_bytes(course) * owners, psutil.virtual_memory().available
        if needed > MEMORY_SHARE * free:
            course.left_out = True
            reason = f"needs {needed >> 20} MiB on {place.threads} CPUs, {free >> 20} MiB are free"
            trial = course.trial
            self.recorder.skip(Skip(trial.kernel.name, trial.variant.name, reason, trial.case.name))

    # --- rounds ------------------------------------------------------------------------

    def run(self, first_round: int = 0) -> None:
        """Rounds until every trial is precise enough, the rounds are done, or the budget is spent."""
        for index in range(first_round, self.limits.rounds):
            if not any(course.active for course in self.courses):
                return
            started = time.monotonic()
            self._round(index)
            elapsed = time.monotonic() - started
            self._stop_precise(index + 1)
            if index + 1 < self.limits.rounds and self._over_budget(self._next_round_seconds(index, elapsed)):
                self._stop_all("budget")
                return
            self.watcher.forecast(self._remaining_seconds(index, elapsed))
        self._stop_all("rounds")

    def _round(self, index: int) -> None:
        seed = random.Random(f"{self.seed}/{index}").getrandbits(32)
        chance = random.Random(seed)
        started, before, clock_before = utc_now(), host.watch(), self._clock_hz()
        groups: dict[Group, list[Course]] = {}
        for course in self.courses:
            if course.active:
                groups.setdefault(group_of(course.trial), []).append(course)
        self.started_trials = 0
        interrupted = True
        try:
            for group in chance.sample(list(groups), len(groups)):
                courses = chance.sample(groups[group], len(groups[group]))
                self._run_group(index, group, courses, chance.getrandbits(32))
            interrupted = False
        finally:
            steal, clock_after = host.watch().steal_since(before), self._clock_hz()
            quality = tuple(_round_flags(steal, clock_before, clock_after, interrupted))
            self.recorder.round(Round(index, seed, started, steal.ticks, clock_before, clock_after, quality))

    def _run_group(self, round_index: int, group: Group, courses: Sequence[Course], seed: int) -> None:
        for course in courses:
            self.file.zero(course.meeting_key)
        by_index = {course.index: course for course in courses}
        job = self._job(group, courses, seed)

        def started(index: int) -> None:
            self.started_trials += 1
            active = sum(course.active for course in self.courses)
            share = (round_index + self.started_trials / max(1, active)) / self.limits.rounds
            self.watcher.trial(round_index, self.limits.rounds, by_index[index].trial.key, min(1.0, share))

        for event in self.launcher.run(group, job, started, seed):
            self._take(round_index, by_index[event.index], event)

    def _job(self, group: Group, courses: Sequence[Course], seed: int) -> Job:
        return Job(
            fd=self.file.fd,
            table=self.file.table,
            settings=self.settings,
            trials=tuple(self._trial_job(course) for course in courses),
            rank=0,
            processes=group.processes,
            seed=seed,
            arena_bytes=max(map(self._arena_bytes, courses)),
            sample_seconds=self.limits.sample_seconds,
        )

    def _arena_bytes(self, course: Course) -> int:
        """What a thread needs for its operands, with room for their random offsets."""
        operands = self.file.problem(course.problem_key).operands
        nbytes = sum(operand.data.nbytes + OFFSET_BYTES for operand in operands)
        return nbytes * self._copies(course)

    def _copies(self, course: Course) -> int:
        operands = self.file.problem(course.problem_key).operands
        nbytes = sum(operand.data.nbytes for operand in operands)
        return copies_of(course.trial.case, nbytes, course.trial.placement, self.machine)

    def _trial_job(self, course: Course) -> TrialJob:
        trial = course.trial
        return TrialJob(
            index=course.index,
            kernel=trial.kernel.name,
            variant=trial.variant.name,
            case=trial.case.name,
            mode=trial.placement.mode,
            cpus=trial.placement.cpus,
            copies=self._copies(course),
            problem=course.problem_key,
            verified=course.verified_key,
            meeting=course.meeting_key,
            schedule=course.schedule,
        )

    # --- what comes back ---------------------------------------------------------------

    def _take(self, round_index: int, course: Course, event: Event) -> None:
        trial = course.trial
        if isinstance(event, Broken):
            course.left_out = True
            self.recorder.failure(
                Failure(trial.kernel.name, trial.variant.name, trial.case.name, event.reason)
            )
            self.watcher.note(
                f"failed: {trial.kernel.name}/{trial.variant.name}/{trial.case.name}: {event.reason}"
            )
            return
        first = event.events[0]
        if course.result is None:
            course.schedule = Schedule(**first["schedule"])
            course.result = self._new_result(course, event)
        if first.get("detail"):
            self.details[trial.kernel.name, trial.variant.name] = first["detail"]
        process = self._process_of(round_index, course, event)
        self.recorder.process(course.result, process)
        course.result = replace(course.result, processes=(*course.result.processes, process))

    def _new_result(self, course: Course, event: Done) -> Result:
        trial, place = course.trial, course.trial.placement
        problem = self.file.problem(course.problem_key)
        first = event.events[0]
        return Result(
            kernel=trial.kernel.name,
            kernel_version=trial.kernel.version,
            variant=trial.variant.name,
            isa=trial.variant.isa,
            case=trial.case.name,
            params=trial.case.params,
            mode=place.mode,
            cpus=place.cpus,
            placement=place.policy,
            memory=place.memory,
            page_bytes=first["page_bytes"],
            tick_hz=native.tick_hz(),
            calls=first["schedule"]["calls"],
            overhead_ticks=max(e["overhead_ticks"] for e in event.events),
            work=problem.work,
            verified=Verified(max(e["max_error"] for e in event.events), problem.tolerance),
            processes=(),
        )

    def _process_of(self, round_index: int, course: Course, event: Done) -> Process:
        assert course.schedule is not None
        flags = tuple(sorted({flag for e in event.events for flag in e["flags"]}))
        return stats.process(round_index, event.pid, event.ticks, course.schedule.warmup, flags)

    # --- stopping ----------------------------------------------------------------------

    def _stop_precise(self, rounds_done: int) -> None:
        limits = self.limits
        if limits.precision is None or rounds_done < limits.least_rounds or rounds_done % CHECK_EVERY:
            return
        for course in self.courses:
            if course.active and course.result and _half_width(course.result) <= limits.precision:
                course.stop = "precision"

    def _stop_all(self, reason: str) -> None:
        for course in self.courses:
            if course.active:
                course.stop = reason

    def _over_budget(self, next_round: float) -> bool:
        budget = self.limits.budget_seconds
        return budget is not None and time.monotonic() - self.begun + next_round > budget

    def _next_round_seconds(self, index: int, elapsed: float) -> float:
        """The first round also verified and calibrated, so its samples alone are the guide."""
        if index:
            return elapsed
        groups = {group_of(c.trial) for c in self.courses if c.active}
        return sum(_sampling_seconds(c) for c in self.courses) * 1.05 + START_SECONDS * len(groups)

    def _remaining_seconds(self, index: int, elapsed: float) -> float:
        rounds = (self.limits.rounds - index - 1) * self._next_round_seconds(index, elapsed)
        budget = self.limits.budget_seconds
        if budget is None:
            return rounds
        return min(rounds, budget - (time.monotonic() - self.begun))

    def _clock_hz(self) -> float | None:
        """The clock of the first CPU that is measured, by a chain pinned there."""
        cpus = self.courses[0].trial.placement.cpus
        with pinned(cpus[0]):
            return native.clock_hz()


@contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """Run a block on one CPU; the affinity before is restored."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def thread_variables(trials: Sequence[Trial]) -> tuple[str, ...]:
    """The environment variables by which the libraries of these trials choose their threads."""
    libraries = (trial.variant.library for trial in trials)
    return tuple(sorted({name for library in libraries if library for name in library.threads}))


def _half_width(result: Result) -> float:
    summary = stats.summarize(result)
    if summary.confidence < CONFIDENCE - 0.01:
        return float("inf")
    return (summary.high - summary.low) / 2 / summary.seconds


def _sampling_seconds(course: Course) -> float:
    """What a round spends in this trial's samples and warm-up, by its last process."""
    if not course.active or course.result is None or not course.result.processes:
        return 0.0
    last = course.result.processes[-1]
    return sum(max(row) for row in (*last.warmup, *last.samples)) / course.result.tick_hz


def _round_flags(
    steal: host.Steal, before: float | None, after: float | None, interrupted: bool
) -> Iterator[str]:
    if interrupted:
        yield "interrupted"
    if steal.share is not None and steal.share > STEAL_SHARE:
        yield "steal"
    if before and after and abs(after / before - 1) > CLOCK_SHARE:
        yield "clock"

"""Rounds: fresh processes in random order, stop on precision or budget, lose nothing.

Each round runs every trial once; each group of trials that shares a software environment gets
fresh processes for it.  What comes back goes to the recorder at once, which syncs per round.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from armbench.bench.machine import Steal
from armbench.bench.model import (
    SIDES,
    Failure,
    Machine,
    Process,
    Result,
    Round,
    Settings,
    SideName,
    Skip,
    Trial,
)
from armbench.bench.run import memory
from armbench.bench.run.checking import verified_bytes
from armbench.bench.run.course import Course, courses_of, largest_by_place
from armbench.bench.run.instruments import HERE, Instruments, Launches
from armbench.bench.run.noise import STEADY, Noise, Precision, half_width, precision
from armbench.bench.run.plan import Group, Plan, Profile, group_of
from armbench.bench.run.problems import ProblemFile
from armbench.bench.run.processes import Broken, Done, Event, Launcher
from armbench.bench.run.sampling import WARMUP_SECONDS
from armbench.bench.run.sides import Start
from armbench.bench.run.worker import Job

DATA_SEED = 1  # inputs are the same in every session, so that sessions can be compared
CHECK_EVERY = 4  # rounds, from Limits.least_rounds on
STEAL_SHARE = 0.01
CLOCK_SHARE = 0.003
MEMORY_SHARE = 0.8  # of the free memory, that operands may take
FEW_PROCESSES = 8  # so many are not probed for their size while
LIKELY_BYTES = 1 << 30  # each has room for this much
START_SECONDS = 0.4  # first guess of what starting a group's processes costs


class BudgetSpentError(Exception):
    """The time is over within a round; raised before a trial begins."""


class Watcher(Protocol):
    """What the runner tells about its progress; times are in seconds."""

    def preparing(self, what: str, index: int, count: int) -> None: ...
    def trial(self, round_index: int, rounds: int, key: str, share_done: float) -> None: ...
    def forecast(self, remaining: float) -> None: ...
    def noise(self, noise: Noise) -> None: ...
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
    warmup_seconds: float = WARMUP_SECONDS

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
        spent_seconds: float = 0.0,
        launcher: Launches | None = None,
        instruments: Instruments = HERE,
        starts: Mapping[SideName | None, Start] | None = None,
    ):
        """launcher and instruments: of a machine that is not this one, as a simulation has them.

        starts: how the processes of the sides are started, where the plan has sides.
        """
        self.machine, self.settings, self.limits = machine, settings, limits
        self.watcher, self.recorder, self.seed = watcher, recorder, seed
        self.courses = courses_of(plan.trials)
        self.details: dict[tuple[str, str], str] = {}
        self.file = ProblemFile.create()
        self.launcher = launcher or Launcher(
            thread_variables(plan.trials), limits.trial_seconds, starts or {None: Start()}
        )
        self.instruments = instruments
        self.free_bytes = 0
        self.begun = instruments.monotonic() - spent_seconds
        self.started_trials = 0
        self.precision: Precision | None = None
        self.disturbed: Counter[str] = Counter()  # flags of the trials of this round

    def results(self) -> tuple[Result, ...]:
        return tuple(replace(c.result, stop=c.stop) for c in self.courses if c.result)

    def continue_from(
        self,
        earlier: Mapping[str, Result],
        failures: Sequence[Failure],
        details: Mapping[tuple[str, str], str],
    ) -> None:
        """Take over what an interrupted session measured, by trial key, what failed and what libraries said.

        A trial of which no sample was kept is as good as new.
        """
        self.details.update(details)
        for course in self.courses:
            course.left_out = any(map(course.is_of, failures))
            result = earlier.get(course.trial.key)
            if result and result.processes:
                course.continue_from(result)

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
                    course.lay_out(problem, self.machine)
        for course in self.courses:
            for key, nbytes in course.rooms():
                self.file.reserve(key, nbytes)
        self.free_bytes = self.instruments.free_memory_bytes()
        for group, courses in self._groups().items():
            self._leave_out_too_large(group, courses)

    def _leave_out_too_large(self, group: Group, courses: list[Course]) -> None:
        """Skip what does not fit into memory, before the kernel kills something for it.

        A process beside its operands has what its libraries need, which a probe tells where it
        could matter; the processes of a group run together.
        """
        room = self._room_bytes(group)
        own = self._process_bytes(group, courses, room)
        for course in courses:
            needed = group.processes * own + course.team_bytes
            if needed > room:
                course.left_out = True
                self.recorder.skip(course.skip(group.processes, own, needed, self.free_bytes))

    def _room_bytes(self, group: Group) -> int:
        sharers = 2 if group.side else 1  # processes of both sides are there at once
        return int(MEMORY_SHARE * memory.limit(group.memory, self.free_bytes)) // sharers

    def _process_bytes(self, group: Group, courses: Sequence[Course], room: int) -> int:
        """What each process of a group takes beside operands; 0 where any likely size would fit."""
        if group.processes <= FEW_PROCESSES and group.processes * LIKELY_BYTES < room:
            return 0
        largest = max(course.thread_bytes for course in courses)
        if largest > room:
            return 0  # not even a single one
        self.watcher.preparing("the size of a process", 0, 1)
        one = Group(1, group.threads, group.cpus_of(0), group.memory)
        job = replace(self._job(one, courses, self.seed), probe=True)
        sizes = [
            int(event.events[0].get("private_bytes", 0))
            for event in self.launcher.run(one, job, lambda index: None, self.seed)
            if isinstance(event, Done)
        ]
        return max(0, max(sizes, default=0) - largest)

    def _groups(self) -> dict[Group, list[Course]]:
        """The trials of the next round by the processes that they share."""
        groups: dict[Group, list[Course]] = {}
        for course in self.courses:
            if course.active:
                groups.setdefault(group_of(course.trial), []).append(course)
        return groups

    # --- rounds ------------------------------------------------------------------------

    def run(self, first_round: int = 0) -> None:
        """Rounds until every trial is precise enough, the rounds are done, or the budget is spent."""
        for index in range(first_round, self.limits.rounds):
            if not any(course.active for course in self.courses):
                return
            started = self.instruments.monotonic()
            try:
                self._round(index)
            except BudgetSpentError:
                self._stop_all("budget")
                return
            elapsed = self.instruments.monotonic() - started
            self._stop_precise(index + 1)
            if index + 1 < self.limits.rounds and self._over_budget(self._next_round_seconds(index, elapsed)):
                self._stop_all("budget")
                return
            self.watcher.forecast(self._remaining_seconds(index, elapsed))
        self._stop_all("rounds")

    def _round(self, index: int) -> None:
        seed = random.Random(f"{self.seed}/{index}").getrandbits(32)
        chance = random.Random(seed)
        watch, started = self.instruments.watch, self.instruments.utc_now()
        before, clock_before = watch(), self._clock_hz()
        groups = self._groups()
        self.started_trials = 0
        self.disturbed.clear()
        interrupted = True
        try:
            for together in in_order(list(groups), chance):
                order = chance.getrandbits(32)  # of both sides, whose trials so meet
                shuffled = {g: random.Random(order).sample(groups[g], len(groups[g])) for g in together}
                seeds = {group: chance.getrandbits(32) for group in together}
                jobs = [(group, self._job(group, shuffled[group], seeds[group])) for group in together]
                if len(jobs) > 1 and all(group.idles for group in together):
                    self._follow(index, self.launcher.run_in_turns(jobs, self._started(index), order))
                else:
                    for group, job in jobs:
                        events = self.launcher.run(group, job, self._started(index), seeds[group])
                        self._follow(index, events)
            interrupted = False
        finally:
            steal, clock_after = watch().steal_since(before), self._clock_hz()
            quality = tuple(_round_flags(steal, clock_before, clock_after, interrupted))
            self.recorder.round(Round(index, seed, started, steal.ticks, clock_before, clock_after, quality))
        self.disturbed.update(quality)
        self.precision = precision(self.results())
        self._tell_noise()

    def _tell_noise(self) -> None:
        self.watcher.noise(Noise(self.precision, dict(self.disturbed), self.started_trials))

    def _started(self, round_index: int) -> Callable[[int], None]:
        """What is called with the index of each trial that begins."""

        def started(index: int) -> None:
            if self._over_budget(0.0):
                raise BudgetSpentError
            self.started_trials += 1
            active = sum(course.active for course in self.courses)
            share = (round_index + self.started_trials / max(1, active)) / self.limits.rounds
            key = self.courses[index].trial.key
            self.watcher.trial(round_index, self.limits.rounds, key, min(1.0, share))

        return started

    def _follow(self, round_index: int, events: Iterator[Event]) -> None:
        for event in events:
            self._take(round_index, self.courses[event.index], event)

    def _job(self, group: Group, courses: Sequence[Course], seed: int) -> Job:
        rooms = largest_by_place(courses)
        return Job(
            fd=self.file.fd,
            table=self.file.table,
            settings=self.settings,
            trials=tuple(course.job(rooms[course.trial.placement]) for course in courses),
            rank=0,
            processes=group.processes,
            seed=seed,
            sample_seconds=self.limits.sample_seconds,
            warmup_seconds=self.limits.warmup_seconds,
            memory_nodes=memory.nodes_of(group.memory, self.machine),
            room_bytes=self._room_bytes(group),
        )

    # --- what comes back ---------------------------------------------------------------

    def _take(self, round_index: int, course: Course, event: Event) -> None:
        trial = course.trial
        if isinstance(event, Broken):
            course.left_out = True
            self.recorder.failure(course.failure(event.reason))
            self.watcher.note(
                f"failed: {trial.kernel.name}/{trial.variant.name}/{trial.case.name}: {event.reason}"
            )
            return
        first = event.events[0]
        if course.result is None:
            problem = self.file.problem(course.problem_key)
            course.result = course.begin(event, problem, self.instruments.tick_hz())
        if first.get("detail"):
            self.details[trial.kernel.name, trial.variant.name] = first["detail"]
        process = course.process_of(round_index, event)
        if beside := [flag for flag in process.flags if flag != STEADY]:
            self.disturbed.update(beside)
            self._tell_noise()
        self.recorder.process(course.result, process)
        others = [p for p in course.result.processes if p.round != round_index]  # a round done again
        course.result = replace(course.result, processes=(*others, process))

    # --- stopping ----------------------------------------------------------------------

    def _stop_precise(self, rounds_done: int) -> None:
        limits = self.limits
        if limits.precision is None or rounds_done < limits.least_rounds or rounds_done % CHECK_EVERY:
            return
        for course in self.courses:
            if course.active and course.result and half_width(course.result) <= limits.precision:
                course.stop = "precision"

    def _stop_all(self, reason: str) -> None:
        for course in self.courses:
            if course.active:
                course.stop = reason

    def _over_budget(self, next_round: float) -> bool:
        budget = self.limits.budget_seconds
        return budget is not None and self.instruments.monotonic() - self.begun + next_round > budget

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
        return min(rounds, budget - (self.instruments.monotonic() - self.begun))

    def _clock_hz(self) -> float | None:
        """The clock of the first CPU that is measured, by a chain pinned there."""
        return self.instruments.clock_hz(self.courses[0].trial.placement.cpus[:1])


def in_order(groups: Sequence[Group], chance: random.Random) -> list[list[Group]]:
    """A round's groups in random order; those of two sides follow each other as a coin says.

    The coin is what makes the signs of a round's differences fair whatever the machine does.
    """
    sides = [[group for group in groups if group.side == side] for side in (None, *SIDES)]
    alone, a, b = sides
    pairs = [list(pair) for pair in zip(a, b, strict=False)]
    odd = [[group] for group in (*alone, *a[len(b) :], *b[len(a) :])]
    order = chance.sample([*pairs, *odd], len(pairs) + len(odd))
    return [chance.sample(together, len(together)) for together in order]


def thread_variables(trials: Sequence[Trial]) -> tuple[str, ...]:
    """The environment variables by which the libraries of these trials choose their threads."""
    libraries = (trial.variant.library for trial in trials)
    return tuple(sorted({name for library in libraries if library for name in library.threads}))


def _sampling_seconds(course: Course) -> float:
    """What a round spends in this trial's samples and warm-up, by its last process."""
    if not course.active or course.result is None or not course.result.processes:
        return 0.0
    last = course.result.processes[-1]
    return sum(max(row) for row in (*last.warmup, *last.samples)) / course.result.tick_hz


def _round_flags(steal: Steal, before: float | None, after: float | None, interrupted: bool) -> Iterator[str]:
    if interrupted:
        yield "interrupted"
    if steal.share is not None and steal.share > STEAL_SHARE:
        yield "steal"
    if before and after and abs(after / before - 1) > CLOCK_SHARE:
        yield "clock"

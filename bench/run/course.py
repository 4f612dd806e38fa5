"""What a session knows of a trial while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from armbench.bench import cpulist, estimates
from armbench.bench.model import (
    SIDES,
    Failure,
    Machine,
    Placement,
    Problem,
    Process,
    Result,
    Skip,
    Trial,
    Verified,
)
from armbench.bench.run.meeting import Meeting
from armbench.bench.run.plan import copies_of, group_of
from armbench.bench.run.processes import Done
from armbench.bench.run.sampling import PACE_BYTES, Schedule
from armbench.bench.run.worker import TrialJob

OFFSET_BYTES = 4096 + 128  # an operand's random offset and alignment at most


@dataclass
class Course:
    """What this session knows of a trial; grows round by round."""

    trial: Trial
    index: int
    schedule: Schedule | None = None
    result: Result | None = None
    stop: str | None = None
    left_out: bool = False  # it failed, or does not fit into memory
    copies: int = 1
    thread_bytes: int = 0  # of the operands and their offsets that a call at a time has
    paced_by: int | None = None  # the index of the other side's trial of `ab`, which is sampled as this one

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
    def pace_key(self) -> str:
        return f"pace/{self.index if self.paced_by is None else self.paced_by}"

    def rooms(self) -> Iterator[tuple[str, int]]:
        """Keys and bytes of what its processes share."""
        yield self.meeting_key, Meeting.nbytes(group_of(self.trial).processes)
        yield self.pace_key, PACE_BYTES

    @property
    def active(self) -> bool:
        return self.stop is None and not self.left_out

    @property
    def team_bytes(self) -> int:
        """Of all the calls that run at a time."""
        place = self.trial.placement
        return self.thread_bytes * place.at_once

    def lay_out(self, problem: Problem, machine: Machine) -> None:
        """Decide how many operand sets there are; each set, and a spare one of outputs, lies in memory."""
        inputs = [o.data.nbytes for o in problem.operands if not o.output]
        outputs = [o.data.nbytes for o in problem.operands if o.output]
        self.copies = copies_of(self.trial.case, sum(inputs + outputs), self.trial.placement, machine)
        self.thread_bytes = self.copies * sum(n + OFFSET_BYTES for n in inputs)
        self.thread_bytes += (self.copies + 1) * sum(n + OFFSET_BYTES for n in outputs)

    def skip(self, processes: int, process_bytes: int, needed: int, free: int) -> Skip:
        """What does not fit: the sum it would need, and what it is made of."""
        trial, threads = self.trial, self.trial.placement.threads
        on = f"on {threads} CPU{'s' * (threads != 1)}"
        if process_bytes:
            on = f"for {processes} processes of {_size(needed / processes)} (measured)"
        reason = f"needs {_size(needed)} {on}, which memory has no room for ({_size(free)} free)"
        return Skip(trial.kernel.name, trial.variant.name, reason, trial.case.name, trial.placement.mode)

    def job(self, arena_bytes: int) -> TrialJob:
        """What a worker gets; arena_bytes: of the largest trial on these CPUs."""
        trial, place = self.trial, self.trial.placement
        return TrialJob(
            index=self.index,
            kernel=trial.kernel.name,
            variant=trial.variant.name,
            case=trial.case.name,
            mode=place.mode,
            cpus=place.cpus,
            instances=place.instances,
            memory=place.memory,
            copies=self.copies,
            arena_bytes=arena_bytes,
            problem=self.problem_key,
            verified=self.verified_key,
            meeting=self.meeting_key,
            pace=self.pace_key,
            schedule=self.schedule,
        )

    def begin(self, event: Done, problem: Problem, tick_hz: int) -> Result:
        """The result, still without a process, from the facts that the first process told."""
        trial, place, first = self.trial, self.trial.placement, event.events[0]
        self.schedule = Schedule(**first["schedule"])
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
            instances=place.instances,
            side=trial.side,
            cold=trial.case.cold,
            page_bytes=first["page_bytes"],
            tick_hz=tick_hz,
            calls=self.schedule.calls,
            overhead_ticks=max(e["overhead_ticks"] for e in event.events),
            work=problem.work,
            verified=Verified(max(e["max_error"] for e in event.events), problem.tolerance),
            processes=(),
        )

    def process_of(self, round_index: int, event: Done) -> Process:
        assert self.schedule is not None
        flags = tuple(sorted({flag for e in event.events for flag in e["flags"]}))
        made = estimates.process(round_index, event.pid, event.ticks, self.schedule.warmup, flags)
        return replace(
            made,
            start_spread_ticks=event.start_spread,
            page_nodes=event.page_nodes,
            library_threads=event.library_threads,
        )

    def is_of(self, failure: Failure) -> bool:
        """Whether a failure, perhaps of an interrupted session, is this trial's."""
        return failure == self.failure(failure.reason)

    def failure(self, reason: str) -> Failure:
        trial, place = self.trial, self.trial.placement
        return Failure(
            kernel=trial.kernel.name,
            variant=trial.variant.name,
            case=trial.case.name,
            reason=reason,
            mode=place.mode,
            cpus=cpulist.in_order(place.cpus),
            instances=place.instances,
            side=trial.side,
        )

    def continue_from(self, earlier: Result) -> None:
        """Take over what an interrupted session measured of the same trial."""
        self.result = replace(earlier, stop=None)
        last = earlier.processes[-1]
        self.schedule = Schedule(earlier.calls, len(last.warmup), len(last.samples))


def largest_by_place(courses: Sequence[Course]) -> dict[Placement, int]:
    """Bytes that a call at a time of the largest trial of every placement needs."""
    found: dict[Placement, int] = {}
    for course in courses:
        place = course.trial.placement
        found[place] = max(found.get(place, 0), course.thread_bytes)
    return found


def _size(nbytes: float) -> str:
    """In GiB from 10 on, else in MiB."""
    return f"{nbytes / (1 << 30):.0f} GiB" if nbytes >= 10 << 30 else f"{nbytes / (1 << 20):.0f} MiB"


def courses_of(trials: Sequence[Trial]) -> list[Course]:
    """One for each trial; those of the two sides of `ab` that meet know of each other."""
    courses = [Course(trial, index) for index, trial in enumerate(trials)]
    sides = ([course for course in courses if course.trial.side == side] for side in SIDES)
    for base, new in zip(*sides, strict=False):
        new.paced_by = base.index
    return courses

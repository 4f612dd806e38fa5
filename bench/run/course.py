"""What a session knows of a trial while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from armbench.bench import cpulist
from armbench.bench.model import Failure, Machine, Placement, Problem, Result, Trial
from armbench.bench.run.plan import copies_of
from armbench.bench.run.sampling import Schedule

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
        )

    def continue_from(self, earlier: Result) -> None:
        """Take over what an interrupted session measured of the same trial."""
        self.result = replace(earlier, stop=None)
        last = earlier.processes[-1]
        self.schedule = Schedule(earlier.calls, len(last.warmup), len(last.samples))


def largest_by_place(courses: Sequence[Course], by_thread: bool = False) -> dict[Placement, int]:
    """Bytes that the largest trial of every placement needs, for all calls at a time or for one."""
    found: dict[Placement, int] = {}
    for course in courses:
        needed = course.thread_bytes if by_thread else course.team_bytes
        place = course.trial.placement
        found[place] = max(found.get(place, 0), needed)
    return found

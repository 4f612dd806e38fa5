"""Every native variant on every emulated CPU: right, or refused for the right reason."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import pytest

from armbench.bench import registry
from armbench.bench.facts import FEATURES, ISA
from armbench.bench.model import Case, Problem
from tests.arm import lab
from tests.arm.conftest import need
from tests.arm.ledger import LEDGER
from tests.kernels import shapes

VARIANTS = [
    variant
    for kernel in registry.kernels()
    for variant in registry.variants(kernel)
    if variant.isa and ISA[variant.isa]["arch"] in (None, "aarch64")
]
PROFILES = lab.profiles()
OFTEN, SELDOM, LEAST = 4, 16, 8  # of a variant's shapes one in so many, and so many at least
DEAR = 1_000_000  # operations, from which on a shape is tried in one place only
MOST = 12_000_000  # operations: larger shapes are left to real CPUs, which need a thousandth of the time


@dataclass(frozen=True, slots=True)
class Job:
    """A variant of a build on a profile, on one in `each` of its shapes; a cell of the table."""

    kernel: str
    name: str
    isa: str
    profile: lab.Profile
    column: str
    each: int
    build: str = "aarch64"

    @property
    def variant(self) -> str:
        return f"{self.kernel}/{self.name}"

    @property
    def id(self) -> str:
        return f"{self.kernel}-{self.name}-{self.column}"


def jobs() -> Iterator[Job]:
    """Every variant on every profile; and as other builds have it, on the first that it is at home on."""
    for profile in PROFILES:
        for v in VARIANTS:
            assert v.isa
            often = OFTEN if v.isa in profile.often.split() else SELDOM
            each = 1 if v.isa in profile.home.split() else often
            yield Job(v.kernel, v.name, v.isa, profile, profile.name, each)
    for build in lab.BUILDS:
        for v in VARIANTS if build != "aarch64" else ():
            assert v.isa
            home = next(profile for profile in PROFILES if v.isa in profile.home.split())
            yield Job(v.kernel, v.name, v.isa, home, build, SELDOM, build)


JOBS = list(jobs())
LEDGER.variants = [f"{v.kernel}/{v.name}" for v in VARIANTS]
LEDGER.columns = list(dict.fromkeys(job.column for job in JOBS))


def selected(session: pytest.Session) -> list[Job]:
    """The jobs of the tests that this run was asked for."""
    calls = (getattr(item, "callspec", None) for item in session.items)
    return [call.params["job"] for call in calls if call and "job" in call.params]


@dataclass(frozen=True, slots=True)
class Outcome:
    what: str
    ran: bool = False


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> Iterator[Mapping[Job, Future[Outcome]]]:
    """What becomes of the selected jobs, as many at a time as this process has CPUs."""
    todo = [job for job in selected(request.session) if not lab.missing(job.build)]
    for build in {job.build for job in todo}:
        lab.library(build)
    lab.driver()
    for kernel in {job.kernel for job in todo}:
        shapes.problems(kernel)
    with closing(Processes()) as processes, ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield {job: pool.submit(outcome, job, processes) for job in sorted(todo, key=lambda job: job.each)}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.id)
def test_right_or_refused(job: Job, outcomes: Mapping[Job, Future[Outcome]]) -> None:
    reason = lab.missing(job.build)
    LEDGER.note(job.variant, job.column, f"not built: {reason}" if reason else "FAILED")
    need(reason)
    found = outcomes[job].result()
    LEDGER.note(job.variant, job.column, found.what, found.ran)


def test_every_variant_ran_somewhere(request: pytest.FixtureRequest) -> None:
    if len(selected(request.session)) < len(JOBS):
        pytest.skip("only some variants or profiles were selected")
    assert not LEDGER.gaps()
    nowhere = set(LEDGER.variants) - LEDGER.ran
    assert not nowhere, f"ran on no profile: {sorted(nowhere)}"


# --- one job, in a thread of its own -------------------------------------------------------


class Processes(threading.local):
    """Each thread's emulated CPUs, by profile and build: to start one takes longer than most jobs."""

    every: ClassVar[list[lab.Emulated]] = []

    def __init__(self) -> None:
        self.known: dict[tuple[lab.Profile, str], lab.Emulated] = {}

    def of(self, job: Job) -> lab.Emulated:
        key = job.profile, job.build
        if key not in self.known:
            self.known[key] = lab.Emulated(*key)
            self.every.append(self.known[key])
        return self.known[key]

    def forget(self, job: Job) -> None:
        """So that what a failure leaves behind spoils no other job."""
        if died := self.known.pop((job.profile, job.build), None):
            died.close()

    def close(self) -> None:
        while self.every:
            self.every.pop().close()


def outcome(job: Job, processes: Processes) -> Outcome:
    """Right on one in `each` of its shapes, or refused for what the CPU lacks."""
    try:
        return _outcome(job, processes.of(job))
    except BaseException:
        processes.forget(job)
        raise


def _outcome(job: Job, emulated: lab.Emulated) -> Outcome:
    built, reasons = emulated.variants()
    if reason := reasons.get((job.kernel, job.name)):
        return Outcome(f"not built: {reason}")
    problems = [
        (built[address], case, problem)
        for case, problem in shapes.problems(job.kernel)
        if (address := (job.kernel, job.name, case.operation)) in built and problem.work.flops <= MOST
    ]
    assert problems, f"{job.variant} implements none of its kernel's test shapes"
    if missing := registry.missing_features(job.isa, emulated.features()[0]):
        index, case, problem = problems[0]
        answer = emulated.call(index, case.native_params, problem.operands, lab.AT_END, backward=False)
        assert answer.status == lab.UNSUPPORTED, f"lacks {missing} and was not refused"
        lacks = "refused: CPU" if set(missing) & qemu_lacks(job.profile) else "refused by mask:"
        return Outcome(f"{lacks} lacks {', '.join(missing)}")
    each = max(1, min(job.each, len(problems) // LEAST))
    chosen = problems[::each]
    right = sum(is_right(emulated, job.kernel, places(i, p[2]), *p) for i, p in enumerate(chosen))
    assert right, f"{job.variant} accepts none of its kernel's test shapes"
    return Outcome(f"right on {right}" if each > 1 else f"right on all {right}", ran=True)


@cache
def qemu_lacks(profile: lab.Profile) -> set[str]:
    """The features that the emulated CPU itself has not, whatever it claims."""
    bare = lab.Emulated(profile, masked=False)
    try:
        return set(FEATURES["aarch64"]) - bare.features()[0]
    finally:
        bare.close()


PLACES = (
    (lab.AT_END, False),
    (lab.AT_START, True),
    (lab.MISALIGNED, False),
)  # and whether grains run backwards


def places(index: int, problem: Problem) -> Sequence[tuple[int, bool]]:
    """Where the operands of a variant's `index`-th shape lie: off alignment every other time."""
    if problem.work.flops > DEAR:
        return PLACES[index % len(PLACES) :][:1]
    return PLACES if index % 2 else PLACES[:2]


def is_right(
    emulated: lab.Emulated,
    kernel: str,
    places: Sequence[tuple[int, bool]],
    index: int,
    case: Case,
    problem: Problem,
) -> bool:
    """Check some placements; False if the variant takes no such problem."""
    error, aligned = registry.kernels()[kernel].error, shapes.aligned(kernel)
    for place, backward in places:
        try:
            answer = emulated.call(index, case.native_params, problem.operands, place, backward, aligned)
        except lab.LabError as died:
            raise AssertionError(f"{case.name}, place {place}: {died}") from died
        if answer.status == lab.REFUSED:
            return False
        assert answer.status == lab.OK, case.name
        assert error(problem, answer.outputs) <= problem.tolerance, f"{case.name}, place {place}"
    return True

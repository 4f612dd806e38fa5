"""The runner's decisions that need no measurement."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import pytest

from armbench.bench import machine
from armbench.bench.model import Failure, Placement, Process, Result, Round, Settings, Skip
from armbench.bench.run import plan, runner
from armbench.bench.run.instruments import Instruments, Launches
from armbench.bench.run.noise import Noise
from armbench.bench.run.plan import Group
from armbench.bench.run.processes import Done, Event
from armbench.bench.run.worker import Job
from tests.bench.sessions import result


class Silent:
    """A watcher and recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.skips: list[Skip] = []

    def preparing(self, what: str, index: int, count: int) -> None: ...
    def trial(self, round_index: int, rounds: int, key: str, share_done: float) -> None: ...
    def forecast(self, remaining: float) -> None: ...
    def noise(self, noise: Noise) -> None: ...
    def note(self, text: str) -> None: ...
    def process(self, result: Result, process: Process) -> None: ...
    def failure(self, failure: Failure) -> None: ...
    def round(self, done: Round) -> None: ...

    def skip(self, skip: Skip) -> None:
        self.skips.append(skip)


def session_of(
    select: str, cpu_sets: Sequence[Sequence[int]], silent: Silent, free_bytes: float = 1e12
) -> runner.Runner:
    profile = plan.PROFILES["quick"]
    places = [Placement(tuple(cpus)) for cpus in cpu_sets]
    trials = plan.make_plan([plan.Selector.parse(select)], Settings(), profile, places)
    limits = runner.Limits.of(profile, trial_seconds=10)
    tools = Instruments(free_memory_bytes=lambda: int(free_bytes))
    return runner.Runner(
        trials, machine.detect(), Settings(), limits, silent, silent, seed=1, instruments=tools
    )


@pytest.fixture
def made() -> Iterator[tuple[runner.Runner, Silent]]:
    silent = Silent()
    made = session_of("matmul/numpy/f32-n1[02]*", [(0,)], silent, 10_000_000)
    yield made, silent
    made.file.close()


def test_what_does_not_fit_into_memory_is_left_out_with_the_sum(made: tuple[runner.Runner, Silent]) -> None:
    session, silent = made
    session.prepare()
    assert [course.trial.case.name for course in session.courses if course.active] == ["f32-n128"]
    (skip,) = silent.skips
    assert (skip.case, skip.reason) == (
        "f32-n1024",
        "needs 16 MiB on 1 CPU, which memory has no room for (10 MiB free)",
    )


def test_a_trial_without_samples_starts_anew(made: tuple[runner.Runner, Silent]) -> None:
    session, _ = made
    first, second = session.courses
    earlier = {first.trial.key: result(rounds=2), second.trial.key: replace(result(), processes=())}
    failure = second.failure("killed by SIGSEGV")
    session.continue_from(earlier, [], {})
    assert first.schedule is not None
    assert (second.schedule, second.active) == (None, True)
    session.continue_from({}, [failure], {})
    assert (first.active, second.active) == (True, False)


def test_thread_variables_are_those_of_the_libraries(made: tuple[runner.Runner, Silent]) -> None:
    names = runner.thread_variables([course.trial for course in made[0].courses])
    assert "OPENBLAS_NUM_THREADS" in names


# --- the size of processes -----------------------------------------------------------------


class Probed:
    """A launcher whose processes are of a given size."""

    def __init__(self, private_bytes: int):
        self.private_bytes = private_bytes
        self.asked: list[tuple[Group, Job]] = []

    def run(self, group: Group, job: Job, started: Callable[[int], None], seed: int) -> Iterator[Event]:
        del started, seed
        self.asked.append((group, job))
        for trial in job.trials:
            yield Done(trial.index, 1, ({"private_bytes": self.private_bytes},))


def crowded_session(launcher: Launches, silent: Silent, free_bytes: float) -> runner.Runner:
    profile = plan.PROFILES["quick"]
    names = ("scalar", "numpy")  # other libraries may be installed or not
    selectors = [plan.Selector.parse(f"matmul/{name}/f32-n128") for name in names]
    places = [Placement((0, 1) * 96), Placement((0, 1))]
    trials = plan.make_plan(selectors, Settings(), profile, places)
    limits = runner.Limits.of(profile, trial_seconds=10)
    tools = Instruments(free_memory_bytes=lambda: int(free_bytes))
    return runner.Runner(
        trials, machine.detect(), Settings(), limits, silent, silent, 1, launcher=launcher, instruments=tools
    )


def test_192_library_processes_are_refused_with_the_sum_of_their_measured_size() -> None:
    silent, launcher = Silent(), Probed(100 << 20)
    session = crowded_session(launcher, silent, 16 << 30)
    session.prepare()
    session.file.close()
    (skip,) = silent.skips
    assert (skip.variant, skip.case, skip.mode) == ("numpy", "f32-n128", "throughput")
    assert skip.reason == (
        "needs 19 GiB for 192 processes of 100 MiB (measured), which memory has no room for (16 GiB free)"
    )
    (group, job) = launcher.asked[0]
    assert (group.processes, job.probe) == (1, True), "one process tells for all"
    left = {
        course.trial.variant.name: course.trial.placement.threads
        for course in session.courses
        if course.active
    }
    assert left["numpy"] == 2, "the rest is measured"


def test_192_library_processes_with_room_are_measured() -> None:
    silent, launcher = Silent(), Probed(100 << 20)
    session = crowded_session(launcher, silent, 64 << 30)
    session.prepare()
    session.file.close()
    assert not silent.skips
    assert all(course.active for course in session.courses)


def test_native_copies_beyond_memory_are_refused_with_the_sum() -> None:
    silent = Silent()
    one = 4 * 4 * 128 * 128 + 4 * 4224  # a, b, c, a spare c, and their offsets
    session = crowded_session(Probed(0), silent, 100 * one / runner.MEMORY_SHARE)
    session.prepare()
    session.file.close()
    reasons = {skip.reason for skip in silent.skips if skip.variant == "scalar"}
    assert reasons == {"needs 51 MiB on 192 CPUs, which memory has no room for (33 MiB free)"}


def test_a_probe_measures_a_real_process() -> None:
    silent = Silent()
    cpu = min(os.sched_getaffinity(0))
    session = session_of("matmul/numpy/f32-n128", [(cpu,)], silent)
    session.prepare()
    own = session._process_bytes(plan.Group(9, 1, (cpu,) * 9), session.courses, 1 << 40)
    session.file.close()
    assert 5 << 20 < own < 2 << 30, "an interpreter with numpy"


# --- the order of a round ------------------------------------------------------------------


class Noting(Probed):
    """Notes (threads, mode) of every trial in the order that they run."""

    def run(self, group: Group, job: Job, started: Callable[[int], None], seed: int) -> Iterator[Event]:
        for trial in job.trials:
            self.order.append((len(trial.cpus), trial.mode))
        yield from super().run(group, job, started, seed)

    order: ClassVar[list[tuple[int, str]]] = []


def test_the_order_of_thread_counts_is_random_in_every_round() -> None:
    """Of native trials, which share processes, and of libraries, which have some for each count."""
    for select in ("matmul/scalar/f32-n128", "matmul/numpy/f32-n128"):
        profile = plan.PROFILES["quick"]
        places = [Placement(tuple(range(count))) for count in (1, 2, 4, 8)]
        trials = plan.make_plan([plan.Selector.parse(select)], Settings(), profile, places)
        silent, launcher = Silent(), Noting(0)
        session = runner.Runner(
            trials,
            machine.detect(),
            Settings(),
            runner.Limits.of(profile, trial_seconds=10),
            silent,
            silent,
            seed=1,
            launcher=launcher,
            instruments=Instruments(clock_hz=lambda cpus: None, free_memory_bytes=lambda: 1 << 40),
        )
        session.prepare()
        session._take = lambda *told: None  # type: ignore[method-assign]  # nothing was measured
        orders = []
        for index in range(40):
            launcher.order.clear()
            session._round(index)
            orders.append(tuple(count for count, _ in launcher.order))
        session.file.close()
        assert {tuple(sorted(order)) for order in orders} == {(1, 2, 4, 8)}
        assert len(set(orders)) > 10
        assert {order[0] for order in orders} == {order[-1] for order in orders} == {1, 2, 4, 8}

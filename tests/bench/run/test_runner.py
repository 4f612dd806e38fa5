"""The runner's decisions that need no measurement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from armbench.bench import machine
from armbench.bench.model import Failure, Placement, Process, Result, Round, Settings, Skip
from armbench.bench.run import plan, runner
from armbench.bench.run.instruments import Instruments
from tests.bench.sessions import result


class Silent:
    """A watcher and recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.skips: list[Skip] = []

    def preparing(self, what: str, index: int, count: int) -> None: ...
    def trial(self, round_index: int, rounds: int, key: str, share_done: float) -> None: ...
    def forecast(self, remaining: float) -> None: ...
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


def test_teams_of_one_process_share_memory() -> None:
    """Either placement would fit alone; native teams live in one process and must fit together."""
    one = 4 * 4 * 128 * 128  # a, b, c and a spare c
    session = session_of(
        "matmul/scalar/f32-n128", [(0,), (0, 1, 2)], Silent(), 3.5 * one / runner.MEMORY_SHARE
    )
    session.prepare()
    session.file.close()
    assert [course.trial.placement.cpus for course in session.courses if course.active] == [(0,)]


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

"""The runner's decisions that need no measurement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from armbench.bench import machine
from armbench.bench.model import Failure, Process, Result, Round, Settings, Skip
from armbench.bench.run import plan, runner
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


@pytest.fixture
def made() -> Iterator[tuple[runner.Runner, Silent]]:
    profile = plan.PROFILES["quick"]
    selectors = [plan.Selector.parse("matmul/numpy/f32-n1[02]*")]
    trials = plan.make_plan(selectors, Settings(), profile, [(0,)], ("throughput",))
    silent = Silent()
    limits = runner.Limits.of(profile, trial_seconds=10)
    made = runner.Runner(trials, machine.detect(), Settings(), limits, silent, silent, seed=1)
    yield made, silent
    made.file.close()


def test_what_does_not_fit_into_memory_is_left_out_with_the_sum(
    made: tuple[runner.Runner, Silent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner.host, "free_memory_bytes", lambda: 10_000_000)
    session, silent = made
    session.prepare()
    assert [course.trial.case.name for course in session.courses if course.active] == ["f32-n128"]
    (skip,) = silent.skips
    assert (skip.case, skip.reason) == ("f32-n1024", "needs 16 MiB on 1 CPU, which memory has no room for")


def test_teams_of_one_process_share_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Either placement would fit alone; native teams live in one process and must fit together."""
    profile = plan.PROFILES["quick"]
    selectors = [plan.Selector.parse("matmul/scalar/f32-n128")]
    trials = plan.make_plan(selectors, Settings(), profile, [(0,), (0, 1, 2)], ("throughput",))
    silent = Silent()
    limits = runner.Limits.of(profile, trial_seconds=10)
    session = runner.Runner(trials, machine.detect(), Settings(), limits, silent, silent, seed=1)
    one = 4 * 4 * 128 * 128  # a, b, c and a spare c
    monkeypatch.setattr(runner.host, "free_memory_bytes", lambda: 3.5 * one / runner.MEMORY_SHARE)
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

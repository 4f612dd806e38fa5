"""The runner's decisions that need no measurement."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from armbench.bench import machine
from armbench.bench.model import Failure, Process, Result, Round, Settings, Skip
from armbench.bench.run import plan, runner


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
    monkeypatch.setattr(runner.psutil, "virtual_memory", lambda: SimpleNamespace(available=10_000_000))
    session, silent = made
    session.prepare()
    assert [course.trial.case.name for course in session.courses if course.active] == ["f32-n128"]
    (skip,) = silent.skips
    assert (skip.case, skip.reason) == ("f32-n1024", "needs 12 MiB on 1 CPUs, 9 MiB are free")


def test_thread_variables_are_those_of_the_libraries(made: tuple[runner.Runner, Silent]) -> None:
    names = runner.thread_variables([course.trial for course in made[0].courses])
    assert "OPENBLAS_NUM_THREADS" in names

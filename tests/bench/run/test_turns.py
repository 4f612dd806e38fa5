"""The sides of `ab` take turns within each trial, and none waits for one that is gone."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from armbench.bench import machine
from armbench.bench.model import Placement, Settings, SideName
from armbench.bench.run import plan, runner
from armbench.bench.run.plan import Group, Plan
from armbench.bench.run.processes import Broken, Done, Event, Launcher
from armbench.bench.run.sampling import Schedule
from armbench.bench.run.sides import Start
from armbench.bench.run.turns import Pipes, Turns
from armbench.bench.run.worker import Job
from tests.bench.run.test_runner import Silent


def play(
    visits: tuple[int, int], first: int, trials: int = 3, dies: int | None = None
) -> list[tuple[int, int]]:
    """Two threads in the place of processes: (side, trial) of every visit, in order."""
    pipes = Pipes.open()
    log: list[tuple[int, int]] = []
    inside = threading.Lock()

    def visit(side: int, trial: int) -> None:
        assert inside.acquire(blocking=False), "both sides at a time"
        log.append((side, trial))
        inside.release()

    def run(side: int) -> None:
        turns = Turns(*pipes.ends[side])
        for trial in range(trials):
            turns.begin(first=side == (first + trial) % 2)
            if (side, trial) == (dies, 1):
                os.close(turns.writer)
                return
            for index in range(visits[side]):
                if index:
                    turns.give()
                visit(side, trial)
            turns.end()

    threads = [threading.Thread(target=run, args=(side,)) for side in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive(), f"one waits for ever: {log}"
    pipes.close()
    return log


@pytest.mark.parametrize("visits", [(1, 1), (5, 5), (1, 5), (5, 1), (3, 4)])
@pytest.mark.parametrize("first", [0, 1])
def test_visits_alternate_and_trials_do_not_mix(visits: tuple[int, int], first: int) -> None:
    log = play(visits, first)
    assert [trial for _, trial in log] == sorted(trial for _, trial in log)
    for trial in range(3):
        sides = [side for side, t in log if t == trial]
        assert [sides.count(side) for side in (0, 1)] == list(visits)
        begins = (first + trial) % 2
        assert sides[: 2 * min(visits)] == [begins, 1 - begins] * min(visits)


@pytest.mark.parametrize("dies", [0, 1])
def test_none_waits_for_one_that_is_gone(dies: int) -> None:
    log = play((2, 2), first=0, dies=dies)
    assert log.count((1 - dies, 1)) == log.count((1 - dies, 2)) == 2


@pytest.mark.parametrize("samples", [1, 3, 10, 13])
def test_visits_have_all_samples_once(samples: int) -> None:
    visits = Schedule(calls=7, warmup=4, samples=samples).visits()
    assert sum(visit.samples for visit in visits) == samples
    assert len(visits) == (5 if samples >= 10 else 1)
    assert [visit.warmup for visit in visits] == [4] + [1] * (len(visits) - 1)


# --- for real ------------------------------------------------------------------------------


class Keeping:
    """A launcher that keeps the events."""

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher
        self.run = launcher.run
        self.events: list[Event] = []

    def run_in_turns(
        self, sides: Sequence[tuple[Group, Job]], started: Callable[[int], None], seed: int
    ) -> Iterator[Event]:
        for event in self.launcher.run_in_turns(sides, started, seed):
            self.events.append(event)
            yield event


def both_sides(select: str, b: Start) -> tuple[list[Event], tuple[int, ...]]:
    """(what the launcher told in a round of both sides, which trials have a result)."""
    trials = plan.make_plan(
        [plan.Selector.parse(select)], Settings(), plan.PROFILES["quick"], [Placement((0,))]
    )
    names: tuple[SideName, SideName] = ("a", "b")
    made = Plan(tuple(replace(t, side=side) for side in names for t in trials.trials), ())
    limits = runner.Limits(1, 1, None, None, 1e-3, trial_seconds=20)
    launcher = Keeping(Launcher((), 20, {"a": Start(), "b": b}))
    silent = Silent()
    session = runner.Runner(
        made, machine.detect(), Settings(), limits, silent, silent, seed=1, launcher=launcher
    )
    try:
        session.prepare()
        session.run()
    finally:
        session.file.close()
    return launcher.events, tuple(c.index for c in session.courses if c.result)


def test_both_sides_of_a_trial_meet() -> None:
    events, _ = both_sides("chains/scalar/add-[1-4]", Start())
    assert len(events) == 8
    for one, other in zip(events[::2], events[1::2], strict=True):
        assert isinstance(one, Done)
        assert isinstance(other, Done)
        assert abs(one.index - other.index) == 4, "of one case"
        assert one.ticks.shape == other.ticks.shape
        early, late = sorted((one, other), key=lambda event: int(event.events[0]["start_ticks"]))
        begun = late.events[0]["start_ticks"] - early.events[0]["start_ticks"]
        assert begun > early.ticks[:4].sum(), "after the first visit"


DIES = """
import os
from armbench.bench.run.worker import Worker
run = Worker.run
Worker.run = lambda self, trial: os.abort() if trial.case == "add-2" else run(self, trial)
"""


def test_a_side_that_fails_or_dies_ends_no_other_trial(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(DIES)
    refused = {"ARMBENCH_CHAINS": "add-2=1005"}  # no multiple of a loop's turn
    dies = {"PYTHONPATH": str(tmp_path)}
    for environment, reason in ((refused, "NativeError"), (dies, "killed by SIGABRT")):
        events, with_result = both_sides("chains/scalar/add-[1-4]", Start(environment=environment))
        (broken,) = (event for event in events if isinstance(event, Broken))
        assert reason in broken.reason
        assert broken.index == 5, "the second case of side b"
        assert sorted(event.index for event in events) == list(range(8))
        assert with_result == (0, 1, 2, 3, 4, 6, 7)

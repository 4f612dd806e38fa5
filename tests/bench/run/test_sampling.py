"""Schedules, calibration and what counts as disturbed, with times that are made up."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from armbench.bench import native
from armbench.bench.run import sampling
from armbench.bench.run.sampling import Schedule


@pytest.mark.parametrize(
    ("seconds", "schedule"),
    [
        (1e-6, Schedule(calls=5000, warmup=4, samples=10)),
        (1.9e-3, Schedule(calls=3, warmup=4, samples=10)),
        (20e-3, Schedule(calls=1, warmup=3, samples=10)),
        (50e-3, Schedule(calls=1, warmup=3, samples=10)),
        (51e-3, Schedule(calls=1, warmup=1, samples=3)),
    ],
)
def test_schedules(seconds: float, schedule: Schedule) -> None:
    assert sampling.schedule_for(seconds, 5e-3) == schedule


def test_sides_whose_calls_last_alike_are_sampled_alike() -> None:
    room = np.zeros(sampling.PACE_BYTES, np.uint8)

    def pace(*tries: float) -> float:
        found = itertools.chain(tries, itertools.repeat(tries[-1]))
        return sampling.common_pace(lambda: next(found), room)

    assert pace(1e-3) == 1e-3, "who comes first goes by its own"
    assert pace(3.9e-3) == 1e-3
    assert pace(0.065e-3) == 1e-3
    assert pace(4.1e-3) == 4.1e-3
    assert pace(0.06e-3) == 0.06e-3
    assert pace(5e-3, 6e-3, 1.1e-3) == 1e-3, "what was disturbed is tried again"
    assert pace(60e-3, 1.1e-3) == 60e-3, "unless that takes long"


@pytest.mark.parametrize("seconds", [30e-9, 1e-6, 1e-4, 2e-3, 0.2, 5.0])
def test_calibration_finds_the_time_of_a_call_in_few_steps(seconds: float) -> None:
    tried: list[int] = []

    def measure(calls: int) -> float:
        tried.append(calls)
        return 100e-9 + calls * seconds

    found = sampling.calibrate(measure)
    assert found == pytest.approx(seconds, rel=0.01, abs=1e-9) or tried == [1, 1]
    assert len(tried) <= 14
    assert sum(tried) * seconds < 0.1 or tried == [1, 1]


def test_one_interruption_does_not_decide_a_schedule() -> None:
    interrupted = iter([0.3])

    def measure(calls: int) -> float:
        return calls * 1e-6 + next(interrupted, 0.0)

    assert sampling.calibrate(measure) == pytest.approx(1e-6, rel=0.01)


def test_a_calibration_outlasts_a_long_disturbance() -> None:
    slow = iter([5.0] * 12)

    def measure(calls: int) -> float:
        return calls * 1e-4 * next(slow, 1.0)

    assert sampling.calibrate(measure, spend=20e-3) == pytest.approx(1e-4)
    assert sampling.calibrate(measure) == pytest.approx(1e-4), "as long as nothing disturbs"


def report(**changes: int) -> native.ThreadReport:
    quiet = {"cpu_first": 3, "cpu_last": 3, "last_copy": 0, "involuntary_switches": 0, "node": 0}
    return native.ThreadReport(**{**quiet, "wall_ns": 10**9, "cpu_ns": 10**9, **changes})


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({}, ()),
        ({"cpu_last": 4}, ("moved",)),
        ({"cpu_ns": 970_000_000}, ("off_cpu",)),
        ({"cpu_ns": 990_000_000}, ()),
        ({"involuntary_switches": 23}, ("preempted",)),
        ({"involuntary_switches": 22}, ()),
    ],
)
def test_flags(changes: dict[str, int], flags: tuple[str, ...]) -> None:
    assert sampling.watched([report(**changes)], [3]).flags == flags


def test_not_steady_compares_the_first_third_with_the_last() -> None:
    steady = np.full((10, 2), 1000)
    assert not sampling.not_steady(steady)
    drifting = steady + np.arange(10)[:, None] * 10
    assert sampling.not_steady(drifting)
    spike = steady.copy()
    spike[0] *= 5
    assert not sampling.not_steady(spike), "one outlier is no drift"


def test_python_calls_are_timed_in_turn_and_poisoned_before_the_last_sample() -> None:
    order: list[str] = []
    calls = [lambda: order.append("a") or "A", lambda: order.append("b") or "B"]
    taken = sampling.sample_calls(
        calls,
        Schedule(calls=3, warmup=1, samples=2),
        before_last=lambda: order.append("poison"),
        before_first=lambda: order.append("start"),
    )
    assert "".join(o[0] for o in order) == "s" + "ababab" + "p" + "aba"
    assert (taken.ticks.shape, taken.result, taken.last_set) == ((3, 1), "A", 0)
    assert (taken.ticks > 0).all()


def test_poison_reaches_every_output_of_at_least_a_word() -> None:
    arrays = [np.zeros(3), np.zeros((100, 300), np.float32), np.zeros(1, np.int64)]
    sampling.poison(arrays)
    assert all(array.view(np.uint8).any() for array in arrays)
    assert np.isnan(arrays[0][0]) and np.isnan(arrays[1].reshape(-1)[:2]).all()


def test_a_python_thread_that_is_not_where_it_should_be_has_moved() -> None:
    cpu = native.where()[0]
    if cpu < 0:
        pytest.skip("the kernel does not tell")
    schedule = Schedule(calls=1, warmup=0, samples=1)
    assert "moved" in sampling.sample_calls([sampling.nothing], schedule, cpus=[cpu + 100_000]).watched.flags
    taken = sampling.sample_calls([sampling.nothing], schedule)
    assert "moved" not in taken.watched.flags
    assert 0 < taken.start < native.ticks()


def test_the_spread_of_starts() -> None:
    starts = np.array([[10, 12, 100, 105], [20, 21, 210, 211], [31, 30, 300, 309]])
    assert sampling.start_spread(starts[:, :1], 1) is None
    assert sampling.start_spread(starts, 4) == 95, "threads on their own: the first sample's"
    assert sampling.start_spread(starts, 2) == 5, "pairs: the median of 5, 1 and 9"
    assert sampling.start_spread(starts[:, :2], 1) == 1

"""What a result says, computed from its ticks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armbench.bench import estimates
from armbench.bench.model import Mode, Process, Result, Work
from tests.bench.sessions import DECODE, TEXT, result


def test_up_to_eight_threads_every_tick_is_kept() -> None:
    ticks = np.arange(1, 41).reshape(5, 8)
    warmup, samples, medians = estimates.compress(ticks, 2)
    assert np.array_equal((*warmup, *samples), ticks)
    assert (len(warmup), medians) == (2, None)
    assert all(type(tick) is int for row in samples for tick in row)


def test_above_eight_threads_the_sum_of_rates_is_kept() -> None:
    ticks = np.random.default_rng(3).integers(10**6, 3 * 10**6, (7, 192))
    warmup, samples, medians = estimates.compress(ticks, 3)
    assert (len(warmup), len(samples), medians and len(medians)) == (3, 4, 192)
    for row, whole in zip(samples, ticks[3:], strict=True):
        assert row[:2] == (whole.max(), whole.min())
        assert 192 / row[2] == pytest.approx((1 / whole).sum(), rel=1e-6)
    assert medians == tuple(np.median(ticks[3:], axis=0))
    process = Process(0, 1, warmup, samples, (), medians)
    assert estimates.sample_ticks(process) == [row[2] for row in samples]


def test_the_rate_of_threads_is_the_sum_of_their_rates() -> None:
    """A thread of 1 and one of 2 ms a call do 1500 calls a second together."""
    process = Process(0, 1, (), ((10**6, 2 * 10**6),))
    made = replace(result(threads=2), processes=(process,), work=Work(flops=7))
    found = estimates.summarize(made)
    assert found.rate.value == pytest.approx(7 * 1500)
    assert found.seconds == pytest.approx(2 / 1500)


def test_one_problem_split_over_threads_is_counted_once() -> None:
    process = Process(0, 1, (), ((10**6,),))
    made = replace(result(threads=4, mode="parallel"), processes=(process,), work=Work(flops=7), calls=2)
    found = estimates.summarize(made)
    assert found.seconds == pytest.approx(0.5e-3)
    assert found.rate.value == pytest.approx(7 / 0.5e-3)


def test_a_process_counts_once_however_many_samples_it_has() -> None:
    """The median of a process, so a burst in one sample and a process of many samples change nothing."""
    quiet = Process(0, 1, (), ((100,), (100,), (100,)))
    burst = Process(1, 2, (), ((100,), (100,), (9000,)))
    long = Process(2, 3, (), ((200,),) * 50)
    made = replace(result(), processes=(quiet, burst, long), tick_hz=100)
    assert estimates.process_seconds(made) == pytest.approx([1, 1, 2])


def test_a_summary_says_the_confidence_it_has() -> None:
    found = estimates.summarize(result(rounds=3))
    assert found.confidence == 0.75
    assert found.low < found.seconds < found.high
    assert found.rate.low < found.rate.value < found.rate.high
    assert estimates.summarize(result(rounds=1)).confidence == 0


def test_the_unit_of_a_rate() -> None:
    assert estimates.summarize(result(work=DECODE)).rate.unit == "flop/s"
    tokens = estimates.summarize(result(10e-3, work=TEXT, noise=0.0))
    assert tokens.rate.unit == "token/s"
    assert tokens.rate.value == pytest.approx(2.5e6)
    copied = estimates.summarize(result(1.0, work=Work(bytes_read=10, bytes_written=20), noise=0.0))
    assert copied.rate.unit == "B/s"
    assert copied.rate.value == pytest.approx(30)
    assert estimates.amounts(Work()) == ((1, "call/s"),)


# --- calls that run at a time --------------------------------------------------------------


def at_once(ticks: list[list[int]], **changes: Any) -> Result:
    """A result of one process with these samples, a column for each call at a time."""
    process = estimates.process(0, 1, np.array(ticks), 0)
    cpus = tuple(range(len(ticks[0])))
    return replace(result(), cpus=cpus, processes=(process,), calls=1, tick_hz=1000, **changes)


def test_a_single_call_is_not_compared_with_others() -> None:
    assert estimates.fairness(at_once([[5]])) is None
    alone = replace(at_once([[5]]), mode="parallel", cpus=(0, 1, 2))
    assert estimates.fairness(alone) is None


def test_fairness_of_two_threads() -> None:
    found = estimates.fairness(at_once([[10, 20], [10, 20], [99, 99]], work=Work(flops=1)))
    assert found is not None
    assert (found.slowest, found.fastest) == pytest.approx((50, 100))
    assert found.jain == pytest.approx(150**2 / (2 * (50**2 + 100**2)))


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=20))
def test_jains_index_lies_between_one_over_n_and_one(row: list[int]) -> None:
    found = estimates.fairness(at_once([row]))
    assert found is not None
    assert 1 / len(row) <= found.jain <= 1 + 1e-12
    assert found.slowest <= found.fastest
    even = estimates.fairness(at_once([[row[0]] * len(row)]))
    assert even is not None
    assert even.jain == pytest.approx(1)


@pytest.mark.parametrize(
    ("mode", "instances", "calls"), [("throughput", None, 4), ("parallel", None, 1), ("split", 2, 2)]
)
def test_the_rate_is_that_of_all_calls_at_a_time(mode: Mode, instances: int | None, calls: int) -> None:
    made = at_once([[100] * calls], work=Work(flops=7), mode=mode, instances=instances)
    made = replace(made, cpus=(0, 1, 2, 3))
    assert made.at_once == calls
    assert estimates.summarize(made).rate.value == pytest.approx(7 * calls / 0.1)

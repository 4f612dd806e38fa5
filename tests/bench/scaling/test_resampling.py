from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armbench.bench.scaling import resampling


def test_clean_rounds_stay_as_they_are() -> None:
    logs = np.arange(6.0)[None, :] + np.linspace(-0.01, 0.01, 12)[:, None]
    assert resampling.tamed(logs) == pytest.approx(logs)


def test_a_burst_is_moved_to_where_the_curve_is() -> None:
    logs = np.random.default_rng(1).normal(0, 0.01, (20, 8))
    hit = logs.copy()
    hit[3, 5] -= 1.0
    tamed = resampling.tamed(hit)
    assert abs(tamed[3, 5]) < 0.1
    others = np.ones_like(hit, bool)
    others[3, 5] = False
    assert tamed[others] == pytest.approx(hit[others])


def test_a_slow_round_is_no_burst() -> None:
    """Drift moves a whole round; nothing in it is out of place."""
    logs = np.random.default_rng(1).normal(0, 0.001, (20, 8))
    logs[7] -= 0.3
    assert resampling.tamed(logs)[7] == pytest.approx(logs[7], abs=0.01)


def test_the_first_mean_is_that_of_all_rounds() -> None:
    logs = np.random.default_rng(2).normal(size=(9, 4))
    means = resampling.resampled_means(logs)
    assert means.shape == (1 + resampling.RESAMPLES, 4)
    assert means[0] == pytest.approx(logs.mean(axis=0))
    assert np.array_equal(means, resampling.resampled_means(logs))  # a fixed seed


@settings(max_examples=20, deadline=None)
@given(st.integers(6, 40), st.integers(0, 2**32 - 1))
def test_more_intervals_at_once_are_wider(rounds: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=1001)
    one, three = resampling.interval(values, rounds), resampling.interval(values, rounds, together=3)
    assert one is not None
    assert three is not None
    assert three.low <= one.low <= one.high <= three.high


def test_few_rounds_give_no_interval() -> None:
    assert resampling.interval(np.zeros(1001), 5) is None
    assert resampling.interval(np.zeros(1001), 6) is not None


@pytest.mark.parametrize("rounds", [8, 20])
def test_intervals_hold_as_often_as_they_say(rounds: int) -> None:
    chance = np.random.default_rng(4)
    held = 0
    for _ in range(300):
        means = resampling.resampled_means(chance.normal(size=(rounds, 1)))[:, 0]
        found = resampling.interval(means, rounds)
        assert found is not None
        held += found.low <= 0 <= found.high
    assert 0.90 <= held / 300 <= 0.99

"""The statistic of visits in turns, against its definition written out."""

from __future__ import annotations

import numpy as np
import pytest

from armbench.bench import turns
from armbench.bench.run.sampling import Schedule


@pytest.mark.parametrize(
    ("samples", "wanted"), [(10, [2] * 5), (13, [5, 2, 2, 2, 2]), (9, [9]), (3, [3]), (1, [1])]
)
def test_every_sample_is_of_one_visit(samples: int, wanted: list[int]) -> None:
    assert turns.shares(samples) == wanted
    assert [visit.samples for visit in Schedule(calls=4, warmup=3, samples=samples).visits()] == wanted


def test_a_visit_is_the_mean_of_its_faster_half() -> None:
    assert turns.visits(np.array([5, 3, 7, 8, 2, 9, 1, 1, 4, 6])).tolist() == [3, 7, 2, 1, 4]
    assert turns.visits(np.array([[9, 1, 3], [4, 4, 4]])).tolist() == [[2], [4]]


def test_a_round_is_the_median_of_its_visits() -> None:
    a = np.zeros((2, 5))
    b = np.array([[0.1, 0.2, 9.0, 0.3, -7.0], [0.0] * 5])
    assert turns.differences(a, b) == pytest.approx([0.2, 0.0])
    assert turns.differences(b, a) == pytest.approx([-0.2, 0.0])
    assert turns.differences(a[:, :1], b[:, :1]) == pytest.approx([0.1, 0.0])


def test_what_slows_both_sides_for_a_while_cancels_out() -> None:
    drift = np.exp(np.random.default_rng(1).normal(0, 0.3, (20, 5)))
    samples = np.repeat(drift, 2, axis=1)
    found = turns.differences(np.log(turns.visits(samples)), np.log(turns.visits(1.01 * samples)))
    assert found == pytest.approx(np.full(20, np.log(1.01)))


def test_one_interrupted_sample_of_a_visit_changes_nothing() -> None:
    quiet = np.full((1, 10), 100.0)
    for place in range(10):
        disturbed = quiet.copy()
        disturbed[0, place] = 900.0
        assert turns.visits(disturbed).tolist() == turns.visits(quiet).tolist()

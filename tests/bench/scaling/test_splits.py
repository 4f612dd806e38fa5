from __future__ import annotations

import pytest

from armbench.bench.model import Result
from armbench.bench.scaling import split_sentence, splits
from armbench.bench.scaling.splits import Split
from tests.bench.sessions import result, session


def ways(rates: dict[int, float], threads: int = 8, noise: float = 0.002) -> list[Result]:
    """Rates of all instances together, in calls of one instance of one thread."""
    return [
        result(10e-3 * n / rate, mode="split", threads=threads, instances=n, noise=noise)
        for n, rate in rates.items()
    ]


def split_of(rates: dict[int, float], noise: float = 0.002) -> Split:
    (found,) = splits(session(ways(rates, noise=noise)))
    return found


def test_the_best_split_against_one_problem_on_all_cores() -> None:
    found = split_of({1: 4.0, 2: 6.0, 4: 7.0, 8: 5.0})
    assert [option.name for option in found.options] == ["1 x 8", "2 x 4", "4 x 2", "8 x 1"]
    assert found.best.name == "4 x 2"
    assert [option.of_best.value for option in found.options] == pytest.approx(
        [4 / 7, 6 / 7, 1, 5 / 7], rel=0.01
    )
    assert split_sentence(found) == "4 x 2 gives the most: 1.75 x the rate of 1 x 8"


def test_splits_that_cannot_be_told_apart() -> None:
    found = split_of({1: 3.0, 2: 6.0, 4: 6.0, 8: 3.0}, noise=0.01)
    assert {option.name for option in found.tied} == {"2 x 4", "4 x 2"}
    assert split_sentence(found) == "2 x 4 and 4 x 2 give the most: 2.00 x the rate of 1 x 8"


def test_all_the_same() -> None:
    assert split_sentence(split_of(dict.fromkeys((1, 2, 4, 8), 5.0), noise=0.02)) == (
        "all splits give the same, as far as can be told"
    )


def test_one_problem_on_all_cores_may_be_the_best() -> None:
    assert split_sentence(split_of({1: 8.0, 8: 4.0})) == "1 x 8 gives the most: 2.00 x the rate of 8 x 1"


def test_a_single_way_is_no_split() -> None:
    assert splits(session(ways({8: 5.0}))) == ()


def test_ways_without_a_common_round_are_no_split() -> None:
    one, two = ways({1: 5.0, 8: 5.0})
    from dataclasses import replace

    late = replace(two, processes=tuple(replace(p, round=p.round + 100) for p in two.processes))
    assert splits(session([one, late])) == ()

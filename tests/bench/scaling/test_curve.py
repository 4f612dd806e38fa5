from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from armbench.bench import estimates
from armbench.bench.scaling import curves
from tests.bench.scaling.made import LADDER, machine, points
from tests.bench.sessions import result, session


def test_a_curve_has_the_points_in_order_and_a_row_for_each_round() -> None:
    results = points(lambda n: n, reversed(LADDER), rounds=7)
    (curve,) = curves(session(results, machine()))
    assert curve.cores == LADDER
    assert curve.log_rates.shape == (7, len(LADDER))
    assert curve.unit == "flop/s"
    for column, measured in zip(curve.log_rates.T, curve.results, strict=True):
        assert np.exp(np.median(column)) == pytest.approx(estimates.summarize(measured).rate.value, rel=0.01)


def test_threads_on_each_node() -> None:
    (curve,) = curves(session(points(lambda n: n), machine()))
    assert curve.on_nodes[LADDER.index(98)].tolist() == [96, 2]
    assert curve.on_nodes.sum(axis=1).tolist() == list(LADDER)


def test_a_machine_that_shows_no_nodes_has_one() -> None:
    (curve,) = curves(session(points(lambda n: n), replace(machine(), nodes=(), packages=())))
    assert curve.on_nodes.tolist() == [[n] for n in LADDER]


def test_variants_modes_and_placements_have_curves_of_their_own() -> None:
    results = [
        *points(lambda n: n, (1, 2, 4)),
        *points(lambda n: n, (1, 2, 4), variant="sve"),
        *points(lambda n: n, (2, 4), mode="parallel"),
        *points(lambda n: n, (2, 4), placement="spread"),
        *points(lambda n: n, (2, 4), memory="interleave"),
    ]
    found = [(c.last.variant, c.last.mode, c.last.placement, c.last.memory) for c in curves(session(results))]
    assert found == [
        ("neon", "throughput", "compact", "local"),
        ("sve", "throughput", "compact", "local"),
        ("neon", "parallel", "compact", "local"),
        ("neon", "throughput", "spread", "local"),
        ("neon", "throughput", "compact", "interleave"),
    ]


def test_one_core_is_the_same_in_all_modes_and_measured_once() -> None:
    results = [*points(lambda n: n, (1, 2, 4)), *points(lambda n: n, (2, 4), mode="parallel")]
    _, split = curves(session(results))
    assert split.cores == (1, 2, 4)
    assert split.results[0] is results[0]


def test_only_rounds_that_every_point_has() -> None:
    """A trial that was precise enough stopped earlier; drift must not look like scaling."""
    results = points(lambda n: n, (1, 2, 4), rounds=20)
    results[1] = replace(results[1], processes=results[1].processes[:12])
    (curve,) = curves(session(results))
    assert curve.rounds == 12


def test_a_point_with_hardly_any_rounds_is_left_out() -> None:
    results = points(lambda n: n, (1, 2, 4, 8), rounds=20)
    results[3] = replace(results[3], processes=results[3].processes[:2])
    (curve,) = curves(session(results))
    assert (curve.cores, curve.rounds) == ((1, 2, 4), 20)


def test_points_without_a_common_round_are_no_curve() -> None:
    one, two = points(lambda n: n, (1, 2), rounds=2)
    two = replace(two, processes=tuple(replace(p, round=p.round + 2) for p in two.processes))
    assert curves(session([one, two])) == ()


def test_a_single_point_and_splits_are_no_curves() -> None:
    splits = [result(mode="split", threads=4, instances=i) for i in (1, 2, 4)]
    assert curves(session([result(), *splits])) == ()

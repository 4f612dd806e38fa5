from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armbench.bench.scaling import analyze, curves
from armbench.bench.scaling.analysis import dense_grid
from armbench.bench.scaling.models import Grid
from tests.bench.scaling.made import LADDER, analyses, machine, points, usl
from tests.bench.sessions import session


def test_efficiency_is_compared_round_by_round() -> None:
    """A drift that all points of a round share does not widen it."""
    results = points(usl(0.01, 0), (1, 2, 4), noise=0.0)
    drift = np.exp(np.linspace(0, 0.2, 20))
    drifted = []
    for r in results:
        processes = tuple(
            replace(p, samples=tuple(tuple(round(t * d) for t in row) for row in p.samples))
            for p, d in zip(r.processes, drift, strict=True)
        )
        drifted.append(replace(r, processes=processes))
    (curve,) = curves(session(drifted, machine()))
    efficiency = analyze(curve).efficiency
    assert efficiency is not None
    assert [e.value for e in efficiency] == pytest.approx([usl(0.01, 0)(n) / n for n in (1, 2, 4)], rel=1e-4)
    assert efficiency[2].high - efficiency[2].low < 1e-4
    assert (efficiency[0].low, efficiency[0].high) == (1.0, 1.0)


def test_without_one_core_there_is_no_efficiency() -> None:
    found = analyses(lambda n: n, (2, 4, 8, 16))
    assert (found.efficiency, found.model, found.speed_up) == (None, None, None)


def test_two_points_give_nothing_but_efficiency() -> None:
    found = analyses({1: 1.0, 2: 1.94}, (1, 2))
    assert found.model is None
    assert found.speed_up == pytest.approx(1.94, rel=0.005)


@pytest.mark.parametrize("step", [1.0, 0.95])
def test_parameters_lie_within_their_intervals(step: float) -> None:
    found = analyses(usl(0.002, 5e-5, step), noise=0.005, seed=3)
    assert found.model is not None
    assert found.model.misfit is None
    given = {"sigma": 0.002, "kappa": 5e-5, **({"step": step} if step != 1.0 else {})}
    for name, truth in given.items():
        interval = found.model.parameters[name]
        assert interval.low <= truth <= interval.high, name
        assert interval.confidence == 0.95
    assert found.best.peak is not None
    assert found.best.peak.low <= math.sqrt(0.998 / 5e-5) <= found.best.peak.high


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 0.02), st.integers(0, 1000))
def test_without_kappa_no_peak_is_invented(sigma: float, seed: int) -> None:
    found = analyses(usl(sigma, 0), noise=0.005, seed=seed)
    assert found.best.peak is None


def test_a_peak_far_beyond_the_machine_is_not_told() -> None:
    """sqrt(1 / 2e-6) = 707 cores, of 192."""
    found = analyses(usl(0, 2e-6), noise=1e-4)
    assert found.model is not None
    assert found.model.parameters["kappa"].low > 0
    assert found.best.peak is None


def test_few_rounds_give_parameters_without_intervals() -> None:
    found = analyses(usl(0.002, 5e-5), rounds=3)
    assert found.model is not None
    assert found.model.parameters["kappa"].confidence == 0
    assert (found.best.peak, found.best.near) == (None, None)


def test_the_best_and_the_fewest_within_5_percent() -> None:
    rates = {1: 1.0, 2: 2.0, 4: 4.0, 8: 7.0, 16: 9.7, 32: 10.0, 64: 9.0}
    best = analyses(rates, rates, noise=0.001).best
    assert (best.highest, best.tied, best.enough) == (32, (), 16)
    assert (best.enough_from, best.enough_to) == (16, 16)
    assert best.of_last.value == pytest.approx(0.9, abs=0.005)


def test_what_cannot_be_told_apart_is_said() -> None:
    rates = {1: 1.0, 2: 2.0, 4: 4.0, 8: 8.0, 16: 9.5, 32: 10.0, 64: 10.0}
    best = analyses(rates, rates, noise=0.02).best
    assert {best.highest, *best.tied} >= {32, 64}
    assert (best.enough_from, best.enough_to) == (16, 32)


def test_a_misfit_is_named_with_what_begins_there() -> None:
    """Beyond the first node everything runs at half speed, in but one point: no step can be fitted."""
    cores = (1, 2, 4, 8, 16, 32, 64, 96, 128)
    found = analyses(lambda n: n * (1.0 if n <= 96 else 0.5), cores)
    assert found.model is not None
    assert found.model.misfit is not None
    assert found.model.misfit.cores in (96, 128)
    assert found.model.misfit.begins == "the next node begins"


def test_a_misfit_where_cores_begin_to_run_two_threads() -> None:
    smt = machine(64, nodes=1, threads_per_core=2)
    cores = (1, 2, 4, 8, 16, 24, 32, 48, 64)
    found = analyses(lambda n: n if n <= 32 else 32 + 0.05 * (n - 32) if n < 64 else 48, cores, smt)
    assert found.model is not None
    assert found.model.misfit is not None
    assert found.model.misfit.begins == "cores begin to run two threads"


def test_boundaries_with_the_ratio_of_rates_per_core() -> None:
    (crossing,) = analyses(lambda n: n * (1.0 if n <= 96 else 0.93)).crossings
    assert (crossing.kind, crossing.before, crossing.after) == ("node", 96, 98)
    assert crossing.ratio.low <= 0.93 <= crossing.ratio.high


def test_a_second_package_is_named_so() -> None:
    (crossing,) = analyses(lambda n: n, of=machine(packages=2)).crossings
    assert crossing.kind == "package"


def test_more_threads_than_cpus_are_in_no_model() -> None:
    results = points(lambda n: min(n, 64), (1, 2, 4, 8, 16, 32, 64, 96))
    crowded = replace(results[-1], cpus=tuple(n % 64 for n in range(96)))
    (curve,) = curves(session([*results[:-1], crowded], machine(64, nodes=1)))
    found = analyze(curve)
    assert found.model is not None
    assert found.model.name == "linear"
    assert found.best.highest == 64
    assert found.speed_up == pytest.approx(64, rel=0.02)
    assert found.efficiency is not None
    assert len(found.efficiency) == 8


def test_nodes_between_the_points_are_filled_as_at_the_points() -> None:
    n = np.array(LADDER, np.float64)
    grid = Grid(n, np.stack([np.minimum(n, 96), np.maximum(n - 96, 0)], axis=1))
    dense = dense_grid(grid)
    assert dense.cores.tolist() == list(range(1, 193))
    assert dense.nodes.sum(axis=1) == pytest.approx(dense.cores)
    assert dense.nodes[119].tolist() == pytest.approx([96, 24])


def test_a_machine_of_thousands_of_cores_is_looked_at_in_steps() -> None:
    n = np.array([1, 64, 4096.0])
    assert len(dense_grid(Grid(n, n[:, None])).cores) <= 400

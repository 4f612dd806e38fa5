"""Fits of curves whose parameters are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armbench.bench.model import Array
from armbench.bench.scaling import models
from armbench.bench.scaling.models import MODELS, Grid, best_fit, fit

CORES = (1, 2, 4, 8, 16, 32, 64, 94, 96, 98, 128, 144, 192)


def grid(cores: tuple[int, ...] = CORES, node: int = 96) -> Grid:
    """Nodes of so many cores, filled one after the other."""
    n = np.array(cores, np.float64)
    count = -(-max(cores) // node)
    nodes = np.stack([np.clip(n - node * index, 0, node) for index in range(count)], axis=1)
    return Grid(n, nodes)


def model(name: str, parameters: int | None = None) -> models.Model:
    return next(m for m in MODELS if m.name == name and parameters in (None, len(m.parameters)))


def logs(name: str, values: tuple[float, ...], at: Grid | None = None, x1: float = 5e9) -> Array:
    of = model(name, len(values))
    shape = of.shape(np.array([values]).reshape(1, len(values)), at or grid())
    found: Array = np.log(x1) + shape[0]
    return found


TRUTHS = [
    ("linear", ()),
    ("linear with a node step", (-0.05,)),
    ("Amdahl", (0.003,)),
    ("Amdahl with a node step", (0.002, -0.1)),
    ("USL", (0.002, 5e-5)),
    ("USL with a node step", (0.001, 2e-5, -0.04)),
    ("saturation", (12.0,)),
    ("saturation", (40.0, 3.0)),
    ("saturation of each node", (12.5,)),
    ("saturation of each node", (30.0, 4.0)),
]


@pytest.mark.parametrize(("name", "values"), TRUTHS)
def test_an_exact_curve_gives_its_model_and_parameters(name: str, values: tuple[float, ...]) -> None:
    found = best_fit(grid(), logs(name, values))
    assert found is not None
    assert found.model is model(name, len(values))
    assert found.values[0] == pytest.approx(values, rel=2e-3)
    assert np.exp(found.log_x1[0]) == pytest.approx(5e9, rel=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0, 0.2),
    st.floats(0, 1e-3),
    st.integers(0, 2**32 - 1),
)
def test_no_parameters_fit_better_than_those_found(sigma: float, kappa: float, seed: int) -> None:
    """With noise the truth is never nearer to the data than the fit, and parameters are not negative."""
    of, at = model("USL"), grid()
    noise = np.random.default_rng(seed).normal(0, 0.01, (3, len(CORES)))
    rows = logs("USL", (sigma, kappa), at)[None] + noise
    found = fit(of, at, rows)
    truth = rows - logs("USL", (sigma, kappa), at)
    of_truth = ((truth - truth.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    assert (found.values >= 0).all()
    assert (found.squares <= of_truth * (1 + 1e-6) + 1e-12).all()


@settings(max_examples=25, deadline=None)
@given(st.floats(1.5, 80), st.integers(0, 2**32 - 1))
def test_no_knee_fits_better_than_the_one_found(knee: float, seed: int) -> None:
    at = grid()
    row = logs("saturation", (knee,), at)[None] + np.random.default_rng(seed).normal(
        0, 0.005, (1, len(CORES))
    )
    found = fit(model("saturation", 1), at, row)
    truth = row - logs("saturation", (knee,), at)
    assert found.squares[0] <= ((truth - truth.mean()) ** 2).sum() * 1.01 + 1e-9


def test_rows_are_fitted_one_by_one() -> None:
    """A batch gives what its rows give alone."""
    rows = np.stack([logs("USL", (s, k)) for s, k in ((0.001, 1e-5), (0.0, 0.0), (0.1, 0.0), (0.0, 1e-4))])
    rows += np.random.default_rng(1).normal(0, 0.003, rows.shape)
    for of in MODELS:
        together = fit(of, grid(), rows)
        alone = [fit(of, grid(), row[None]) for row in rows]
        squares = [each.squares[0] for each in alone]
        assert together.squares == pytest.approx(squares, rel=1e-4, abs=1e-9), of.name


def names(at: Grid) -> set[str]:
    return {m.name for m in MODELS if m.identifiable(at)}


def test_what_the_points_can_tell() -> None:
    assert names(grid((1, 2))) == set()
    assert names(grid((1, 2, 4))) == set()
    assert names(grid((1, 2, 4, 8))) == {"Amdahl"}
    assert names(grid((1, 2, 3, 4, 5, 6))) == {"Amdahl"}  # six points, but too few cores
    assert names(grid((1, 2, 4, 8, 16, 32))) == {"linear", "Amdahl", "USL", "saturation"}
    assert {m.name for m in MODELS} == names(grid())


def test_a_step_needs_points_on_both_sides() -> None:
    assert "linear with a node step" not in names(grid((1, 2, 4, 8, 16, 32, 64, 96, 98)))
    assert "linear with a node step" in names(grid((1, 2, 4, 8, 16, 32, 64, 96, 98, 192)))


def test_nodes_filled_evenly_have_no_limit_of_their_own() -> None:
    n = np.array(CORES, np.float64)
    spread = Grid(n, np.stack([np.ceil(n / 2), np.floor(n / 2)], axis=1))
    assert "saturation of each node" not in names(spread)
    assert "saturation" in names(spread)


def test_a_knee_beyond_the_points_is_none() -> None:
    """Only the last point is lower: that is no saturation."""
    rates = np.log(np.minimum(np.array(CORES, np.float64), 185))
    found = best_fit(grid(node=192), rates)
    assert found is not None
    assert "knee" not in found.model.parameters


def test_noise_rarely_makes_a_straight_curve_bend() -> None:
    chance = np.random.default_rng(3)
    found = [
        best_fit(grid(), np.log(np.array(CORES)) + chance.normal(0, 0.002, len(CORES))) for _ in range(100)
    ]
    linear = sum(each is not None and each.model.name == "linear" for each in found)
    assert linear >= 85

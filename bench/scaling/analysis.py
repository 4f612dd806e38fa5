"""What a curve shows: efficiency, the model that fits, the best number of cores, where it bends.

Everything measured is compared round by round, everything fitted is refitted to resampled rounds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from armbench.bench import estimates, stats
from armbench.bench.model import Array, Rate
from armbench.bench.scaling import models, resampling
from armbench.bench.scaling.curve import Curve
from armbench.bench.scaling.models import Fit, Grid
from armbench.bench.stats import Interval

MISFIT = 0.03  # residual at any point, above which a model does not fit
NEAR_BEST = 0.95  # of the highest rate, that the fewest cores must give
EXTRAPOLATION = 2.0  # times the most cores, up to which a peak is told
DENSE_POINTS = 400  # numbers of cores at which a fitted curve is looked at

Boundary = Literal["package", "node"]


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where a model is furthest off: measured / fitted - 1, and what begins at that point."""

    cores: int
    residual: float
    begins: str | None


@dataclass(frozen=True, slots=True)
class FittedModel:
    """The model chosen for a curve.

    by_node      whether the limit is each node's
    parameters   with intervals that hold together, of confidence 0 with too few rounds: sigma and
                 kappa; step, what remains of every core's rate once a second node is in use;
                 knee, the cores of machine or node that reach the limit, a rate; x1, of one core
    misfit       the largest residual, None when all are at most 3 %
    """

    name: str
    by_node: bool
    parameters: Mapping[str, Interval]
    fitted: tuple[float, ...]  # rates at the points
    misfit: Misfit | None


@dataclass(frozen=True, slots=True)
class Best:
    """How many cores to use.

    highest   measured cores of the highest rate, and `tied` others that cannot be told from it
    enough    the fewest measured cores within 5 % of it; from and to where that is uncertain
    of_last   rate of the most cores / highest rate
    peak      cores of the model's maximum, where kappa is above zero with confidence
    near      fewest cores within 5 % of the model's highest rate, where a model fits
    """

    highest: int
    tied: tuple[int, ...]
    enough: int
    enough_from: int
    enough_to: int
    of_last: Interval
    peak: Interval | None
    near: Interval | None

    @property
    def falls(self) -> bool:
        """Whether the most cores surely give less than the highest rate."""
        return _below(self.of_last)


@dataclass(frozen=True, slots=True)
class Crossing:
    """The first points before and after a boundary, and the ratio of their rates per core."""

    kind: Boundary
    before: int
    after: int
    ratio: Interval


@dataclass(frozen=True, slots=True)
class Analysis:
    """A curve with all that follows from it.

    rates        of all cores together at every point, as everywhere: from all rounds of the point
    efficiency   X(N) / (N X(1)) at every point; None without a point at one core
    """

    curve: Curve
    rates: tuple[Rate, ...]
    efficiency: tuple[Interval, ...] | None
    model: FittedModel | None
    best: Best
    crossings: tuple[Crossing, ...]

    @property
    def speed_up(self) -> float | None:
        """Of the most cores that each have a CPU, against one."""
        if self.efficiency is None:
            return None
        last = own_cpus(self.curve)[-1]
        return self.efficiency[last].value * self.curve.cores[last]


def analyze(curve: Curve) -> Analysis:
    """All that a curve shows; points with more threads than CPUs are in none but `efficiency`."""
    points = own_cpus(curve)
    grid = Grid(curve.grid.cores[points], curve.grid.nodes[points])
    logs = curve.log_rates[:, points]
    means = resampling.resampled_means(resampling.tamed(logs))
    chosen = models.best_fit(grid, means[0]) if curve.cores[0] == 1 else None
    fits = models.fit(chosen.model, grid, means) if chosen else None
    model = _described(curve, grid, means[0], fits) if fits else None
    bends = _bends(grid, fits, curve.rounds) if fits and model and not model.misfit else (None, None)
    return Analysis(
        curve=curve,
        rates=tuple(estimates.summarize(result).rate for result in curve.results),
        efficiency=_efficiency(curve),
        model=model,
        best=_best(grid.cores.astype(int).tolist(), logs, *bends),
        crossings=tuple(_crossings(curve, points)),
    )


def own_cpus(curve: Curve) -> list[int]:
    """The points whose threads have a CPU each; all, should there be none."""
    every = list(range(len(curve.results)))
    return [point for point in every if not curve.results[point].oversubscribed] or every


def ratio(logs: Sequence[float], confidence: float = stats.CONFIDENCE) -> Interval:
    """exp of the Hodges-Lehmann interval of the rounds' log ratios."""
    log = stats.interval(logs, confidence)
    return Interval(math.exp(log.value), math.exp(log.low), math.exp(log.high), log.confidence)


def _efficiency(curve: Curve) -> tuple[Interval, ...] | None:
    if curve.cores[0] != 1:
        return None
    per_core = curve.log_rates - np.log(curve.cores)
    return tuple(ratio((column - per_core[:, 0]).tolist()) for column in per_core.T)


# --- the model -----------------------------------------------------------------------------


def _described(curve: Curve, grid: Grid, logs: Array, fits: Fit) -> FittedModel:
    rounds = curve.rounds
    columns = dict(zip(fits.model.parameters, fits.values.T, strict=True))
    if "knee" in columns:
        columns["limit"] = np.exp(fits.log_x1) * columns["knee"]
    if "step" in columns:
        columns["step"] = np.exp(columns["step"])
    columns["x1"] = np.exp(fits.log_x1)
    together = len(columns)
    parameters = {name: _with_limits(values, rounds, together) for name, values in columns.items()}
    residuals = np.exp(logs - fits.fitted[0]) - 1
    worst = int(np.abs(residuals).argmax())
    misfit = None
    if abs(residuals[worst]) > MISFIT:
        misfit = Misfit(int(grid.cores[worst]), float(residuals[worst]), _begins(curve, grid, worst))
    return FittedModel(
        fits.model.name, fits.model.by_node, parameters, tuple(np.exp(fits.fitted[0]).tolist()), misfit
    )


def _with_limits(values: Array, rounds: int, together: int) -> Interval:
    """Without limits, confidence 0, when there are too few rounds."""
    value = float(values[0])
    limits = resampling.interval(values, rounds, together)
    return limits or Interval(value, value, value, 0.0)


def _begins(curve: Curve, grid: Grid, worst: int) -> str | None:
    """What is new at a point, or at the one after it, that a smooth curve knows nothing of."""
    cores = grid.cores.astype(int).tolist()
    for point in (worst, worst + 1):
        if 0 < point < len(cores):
            here = next(i for i, n in enumerate(curve.cores) if n == cores[point])
            if kind := boundary(curve, here - 1, here):
                return f"the next {kind} begins"
            if cores[point - 1] <= curve.topology.cores < cores[point]:
                return "cores begin to run two threads"
    return None


def _bends(grid: Grid, fits: Fit, rounds: int) -> tuple[Interval | None, Interval | None]:
    """(the peak, the fewest cores within 5 % of the highest rate) of a model that fits."""
    return _peak(grid, fits, rounds), _near(grid, fits, rounds)


def _peak(grid: Grid, fits: Fit, rounds: int) -> Interval | None:
    """N* = sqrt((1 - sigma) / kappa), only where kappa's interval excludes 0 and N* is not far away."""
    names = fits.model.parameters
    if "kappa" not in names:
        return None
    sigma, kappa = fits.values[:, names.index("sigma")], fits.values[:, names.index("kappa")]
    together = len(names)
    limits = resampling.interval(kappa, rounds, together)
    if limits is None or limits.low <= 0:
        return None
    with np.errstate(divide="ignore"):
        peaks = np.sqrt(np.maximum(0.0, 1 - sigma) / kappa)
    if peaks[0] > EXTRAPOLATION * grid.cores.max():
        return None
    return resampling.interval(peaks, rounds, together)


def _near(grid: Grid, fits: Fit, rounds: int) -> Interval | None:
    dense = dense_grid(grid)
    rates = fits.predict(dense)
    within = rates >= rates.max(axis=1, keepdims=True) + math.log(NEAR_BEST)
    return resampling.interval(dense.cores[within.argmax(axis=1)], rounds)


def dense_grid(grid: Grid) -> Grid:
    """All numbers of cores up to the most (400 at most), the nodes filled as between the points."""
    most = int(grid.cores.max())
    cores = np.unique(
        np.rint(np.geomspace(1, most, DENSE_POINTS)) if most > DENSE_POINTS else np.arange(1, most + 1)
    )
    nodes = np.stack([np.interp(cores, grid.cores, column) for column in grid.nodes.T], axis=1)
    return Grid(cores.astype(np.float64), nodes)


# --- the best number of cores --------------------------------------------------------------


def _best(cores: Sequence[int], logs: Array, peak: Interval | None, near: Interval | None) -> Best:
    """From log rates [rounds][points], each point compared with the highest in every round.

    The highest of equals is so by luck: all that are told from it at once are told with 95 %.
    """
    levels = [stats.hodges_lehmann(column.tolist()) for column in logs.T]
    top = int(np.argmax(levels))
    differences = [(column - logs[:, top]).tolist() for column in logs.T]
    against = [ratio(each) for each in differences]
    strictly = [ratio(each, 1 - (1 - stats.CONFIDENCE) / len(cores)) for each in differences]
    within = [i for i, found in enumerate(against) if found.value >= NEAR_BEST]
    surely = [i for i, found in enumerate(against) if found.low >= NEAR_BEST]
    perhaps = [i for i, found in enumerate(against) if found.high >= NEAR_BEST]
    return Best(
        highest=cores[top],
        tied=tuple(n for i, n in enumerate(cores) if i != top and not _below(strictly[i])),
        enough=cores[within[0]],
        enough_from=cores[perhaps[0]],
        enough_to=cores[surely[0]],
        of_last=against[-1],
        peak=peak,
        near=near,
    )


def _below(ratio: Interval) -> bool:
    """Whether a ratio is surely below 1; one round makes nothing sure."""
    return ratio.confidence > 0 and ratio.high < 1


# --- boundaries ----------------------------------------------------------------------------


def boundary(curve: Curve, before: int, after: int) -> Boundary | None:
    """What more of is in use at a point than at one before it."""
    cpus = [curve.results[point].cpus for point in (before, after)]
    packages = [curve.topology.on_packages(each) for each in cpus]
    nodes = [int((curve.on_nodes[point] > 0).sum()) for point in (before, after)]
    if packages[0] < packages[1] and packages[0]:
        return "package"
    return "node" if nodes[0] < nodes[1] else None


def _crossings(curve: Curve, points: Sequence[int]) -> list[Crossing]:
    per_core = curve.log_rates - np.log(curve.cores)
    found = []
    for before, after in pairwise(points):
        if kind := boundary(curve, before, after):
            change = ratio((per_core[:, after] - per_core[:, before]).tolist())
            found.append(Crossing(kind, curve.cores[before], curve.cores[after], change))
    return found

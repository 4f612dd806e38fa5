"""Models of a scaling curve: the rate of N cores, fitted by least squares on its logarithm.

    linear       X = N x1
    Amdahl       X = N x1 / (1 + sigma (N - 1))                          part of the work waits its turn
    USL          X = N x1 / (1 + sigma (N - 1) + kappa N (N - 1))        and cores wait for one another
    saturation   X = min(N x1, limit), for the machine or each NUMA node  the memory gives no more

Universal Scalability Law: Gunther, Guerrilla Capacity Planning, 2007.  The first three also come
with a step: every core slower by one factor as soon as a second node is in use.  Saturation also
comes with a rounded knee, (N^-p + knee^-p)^(-1/p).  x1 is always free: the point at one core is
as uncertain as any other.

Everything works on a batch of curves at once (rows), because intervals come from a thousand
resampled ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from armbench.bench.model import Array

LEAST_POINTS = 4  # for a model at all, which is then Amdahl
CHOICE_POINTS = 6  # for a choice between models
LEAST_CORES = 8  # of the largest point, for what bends
TINY = 1e-12  # threads, for the logarithm of none
LEAST_BEYOND = 2  # points on either side of a step
KNEES = 64  # of the first grid
SHARPNESS = (1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)  # p of a rounded knee
KNEE_SHARE = 0.9  # of the most cores on a node, above which a knee is beyond what was measured
ITERATIONS = 60
CONVERGED = 1e-9  # relative change of a sum of squares
STUCK = 1e3  # damping, above which a row that gains nothing has arrived
AS_GOOD = 2.0  # difference of AICc, up to which the simpler of two models is taken
NOISE_FLOOR = 1e-9  # variance of a log rate, below which a model cannot be better than another


@dataclass(frozen=True, slots=True)
class Grid:
    """Where rates are known or wanted.

    cores   float64 [points]
    nodes   float64 [points][nodes]: threads on each NUMA node, summing to `cores`
    """

    cores: Array
    nodes: Array

    @property
    def crossed(self) -> Array:
        """1 where more than one node is in use, float64 [points]."""
        crossed: Array = ((self.nodes > 0).sum(axis=1) > 1).astype(np.float64)
        return crossed

    @property
    def has_step(self) -> bool:
        beyond = int(self.crossed.sum())
        return LEAST_BEYOND <= beyond <= len(self.cores) - LEAST_BEYOND

    @property
    def filled_in_turn(self) -> bool:
        """Whether nodes are filled unevenly, so that a limit of each differs from one of all."""
        used = self.nodes[:, self.nodes.max(axis=0) > 0]
        return used.shape[1] > 1 and bool((used.max(axis=1) - used.min(axis=1) > 1).any())


@dataclass(frozen=True, slots=True)
class Model:
    """A family of curves.

    parameters            their names, x1 left out
    solve(grid, logs)     [rows][points] of log rates -> [rows][parameters] that fit best
    shape(values, grid)   [rows][parameters] -> log(X / x1) [rows][points]
    """

    name: str
    parameters: tuple[str, ...]
    solve: Callable[[Grid, Array], Array]
    shape: Callable[[Array, Grid], Array]
    step: bool = False
    by_node: bool = False

    def identifiable(self, grid: Grid) -> bool:
        """Whether the points can tell the parameters apart."""
        count = len(grid.cores)
        if count < CHOICE_POINTS or grid.cores.max() < LEAST_CORES:
            return self.name == "Amdahl" and count >= LEAST_POINTS
        return (
            count > len(self.parameters) + 3  # else the correction of AICc has no value
            and (grid.has_step or not self.step)
            and (grid.filled_in_turn or not self.by_node)
        )


@dataclass(frozen=True, slots=True)
class Fit:
    """The best curves of a model, a row for each curve of the batch."""

    model: Model
    values: Array  # [rows][parameters]
    log_x1: Array  # [rows]
    fitted: Array  # log rates [rows][points]
    squares: Array  # sums of squared residuals [rows]

    def predict(self, grid: Grid) -> Array:
        """Log rates [rows][points] at other points."""
        logs: Array = self.log_x1[:, None] + self.model.shape(self.values, grid)
        return logs

    def aicc(self) -> Array:
        """Akaike's criterion with the correction for few points, [rows]; less is better."""
        count = self.fitted.shape[1]
        free = len(self.model.parameters) + 2  # x1 and the variance
        variance = np.maximum(self.squares / count, NOISE_FLOOR)
        correction = 2 * free * (free + 1) / max(1e-9, count - free - 1)
        criterion: Array = count * np.log(variance) + 2 * free + correction
        return criterion


def fit(model: Model, grid: Grid, logs: Array) -> Fit:
    """Fit every row of log rates [rows][points]."""
    values = model.solve(grid, logs)
    shape = model.shape(values, grid)
    log_x1 = (logs - shape).mean(axis=1)
    fitted = log_x1[:, None] + shape
    return Fit(model, values, log_x1, fitted, ((logs - fitted) ** 2).sum(axis=1))


def best_fit(grid: Grid, logs: Array) -> Fit | None:
    """The model for one curve [points] by AICc; None when none is identifiable.

    That is, the one with the fewest parameters among those that are as good as the best.  With
    fewer than six points, or eight cores, Amdahl is the only one: sigma's interval then says
    whether the curve bends at all.  A knee beyond what was measured is no knee: such a fit is
    left out.
    """
    fits = [fit(model, grid, logs[None, :]) for model in MODELS if model.identifiable(grid)]
    fits = [found for found in fits if _inside(found, grid)]
    least = min((float(found.aicc()[0]) for found in fits), default=math.inf)
    good = [found for found in fits if float(found.aicc()[0]) <= least + AS_GOOD]
    return min(good, key=lambda found: (len(found.model.parameters), float(found.aicc()[0])), default=None)


def _inside(found: Fit, grid: Grid) -> bool:
    if "knee" not in found.model.parameters:
        return True
    most = grid.nodes.max() if found.model.by_node else grid.cores.max()
    return bool(found.values[0, 0] <= KNEE_SHARE * most)


# --- linear, Amdahl, USL: nonlinear in up to two parameters, linear in x1 and the step -----


def _columns(names: tuple[str, ...], grid: Grid) -> Array:
    """The factors of sigma and kappa, float64 [parameters][points]."""
    n = grid.cores
    factors = {"sigma": n - 1, "kappa": n * (n - 1)}
    return np.array([factors[name] for name in names]).reshape(len(names), len(n))


def _contention(names: tuple[str, ...], step: bool) -> tuple[Callable[..., Array], Callable[..., Array]]:
    def solve(grid: Grid, logs: Array) -> Array:
        columns = _columns(names, grid)
        free = np.stack([np.ones_like(grid.cores), grid.crossed][: 1 + step], axis=1)
        project = np.eye(len(grid.cores)) - free @ np.linalg.pinv(free)
        target = logs - np.log(grid.cores)
        theta = _nonnegative(target, columns, project)
        if not step:
            return theta
        rest = target + np.log1p(theta @ columns)
        return np.column_stack([theta, rest @ np.linalg.pinv(free)[1]])

    def shape(values: Array, grid: Grid) -> Array:
        theta = values[:, : len(names)]
        logs: Array = np.log(grid.cores) - np.log1p(theta @ _columns(names, grid))
        return logs + values[:, -1:] * grid.crossed if step else logs

    return solve, shape


def _nonnegative(target: Array, columns: Array, project: Array) -> Array:
    """theta >= 0 [rows][k] that minimises |(target + log(1 + theta columns)) project|^2.

    The optimum with all parameters free or, where that is on a boundary, the best on any.  The
    first row is solved from afar, the others, which are variations of it, from its solution.
    """
    if len(columns) == 0:
        return np.zeros((len(target), 0))
    first = _levenberg(target[:1], columns, project, _start(target[:1], columns))
    best = _levenberg(target, columns, project, np.repeat(first, len(target), axis=0))
    edge = (best <= 0).any(axis=1)
    if edge.any():
        best[edge] = _best_on_edge(target[edge], columns, project, best[edge])
    return best


def _best_on_edge(target: Array, columns: Array, project: Array, best: Array) -> Array:
    """The best of a solution and those with one parameter alone, or none."""
    tries = [best, np.zeros_like(best)]
    for chosen in range(len(columns)) if len(columns) > 1 else ():
        alone = columns[chosen : chosen + 1]
        theta = np.zeros_like(best)
        theta[:, chosen : chosen + 1] = _levenberg(target, alone, project, _start(target, alone))
        tries.append(theta)
    squares = np.stack([_squares(theta, target, columns, project) for theta in tries])
    chosen_try = squares.argmin(axis=0)
    found: Array = np.stack(tries)[chosen_try, np.arange(len(best))]
    return found


def _squares(theta: Array, target: Array, columns: Array, project: Array) -> Array:
    squares: Array = (((target + np.log1p(theta @ columns)) @ project) ** 2).sum(axis=1)
    return squares


def _levenberg(target: Array, columns: Array, project: Array, start: Array) -> Array:
    """Levenberg-Marquardt for all rows at once, each with its own damping; steps end at zero."""
    scale = columns.max(axis=1)
    unit = columns / scale[:, None]
    theta = start * scale
    damping = np.full(len(target), 1e-3)
    squares = _squares(theta, target, unit, project)
    for _ in range(ITERATIONS):
        spread = 1 + theta @ unit
        residual = (target + np.log(spread)) @ project
        slopes = (unit / spread[:, None, :]) @ project
        moved = np.maximum(theta - _step(slopes, residual, damping), 0.0)
        after = _squares(moved, target, unit, project)
        better = after < squares
        gained = squares - after > CONVERGED * squares
        theta[better], squares = moved[better], np.minimum(after, squares)
        damping = np.where(better, damping / 10, damping * 10)
        if not (gained | (~better & (damping < STUCK))).any():
            break
    found: Array = theta / scale
    return found


def _step(slopes: Array, residual: Array, damping: Array) -> Array:
    """The damped Gauss-Newton step [rows][k] for slopes [rows][k][points]."""
    normal = slopes @ slopes.transpose(0, 2, 1)
    diagonal = np.einsum("rkk->rk", normal) * (1 + damping[:, None]) + 1e-300
    right = (slopes @ residual[:, :, None])[:, :, 0]
    if slopes.shape[1] == 1:
        alone: Array = right / diagonal
        return alone
    across = normal[:, 0, 1]
    determinant = np.maximum(diagonal[:, 0] * diagonal[:, 1] - across**2, 1e-300)
    first = right[:, 0] * diagonal[:, 1] - right[:, 1] * across
    second = right[:, 1] * diagonal[:, 0] - right[:, 0] * across
    both: Array = np.stack([first, second], axis=1) / determinant[:, None]
    return both


def _start(target: Array, columns: Array) -> Array:
    """1 + theta columns = what one core would do / what each does, solved by linear least squares."""
    scale = columns.max(axis=1)
    unit = columns / scale[:, None]
    lost = np.exp(np.clip(target[:, :1] - target, -2, 20)) - 1
    weight = 1 / (1 + np.maximum(lost, 0.0))
    normal = np.einsum("kp,rp,lp->rkl", unit, weight**2, unit) + 1e-9 * np.eye(len(unit))
    right = np.einsum("kp,rp->rk", unit, weight**2 * lost)
    found: Array = np.maximum(np.linalg.solve(normal, right[:, :, None])[:, :, 0], 1e-6) / scale
    return found


# --- saturation: one parameter by a grid, refined; the rounding of the knee by a grid ------


def _limited(knee: Array, sharpness: Array, nodes: Array) -> Array:
    """log of the sum over nodes of min(threads, knee), rounded by `sharpness` (all finite or all inf).

    knee, sharpness: [...]; nodes [points][nodes]; result [...][points].
    """
    knees, powers = knee[..., None, None], sharpness[..., None, None]
    if np.isinf(sharpness).all():
        total: Array = np.log(np.minimum(nodes, knees).sum(axis=-1))
        return total
    powered = np.exp(np.minimum(powers * np.log(np.maximum(nodes, TINY) / knees), 700.0))
    rounded: Array = np.log((nodes * (1 + powered) ** (-1 / powers)).sum(axis=-1))
    return rounded


def _saturation(by_node: bool, rounded: bool) -> tuple[Callable[..., Array], Callable[..., Array]]:
    powers = np.array(SHARPNESS if rounded else (math.inf,))

    def places(grid: Grid) -> Array:
        return grid.nodes if by_node else grid.cores[:, None]

    def solve(grid: Grid, logs: Array) -> Array:
        nodes = places(grid)
        most = nodes.max()
        knees = np.geomspace(0.5, most, KNEES)
        knee, power = (array.reshape(-1) for array in np.meshgrid(knees, powers, indexing="ij"))
        found = _nearest(logs, _limited(knee, power, nodes)[None])
        knee, power = knee[found], power[found]
        ratio = knees[1] / knees[0]
        for _ in range(3):
            tries = knee[:, None] * np.geomspace(1 / ratio, ratio, 17)
            shapes = _limited(tries, np.broadcast_to(power[:, None], tries.shape), nodes)
            knee = np.take_along_axis(tries, _nearest(logs, shapes)[:, None], axis=1)[:, 0]
            ratio **= 1 / 8
        return np.column_stack([knee, power] if rounded else [knee])

    def shape(values: Array, grid: Grid) -> Array:
        power = values[:, 1] if rounded else np.full(len(values), math.inf)
        return _limited(values[:, 0], power, places(grid))

    return solve, shape


def _nearest(logs: Array, shapes: Array) -> Array:
    """For each row the index of the shape [rows or 1][shapes][points] nearest to it, x1 being free."""
    y = logs - logs.mean(axis=1, keepdims=True)
    f = shapes - shapes.mean(axis=2, keepdims=True)
    cross = y @ f[0].T if len(f) == 1 else np.einsum("rp,rsp->rs", y, f)
    nearest: Array = ((f**2).sum(axis=2) - 2 * cross).argmin(axis=1)
    return nearest


# --- the models ----------------------------------------------------------------------------


def _models() -> tuple[Model, ...]:
    """The simple ones first, so that they win ties."""
    found = []
    for name, parameters in (("linear", ()), ("Amdahl", ("sigma",)), ("USL", ("sigma", "kappa"))):
        for step in (False, True):
            solve, shape = _contention(parameters, step)
            named, names = (f"{name} with a node step", (*parameters, "step")) if step else (name, parameters)
            found.append(Model(named, names, solve, shape, step=step))
    for by_node in (False, True):
        for rounded in (False, True):
            solve, shape = _saturation(by_node, rounded)
            name = "saturation of each node" if by_node else "saturation"
            names = ("knee", "sharpness") if rounded else ("knee",)
            found.append(Model(name, names, solve, shape, by_node=by_node))
    return tuple(sorted(found, key=lambda model: len(model.parameters)))


MODELS = _models()

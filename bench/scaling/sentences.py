"""A plain sentence for a curve: what it does, and nothing that the data do not show."""

from __future__ import annotations

import math
from collections.abc import Mapping

from armbench.bench import estimates
from armbench.bench.model import Result
from armbench.bench.scaling.analysis import NEAR_BEST, Analysis, Best, Crossing, own_cpus, ratio
from armbench.bench.scaling.curve import Curve
from armbench.bench.scaling.models import LEAST_POINTS
from armbench.bench.stats import Interval

LINEAR = 0.95  # efficiency, from which on a curve counts as linear
PEAK_SHARE = 0.97  # of the highest rate, below which more cores are a loss worth telling
FLAT_SHARE = 0.8  # of the cores, up to which a knee must lie to be one
NOTHING = 0.02  # a gain below it is none
COST = 0.02  # of the rate of a core, from which on a boundary is told
RAW_COST = 0.05  # the same where no model tells it apart from the curve's own bend
NEIGHBOURS = 1.1  # times the cores: further apart, other things than the boundary matter too
FLOPS_PER_BYTE = 4.0  # below, memory and not arithmetic can be the limit
UNKNOWN_CACHE_BYTES = 64 << 20  # taken for the last-level cache where none is reported


def sentence(found: Analysis) -> str:
    """For instance "saturates memory at 12 of 64 cores; more cores add nothing"."""
    clauses = [_main(found), *_boundaries(found), *_misfit(found)]
    return "; ".join(clause for clause in clauses if clause)


def _main(found: Analysis) -> str:
    curve, best = found.curve, found.best
    last = _last(curve)
    if found.efficiency is None:
        return f"highest at {best.highest} of {last} {curve.topology.noun}"
    if len(own_cpus(curve)) < LEAST_POINTS:
        return _few(found)
    if best.of_last.value < PEAK_SHARE and best.falls:
        return _peaks(found)
    if found.model and not found.model.misfit and (told := _saturates(found)):
        return told
    return _grows(found)


def _last(curve: Curve) -> int:
    return curve.cores[own_cpus(curve)[-1]]


def _few(found: Analysis) -> str:
    """Two or three points: nothing but efficiency can be told."""
    assert found.efficiency is not None
    noun, best = found.curve.topology.noun, found.best
    told = f"{_last(found.curve)} {noun} give {found.speed_up:.2f} x ({_efficiency(found)})"
    if best.falls:
        told += f", less than {best.highest} {noun[: -1 if best.highest == 1 else None]}"
    return told


def _efficiency(found: Analysis) -> str:
    assert found.efficiency is not None
    value = found.efficiency[own_cpus(found.curve)[-1]]
    text = f"efficiency {value.value:.2f}"
    if value.confidence and f"{value.low:.2f}" != f"{value.high:.2f}":
        text += f", {value.low:.2f} to {value.high:.2f}"
    return text


def _peaks(found: Analysis) -> str:
    curve, best = found.curve, found.best
    last, noun = _last(curve), curve.topology.noun
    where = _range(best)
    if best.peak and not math.isclose(best.peak.low, best.peak.high) and best.peak.high < last:
        ends = [f"{best.peak.low:.0f}", f"{best.peak.high:.0f}"]
        where = " to ".join(dict.fromkeys(ends))
    return f"peaks at {where} of {last} {noun}; {last} {noun} give {best.of_last.value:.2f} of it"


def _range(best: Best) -> str:
    ends = sorted({best.highest, *best.tied})
    return str(ends[0]) if len(ends) == 1 else f"{ends[0]} to {ends[-1]}"


def _saturates(found: Analysis) -> str | None:
    assert found.model is not None
    curve, near = found.curve, found.best.near
    if "knee" not in found.model.parameters:
        return None
    memory = streams(curve.last, curve.topology.last_level_bytes)
    if found.model.by_node:
        return _saturates_nodes(found, memory)
    at = round(near.value) if near else found.best.enough
    if at > FLAT_SHARE * _last(curve):
        return None
    what = f" memory ({_bytes(found)})" if memory else ""
    return f"saturates{what} at {at} of {_last(curve)} {curve.topology.noun}; {_beyond(found, at)}"


def _bytes(found: Analysis) -> str:
    """What the model's limit is in bytes that must move."""
    assert found.model is not None
    work = found.curve.last.work
    limit = found.model.parameters["limit"].value / estimates.amounts(work)[0][0]
    gigabytes = limit * (work.bytes_read + work.bytes_written) / 1e9
    return f"{gigabytes:.0f} GB/s" if gigabytes >= 100 else f"{gigabytes:.3g} GB/s"


def _beyond(found: Analysis, at: int) -> str:
    """What the cores after the first measured point from `at` on add."""
    curve, points = found.curve, own_cpus(found.curve)
    first = next(point for point in points if curve.cores[point] >= at)
    gain = ratio((curve.log_rates[:, points[-1]] - curve.log_rates[:, first]).tolist())
    if gain.value < 1 + NOTHING or gain.low <= 1 or not gain.confidence:
        return f"more {curve.topology.noun} add nothing"
    more = _last(curve) - curve.cores[first]
    return f"{more} more {curve.topology.noun} add {100 * (gain.value - 1):.0f} %"


def _saturates_nodes(found: Analysis, memory: bool) -> str | None:
    assert found.model is not None
    curve, points = found.curve, own_cpus(found.curve)
    size = int(curve.on_nodes[points].max())
    at = _enough_of_node(found.model.parameters, size)
    if at > FLAT_SHARE * size:
        return None
    full = max(point for point in points if (curve.on_nodes[point] > 0).sum() == 1)
    gain = ratio((curve.log_rates[:, points[-1]] - curve.log_rates[:, full]).tolist())
    used = int((curve.on_nodes[points[-1]] > 0).sum())
    whose = f"each node's memory ({_bytes(found)})" if memory else "each node"
    noun = curve.topology.noun
    return f"saturates {whose} at {at} of its {size} {noun}; {used} nodes give {gain.value:.2f} x one"


def _enough_of_node(parameters: Mapping[str, Interval], size: int) -> int:
    """The fewest cores of a node that give 95 % of what all `size` of them do, by a model with a knee."""
    knee = parameters["knee"].value
    power = parameters["sharpness"].value if "sharpness" in parameters else math.inf

    def rate(cores: int) -> float:
        return min(cores, knee) if math.isinf(power) else (cores**-power + knee**-power) ** (-1 / power)

    return next(cores for cores in range(1, size + 1) if rate(cores) >= NEAR_BEST * rate(size))


def _grows(found: Analysis) -> str:
    assert found.efficiency is not None
    curve = found.curve
    last, noun = _last(curve), curve.topology.noun
    if found.efficiency[own_cpus(curve)[-1]].value >= LINEAR:
        return f"scales linearly to {last} {noun} ({_efficiency(found)})"
    return f"{last} {noun} give {found.speed_up:.3g} x ({_efficiency(found)}){_enough(found)}"


def _enough(found: Analysis) -> str:
    """From how many cores on 95 % of the highest rate are reached, where that is worth knowing."""
    best, last = found.best, _last(found.curve)
    fewest = round(best.near.value) if best.near else best.enough
    if fewest > FLAT_SHARE * last:
        return ""
    about = "about " if best.near is None and best.enough_from < best.enough_to else ""
    most = f" (at {best.highest})" if best.highest < last else ""
    return f"; {about}{fewest} give 95 % of the highest rate{most}"


def _boundaries(found: Analysis) -> list[str]:
    """What the next node or package costs: the model's step or, where none fits, the neighbours' ratio."""
    fits = found.model is not None and not found.model.misfit
    for crossing in found.crossings[:1]:
        if fits and found.model and "step" in found.model.parameters:
            return _crossing(found, crossing, found.model.parameters["step"], COST)
        if not fits and crossing.after <= NEIGHBOURS * crossing.before:
            return _crossing(found, crossing, crossing.ratio, RAW_COST)
    return []


def _crossing(found: Analysis, crossing: Crossing, change: Interval, least: float) -> list[str]:
    """Nothing for a change of every core's rate that is not surely there, or small."""
    share = abs(change.value - 1)
    if not change.confidence or change.low <= 1 <= change.high or share < least:
        return []
    effect = "costs" if change.value < 1 else "gains"
    each = found.curve.topology.noun[:-1]
    return [f"crossing to the next {crossing.kind} {effect} {100 * share:.0f} % of every {each}'s rate"]


def _misfit(found: Analysis) -> list[str]:
    misfit = found.model and found.model.misfit
    if not misfit or not found.model:
        return []
    side = "below" if misfit.residual < 0 else "above"
    off = f"{100 * abs(misfit.residual):.0f} % {side} it at {misfit.cores}"
    where = f", where {misfit.begins}" if misfit.begins else ""
    return [f"no model fits (nearest: {found.model.name}, {off}{where})"]


def streams(result: Result, last_level_bytes: int | None) -> bool:
    """Whether a trial's data must come from memory: too many for the caches, and few operations on each."""
    work = result.work
    moved = work.bytes_read + work.bytes_written
    cache = last_level_bytes or UNKNOWN_CACHE_BYTES
    return moved * result.at_once > cache and work.flops <= FLOPS_PER_BYTE * moved

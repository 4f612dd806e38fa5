"""A plain sentence for a curve: what it does, and nothing that the data do not show."""

from __future__ import annotations

import math

from armbench.bench.model import Result
from armbench.bench.scaling.analysis import NEAR_BEST, Analysis, Best, own_cpus, ratio
from armbench.bench.scaling.curve import Curve
from armbench.bench.stats import Interval

LINEAR = 0.95  # efficiency, from which on a curve counts as linear
PEAK_SHARE = 0.97  # of the highest rate, below which more cores are a loss worth telling
FLAT_SHARE = 0.8  # of the cores, up to which a knee must lie to be one
NOTHING = 0.02  # a gain below it is none
COST = 0.02  # of the rate of a core, from which on a boundary is told
NEIGHBOURS = 1.1  # times the cores: further apart, other things than the boundary matter too
MODEL_POINTS = 4
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
    if len(own_cpus(curve)) < MODEL_POINTS:
        return _few(found)
    if best.of_last.value < PEAK_SHARE and best.of_last.high < 1:
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
    if best.highest != _last(found.curve) and best.of_last.high < 1:
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
        where = f"{best.peak.low:.0f} to {best.peak.high:.0f}"
    return f"peaks at {where} of {last} {noun}; {last} {noun} give {best.of_last.value:.2f} of it"


def _range(best: Best) -> str:
    ends = sorted({best.highest, *best.tied})
    return str(ends[0]) if len(ends) == 1 else f"{ends[0]} to {ends[-1]}"


def _saturates(found: Analysis) -> str | None:
    assert found.model is not None
    curve, near = found.curve, found.best.near
    if "knee" not in found.model.parameters:
        return None
    what = " memory" if streams(curve.last, curve.topology.last_level_bytes) else ""
    if found.model.name.endswith("each node"):
        return _saturates_nodes(found, what)
    at = round(near.value) if near else found.best.enough
    if at > FLAT_SHARE * _last(curve):
        return None
    return f"saturates{what} at {at} of {_last(curve)} {curve.topology.noun}; {_beyond(found, at)}"


def _beyond(found: Analysis, at: int) -> str:
    """What the cores after the first measured point from `at` on add."""
    curve, points = found.curve, own_cpus(found.curve)
    first = next(point for point in points if curve.cores[point] >= at)
    gain = ratio((curve.log_rates[:, points[-1]] - curve.log_rates[:, first]).tolist())
    if gain.value < 1 + NOTHING or gain.low <= 1:
        return f"more {curve.topology.noun} add nothing"
    more = _last(curve) - curve.cores[first]
    return f"{more} more {curve.topology.noun} add {100 * (gain.value - 1):.0f} %"


def _saturates_nodes(found: Analysis, what: str) -> str:
    assert found.model is not None
    curve, points = found.curve, own_cpus(found.curve)
    size = int(curve.on_nodes[points].max())
    knee = min(size, math.ceil(NEAR_BEST * found.model.parameters["knee"].value))
    full = max(point for point in points if (curve.on_nodes[point] > 0).sum() == 1)
    gain = ratio((curve.log_rates[:, points[-1]] - curve.log_rates[:, full]).tolist())
    used = int((curve.on_nodes[points[-1]] > 0).sum())
    whose = f"each node's{what}" if what else "each node"
    noun = curve.topology.noun
    return f"saturates {whose} at {knee} of its {size} {noun}; {used} nodes give {gain.value:.2f} x one"


def _grows(found: Analysis) -> str:
    assert found.efficiency is not None
    curve, best = found.curve, found.best
    last, noun = _last(curve), curve.topology.noun
    if found.efficiency[own_cpus(curve)[-1]].value >= LINEAR:
        return f"scales linearly to {last} {noun} ({_efficiency(found)})"
    told = f"{last} {noun} give {found.speed_up:.3g} x ({_efficiency(found)})"
    if best.enough_from < last:
        told += f"; {_enough(best)} give over 95 % of the most"
    return told


def _enough(best: Best) -> str:
    """The fewest measured cores within 5 % of the best, or the range in which they are."""
    if best.enough_from == best.enough_to:
        return str(best.enough)
    return f"{best.enough_from} to {best.enough_to}"


def _boundaries(found: Analysis) -> list[str]:
    """The cost of boundaries between neighbouring points, where it is surely there."""
    if found.model and found.model.name.endswith("each node"):
        return []  # the sentence is about nodes already
    clauses = []
    for crossing in found.crossings:
        near = crossing.after <= NEIGHBOURS * crossing.before
        if near and _surely_below(crossing.ratio, 1 - COST):
            each = found.curve.topology.noun[:-1]
            cost = 100 * (1 - crossing.ratio.value)
            clauses.append(f"crossing to the next {crossing.kind} costs {cost:.0f} % of every {each}")
    return clauses


def _surely_below(value: Interval, limit: float) -> bool:
    return value.value <= limit and value.high < 1 and value.confidence > 0


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
    owners = result.threads if result.mode == "throughput" else 1
    cache = last_level_bytes or UNKNOWN_CACHE_BYTES
    return moved * owners > cache and work.flops <= FLOPS_PER_BYTE * moved

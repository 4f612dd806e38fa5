"""Whether what a simulated machine was given is found again: sigma, kappa, knee, best number of cores."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from armbench.bench.model import Work
from armbench.bench.scaling import Analysis, analyze, curves
from armbench.bench.stats import Interval
from tests.simulator.physics import Behaviour, Chip, rates
from tests.simulator.session import Simulation, work_of

# What is simulated, of scalar variants, which every machine has:
BEHAVIOURS: Mapping[str, Behaviour] = {
    "matmul/f32-n128": Behaviour(rate=5e9, sigma=0.002, kappa=5e-5),  # peaks at 141
    "matmul/f32-n512": Behaviour(rate=5e9, sigma=0.001, kappa=1e-5, crossing=0.04),  # rises to the end
    "matmul/f32-m1-k4096-n4096": Behaviour(rate=1e10, memory=1.0),  # memory saturates
    "attention/decode-f32-h32-kv8-s4096-d128": Behaviour(rate=7e9, sigma=0.003),  # kappa 0: no peak
}
NODE_BYTES_PER_SECOND = {"graviton5-m9g.48xlarge": 374e9, "graviton4-m8g.48xlarge": 458e9}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was given and looked for: what, of which case, and whether it was found."""

    case: str
    what: str
    found: bool


def simulation(chip: Chip, rounds: int = 20) -> Simulation:
    given = {name.replace("/", "/scalar/"): behaviour for name, behaviour in BEHAVIOURS.items()}
    return Simulation(chip, given, tuple(given), rounds=rounds)


def checks(chip: Chip, target: Path, seed: int) -> Iterator[Check]:
    """Simulate a session and look for everything that was given."""
    session = simulation(chip).run(target, seed)
    for curve in curves(session):
        kernel, case = curve.last.kernel, curve.last.case
        yield from _checks(chip, analyze(curve), BEHAVIOURS[f"{kernel}/{case}"], work_of(kernel, case))


def _checks(chip: Chip, found: Analysis, given: Behaviour, work: Work) -> Iterator[Check]:
    case, model, best = found.curve.last.case, found.model, found.best
    parameters = model.parameters if model else {}
    every = []
    if not given.memory:
        zero = Interval(0.0, 0.0, 0.0, 1.0)  # a model without the parameter says that it is 0
        every.append(Check(case, "sigma", _holds(parameters.get("sigma", zero), given.sigma)))
        every.append(Check(case, "kappa", _holds(parameters.get("kappa", zero), given.kappa)))
    if given.crossing:
        none = Interval(1.0, 1.0, 1.0, 1.0)
        every.append(Check(case, "step", _holds(parameters.get("step", none), 1 - given.crossing)))
    if given.memory:
        call_bytes = (work.bytes_read + work.bytes_written) / work.flops
        knee = chip.node_bytes_per_second / (given.rate * call_bytes)
        every.append(Check(case, "knee", "knee" in parameters and _holds(parameters["knee"], knee)))
    if given.kappa:
        peak = math.sqrt((1 - given.sigma) / given.kappa)
        within = best.peak is not None and _holds(best.peak, peak)
        every.append(Check(case, "best N", within))
    else:
        every.append(Check(case, "no best N", best.peak is None))
    highest = _highest(chip, found, given, work)
    every.append(Check(case, "highest point", not highest.isdisjoint((best.highest, *best.tied))))
    yield from every
    yield Check(case, "all of these", all(check.found for check in every))


def _holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def _highest(chip: Chip, found: Analysis, given: Behaviour, work: Work) -> set[int]:
    """The measured numbers of cores with the highest true rate: several on a plateau."""
    totals = [rates(chip, given, work, result.cpus).sum() for result in found.curve.results]
    return {n for n, total in zip(found.curve.cores, totals, strict=True) if total > (1 - 1e-9) * max(totals)}


def tally(every: Iterator[Check]) -> dict[tuple[str, str], tuple[int, int]]:
    """{(case, what): (found, of how many)}."""
    total: Counter[tuple[str, str]] = Counter()
    found: Counter[tuple[str, str]] = Counter()
    for check in every:
        total[check.case, check.what] += 1
        found[check.case, check.what] += check.found
    return {key: (found[key], count) for key, count in total.items()}

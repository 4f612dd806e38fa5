"""Comparisons whose answer is known: both sides alike, or one with chains of exactly 1, 2 or 5 % more steps.

Each comparison is an `armbench ab` of the suite itself: rounds of fresh processes, in a coin's order.
What it measured is kept line by line, so that a long self-test can be interrupted and goes on, and
so that any rule can be tried on the same samples.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from armbench.bench import estimates, registry, turns
from armbench.bench import machine as host
from armbench.bench.errors import UserError
from armbench.bench.model import (
    SIDES,
    Array,
    Failure,
    Placement,
    Process,
    Result,
    Round,
    Settings,
    SideName,
    Skip,
    Trial,
)
from armbench.bench.run.noise import Noise
from armbench.bench.run.plan import Plan
from armbench.bench.run.runner import Limits, Runner
from armbench.bench.run.sides import Start
from armbench.bench.selftest.disturb import Regime, disturbed

SAMPLE_SECONDS = 0.5e-3
NANOSECOND = 1e-9
CHAIN = 1000  # steps that a chain has where nothing slows it
ALIKE = ("add-1", "add-2", "add-3", "add-4", "chase-16k-1", "chase-256k-1", "chase-1m-1", "chase-8m-1")
LONGER = {
    **dict.fromkeys(("add-5", "add-6", "chase-16k-2"), 1010),
    **dict.fromkeys(("add-7", "add-8", "chase-256k-2", "chase-1m-2"), 1020),
    **dict.fromkeys(("add-9", "add-10", "chase-8m-2"), 1050),
}


@dataclass(frozen=True, slots=True)
class Design:
    """How a regime is compared: rounds, and the chains that are longer on a side."""

    rounds: int
    longer: tuple[str, ...]

    @property
    def cases(self) -> tuple[str, ...]:
        return (*ALIKE, *self.longer)


QUIET = Design(20, tuple(LONGER))
DISTURBED = Design(20, ("add-7", "chase-256k-2", "chase-1m-2"))  # of 2 % all
SHORT = Design(12, ("add-5", "add-7", "add-9"))


def design_of(regime: Regime) -> Design:
    return QUIET if regime == "quiet" else DISTURBED


class SelftestError(UserError):
    """The self-test cannot run here; the message says why."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison: {case: true ratio of B over A}, and {case: {side: [process][sample] seconds}}."""

    regime: Regime
    index: int
    truth: Mapping[str, float]
    samples: Mapping[str, Mapping[str, Sequence[Sequence[float]]]]

    def side(self, case: str, side: str) -> Array:
        return np.array(self.samples[case][side])

    def differences(self, case: str) -> list[float]:
        """Log of B over A, a round each: what the suite's own verdict rests on."""
        a, b = (np.log(turns.visits(self.side(case, side))) for side in SIDES)
        return [float(d) for d in turns.differences(a, b)]


class Silent:
    """A watcher and recorder that keeps nothing: the results are in the runner."""

    def preparing(self, what: str, index: int, count: int) -> None: ...
    def trial(self, round_index: int, rounds: int, key: str, share_done: float) -> None: ...
    def forecast(self, remaining: float) -> None: ...
    def noise(self, noise: Noise) -> None: ...
    def note(self, text: str) -> None: ...
    def process(self, result: Result, process: Process) -> None: ...
    def failure(self, failure: Failure) -> None: ...
    def skip(self, skip: Skip) -> None: ...
    def round(self, done: Round) -> None: ...


def truth_of(seed: int) -> dict[str, float]:
    """Which chains are longer on which side: a coin's choice, so that alarms may be of both signs."""
    chance = random.Random(f"{seed}/truth")
    longer = {case: steps / CHAIN for case, steps in LONGER.items()}
    return {
        **dict.fromkeys(ALIKE, 1.0),
        **{c: f if chance.random() < 0.5 else 1 / f for c, f in longer.items()},
    }


def compare_once(regime: Regime, index: int, seed: int, design: Design) -> Comparison:
    """Measure both sides.  Raises SelftestError when this machine has no place for a regime."""
    machine = host.detect()
    cpus = sorted(os.sched_getaffinity(0))
    cpu, others = cpus[-1], cpus[:-1]
    if regime == "neighbour" and not others:
        raise SelftestError("a neighbour needs a second CPU")
    truth = {case: ratio for case, ratio in truth_of(seed).items() if case in design.cases}
    count = design.rounds
    limits = Limits(count, count, None, None, SAMPLE_SECONDS, trial_seconds=60.0, warmup_seconds=0.0)
    runner = Runner(
        _plan(list(truth), cpu), machine, Settings(), limits, Silent(), Silent(), seed, starts=_starts(truth)
    )
    period = 0.5 * count  # seconds of a drift: some of them in a comparison
    try:
        runner.prepare()
        with disturbed(regime, cpu, others, seed, period):
            runner.run()
    finally:
        runner.file.close()
    return Comparison(regime, index, truth, _samples(runner.results()))


def _plan(cases: Sequence[str], cpu: int) -> Plan:
    kernel = registry.kernels()["chains"]
    (variant,) = registry.variants("chains")
    known = {case.name: case for case in kernel.cases(Settings())}
    trials = [Trial(kernel, known[name], variant, Placement((cpu,))) for name in cases]
    return Plan(tuple(replace(trial, side=side) for side in SIDES for trial in trials), ())


def _starts(truth: Mapping[str, float]) -> dict[SideName | None, Start]:
    from armbench.kernels.chains import VARIABLE

    def longer(wanted: Callable[[float], float]) -> str:
        steps = {case: round(CHAIN * wanted(ratio)) for case, ratio in truth.items()}
        return " ".join(f"{case}={n}" for case, n in steps.items() if n > CHAIN)

    return {
        "a": Start(environment={VARIABLE: longer(lambda ratio: 1 / ratio)}),
        "b": Start(environment={VARIABLE: longer(lambda ratio: ratio)}),
    }


def _samples(results: Sequence[Result]) -> dict[str, dict[str, list[list[float]]]]:
    """In whole nanoseconds, as they are kept: what is judged now must be what is judged when read again."""
    found: dict[str, dict[str, list[list[float]]]] = {}
    for result in results:
        scale = 1e9 / (result.calls * result.tick_hz)
        rows = [
            [round(ticks * scale) * NANOSECOND for ticks in estimates.sample_ticks(process)]
            for process in result.processes
        ]
        found.setdefault(result.case, {})[str(result.side)] = rows
    return found


# --- kept line by line ---------------------------------------------------------------------


def write_line(path: Path, comparison: Comparison) -> None:
    """Append a comparison."""
    document = {
        "regime": comparison.regime,
        "index": comparison.index,
        "truth": comparison.truth,
        "samples": {
            case: {
                side: [[round(s / NANOSECOND) for s in row] for row in rows] for side, rows in sides.items()
            }
            for case, sides in comparison.samples.items()
        },
    }
    with path.open("a") as file:
        file.write(json.dumps(document, separators=(",", ":")) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> Iterator[Comparison]:
    """The comparisons of a file; a torn last line is left out."""
    if not path.exists():
        return
    for line in path.read_text().split("\n")[:-1]:
        raw = json.loads(line)
        samples = {
            case: {side: [[ns * NANOSECOND for ns in row] for row in rows] for side, rows in sides.items()}
            for case, sides in raw["samples"].items()
        }
        yield Comparison(raw["regime"], raw["index"], raw["truth"], samples)

"""The course of a self-test: which comparisons, in which order, what is kept, and whether it passed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from armbench.bench import stats
from armbench.bench.selftest.disturb import REGIMES, Regime
from armbench.bench.selftest.experiment import (
    ALIKE,
    LONGER,
    SHORT,
    Comparison,
    Design,
    SelftestError,
    compare_once,
    design_of,
    read_lines,
    write_line,
)
from armbench.bench.selftest.score import judge

LONG = 10  # comparisons a regime, from which on it is a long one
FALSE = 1e-3  # chance that a sound suite fails a self-test


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be compared."""

    regimes: tuple[Regime, ...]
    compares: int
    rounds: int | None
    seed: int

    @classmethod
    def of(cls, regimes: str, compares: int, rounds: int | None, seed: int) -> Wanted:
        """Raises SelftestError for a regime that does not exist."""
        known: tuple[Regime, ...] = get_args(Regime)
        names = known if regimes == "all" else tuple(regimes.split(","))
        for name in names:
            if name not in known:
                raise SelftestError(f"--regimes {name}: there are {', '.join(REGIMES)}, and all")
        return cls(tuple(r for r in known if r in names), compares, rounds, seed)

    @property
    def long(self) -> bool:
        return self.compares >= LONG

    def design_of(self, regime: Regime) -> Design:
        design = design_of(regime) if self.long else SHORT
        return replace(design, rounds=self.rounds or design.rounds)

    def jobs(self) -> list[tuple[Regime, int]]:
        """In an order that mixes the regimes, so that an interrupted self-test has some of each."""
        return [(regime, index) for index in range(self.compares) for regime in self.regimes]


def run(
    wanted: Wanted,
    raw: Path | None,
    step: Callable[[str, int, int], None],
    done: Callable[[Sequence[Comparison]], None],
) -> list[Comparison]:
    """Every comparison that is not in `raw` yet; what there is when interrupted."""
    found = list(read_lines(raw)) if raw else []
    have = {(comparison.regime, comparison.index) for comparison in found}
    jobs = wanted.jobs()
    try:
        for number, (regime, index) in enumerate(jobs):
            if (regime, index) in have:
                continue
            step(f"comparing, {REGIMES[regime]}", number, len(jobs))
            seed = random.Random(f"{wanted.seed}/{regime}/{index}").getrandbits(32)
            compared = compare_once(regime, index, seed, wanted.design_of(regime))
            if raw:
                write_line(raw, compared)
            found.append(compared)
            done(found)
    except KeyboardInterrupt:
        if not found:
            raise
    return found


def failed(found: Sequence[Comparison]) -> bool:
    """Whether there are more alarms than a sound suite gives once in a thousand self-tests.

    Of trials that are alike, p <= 0.01 is 1 %; and no trial may be called the opposite of what it is.
    """
    alike = [t for c in found for t in judge(c, [case for case in ALIKE if case in c.truth])]
    longer = [t for c in found for t in judge(c, [case for case in LONGER if case in c.truth])]
    alarms = sum(trial.p <= 0.01 for trial in alike)
    wrong = any(trial.differs(0.05) * trial.truth < 0 for trial in longer)
    return wrong or stats.binomial_tail(alarms, len(alike), 0.01) < FALSE

"""The evidence of rounds that both sides share: of `armbench ab`, and of trials of one session.

Chance decided in every round what went first.  If the sides do not differ, the sign of a round's
difference d = log B - log A is therefore as fair as a coin, whatever the machine did meanwhile,
and the exact signed-rank test needs no model of its noise.  The estimate is Hodges-Lehmann's;
"same" is said when the 90 % interval lies inside twice the margin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from armbench.bench import cpulist, stats, turns
from armbench.bench.compare.matching import Key, Pair, index, why_invalid
from armbench.bench.compare.observed import Observed, Reduced
from armbench.bench.compare.verdicts import Judgement, Measured, Row, exponential, first_row, judge
from armbench.bench.model import Session, SideName
from armbench.bench.stats import Interval

BOTH = "A-to-B"  # the variant of a trial whose sides have one each
LEAST_ROUNDS = 6  # fewer have no 95 % interval


@dataclass(frozen=True, slots=True)
class Paired:
    """{(session, round): log B - log A} of the rounds that both sides have."""

    differences: dict[tuple[int, int], float]

    @property
    def p(self) -> float:
        return stats.signed_rank_p(list(self.differences.values()))

    def interval(self, confidence: float = stats.CONFIDENCE) -> Interval:
        return stats.interval(list(self.differences.values()), confidence)

    def judgement(self, margin: float, adjusted_p: float, q: float) -> Judgement:
        estimate = self.interval()
        size, reach = abs(estimate.value), (estimate.high - estimate.low) / 2
        least = math.expm1(max(margin, reach))
        if adjusted_p <= q and size >= margin:
            return Judgement("slower" if estimate.value > 0 else "faster", least)
        bound = stats.equivalence_bound(self.interval(stats.EQUIVALENCE))
        if bound <= 2 * margin:
            return Judgement("same", least, within=math.expm1(bound))
        count = len(self.differences)
        spread = float(np.std(list(self.differences.values()), ddof=1))
        needed = stats.repeats_needed(spread, max(size, margin))
        return Judgement("undecided", least, rounds_needed=max(needed, count + 1))


def measure(pair: Pair, invalid: str | None, names: tuple[str, str]) -> Measured:
    """The row of a pair of the same sessions and its evidence, given why it is invalid."""
    row = first_row(pair, invalid, names)
    if invalid:
        return Measured(row)
    shared = {}
    for number, (a, b) in enumerate(zip(pair.base, pair.new, strict=True)):
        shared.update({(number, r): difference for r, difference in _differences(a, b).items()})
    if len(shared) < LEAST_ROUNDS:
        reason = f"{len(shared)} rounds say nothing at 95 %; measure {LEAST_ROUNDS} or more"
        return Measured(replace(row, reason=reason))
    return Measured(row, Paired(shared))


def _differences(a: Observed, b: Observed) -> dict[int, float]:
    """{round: log B - log A} of the rounds that both have: visit by visit where they took turns."""
    rounds = sorted({*a.rounds} & {*b.rounds})
    if a.visits is None or b.visits is None or a.visits.shape[1] != b.visits.shape[1]:
        return {r: b.by_round[r] - a.by_round[r] for r in rounds}
    ours = a.visits[[a.rounds.index(r) for r in rounds]]
    theirs = b.visits[[b.rounds.index(r) for r in rounds]]
    return dict(zip(rounds, turns.differences(ours, theirs).tolist(), strict=True))


def geomean(measured: Sequence[Measured]) -> Interval | None:
    """The geometric mean of the ratios: each round's mean over the trials, then as a single trial's.

    Trials of a round share its disturbances; taking them jointly keeps that correlation.
    """
    found = [m.evidence.differences for m in measured if isinstance(m.evidence, Paired)]
    rounds = set.intersection(*(set(d) for d in found)) if found else set()
    if len(rounds) < LEAST_ROUNDS:
        return None
    means = [math.fsum(d[r] for d in found) / len(found) for r in sorted(rounds)]
    return exponential(stats.interval(means))


# --- armbench ab ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Twin:
    """A trial of both sides; None for the side that lacks it."""

    key: Key
    a: Observed | None
    b: Observed | None

    @property
    def pair(self) -> Pair | None:
        if self.a is None or self.b is None:
            return None
        names = self.a.result.variant, self.b.result.variant
        return Pair(self.key, (self.a,), (self.b,), names if names[0] != names[1] else None)


def has_sides(session: Session) -> bool:
    return bool(session.session.get("sides"))


def twins(session: Reduced) -> list[Twin]:
    """The trials of both sides by what they have in common.

    The variant does not belong to it where each side has but one: that is what differs then.
    """
    sides: dict[SideName, dict[Key, Observed]] = {"a": {}, "b": {}}
    alone = _one_variant_each(session)
    for key, observed in index([session]).items():
        side = observed[0].result.side
        if side:
            common = replace(key, side=None, placement="compact", memory="local")
            sides[side][replace(common, variant=BOTH) if alone else common] = observed[0]
    keys = [*sides["a"], *(key for key in sides["b"] if key not in sides["a"])]
    return [Twin(key, sides["a"].get(key), sides["b"].get(key)) for key in keys]


def _one_variant_each(session: Reduced) -> bool:
    names: dict[str | None, set[str]] = {}
    for trial in session.trials:
        names.setdefault(trial.result.side, set()).add(trial.result.variant)
    return len(names) == 2 and all(len(found) == 1 for found in names.values()) and names["a"] != names["b"]


def rows(session: Reduced, q: float) -> tuple[list[Row], Interval | None]:
    """The rows of all trials, and the geometric mean of the ratios of the valid ones."""
    measured = [_measure(twin, session) for twin in twins(session)]
    return judge(measured, q), geomean(measured)


def _measure(twin: Twin, session: Reduced) -> Measured:
    pair = twin.pair
    if pair is None:
        return Measured(_lacking(twin, session))
    return measure(pair, why_invalid(pair, one_type=True, sessions=(1, 1)), ("A", "B"))


def _lacking(twin: Twin, session: Reduced) -> Row:
    """What one side lacks is no silent pass."""
    side: SideName = "a" if twin.a is None else "b"
    key = twin.key
    for failure in session.failed:
        where = failure.cpus is None or len(cpulist.parse(failure.cpus)) == key.threads
        if (failure.kernel, failure.case, failure.side) == (key.kernel, key.case, side) and where:
            return Row(key, "invalid", reason=f"failed on side {side.upper()}: {failure.reason}", failed=True)
    return Row(key, "invalid", reason=f"not on side {side.upper()}")

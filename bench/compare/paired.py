"""Both sides of an `ab` session -> verdicts.

A coin decided in every round which side of a trial went first.  If the sides do not differ, the sign of a
round's difference d = log B - log A is therefore as fair as the coin, whatever the machine did
meanwhile, and the exact signed-rank test needs no model of its noise.

slower, faster  p, adjusted over all trials (Benjamini-Hochberg), is at most q, and the estimate
                (Hodges-Lehmann, of B over A) is at least the margin
same            not so, and the 90 % interval lies inside twice the margin
undecided       neither
invalid         one side lacks the trial, or both did not measure the same thing
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from armbench.bench import cpulist, stats
from armbench.bench.compare.matching import Key, Observed, Pair, index, why_invalid
from armbench.bench.compare.verdicts import Row, disturbed, exponential, margin_of, notes_of
from armbench.bench.model import Session, SideName
from armbench.bench.stats import Interval

BOTH = "A-to-B"  # the variant of a trial whose sides have one each
LEAST_ROUNDS = 6  # fewer have no 95 % interval
EQUIVALENCE = 0.90  # confidence of the interval that says "same": two one-sided tests at 5 %


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

    @property
    def differences(self) -> dict[int, float]:
        """{round: log B - log A} of the rounds that both have."""
        if self.a is None or self.b is None:
            return {}
        a, b = _by_round(self.a), _by_round(self.b)
        return {r: b[r] - a[r] for r in sorted(a.keys() & b.keys())}


def _by_round(observed: Observed) -> dict[int, float]:
    result = observed.result
    seconds = stats.process_seconds(result)
    return {p.round: math.log(s) for p, s in zip(result.processes, seconds, strict=True)}


def has_sides(session: Session) -> bool:
    return bool(session.session.get("sides"))


def twins(session: Session) -> list[Twin]:
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


def _one_variant_each(session: Session) -> bool:
    names: dict[str | None, set[str]] = {}
    for result in session.results:
        names.setdefault(result.side, set()).add(result.variant)
    return len(names) == 2 and all(len(found) == 1 for found in names.values()) and names["a"] != names["b"]


# --- verdicts ------------------------------------------------------------------------------


def rows(session: Session, q: float) -> tuple[list[Row], Interval | None]:
    """The rows of all trials, and the geometric mean of the ratios of the valid ones."""
    found = twins(session)
    measured = [_measure(twin, session) for twin in found]
    valid = [i for i, row in enumerate(measured) if row.verdict != "invalid" and row.p is not None]
    adjusted = stats.benjamini_hochberg([measured[i].p or 0.0 for i in valid])
    judged = list(measured)
    for i, p in zip(valid, adjusted, strict=True):
        judged[i] = _judge(measured[i], found[i], p, q)
    return judged, geomean([found[i] for i in valid])


def _measure(twin: Twin, session: Session) -> Row:
    pair = twin.pair
    if pair is None:
        return _lacking(twin, session)
    row = Row(
        pair.key,
        "undecided",
        variants=pair.variants,
        base_seconds=math.exp(pair.base[0].log.value),
        new_seconds=math.exp(pair.new[0].log.value),
        margin=margin_of((*pair.base, *pair.new)),
        notes=notes_of(pair),
        disturbed=disturbed(pair, ("A", "B")),
    )
    if reason := why_invalid(pair, one_type=True, sessions=(1, 1)):
        return replace(row, verdict="invalid", reason=reason)
    differences = list(twin.differences.values())
    if len(differences) < LEAST_ROUNDS:
        reason = f"{len(differences)} rounds say nothing at 95 %; measure {LEAST_ROUNDS} or more"
        return replace(row, reason=reason)
    ratio = exponential(stats.interval(differences))
    return replace(row, ratio=ratio, p=stats.signed_rank_p(differences))


def _judge(row: Row, twin: Twin, adjusted_p: float, q: float) -> Row:
    differences = list(twin.differences.values())
    estimate = stats.interval(differences)
    size, spread = abs(estimate.value), float(np.std(differences, ddof=1))
    reach = (estimate.high - estimate.low) / 2
    row = replace(row, adjusted_p=adjusted_p, detectable=math.expm1(max(row.margin, reach)))
    if adjusted_p <= q and size >= row.margin:
        return replace(row, verdict="slower" if estimate.value > 0 else "faster")
    inner = stats.interval(differences, EQUIVALENCE)
    bound = max(abs(inner.low), abs(inner.high))
    if inner.confidence >= EQUIVALENCE and bound <= 2 * row.margin:
        return replace(row, verdict="same", within=math.expm1(bound))
    needed = stats.repeats_needed(spread, max(size, row.margin))
    return replace(row, rounds_needed=max(needed, len(differences) + 1))


def _lacking(twin: Twin, session: Session) -> Row:
    """What one side lacks is no silent pass."""
    side: SideName = "a" if twin.a is None else "b"
    key = twin.key
    for failure in session.failed:
        where = failure.cpus is None or len(cpulist.parse(failure.cpus)) == key.threads
        if (failure.kernel, failure.case, failure.side) == (key.kernel, key.case, side) and where:
            return Row(key, "invalid", reason=f"failed on side {side.upper()}: {failure.reason}", failed=True)
    return Row(key, "invalid", reason=f"not on side {side.upper()}")


def geomean(found: Sequence[Twin]) -> Interval | None:
    """The geometric mean of the ratios: each round's mean over the trials, then as a single trial's.

    Trials of a round share its disturbances; taking them jointly keeps that correlation.
    """
    differences = [twin.differences for twin in found]
    rounds = set.intersection(*(set(d) for d in differences)) if differences else set()
    if len(rounds) < LEAST_ROUNDS:
        return None
    means = [math.fsum(d[r] for d in differences) / len(differences) for r in sorted(rounds)]
    return exponential(stats.interval(means))

"""The evidence of sessions that nothing pairs.

What changes from session to session (the host, its neighbours, the kernel's memory layout) cannot
be seen in one session.  So the session is the unit:

  three or more sessions on each side: Welch's t test on the sessions' log times;
  fewer: the difference of the sides' mean log times, whose squared error is the sum over the
      sides of  s^2 / sessions  and of the sessions' own errors, squared.
      s is what sessions of the machine differ by in this trial, where that was measured
      (noise.py), else a prior for the kind of work (SESSION_SD); a session's own error is the
      half-width of its signed-rank interval over the t quantile of the interval's confidence.  What
      was measured holds both, so only what a session's own error has above it is added then.
      Degrees of freedom by Welch-Satterthwaite, a prior counting as known.

The margin is 0.5 %, or two ticks of a sample, or what two sessions of the machine differ by.  With
a prior a difference must also exceed 3 errors, which with quiet sessions is 3 sqrt(2) s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from armbench.bench import stats
from armbench.bench.compare.matching import BEST_NATIVE, Key, Pair, key_of
from armbench.bench.compare.noise import Floor
from armbench.bench.compare.observed import Observations, Observed
from armbench.bench.compare.verdicts import Judgement, Measured, exponential, first_row, log_seconds
from armbench.bench.facts import SESSION_NOISE
from armbench.bench.model import Work
from armbench.bench.stats import Difference, Interval

PRIOR_ERRORS = 3.0
WELCH_SESSIONS = 3
LEARNT = "learnt"
SESSION_SD = {kind: row["deviation"] for kind, row in SESSION_NOISE.items()}
CORE_BYTES = 32 << 10  # operands that stay in the first-level cache of every core here
CACHE_INTENSITY = 16  # flop a byte, above which memory holds no core up

Floors = Mapping[Key, Floor]


@dataclass(frozen=True, slots=True)
class Unpaired:
    """A difference of mean log times.

    between: (error, degrees of freedom) from session to session, which the trials of a session
    share; inside: of the sessions themselves; sessions: of the side that has fewer; prior: whether
    a prior stands for the noise between sessions.
    """

    difference: Difference
    between: tuple[float, float]
    inside: tuple[float, float] = (0.0, math.inf)
    sessions: int = 1
    prior: bool = False

    @property
    def p(self) -> float:
        return self.difference.p

    def interval(self) -> Interval:
        return self.difference.interval()

    def judgement(self, margin: float, adjusted_p: float, q: float) -> Judgement:
        size, error = abs(self.difference.value), self.difference.error
        beyond = max(margin, PRIOR_ERRORS * error if self.prior else 0.0)
        least = math.expm1(max(beyond, self._reach(1 - q)))
        if adjusted_p <= q and size >= beyond:
            return Judgement("slower" if self.difference.value > 0 else "faster", least)
        bound = stats.equivalence_bound(self.difference.interval(stats.EQUIVALENCE))
        if bound <= 2 * margin:
            return Judgement("same", least, within=math.expm1(bound))
        needed = stats.repeats_needed(error * math.sqrt(self.sessions), max(size, margin))
        return Judgement("undecided", least, sessions_needed=max(needed, WELCH_SESSIONS, self.sessions + 1))

    def _reach(self, confidence: float) -> float:
        bounds = self.difference.interval(confidence)
        return (bounds.high - bounds.low) / 2


def measure(
    pair: Pair, invalid: str | None, names: tuple[str, str], floors: tuple[Floors, Floors]
) -> Measured:
    """The row of a pair and its evidence, given why it is invalid; floors: of BASE's and NEW's machine."""
    sides = pair.base, pair.new
    known = tuple(f.get(key_of(side[0].result)) for f, side in zip(floors, sides, strict=True))
    margin = max((floor.margin for floor in known if floor), default=0.0)
    sessions, native = min(map(len, sides)), pair.base[0].result.isa is not None
    kind = noise_of(pair.base[0].result.work)
    few = not invalid and sessions < WELCH_SESSIONS
    row = first_row(pair, invalid, names, margin, (LEARNT if all(known) else kind) if few else None)
    if invalid:
        return Measured(row)
    if not few:
        difference = stats.welch(*([o.log.value for o in side] for side in sides))
        evidence = Unpaired(difference, (difference.error, difference.dof), sessions=sessions)
        return Measured(row, evidence, native)
    if any(len(o.logs) < 2 for side in sides for o in side):
        unknown = "a single process leaves its spread unknown; measure 3 rounds or more"
        return Measured(replace(row, reason=unknown))
    return Measured(row, _of_few(pair, known, SESSION_SD[kind]), native)


def _of_few(pair: Pair, floors: tuple[Floor | None, ...], prior: float) -> Unpaired:
    sides = [
        _side_errors(observations, floor, prior)
        for observations, floor in zip((pair.base, pair.new), floors, strict=True)
    ]
    between = math.hypot(*(b[0] for b, _ in sides)), min(b[1] for b, _ in sides)
    own = stats.combined(0.0, [error for _, inside in sides for error in inside])
    inside = own.error, own.dof
    value = log_seconds(pair.new) - log_seconds(pair.base)
    sessions = min(len(pair.base), len(pair.new))
    difference = stats.combined(value, [between, inside])
    return Unpaired(difference, between, inside, sessions, prior=not all(floors))


Error = tuple[float, float]  # standard error, degrees of freedom


def _side_errors(observations: Observations, floor: Floor | None, prior: float) -> tuple[Error, list[Error]]:
    """What noise between sessions and every session's own add to the error of a side's mean."""
    deviation, dof = (floor.deviation, floor.dof) if floor else (prior, math.inf)
    count = len(observations)
    own = [_own_error(o) for o in observations]
    if floor:
        own = [(math.sqrt(max(0.0, error**2 - deviation**2)), dof) for error, dof in own]
    return (deviation / math.sqrt(count), dof), [(error / count, dof) for error, dof in own]


def _own_error(observed: Observed) -> Error:
    dof = len(observed.logs) - 1
    half = (observed.log.high - observed.log.low) / 2
    return half / _t_of(observed.log.confidence, dof), float(dof)


@cache
def _t_of(confidence: float, dof: int) -> float:
    return stats.t_quantile((1 + confidence) / 2, dof)


def noise_of(work: Work) -> str:
    """The entry of SESSION_SD for a kind of work, by its counts: no kernel needs to be listed."""
    moved = work.bytes_read + work.bytes_written
    if work.item == "load":
        return "latency"
    if work.flops and moved <= CORE_BYTES:
        return "core"
    if work.flops and work.flops >= CACHE_INTENSITY * moved:
        return "cache"
    return "branches" if work.items and not work.flops else "stream"


def geomean(measured: Sequence[Measured]) -> Interval | None:
    """The geometric mean of the valid ratios, each with the same weight, with a 95 % interval.

    A best native row stands for the native variants of its group; rows of unlike numbers of
    threads do not count.  Errors between sessions are taken as shared by all trials, so they do
    not average out; those inside sessions do.
    """
    groups = {m.row.key for m in measured if m.row.variants}

    def counts(m: Measured) -> bool:
        grouped = groups and m.native and replace(m.row.key, variant=BEST_NATIVE) in groups
        return m.row.threads is None and (m.row.variants is not None or not grouped)

    known = [m.evidence for m in measured if isinstance(m.evidence, Unpaired) and counts(m)]
    if not known:
        return None
    count = len(known)
    value = math.fsum(e.difference.value for e in known) / count
    between = math.fsum(e.between[0] for e in known) / count, min(e.between[1] for e in known)
    inside = math.hypot(*(e.inside[0] for e in known)) / count, min(e.inside[1] for e in known)
    return exponential(stats.combined(value, [between, inside]).interval())

"""One trial of two sides -> a verdict.

Nothing pairs the samples of two files, and what changes from session to session (the host, its
neighbours, the kernel's memory layout) cannot be seen in one session.  So the session is the unit:

  three or more sessions on each side: Welch's t test on the sessions' log times;
  fewer: the difference of the sides' mean log times, whose squared error is the sum over the
      sides of  s^2 / sessions  and of the sessions' own errors, squared.
      s is a prior for the kind of work (SESSION_SD); a session's own error is the half-width of
      its signed-rank interval over the t quantile of the interval's confidence.  Degrees of
      freedom by Welch-Satterthwaite, s counting as known.

slower, faster  p, adjusted over all trials (Benjamini-Hochberg), is at most q; the difference is
                at least the margin: 0.5 %, or two ticks of a sample; and where the prior is used
                it exceeds 3 errors, which with quiet sessions is 3 sqrt(2) s.
same            not so, and two one-sided t tests at 5 % put it inside twice the margin.
undecided       neither.
invalid         the sides did not measure the same thing, or one lacks it without an excuse.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from armbench.bench import stats
from armbench.bench.compare.matching import (
    BEST_NATIVE,
    Key,
    Missing,
    Observations,
    Observed,
    Pair,
    log_seconds,
)
from armbench.bench.model import Work
from armbench.bench.stats import Difference, Interval

Verdict = Literal["faster", "slower", "same", "undecided", "invalid"]

MARGIN = 0.005
PRIOR_ERRORS = 3.0
WELCH_SESSIONS = 3

# Standard deviation of the log time from session to session on one type of machine.  Learnt from
# pairs of sessions of 54 to 95 Graviton instance types (Spare Cores' data: PassMark, stress-ng);
# priors until sessions of the machine itself say better.
SESSION_SD = {"core": 0.001, "cache": 0.003, "branches": 0.01, "latency": 0.03, "stream": 0.05}
CORE_BYTES = 32 << 10  # operands that stay in the first-level cache of every core here
CACHE_INTENSITY = 16  # flop a byte, above which memory holds no core up


@dataclass(frozen=True, slots=True)
class Row:
    """A trial and what its two sides say.

    ratio            time of NEW / time of BASE with its 95 % interval; None where unknown
    within           with "same": the fraction within which it is the same, at 95 %
    detectable       the smallest difference, a fraction, that a single trial would show here
    sessions_needed  on each side, with "undecided": to find a difference as large as it looks,
                     but not one below the margin; rounds_needed likewise, of an `ab`
    noise            the entry of SESSION_SD that was used, None when the sessions told it
    variants         of a "best native" row, those of BASE and NEW
    disturbed        flags of the sides that were disturbed, "NEW preempted"
    reason           why it is invalid (excused: for a good reason), or undecided whatever the sessions
    """

    key: Key
    verdict: Verdict
    reason: str | None = None
    excused: bool = False
    failed: bool = False
    variants: tuple[str, str] | None = None
    base_seconds: float | None = None
    new_seconds: float | None = None
    ratio: Interval | None = None
    p: float | None = None
    adjusted_p: float | None = None
    margin: float = MARGIN
    within: float | None = None
    detectable: float | None = None
    sessions_needed: int | None = None
    rounds_needed: int | None = None
    noise: str | None = None
    notes: tuple[str, ...] = ()
    disturbed: tuple[str, ...] = ()

    @property
    def matched(self) -> bool:
        """Whether both sides have it."""
        return self.base_seconds is not None and self.new_seconds is not None


@dataclass(frozen=True, slots=True)
class Measured:
    """A row before its verdict, and the difference of its log times.

    between: (error, degrees of freedom) from session to session, which the trials of a session
    share; inside: of the sessions themselves.  Difference None: nothing to judge by.
    native: whether the variants are.
    """

    row: Row
    difference: Difference | None = None
    between: tuple[float, float] = (0.0, math.inf)
    inside: tuple[float, float] = (0.0, math.inf)
    sessions: int = 1
    native: bool = False


def rows(pairs: Sequence[Pair], invalid: Sequence[str | None], q: float) -> tuple[list[Row], Interval | None]:
    """The rows of the pairs, given why some are invalid, and the geometric mean of their ratios."""
    measured = [_measure(pair, reason) for pair, reason in zip(pairs, invalid, strict=True)]
    return judge(measured, q), geomean(measured)


def absent(lack: Missing) -> Row:
    """The row of a trial that one side lacks."""
    return Row(lack.key, "invalid", reason=lack.reason, excused=lack.excused, failed=lack.failed)


# --- how large and how sure ----------------------------------------------------------------


def _measure(pair: Pair, invalid: str | None) -> Measured:
    row = Row(
        pair.key,
        "invalid" if invalid else "undecided",
        reason=invalid,
        variants=pair.variants,
        base_seconds=math.exp(log_seconds(pair.base)),
        new_seconds=math.exp(log_seconds(pair.new)),
        margin=margin_of((*pair.base, *pair.new)),
        notes=notes_of(pair),
        disturbed=disturbed(pair),
    )
    if invalid:
        return Measured(row)
    first = pair.base[0].result
    measured = Measured(row, sessions=min(len(pair.base), len(pair.new)), native=first.isa is not None)
    if measured.sessions < WELCH_SESSIONS:
        return _with_prior(replace(measured, row=replace(row, noise=noise_of(first.work))), pair)
    difference = stats.welch(*([o.log.value for o in side] for side in (pair.base, pair.new)))
    return replace(measured, difference=difference, between=(difference.error, difference.dof))


def _with_prior(measured: Measured, pair: Pair) -> Measured:
    """Without a second process in every session its own error is unknown, and so the difference's."""
    row = measured.row
    if any(len(o.result.processes) < 2 for o in (*pair.base, *pair.new)):
        unknown = "a single process leaves its spread unknown; measure 3 rounds or more"
        return replace(measured, row=replace(row, reason=unknown))
    prior = SESSION_SD[row.noise or ""]
    sides = (pair.base, pair.new)
    between = (prior * math.sqrt(sum(1 / len(side) for side in sides)), math.inf)
    own = stats.combined(0.0, [_own_error(o, len(side)) for side in sides for o in side])
    inside = (own.error, own.dof)
    value = log_seconds(pair.new) - log_seconds(pair.base)
    difference = stats.combined(value, [between, inside])
    return replace(measured, difference=difference, between=between, inside=inside)


def _own_error(observed: Observed, sessions: int) -> tuple[float, float]:
    """(standard error, degrees of freedom) that a session's spread adds to the mean of its side."""
    dof = len(observed.result.processes) - 1
    half = (observed.log.high - observed.log.low) / 2
    return half / _t_of(observed.log.confidence, dof) / sessions, float(dof)


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


def margin_of(observations: Observations) -> float:
    ticks = min(math.exp(o.log.value) * o.result.calls * o.result.tick_hz for o in observations)
    return max(MARGIN, 2 / ticks)


def notes_of(pair: Pair) -> tuple[str, ...]:
    """What differs in the measuring itself."""
    pages = [{o.result.page_bytes for o in side} for side in (pair.base, pair.new)]
    if pages[0] != pages[1]:
        before, after = (" | ".join(sorted(map(str, side))) for side in pages)
        return (f"pages of {before} -> {after} bytes",)
    return ()


def disturbed(pair: Pair, names: tuple[str, str] = ("BASE", "NEW")) -> tuple[str, ...]:
    """The flags of a side of which over a quarter of the processes have one, "NEW preempted"."""
    found = []
    for name, observations in zip(names, (pair.base, pair.new), strict=True):
        processes = [process for o in observations for process in o.result.processes]
        if 4 * sum(bool(process.flags) for process in processes) > len(processes):
            found += [f"{name} {flag}" for flag in sorted({f for p in processes for f in p.flags})]
    return tuple(found)


# --- verdicts ------------------------------------------------------------------------------


def judge(measured: Sequence[Measured], q: float) -> list[Row]:
    """Rows with verdicts, false discoveries of a difference held at q over all of them."""
    known = [m.difference for m in measured if m.difference is not None]
    adjusted = iter(stats.benjamini_hochberg([difference.p for difference in known]))
    return [m.row if m.difference is None else _verdict(m, m.difference, next(adjusted), q) for m in measured]


def _verdict(measured: Measured, difference: Difference, adjusted_p: float, q: float) -> Row:
    size, error = abs(difference.value), difference.error
    margin = measured.row.margin
    beyond = max(margin, PRIOR_ERRORS * error if measured.row.noise else 0.0)
    row = replace(
        measured.row,
        ratio=exponential(difference.interval()),
        p=difference.p,
        adjusted_p=adjusted_p,
        detectable=math.expm1(max(beyond, _reach(difference, 1 - q))),
    )
    if adjusted_p <= q and size >= beyond:
        return replace(row, verdict="slower" if difference.value > 0 else "faster")
    if stats.tost_p(difference.value, error, difference.dof, 2 * margin) <= 0.05:
        return replace(row, verdict="same", within=math.expm1(size + _reach(difference, 0.90)))
    needed = stats.repeats_needed(error * math.sqrt(measured.sessions), max(size, margin))
    return replace(row, sessions_needed=max(needed, WELCH_SESSIONS, measured.sessions + 1))


def _reach(difference: Difference, confidence: float) -> float:
    bounds = difference.interval(confidence)
    return (bounds.high - bounds.low) / 2


def geomean(measured: Sequence[Measured]) -> Interval | None:
    """The geometric mean of the valid ratios, each with the same weight, with a 95 % interval.

    A best native row stands for the native variants of its group.  Errors between sessions are
    taken as shared by all trials, so they do not average out; those inside sessions do.
    """
    groups = {m.row.key for m in measured if m.row.variants}

    def counts(m: Measured) -> bool:
        grouped = m.native and replace(m.row.key, variant=BEST_NATIVE) in groups
        return m.row.variants is not None or not grouped

    known = [(m.difference, m) for m in measured if m.difference and counts(m)]
    if not known:
        return None
    count = len(known)
    value = math.fsum(difference.value for difference, _ in known) / count
    between = math.fsum(m.between[0] for _, m in known) / count, min(m.between[1] for _, m in known)
    inside = math.hypot(*(m.inside[0] for _, m in known)) / count, min(m.inside[1] for _, m in known)
    return exponential(stats.combined(value, [between, inside]).interval())


def exponential(log: Interval) -> Interval:
    return Interval(math.exp(log.value), math.exp(log.low), math.exp(log.high), log.confidence)

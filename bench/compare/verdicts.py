"""A row for each trial of two sides, and how evidence about all of them becomes verdicts.

slower, faster  the p of its evidence, adjusted over all trials (Benjamini-Hochberg), is at most q,
                and the difference is at least the margin
same            not so, and the evidence puts it inside twice the margin at 5 %
undecided       neither
invalid         the sides did not measure the same thing, or one lacks it without an excuse

Evidence is of two kinds: of rounds that both sides share (paired.py), or of sessions (unpaired.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal, NamedTuple, Protocol

from armbench.bench import stats
from armbench.bench.compare.matching import Key, Missing, Pair
from armbench.bench.compare.observed import Observations
from armbench.bench.stats import Interval

Verdict = Literal["faster", "slower", "same", "undecided", "invalid"]

MARGIN = 0.005


@dataclass(frozen=True, slots=True)
class Row:
    """A trial and what its two sides say.

    base_seconds, new_seconds  of a call; where the sides differ in threads, of a call among all
                     that run at a time
    ratio            time of NEW / time of BASE with its 95 % interval; None where unknown
    per_ghz, per_core, per_vcpu  the same of time x clock, x cores in use, x CPUs in use; None where
                     unknown, and per_ghz where memory holds the work up
    within           with "same": the fraction within which it is the same, at 95 %
    detectable       the smallest difference, a fraction, that a single trial would show here
    sessions_needed  on each side, with "undecided": to find a difference as large as it looks,
                     but not one below the margin; rounds_needed likewise, where rounds are paired
    noise            what stands for the noise between sessions: "learnt", or a kind of work of
                     unpaired.SESSION_SD; None where the sessions themselves tell it, or rounds do
    variants         of a "best native" row, those of BASE and NEW
    threads          of a row whose sides differ in them
    disturbed        flags of the sides that were disturbed, "NEW preempted"
    reason           why it is invalid (excused: for a good reason), or undecided whatever the sessions
    """

    key: Key
    verdict: Verdict
    reason: str | None = None
    excused: bool = False
    failed: bool = False
    variants: tuple[str, str] | None = None
    threads: tuple[int, int] | None = None
    base_seconds: float | None = None
    new_seconds: float | None = None
    ratio: Interval | None = None
    per_ghz: Interval | None = None
    per_core: Interval | None = None
    per_vcpu: Interval | None = None
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


class Judgement(NamedTuple):
    """What evidence says of a row; the names are Row's."""

    verdict: Verdict
    detectable: float
    within: float | None = None
    sessions_needed: int | None = None
    rounds_needed: int | None = None


class Evidence(Protocol):
    """What is known of a difference of log times."""

    @property
    def p(self) -> float:
        """Two-sided p of no difference."""

    def interval(self) -> Interval:
        """The difference, at 95 %."""

    def judgement(self, margin: float, adjusted_p: float, q: float) -> Judgement:
        """The verdict, false discoveries held at q."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What a ratio is multiplied by to be per GHz, per core and per vCPU; None where unknown."""

    ghz: float | None = None
    core: float | None = None
    vcpu: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A row before its verdict; without evidence it keeps the one it has.

    native: whether the variants are.
    """

    row: Row
    evidence: Evidence | None = None
    native: bool = False
    scale: Scale = Scale()


def first_row(
    pair: Pair,
    invalid: str | None,
    names: tuple[str, str],
    floor: float = 0.0,
    noise: str | None = None,
) -> Row:
    """The row of a pair before its verdict; `floor`: the margin that is known to be needed."""
    return Row(
        pair.key,
        "invalid" if invalid else "undecided",
        reason=invalid,
        variants=pair.variants,
        threads=pair.threads,
        base_seconds=math.exp(log_seconds(pair.base)),
        new_seconds=math.exp(log_seconds(pair.new)),
        margin=max(floor, _margin((*pair.base, *pair.new))),
        noise=noise,
        notes=_notes(pair),
        disturbed=_disturbed(pair, names),
    )


def judge(measured: Sequence[Measured], q: float) -> list[Row]:
    """Rows with verdicts, false discoveries of a difference held at q over all of them."""
    known = [m.evidence.p for m in measured if m.evidence]
    both = iter(zip(known, stats.benjamini_hochberg(known), strict=True))
    return [_judged(m, m.evidence, *next(both), q) if m.evidence else m.row for m in measured]


def _judged(measured: Measured, evidence: Evidence, p: float, adjusted_p: float, q: float) -> Row:
    ratio = exponential(evidence.interval())
    return replace(
        measured.row,
        ratio=ratio,
        per_ghz=_scaled(ratio, measured.scale.ghz),
        per_core=_scaled(ratio, measured.scale.core),
        per_vcpu=_scaled(ratio, measured.scale.vcpu),
        p=p,
        adjusted_p=adjusted_p,
        **evidence.judgement(measured.row.margin, adjusted_p, q)._asdict(),
    )


def _scaled(ratio: Interval, factor: float | None) -> Interval | None:
    if factor is None:
        return None
    return Interval(ratio.value * factor, ratio.low * factor, ratio.high * factor, ratio.confidence)


def absent(lack: Missing) -> Row:
    """The row of a trial that one side lacks."""
    return Row(lack.key, "invalid", reason=lack.reason, excused=lack.excused, failed=lack.failed)


def log_seconds(observations: Observations) -> float:
    """The mean over the sessions."""
    return math.fsum(o.log.value for o in observations) / len(observations)


def exponential(log: Interval) -> Interval:
    return Interval(math.exp(log.value), math.exp(log.low), math.exp(log.high), log.confidence)


def _margin(observations: Observations) -> float:
    return max(MARGIN, 2 / min(o.sample_ticks for o in observations))


def _notes(pair: Pair) -> tuple[str, ...]:
    """What differs in the measuring itself."""
    pages = [{o.result.page_bytes for o in side} for side in (pair.base, pair.new)]
    if pages[0] != pages[1]:
        before, after = (" | ".join(sorted(map(str, side))) for side in pages)
        return (f"pages of {before} -> {after} bytes",)
    return ()


def _disturbed(pair: Pair, names: tuple[str, str]) -> tuple[str, ...]:
    """The flags of a side of which over a quarter of the processes have one, "NEW preempted"."""
    found = []
    for name, observations in zip(names, (pair.base, pair.new), strict=True):
        processes = [flags for o in observations for flags in o.flags]
        if 4 * sum(map(bool, processes)) > len(processes):
            found += [f"{name} {flag}" for flag in sorted(set(chain(*processes)))]
    return tuple(found)

"""Which trials of two sides are the same, which are not, and which one side lacks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from armbench.bench import cpulist, stats
from armbench.bench.model import Mode, Result, Session
from armbench.bench.stats import Interval

BEST_NATIVE = "best native"


@dataclass(frozen=True, slots=True)
class Key:
    """What makes trials of two sessions the same."""

    kernel: str
    case: str
    variant: str
    mode: Mode
    threads: int
    placement: str
    memory: str
    side: str | None
    instances: int | None = None

    @property
    def name(self) -> str:
        """Such as "matmul/neon/f32-n512/64/parallel", or, of a split, ".../64/split:4"."""
        split = f"/{self.mode}" if self.mode != "throughput" else ""
        split += f":{self.instances}" if self.instances else ""
        return f"{self.kernel}/{self.variant}/{self.case}/{self.threads}{split}"


@dataclass(frozen=True, slots=True)
class Observed:
    """A trial in one session: its log seconds per call, and where they come from."""

    log: Interval
    result: Result


Observations = tuple[Observed, ...]
Index = Mapping[Key, Observations]


def log_seconds(observations: Observations) -> float:
    """The mean over the sessions."""
    return math.fsum(o.log.value for o in observations) / len(observations)


@dataclass(frozen=True, slots=True)
class Pair:
    """A trial of both sides, an observation a session; `variants` of a "best native" pair."""

    key: Key
    base: Observations
    new: Observations
    variants: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A trial that one side lacks, and why.

    excused: no fault of either side (it cannot run there, or is new); failed: it crashed there.
    """

    key: Key
    side: str
    reason: str
    excused: bool = False
    failed: bool = False


def index(sessions: Sequence[Session]) -> dict[Key, Observations]:
    """The observations of every trial, in the order of the sessions."""
    found: dict[Key, Observations] = {}
    for session in sessions:
        for result in session.results:
            key = _key(result)
            found[key] = (*found.get(key, ()), Observed(stats.estimate(result), result))
    return found


def _key(r: Result) -> Key:
    return Key(r.kernel, r.case, r.variant, r.mode, r.threads, r.placement, r.memory, r.side, r.instances)


def pairs(base: Index, new: Index) -> list[Pair]:
    """The trials that both sides have under one name."""
    return [Pair(key, base[key], new[key]) for key in base if key in new]


def best_native_pairs(base: Index, new: Index) -> list[Pair]:
    """The fastest native variants of both sides, where these have different names.

    Across architectures no native variant has a namesake; this is the comparison that counts.
    """
    ours, theirs = _fastest(base), _fastest(new)
    found = []
    for group, key in ours.items():
        other = theirs.get(group)
        if other and other.variant != key.variant:
            found.append(Pair(group, base[key], new[other], (key.variant, other.variant)))
    return found


def _fastest(side: Index) -> dict[Key, Key]:
    best: dict[Key, Key] = {}
    for key, observations in side.items():
        if observations[0].result.isa is None:
            continue
        group = replace(key, variant=BEST_NATIVE)
        best[group] = min(best.get(group, key), key, key=lambda k: log_seconds(side[k]))
    return best


# --- what makes a pair invalid -------------------------------------------------------------


def why_invalid(pair: Pair, one_type: bool, sessions: tuple[int, int]) -> str | None:
    """Why the two sides did not measure the same thing; None when they did.

    one_type: whether the machines are of one type; sessions: how many each side has.
    """
    if len(pair.base) > sessions[0] or len(pair.new) > sessions[1]:
        return "twice in one file"
    first, *others = (o.result for o in (*pair.base, *pair.new))
    for other in others:
        if one_type and other.tick_hz != first.tick_hz:
            return f"clocks differ: {first.tick_hz} and {other.tick_hz} Hz on one type of machine"
        if pair.variants is None and other.isa != first.isa:
            return f"instruction sets differ: {first.isa} and {other.isa}"
        if reason := _other_problem(first, other):
            return reason
    wrong = [
        r.verified.max_error for r in (first, *others) if not r.verified.max_error <= r.verified.tolerance
    ]
    return f"wrong result: error {wrong[0]:g}" if wrong else None


def _other_problem(a: Result, b: Result) -> str | None:
    if a.kernel_version != b.kernel_version:
        return f"kernel versions differ: {a.kernel_version} and {b.kernel_version}"
    if a.params != b.params:
        names = [name for name in {**a.params, **b.params} if a.params.get(name) != b.params.get(name)]
        return f"parameters differ: {', '.join(names)}"
    if a.work != b.work:
        return "the work of a call differs"
    if a.verified.tolerance != b.verified.tolerance:
        return f"checked to different tolerances: {a.verified.tolerance:g} and {b.verified.tolerance:g}"
    return None


# --- what one side lacks -------------------------------------------------------------------


def failed_in(pair: Pair, news: Sequence[Session]) -> str | None:
    """Why the trial of a pair failed in NEW all the same: what it gave before that proves nothing."""
    keys = [replace(pair.key, variant=pair.variants[1])] if pair.variants else [pair.key]
    return next((f"failed in NEW: {reason}" for key in keys if (reason := _failure(key, news))), None)


def missing(base: Index, new: Index, bases: Sequence[Session], news: Sequence[Session]) -> list[Missing]:
    """What NEW lacks, excused when NEW says why or cannot have it; then what BASE lacks, excused."""
    lacking = [_missing_in_new(key, base[key][0].result, bases[0], news) for key in base if key not in new]
    added = [Missing(key, "BASE", "not in BASE", excused=True) for key in new if key not in base]
    return [*lacking, *added]


def _missing_in_new(key: Key, result: Result, present: Session, absent: Sequence[Session]) -> Missing:
    if failure := _failure(key, absent):
        return Missing(key, "NEW", f"failed in NEW: {failure}", failed=True)
    if excuse := _skip(key, absent) or _beyond(key, result, present, absent[0]):
        return Missing(key, "NEW", excuse, excused=True)
    return Missing(key, "NEW", "not in NEW")


def _failure(key: Key, sessions: Sequence[Session]) -> str | None:
    wanted = (key.kernel, key.variant, key.case)
    for failure in (failure for session in sessions for failure in session.failed):
        here = failure.mode in (None, key.mode) and (
            failure.cpus is None
            or (len(cpulist.parse(failure.cpus)), failure.instances) == (key.threads, key.instances)
        )
        if here and (failure.kernel, failure.variant, failure.case) == wanted:
            return failure.reason
    return None


def _skip(key: Key, sessions: Sequence[Session]) -> str | None:
    for skip in (skip for session in sessions for skip in session.skipped):
        here = skip.case in (None, key.case) and skip.mode in (None, key.mode)
        if here and (skip.kernel, skip.variant) == (key.kernel, key.variant):
            return f"not run in NEW: {skip.reason}"
    return None


def _beyond(key: Key, result: Result, present: Session, absent: Session) -> str | None:
    """Why the other machine cannot have a trial: its instruction set, or its number of CPUs."""
    if result.isa is not None and result.isa not in absent.machine.isa:
        return f"not in NEW, which cannot run {result.isa}"
    ours, theirs = present.machine.budget.cpus, absent.machine.budget.cpus
    if key.threads > theirs or (key.threads == ours and ours != theirs):
        return f"not in NEW, which may use {theirs} CPUs (BASE {ours})"
    return None

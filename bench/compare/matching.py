"""Which trials of two sides are the same, which are not, and which one side lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from armbench.bench import cpulist
from armbench.bench.compare.observed import Observations, Observed, Reduced
from armbench.bench.model import Mode, Result, Session

BEST_NATIVE = "best native"
ANY = "*"  # what differs between the columns of `compare --by`
WHOLE = 0  # threads of a trial on every CPU that the machine gives, however many


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
        """Such as "matmul/neon/f32-n512/64/parallel", or, of a split, ".../64/split:4"; ".../all"."""
        split = f"/{self.mode}" if self.mode != "throughput" else ""
        split += f":{self.instances}" if self.instances else ""
        return f"{self.kernel}/{self.variant}/{self.case}/{self.threads or 'all'}{split}"


Index = Mapping[Key, Observations]


@dataclass(frozen=True, slots=True)
class Pair:
    """A trial of both sides, an observation a session.

    variants: of a "best native" pair; threads: of sides that differ in them.
    """

    key: Key
    base: Observations
    new: Observations
    variants: tuple[str, str] | None = None
    threads: tuple[int, int] | None = None


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


def index(sessions: Iterable[Reduced]) -> dict[Key, Observations]:
    """The observations of every trial, in the order of the sessions."""
    found: dict[Key, list[Observed]] = {}
    for session in sessions:
        for trial in session.trials:
            found.setdefault(key_of(trial.result), []).append(trial)
    return {key: tuple(trials) for key, trials in found.items()}


def key_of(r: Result) -> Key:
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
        best[group] = min(best.get(group, key), key, key=lambda k: _middle(side[k]))
    return best


def _middle(observations: Observations) -> float:
    return sum(o.log.value for o in observations) / len(observations)


def whole(side: Index) -> dict[Key, Observations]:
    """The trials on all CPUs of their machine, by what they have in common whatever their number.

    Their times are of a call among all that run at a time, the inverse of the machine's rate.
    """
    return {
        replace(key, threads=WHOLE): tuple(o.together() for o in observations)
        for key, observations in side.items()
        if all(key.threads == o.source.machine.budget.cpus for o in observations)
    }


def whole_pairs(base: Index, new: Index, natives: bool) -> list[Pair]:
    """The trials on all CPUs of machines with unlike numbers; natives: "best native" pairs too."""
    ours, theirs = whole(base), whole(new)
    found = [*pairs(ours, theirs), *(best_native_pairs(ours, theirs) if natives else ())]
    counted = [
        replace(pair, threads=(pair.base[0].result.threads, pair.new[0].result.threads)) for pair in found
    ]
    return [pair for pair in counted if pair.threads and pair.threads[0] != pair.threads[1]]


# --- what makes a pair invalid -------------------------------------------------------------


def why_invalid(
    pair: Pair, one_type: bool, sessions: tuple[int, int], varies: str | None = None
) -> str | None:
    """Why the two sides did not measure the same thing; None when they did.

    one_type: whether the machines are of one type; sessions: how many each side has; varies: the
    key of a trial, or parameter of its case, in which the sides differ on purpose.
    """
    if len(pair.base) > sessions[0] or len(pair.new) > sessions[1]:
        return "twice in one file"
    first, *others = (o.result for o in (*pair.base, *pair.new))
    for other in others:
        if one_type and other.tick_hz != first.tick_hz:
            return f"clocks differ: {first.tick_hz} and {other.tick_hz} Hz on one type of machine"
        if pair.variants is None and other.isa != first.isa and varies not in ("variant", "isa"):
            return f"instruction sets differ: {first.isa} and {other.isa}"
        if reason := _other_problem(first, other, varies):
            return reason
    wrong = [
        r.verified.max_error for r in (first, *others) if not r.verified.max_error <= r.verified.tolerance
    ]
    return f"wrong result: error {wrong[0]:g}" if wrong else None


def _other_problem(a: Result, b: Result, varies: str | None) -> str | None:
    if a.kernel_version != b.kernel_version:
        return f"kernel versions differ: {a.kernel_version} and {b.kernel_version}"
    if varies == "case":
        return None
    names = [name for name in {**a.params, **b.params} if a.params.get(name) != b.params.get(name)]
    if varies in names:
        names.remove(varies)
        return f"parameters differ: {', '.join(names)}" if names else None
    if names:
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
    ours, theirs = whole(base), whole(new)
    lacking = [
        _missing_in_new(key, base[key][0].result, bases[0], news)
        for key in base
        if key not in new and not _is_whole(key, bases[0], theirs)
    ]
    added = [
        Missing(key, "BASE", "not in BASE", excused=True)
        for key in new
        if key not in base and not _is_whole(key, news[0], ours)
    ]
    return [*lacking, *added]


def _is_whole(key: Key, session: Session, others: Index) -> bool:
    """Whether the other side has the same trial on all of its CPUs."""
    return key.threads == session.machine.budget.cpus and replace(key, threads=WHOLE) in others


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

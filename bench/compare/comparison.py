"""Result files -> verdicts, and the exit code that says them all.

How trials are matched is in matching.py, how a verdict comes about in verdicts.py with unpaired.py
and paired.py, what makes two machines alike in comparable.py, and `--by` in crosstab.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from armbench.bench.compare import matching, normalised, paired, unpaired
from armbench.bench.compare.comparable import ONE_TYPE, Change, Grade, grade, residue
from armbench.bench.compare.matching import Pair
from armbench.bench.compare.noise import learn, of_machine
from armbench.bench.compare.observed import reduced
from armbench.bench.compare.pooling import refuse_repeats
from armbench.bench.compare.verdicts import Measured, Row, Verdict, absent, judge
from armbench.bench.errors import UserError
from armbench.bench.model import SIDES, Machine, Session
from armbench.bench.results import FOREIGN
from armbench.bench.stats import Interval

DISPLAY_Q = 0.05
GATE_Q = 0.01

# Exit codes of a comparison, the first that holds.
NOT_COMPARABLE, NOTHING, CRASHED, SLOWER, UNDECIDED = 4, 5, 6, 1, 3


@dataclass(frozen=True, slots=True)
class Side:
    """One side as a heading shows it: its first session, and the ids of all."""

    name: str
    sessions: tuple[str, ...]
    started: str
    machine: Machine


@dataclass(frozen=True, slots=True)
class Comparison:
    """BASE against NEW, or side A against side B; `refusal` says why there are no rows.

    reasons: what keeps the machines from a closer grade; residue: what else differs.
    geomean: of the ratios of the valid rows (unpaired.geomean, or paired.geomean).
    lacks: what files of other tools do not say, which a sound verdict would need.
    names: of the sides; by: the key that tells them apart, of `--by`; paired: measured in the same
    rounds, by `armbench ab`; layouts: how many orders of its native code each side was measured
    with; learnt: from how many sessions the noise of either side's machine is known.
    """

    base: Side
    new: Side
    grade: Grade
    reasons: tuple[Change, ...]
    residue: tuple[Change, ...]
    refusal: str | None
    rows: tuple[Row, ...] = ()
    geomean: Interval | None = None
    lacks: tuple[str, ...] = ()
    names: tuple[str, str] = ("BASE", "NEW")
    by: str | None = None
    paired: bool = False
    layouts: tuple[int, int] = (1, 1)
    learnt: tuple[int, int] = (0, 0)

    @property
    def valid(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.verdict != "invalid")

    @property
    def expected(self) -> tuple[Row, ...]:
        """The rows that should be valid: all but those with an excuse."""
        return tuple(row for row in self.rows if not row.excused)

    @property
    def worst(self) -> Row | None:
        """The valid row with the largest ratio."""
        known = [(row.ratio.value, row) for row in self.valid if row.ratio]
        return max(known, key=lambda pair: pair[0])[1] if known else None


def compare(
    bases: Sequence[Session],
    news: Sequence[Session],
    q: float = DISPLAY_Q,
    noise: Sequence[Session] = (),
) -> Comparison:
    """Compare two sides, each some sessions of one type of machine.

    q: the share of false ones among the differences found; noise: sessions of any machines, of
    which those of the noise profile tell how much sessions of a side's machine differ.
    """
    (found,) = judged([draft(bases, news, noise)], q)
    return found


@dataclass(frozen=True, slots=True)
class Draft:
    """A comparison before its verdicts: what is measured, and rows that have theirs."""

    comparison: Comparison
    measured: tuple[Measured, ...] = ()
    absent: tuple[Row, ...] = ()


def judged(drafts: Sequence[Draft], q: float) -> list[Comparison]:
    """The comparisons of drafts, false discoveries held at q over all of them."""
    rows = iter(judge([m for one in drafts for m in one.measured], q))
    found = []
    for one in drafts:
        own = tuple(islice(rows, len(one.measured)))
        found.append(replace(one.comparison, rows=(*own, *one.absent), geomean=_geomean(one.measured)))
    return found


def _geomean(measured: Sequence[Measured]) -> Interval | None:
    """None where the evidence is not all of one kind."""
    kinds = {type(m.evidence) for m in measured if m.evidence}
    if len(kinds) != 1:
        return None
    return paired.geomean(measured) if kinds == {paired.Paired} else unpaired.geomean(measured)


def draft(
    bases: Sequence[Session],
    news: Sequence[Session],
    noise: Sequence[Session] = (),
    names: tuple[str, str] = ("BASE", "NEW"),
) -> Draft:
    """As compare(), without verdicts."""
    empty = heading(bases, news, names)
    if empty.refusal:
        return Draft(empty)
    learners = [of_machine((*noise, *bases, *news), side[0]) for side in (bases, news)]
    floors = learn(learners[0]), learn(learners[1])
    learnt = [len(sessions) if floor else 0 for sessions, floor in zip(learners, floors, strict=True)]
    empty, found = replace(empty, learnt=(learnt[0], learnt[1])), empty.grade
    base, new = (matching.index(map(reduced, sessions)) for sessions in (bases, news))
    pairs, across = matching.pairs(base, new), found in ("same ISA", "different")
    pairs += matching.best_native_pairs(base, new) if across else []
    pairs += matching.whole_pairs(base, new, across)
    counts, scales = (len(bases), len(news)), normalised.Scales()

    def measure(pair: Pair) -> Measured:
        failure = matching.failed_in(pair, news)
        invalid = failure or matching.why_invalid(pair, found in ONE_TYPE, counts)
        measured = unpaired.measure(pair, invalid, names, floors)
        row = replace(measured.row, failed=True) if failure else measured.row
        return Measured(row, measured.evidence, measured.native, scales.of(pair))

    lacking = map(absent, matching.missing(base, new, bases, news))
    return Draft(empty, tuple(map(measure, pairs)), tuple(lacking))


def heading(bases: Sequence[Session], news: Sequence[Session], names: tuple[str, str]) -> Comparison:
    """A comparison without rows: the two sides and what tells them apart."""
    refuse_repeats(bases)
    refuse_repeats(news)
    found, reasons = grade(bases[0], news[0])
    return Comparison(
        _side(bases),
        _side(news),
        found,
        reasons,
        residue(bases, news),
        _refusal(bases, news, names),
        lacks=_lacks(bases, news, names),
        names=names,
    )


def compare_sides(session: Session, q: float = DISPLAY_Q) -> Comparison:
    """Both sides of an `ab` session.  Raises UserError when it has none."""
    if not paired.has_sides(session):
        raise UserError(f"{session.path}: has one side; give a second file, or measure both with armbench ab")
    settings = session.session["sides"]
    emulated = session.machine.emulated
    rows, geomean = paired.rows(reduced(session), q)
    base, new = (replace(_side([session]), name=settings[name]) for name in SIDES)
    return Comparison(
        base,
        new,
        grade="same host",
        reasons=(),
        residue=(),
        refusal="it ran under an emulator, whose times say nothing about a CPU" if emulated else None,
        rows=() if emulated else tuple(rows),
        geomean=None if emulated else geomean,
        names=("A", "B"),
        paired=True,
        layouts=tuple(session.session.get("layouts", {}).get(name, 1) for name in SIDES),
    )


def _side(sessions: Sequence[Session]) -> Side:
    first = sessions[0]
    return Side(
        name=str(first.path or first.session["id"]),
        sessions=tuple(str(session.session["id"]) for session in sessions),
        started=str(first.session["started"]),
        machine=first.machine,
    )


def _lacks(bases: Sequence[Session], news: Sequence[Session], names: tuple[str, str]) -> tuple[str, ...]:
    sides: dict[str, list[str]] = {}
    for name, sessions in zip(names, (bases, news), strict=True):
        for finding in (finding for session in sessions for finding in session.findings):
            if finding.code == FOREIGN and name not in sides.setdefault(finding.text, []):
                sides[finding.text].append(name)
    return tuple(f"{', '.join(names)}: {text}" for text, names in sides.items())


def _refusal(bases: Sequence[Session], news: Sequence[Session], names: tuple[str, str]) -> str | None:
    for name, sessions in zip(names, (bases, news), strict=True):
        if any(session.machine.emulated for session in sessions):
            return f"{name} ran under an emulator, whose times say nothing about a CPU"
        if any(grade(sessions[0], other)[0] not in ONE_TYPE for other in sessions[1:]):
            return f"the sessions of {name} are of different machines"
    return None


# --- what it comes to ----------------------------------------------------------------------


def exit_code(comparisons: Sequence[Comparison], gate: bool = False, strict: bool = False) -> int:
    """The first that holds of 4, 5, 6, 1 and 3, else 0.

    4 not comparable, 5 nothing to compare, 6 a kernel of NEW crashed, 1 slower, 3 undecided.
    Without an option only what leaves no verdict at all counts.  `gate` adds slower (at GATE_Q)
    and, so that nothing passes by being absent, invalid and crashed trials; `strict` undecided,
    invalid and crashed ones.
    """
    codes = {code for comparison in comparisons for code in _codes(comparison, gate, strict)}
    order = (NOT_COMPARABLE, NOTHING, CRASHED, SLOWER, UNDECIDED)
    return next((code for code in order if code in codes), 0)


def _codes(comparison: Comparison, gate: bool, strict: bool) -> set[int]:
    if comparison.refusal:
        return {NOT_COMPARABLE}
    if not comparison.valid:
        return {NOT_COMPARABLE if any(row.matched for row in comparison.rows) else NOTHING}
    bad = [row for row in comparison.expected if row.verdict == "invalid"]
    found = {
        NOT_COMPARABLE: (gate or strict) and any(not row.failed for row in bad),
        CRASHED: (gate or strict) and any(row.failed for row in bad),
        SLOWER: gate and any(gated(row) for row in comparison.rows),
        UNDECIDED: strict and any(row.verdict == "undecided" for row in comparison.rows),
    }
    return {code for code, holds in found.items() if holds}


def gated(row: Row) -> bool:
    """Whether a row is slower beyond the doubt that a gate allows."""
    return row.verdict == "slower" and row.adjusted_p is not None and row.adjusted_p <= GATE_Q


def overall(comparisons: Sequence[Comparison]) -> str:
    """The least welcome verdict there is, "not-comparable" or "nothing"."""
    if any(NOT_COMPARABLE in _codes(c, gate=False, strict=False) for c in comparisons):
        return "not-comparable"
    found = {row.verdict for comparison in comparisons for row in comparison.valid}
    order: tuple[Verdict, ...] = ("slower", "undecided", "faster", "same")
    return next((verdict for verdict in order if verdict in found), "nothing")


def verdict_line(comparisons: Sequence[Comparison]) -> str:
    """One line of name=value words for programs; `worst` is the trial with the largest ratio."""
    rows = [row for comparison in comparisons for row in comparison.expected]
    counts = {
        v: sum(row.verdict == v for row in rows) for v in ("slower", "faster", "same", "undecided", "invalid")
    }
    words = {
        "verdict": overall(comparisons),
        "compared": f"{len(rows) - counts['invalid']}/{len(rows)}",
        **counts,
        "worst": _worst(comparisons),
    }
    return " ".join(f"{name}={value}" for name, value in words.items())


def _worst(comparisons: Sequence[Comparison]) -> str:
    known = [
        (row.ratio.value, row.key.name + (f"@{comparison.names[1]}" if comparison.by else ""))
        for comparison in comparisons
        if (row := comparison.worst) and row.ratio
    ]
    if not known:
        return "none"
    ratio, name = max(known)
    return f"{name.replace(' ', '-')}:{ratio:.4f}"

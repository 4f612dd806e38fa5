"""`compare --by KEY`: the values of a key against the first of them, a comparison each.

A key of a session (its instance, core, kernel, a library's version, its file …) sorts sessions; the
evidence is then of sessions.  A key of a trial (variant, threads, …, or a parameter of its case) sorts
the trials of sessions of one machine; where both sides come from the same sessions, the evidence
is of the rounds that they share, or of three sessions or more.  Ratios of trials are of inverse
rates: of a call among all that run at a time and, where calls do unlike work, of a thing it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from armbench.bench import estimates
from armbench.bench.compare import matching, normalised, paired, unpaired
from armbench.bench.compare.comparable import ONE_TYPE, facts_of
from armbench.bench.compare.comparison import DISPLAY_Q, Comparison, Draft, draft, heading, judged
from armbench.bench.compare.matching import ANY, Index, Key, Missing, Pair
from armbench.bench.compare.observed import Observed, Reduced, reduced
from armbench.bench.compare.unpaired import WELCH_SESSIONS, Unpaired
from armbench.bench.compare.verdicts import Measured, absent, first_row
from armbench.bench.errors import UserError
from armbench.bench.model import Result, Session
from armbench.bench.stats import Difference

Value = Any  # str, int or None: unknown

OF_TRIAL: dict[str, Callable[[Result], Value]] = {
    "variant": lambda r: r.variant,
    "isa": lambda r: r.isa or "library",
    "case": lambda r: r.case,
    "threads": lambda r: r.threads,
    "mode": lambda r: r.mode,
    "placement": lambda r: r.placement,
    "memory": lambda r: r.memory,
    "pages": lambda r: r.page_bytes,
    "instances": lambda r: r.instances,
}


def crosstab(
    sessions: Sequence[Session],
    by: str,
    base: str | None = None,
    q: float = DISPLAY_Q,
    noise: Sequence[Session] = (),
) -> list[Comparison]:
    """The values of `by` against `base`, or the first: numbers in order, others as they come.

    Raises UserError for a key that nothing has, and for one with a single value.
    """
    found = [reduced(session) for session in sessions]
    params = {name for session in found for trial in session.trials for name in trial.result.params}
    if by in OF_TRIAL or by in params:
        drafts = _of_trials(found, by, base)
    else:
        drafts = _of_sessions(found, by, base, noise)
    return [replace(one, by=by) for one in judged(drafts, q)]


def _ordered(by: str, values: Iterable[Value], base: str | None) -> list[Value]:
    """The values, the base before all others."""
    known = list(dict.fromkeys(values))
    if all(isinstance(value, int) for value in known):
        known.sort()
    if len(known) < 2:
        raise UserError(f"--by {by}: it is {known[0] if known else 'unknown'} everywhere")
    if base is None:
        return known
    first = [value for value in known if str(value) == base]
    if not first:
        raise UserError(f"--by {by}={base}: no such value; there are {', '.join(map(str, known))}")
    return first + [value for value in known if value != first[0]]


# --- keys of sessions ----------------------------------------------------------------------


def _of_sessions(
    sessions: Sequence[Reduced], by: str, base: str | None, noise: Sequence[Session]
) -> list[Draft]:
    keys = [_keys(session) for session in sessions]
    if not any(by in known for known in keys):
        raise UserError(f"--by {by}: no such key; there are {', '.join(_names(sessions, keys))}")
    groups: dict[Value, list[Session]] = {}
    for session, known in zip(sessions, keys, strict=True):
        groups.setdefault(known.get(by), []).append(session)
    first, *others = _ordered(by, groups, base)
    return [draft(groups[first], groups[value], noise, (_text(first), _text(value))) for value in others]


def _keys(session: Session) -> dict[str, str | None]:
    """What tells sessions apart, by names without spaces."""
    facts = {name.lower().replace(" ", "-"): value for name, value in facts_of(session)}
    name = str(session.session["id"])
    return {"file": str(session.path or name), "session": name, "chip": session.machine.chip, **facts}


def _names(sessions: Sequence[Reduced], keys: Sequence[dict[str, str | None]]) -> list[str]:
    """The keys that have several values here."""
    params = {name for s in sessions for trial in s.trials for name in trial.result.params}
    several = {name for known in keys for name in known if len({other.get(name) for other in keys}) > 1}
    return [*OF_TRIAL, *sorted(params - set(OF_TRIAL)), *sorted(several)]


def _text(value: Value) -> str:
    return "unknown" if value is None else str(value)


# --- keys of trials ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cut:
    """How trials are sorted by a key of theirs, and what they have in common without it."""

    by: str

    @property
    def unlike_work(self) -> bool:
        return self.by == "case" or self.by not in OF_TRIAL

    def value(self, trial: Observed) -> Value:
        result = trial.result
        return OF_TRIAL[self.by](result) if self.by in OF_TRIAL else result.params.get(self.by)

    def common(self, trial: Observed) -> Key:
        key = matching.key_of(trial.result)
        if self.by in ("variant", "isa"):
            return replace(key, variant=ANY)
        if self.by == "threads":
            return replace(key, threads=matching.WHOLE)
        if self.by in ("mode", "instances"):
            return replace(key, mode="throughput", instances=None)
        if self.by == "placement":
            return replace(key, placement="compact")
        if self.by == "memory":
            return replace(key, memory="local")
        if self.by == "pages":
            return key
        if self.by == "case":
            return replace(key, case=ANY)
        others = sorted((n, v) for n, v in trial.result.params.items() if n != self.by)
        return replace(key, case=" ".join(f"{name}={value}" for name, value in others))

    def inverse_rate(self, trial: Observed) -> Observed:
        return trial.together(estimates.amounts(trial.result.work)[0][0] if self.unlike_work else 1)


def _of_trials(sessions: Sequence[Reduced], by: str, base: str | None) -> list[Draft]:
    cut = _Cut(by)
    trials = [trial for session in sessions for trial in session.trials]
    present = [value for value in map(cut.value, trials) if value is not None]
    first, *others = _ordered(by, present, base)
    columns: dict[Value, dict[Key, list[Observed]]] = {}
    for trial in trials:
        column = columns.setdefault(cut.value(trial), {})
        column.setdefault(cut.common(trial), []).append(cut.inverse_rate(trial))
    frozen = {
        value: {key: tuple(found) for key, found in column.items()} for value, column in columns.items()
    }
    return [_column(cut, frozen[first], frozen[value], (_text(first), _text(value))) for value in others]


def _column(cut: _Cut, base: Index, new: Index, names: tuple[str, str]) -> Draft:
    empty = heading(_sources(base), _sources(new), names)
    if empty.refusal is None and empty.grade not in ONE_TYPE:
        empty = replace(
            empty, refusal="its trials are of another machine; give files of one, or --by instance"
        )
    if empty.refusal:
        return Draft(empty)
    scales = normalised.Scales()
    measured = tuple(
        replace(_measure(pair, cut, names), scale=scales.of(pair)) for pair in matching.pairs(base, new)
    )
    lacking = [
        absent(Missing(key, name, f"not with {cut.by} {name}", excused=True))
        for side, other, name in ((base, new, names[1]), (new, base, names[0]))
        for key in side
        if key not in other
    ]
    return Draft(empty, measured, tuple(lacking))


def _sources(column: Index) -> list[Session]:
    """The sessions that trials of a column are of."""
    return list({id(o.source): o.source for found in column.values() for o in found}.values())


def _measure(pair: Pair, cut: _Cut, names: tuple[str, str]) -> Measured:
    ours, theirs = ([id(o.source) for o in side] for side in (pair.base, pair.new))
    invalid = matching.why_invalid(pair, True, (len(set(ours)), len(set(theirs))), cut.by)
    if len(units := {estimates.amounts(o.result.work)[0][1] for o in (*pair.base, *pair.new)}) > 1:
        invalid = f"the work is counted in {' and '.join(sorted(units))}"
    threads = pair.base[0].result.threads, pair.new[0].result.threads
    pair = replace(pair, threads=threads if threads[0] != threads[1] else None)
    if ours != theirs:
        return unpaired.measure(pair, invalid, names, ({}, {}))
    if len(ours) >= WELCH_SESSIONS:
        return _of_sessions_alike(pair, invalid, names)
    return paired.measure(pair, invalid, names)


def _of_sessions_alike(pair: Pair, invalid: str | None, names: tuple[str, str]) -> Measured:
    """A t test on the differences inside each session."""
    row = first_row(pair, invalid, names)
    if invalid:
        return Measured(row)
    found = [b.log.value - a.log.value for a, b in zip(pair.base, pair.new, strict=True)]
    error, dof = float(np.std(found, ddof=1)) / len(found) ** 0.5, float(len(found) - 1)
    difference = Difference(float(np.mean(found)), error, dof)
    return Measured(row, Unpaired(difference, (error, dof), sessions=len(found)))

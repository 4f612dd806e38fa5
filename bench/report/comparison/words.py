"""A comparison in words: how its sides, rows and sums read, whatever the format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from armbench.bench.compare import Comparison, Side
from armbench.bench.compare.comparable import CLOCK_TOLERANCE, Change
from armbench.bench.compare.matching import BEST_NATIVE
from armbench.bench.compare.unpaired import LEARNT, SESSION_SD
from armbench.bench.compare.verdicts import Row, Verdict
from armbench.bench.report import units
from armbench.bench.stats import Interval

NAMED = 3  # trials of a footnote that are named
LAYOUTS = 5  # orders of native code a side, from which on its layout counts as sampled
MANY = 99  # sessions that nobody will run

SIGNS: dict[Verdict, tuple[str, str]] = {
    "slower": ("+", "bold red"),
    "faster": ("-", "bold green"),
    "same": ("=", "dim"),
    "undecided": ("?", "yellow"),
    "invalid": ("!", "magenta"),
}


class Footnotes:
    """Texts numbered in the order of their first use, each once."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, texts: Iterable[str]) -> str:
        """The marks of some texts: " [1] [3]"."""
        marks = []
        for text in texts:
            if text not in self.texts:
                self.texts.append(text)
            marks.append(f" [{self.texts.index(text) + 1}]")
        return "".join(marks)


# --- numbers and sides ------------------------------------------------------------------


def change(ratio: float) -> str:
    """A ratio as its change in percent: 1.023 is "+2.3"."""
    value = 100 * (ratio - 1)
    text = f"{value:+.1f}" if abs(value) < 99.95 else f"{value:+.0f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def named(comparison: Comparison) -> Iterator[tuple[str, Side]]:
    return zip(comparison.names, (comparison.base, comparison.new), strict=True)


def origin(side: Side) -> str:
    count = len(side.sessions)
    more = f", {plural(count, 'session')}" if count > 1 else ""
    return f"{side.name}, {side.started}{more}"


def grade_of(comparison: Comparison) -> str:
    changes = [change_of(change) for change in comparison.reasons]
    return "; ".join([comparison.grade, *changes])


def change_of(change: Change) -> str:
    return f"{change.name}: {change.base or 'unknown'} -> {change.new or 'unknown'}"


# --- rows ----------------------------------------------------------------------------------


def by_kernel(rows: Sequence[Row]) -> list[Row]:
    """Kernels and their cases together, in the order of their first row."""
    cases: dict[tuple[str, str], int] = {}
    kernels: dict[str, int] = {}
    for row in rows:
        kernels.setdefault(row.key.kernel, len(kernels))
        cases.setdefault((row.key.kernel, row.key.case), len(cases))

    def place(row: Row) -> tuple[int, int]:
        return kernels[row.key.kernel], cases[row.key.kernel, row.key.case]

    return sorted(rows, key=place)


def time(value: float | None) -> str:
    return "" if value is None else units.seconds(value)


def case_of(row: Row) -> str:
    unusual = [row.key.placement if row.key.placement != "compact" else None]
    unusual += [row.key.memory if row.key.memory != "local" else None, row.key.side]
    return " ".join([row.key.case, *(f"({word})" for word in unusual if word)])


def variant_of(row: Row) -> str:
    name = " -> ".join(row.variants) if row.variants else row.key.variant
    if row.key.variant == BEST_NATIVE:
        name = f"best: {name}"
    if row.key.instances:
        threads = f"{row.key.threads // row.key.instances}" if row.key.threads else "all CPUs / instances"
        return f"{name}, {row.key.instances} x {threads}"
    return f"{name}, as one" if row.key.mode == "parallel" else name


def cpus_of(row: Row) -> str:
    if row.threads:
        return f"{row.threads[0]}->{row.threads[1]}"
    return str(row.key.threads or "all")


def ratio_of(row: Row) -> tuple[str, str]:
    if row.ratio is None and row.verdict == "undecided" and row.base_seconds and row.new_seconds:
        return f"{change(row.new_seconds / row.base_seconds)} %", "unknown"
    if row.ratio is None:
        return "", ""
    return f"{change(row.ratio.value)} %", f"{change(row.ratio.low)} to {change(row.ratio.high)}"


def verdict_of(row: Row) -> str:
    within = f" +-{units.percent(row.within)}" if row.within is not None else ""
    repeats = row.sessions_needed or row.rounds_needed
    needed = f" ({_repeats(repeats)})" if repeats else ""
    return f"{SIGNS[row.verdict][0]} {row.verdict}{within}{needed}{' ~' if row.disturbed else ''}"


BESIDE = "per GHz: time x clock, where no memory holds work up; per core, per vCPU: time x those in use."


def normalised(rows: Iterable[Row]) -> list[Row]:
    """Those of which a normalised ratio says something else than the raw one."""
    return [row for row in rows if any(_is_apparent(row, beside) for beside in besides(row).values())]


def besides(row: Row) -> dict[str, Interval | None]:
    return {"per GHz": row.per_ghz, "per core": row.per_core, "per vCPU": row.per_vcpu}


def _is_apparent(row: Row, beside: Interval | None) -> bool:
    if beside is None or row.ratio is None:
        return False
    return abs(beside.value / row.ratio.value - 1) > CLOCK_TOLERANCE


def beside_of(beside: Interval | None) -> str:
    return f"{change(beside.value)} %" if beside else ""


def _repeats(needed: int) -> str:
    return str(needed) if needed < MANY else f">{MANY}"


def remarks(row: Row) -> Iterator[str]:
    if row.reason:
        yield row.reason
    yield from row.notes


# --- below the rows ------------------------------------------------------------------------


def numbered(notes: Footnotes) -> list[str]:
    return [f"[{number}] {text}" for number, text in enumerate(notes.texts, 1)]


def missing(comparison: Comparison) -> Iterator[str]:
    """What one side lacks, a line for each reason."""
    groups: dict[tuple[str, bool], list[str]] = {}
    for row in comparison.rows:
        if not row.matched:
            groups.setdefault((row.reason or "", row.excused), []).append(row.key.name)
    for (reason, excused), names in groups.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        sign = "  " if excused else "! "
        yield f"{sign}{plural(len(names), 'trial')} {reason}: {', '.join(names[:NAMED])}{more}"


def explanation(comparison: Comparison) -> Iterator[str]:
    if not comparison.valid:
        return
    base, new = comparison.names
    yield f"time: of {new} over that of {base}; + is slower."
    if comparison.paired and min(comparison.layouts) < LAYOUTS and _other_code(comparison):
        yield (
            "Layout was not sampled: each side ran one build, and where its code lies moves times by "
            "percents; give checkout: on both sides to have several link orders measured."
        )
    if any(row.key.mode == "parallel" for row in comparison.valid):
        yield "as one: the CPUs share one problem."
    if any(row.threads for row in comparison.valid):
        yield "N->M: all CPUs of either machine; time of a call among all that run at a time."
    if any(row.sessions_needed for row in comparison.valid):
        yield "undecided (N): N sessions a side would tell a difference as large as it looks."
    if any(row.rounds_needed for row in comparison.valid):
        yield "undecided (N): N rounds would tell a difference as large as it looks."
    if disturbed := sorted({flag for row in comparison.valid for flag in row.disturbed}):
        yield f"~: a side was disturbed ({', '.join(disturbed)})."
    if normalised(comparison.valid):
        yield BESIDE
    yield from noise_lines([comparison])


def noise_lines(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """What stands for the noise between sessions."""
    used = {row.noise for comparison in comparisons for row in comparison.valid if row.noise}
    priors = [f"{name} {units.percent(value)}" for name, value in SESSION_SD.items() if name in used]
    if priors:
        yield (
            "Fewer than 3 sessions on a side cannot tell the noise between sessions; a prior stands "
            f"in for it: {', '.join(priors)}."
        )
    if learnt := max((max(comparison.learnt) for comparison in comparisons), default=0):
        told = ", and the noise of sides of fewer than 3" if LEARNT in used else ""
        yield f"{plural(learnt, 'session')} of --profile noise tell margins{told}."


def _other_code(comparison: Comparison) -> bool:
    """Whether the sides ran different builds of the suite."""
    return any(word in side.name for _, side in named(comparison) for word in ("python:", "checkout:"))


def total(comparison: Comparison) -> str:
    rows = comparison.expected
    verdicts: tuple[Verdict, ...] = ("slower", "faster", "same", "undecided", "invalid")
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in verdicts}
    if not rows:
        return "Nothing to compare: no trial is in both."
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    mean = comparison.geomean
    if mean is None:
        return f"{plural(len(rows), 'trial')}: {said}."
    interval = f"{change(mean.low)} to {change(mean.high)}"
    return f"{plural(len(rows), 'trial')}: {said}. Geometric mean {change(mean.value)} % ({interval})."

"""A comparison as a table, and as JSON, Markdown and CSV.

Everything must read well without colour and in 80 columns.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from armbench.bench import codec
from armbench.bench.compare import Comparison, Side, overall, verdict_line
from armbench.bench.compare.comparable import Change
from armbench.bench.compare.matching import BEST_NATIVE
from armbench.bench.compare.unpaired import SESSION_SD
from armbench.bench.compare.verdicts import Row, Verdict
from armbench.bench.report import units
from armbench.bench.report.session import headline

WIDE = 100  # columns, from which on times are shown too
NAMED = 3  # trials of a footnote that are named
LONGEST_VERDICT = len("? undecided (>99) ~")
LAYOUTS = 5  # orders of native code a side, from which on its layout counts as sampled
MANY = 99  # sessions that nobody will run


# --- numbers -------------------------------------------------------------------------------


def change(ratio: float) -> str:
    """A ratio as its change in percent: 1.023 is "+2.3"."""
    value = 100 * (ratio - 1)
    text = f"{value:+.1f}" if abs(value) < 99.95 else f"{value:+.0f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


# --- the table -----------------------------------------------------------------------------

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


def comparison_table(comparison: Comparison, console: Console) -> None:
    """Print a comparison: the two sides, how alike they are, what else differs, then the trials."""
    console.print(_sides(comparison))
    if comparison.refusal:
        console.print(Text(f"Not comparable: {comparison.refusal}.", "bold red"))
        return
    notes = Footnotes()
    matched = [row for row in comparison.rows if row.matched]
    if matched:
        console.print()
        wide = comparison.names if console.width >= WIDE else None
        console.print(_trials(_by_kernel(matched), notes, wide))
    console.print()
    for text in (*_numbered(notes), *_missing(comparison), *_explanation(comparison)):
        console.print(Text(text))
    console.print(Text(_total(comparison), "bold"))


def comparison_tables(comparisons: Sequence[Comparison], console: Console) -> None:
    """Print each comparison, and last the line for programs."""
    for comparison in comparisons:
        comparison_table(comparison, console)
        console.print()
    console.print(Text(verdict_line(comparisons)), soft_wrap=True)


def _sides(comparison: Comparison) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    if comparison.paired:
        grid.add_row(Text("Machine", "bold"), Text(headline(comparison.base.machine)))
        for name, side in _named(comparison):
            grid.add_row(Text(name, "bold"), Text(side.name))
        return grid
    for name, side in _named(comparison):
        grid.add_row(Text(name, "bold"), Text(headline(side.machine)))
        grid.add_row("", Text(_origin(side), "dim"))
    grid.add_row(Text("Machines", "bold"), Text(_grade(comparison)))
    for heading, change in zip(_once("Differs"), comparison.residue, strict=False):
        grid.add_row(Text(heading, "bold yellow"), Text(_change(change)))
    for heading, lack in zip(_once("Lacks"), comparison.lacks, strict=False):
        grid.add_row(Text(heading, "bold yellow"), Text(lack))
    return grid


def _named(comparison: Comparison) -> Iterator[tuple[str, Side]]:
    return zip(comparison.names, (comparison.base, comparison.new), strict=True)


def _once(heading: str) -> Iterator[str]:
    yield heading
    while True:
        yield ""


def _origin(side: Side) -> str:
    count = len(side.sessions)
    more = f", {plural(count, 'session')}" if count > 1 else ""
    return f"{side.name}, {side.started}{more}"


def _grade(comparison: Comparison) -> str:
    changes = [_change(change) for change in comparison.reasons]
    return "; ".join([comparison.grade, *changes])


def _change(change: Change) -> str:
    return f"{change.name}: {change.base or 'unknown'} -> {change.new or 'unknown'}"


def _by_kernel(rows: Sequence[Row]) -> list[Row]:
    """Kernels and their cases together, in the order of their first row."""
    order = list(dict.fromkeys((row.key.kernel, row.key.case) for row in rows))
    kernels = list(dict.fromkeys(kernel for kernel, _ in order))

    def place(row: Row) -> tuple[int, int]:
        return kernels.index(row.key.kernel), order.index((row.key.kernel, row.key.case))

    return sorted(rows, key=place)


def _trials(rows: Sequence[Row], notes: Footnotes, wide: tuple[str, str] | None) -> Table:
    """A heading row for each case, then a row for each variant and number of CPUs.

    wide: the names of the sides, where there is room for their times.
    """
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    table.add_column("kernel, case, variant", no_wrap=True)
    table.add_column("CPUs", justify="right", no_wrap=True, min_width=4)
    for name in wide or ():
        table.add_column(name, justify="right")
    table.add_column("time", justify="right", no_wrap=True, min_width=7)
    table.add_column("95 % interval", justify="right", no_wrap=True, min_width=15)
    table.add_column(" verdict", no_wrap=True, min_width=LONGEST_VERDICT + 1)
    kernel = case = None
    for row in rows:
        if row.key.kernel != kernel:
            kernel, case = row.key.kernel, None
            table.add_row(Text(kernel, "bold"))
        if _case(row) != case:
            case = _case(row)
            table.add_row(Text(f" {case}", "cyan"))
        times = [_time(row.base_seconds), _time(row.new_seconds)] if wide else []
        table.add_row(
            Text(f"   {_variant(row)}"),
            str(row.key.threads),
            *times,
            *_ratio(row),
            Text(" " + _verdict(row) + notes.mark(_remarks(row)), SIGNS[row.verdict][1]),
        )
    return table


def _time(value: float | None) -> str:
    return "" if value is None else units.seconds(value)


def _case(row: Row) -> str:
    unusual = [row.key.placement if row.key.placement != "compact" else None]
    unusual += [row.key.memory if row.key.memory != "local" else None, row.key.side]
    return " ".join([row.key.case, *(f"({word})" for word in unusual if word)])


def _variant(row: Row) -> str:
    name = " -> ".join(row.variants) if row.variants else row.key.variant
    if row.key.variant == BEST_NATIVE:
        name = f"best: {name}"
    if row.key.instances:
        return f"{name}, {row.key.instances} x {row.key.threads // row.key.instances}"
    return f"{name}, as one" if row.key.mode == "parallel" else name


def _ratio(row: Row) -> tuple[str, str]:
    if row.ratio is None and row.verdict == "undecided" and row.base_seconds and row.new_seconds:
        return f"{change(row.new_seconds / row.base_seconds)} %", "unknown"
    if row.ratio is None:
        return "", ""
    return f"{change(row.ratio.value)} %", f"{change(row.ratio.low)} to {change(row.ratio.high)}"


def _verdict(row: Row) -> str:
    within = f" +-{units.percent(row.within)}" if row.within is not None else ""
    repeats = row.sessions_needed or row.rounds_needed
    needed = f" ({_repeats(repeats)})" if repeats else ""
    return f"{SIGNS[row.verdict][0]} {row.verdict}{within}{needed}{' ~' if row.disturbed else ''}"


def _repeats(needed: int) -> str:
    return str(needed) if needed < MANY else f">{MANY}"


def _remarks(row: Row) -> Iterator[str]:
    if row.reason:
        yield row.reason
    yield from row.notes


# --- below the table -----------------------------------------------------------------------


def _numbered(notes: Footnotes) -> list[str]:
    return [f"[{number}] {text}" for number, text in enumerate(notes.texts, 1)]


def _missing(comparison: Comparison) -> Iterator[str]:
    """What one side lacks, a line for each reason."""
    groups: dict[tuple[str, bool], list[str]] = {}
    for row in comparison.rows:
        if not row.matched:
            groups.setdefault((row.reason or "", row.excused), []).append(row.key.name)
    for (reason, excused), names in groups.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        sign = "  " if excused else "! "
        yield f"{sign}{plural(len(names), 'trial')} {reason}: {', '.join(names[:NAMED])}{more}"


def _explanation(comparison: Comparison) -> Iterator[str]:
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
    if any(row.sessions_needed for row in comparison.valid):
        yield "undecided (N): N sessions a side would tell a difference as large as it looks."
    if any(row.rounds_needed for row in comparison.valid):
        yield "undecided (N): N rounds would tell a difference as large as it looks."
    if disturbed := sorted({flag for row in comparison.valid for flag in row.disturbed}):
        yield f"~: a side was disturbed ({', '.join(disturbed)})."
    used = {row.noise for row in comparison.valid if row.noise}
    priors = [f"{name} {units.percent(value)}" for name, value in SESSION_SD.items() if name in used]
    if priors:
        yield (
            "Fewer than 3 sessions on a side cannot tell the noise between sessions; a prior stands "
            f"in for it: {', '.join(priors)}."
        )


def _other_code(comparison: Comparison) -> bool:
    """Whether the sides ran different builds of the suite."""
    return any(word in side.name for _, side in _named(comparison) for word in ("python:", "checkout:"))


def _total(comparison: Comparison) -> str:
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


# --- other formats -------------------------------------------------------------------------

COLUMNS = (
    *("kernel", "case", "variant", "base_variant", "new_variant", "mode", "threads", "placement", "memory"),
    *("instances", "side", "verdict", "base_seconds", "new_seconds", "ratio", "low", "high"),
    *("confidence", "p"),
    *("adjusted_p", "margin", "within", "detectable", "sessions_needed", "rounds_needed"),
    *("noise", "reason", "excused"),
    *("notes", "disturbed"),
)


def comparison_json(comparisons: Sequence[Comparison]) -> str:
    """{"verdict", "line", "comparisons": every field of Comparison}; ratios as numbers."""
    document = {
        "verdict": overall(comparisons),
        "line": verdict_line(comparisons),
        "comparisons": codec.encode(list(comparisons)),
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def comparison_csv(comparisons: Sequence[Comparison]) -> str:
    """A line for each trial, with the columns base, new and COLUMNS; unknown is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, ("base", "new", *COLUMNS), lineterminator="\n")
    writer.writeheader()
    for comparison in comparisons:
        for row in comparison.rows:
            writer.writerow({"base": comparison.base.name, "new": comparison.new.name, **_flat(row)})
    return out.getvalue()


def _flat(row: Row) -> dict[str, object]:
    values = {**codec.encode(row), **codec.encode(row.key), **(codec.encode(row.ratio) or {})}
    base, new = row.variants or (row.key.variant, row.key.variant)
    values |= {"base_variant": base, "new_variant": new}
    values |= {"notes": "; ".join(row.notes), "disturbed": "; ".join(row.disturbed)}
    values["ratio"] = values.pop("value", None)
    return {name: values.get(name) for name in COLUMNS}


def comparison_markdown(comparisons: Sequence[Comparison]) -> str:
    """Headings, a table for each comparison, footnotes, and last the line for programs in code."""
    lines: list[str] = []
    for comparison in comparisons:
        lines += [*_markdown_head(comparison), ""]
        notes = Footnotes()
        matched = _by_kernel([row for row in comparison.rows if row.matched])
        lines += [*_markdown_rows(matched, notes, comparison.names), ""]
        below = (*_numbered(notes), *_missing(comparison), *_explanation(comparison))
        lines += [*(f"- {_escaped(text.strip())}" for text in below), "", f"**{_total(comparison)}**", ""]
    return "\n".join([*lines, f"`{verdict_line(comparisons)}`", ""])


def _markdown_head(comparison: Comparison) -> Iterator[str]:
    for name, side in _named(comparison):
        yield f"- **{name}**: {_escaped(headline(side.machine))} ({_escaped(_origin(side))})"
    yield f"- **Machines**: {_escaped(_grade(comparison))}"
    if comparison.residue:
        yield f"- **Differs**: {_escaped('; '.join(map(_change, comparison.residue)))}"
    if comparison.lacks:
        yield f"- **Lacks**: {_escaped('; '.join(comparison.lacks))}"
    if comparison.refusal:
        yield f"- **Not comparable**: {_escaped(comparison.refusal)}"


def _markdown_rows(rows: Sequence[Row], notes: Footnotes, names: tuple[str, str]) -> Iterator[str]:
    if not rows:
        return
    yield f"| kernel | case | variant | CPUs | {' | '.join(names)} | time | 95 % interval | verdict |"
    yield "|---|---|---|--:|--:|--:|--:|--:|---|"
    for row in rows:
        cells = [
            row.key.kernel,
            _case(row),
            _variant(row),
            str(row.key.threads),
            _time(row.base_seconds),
            _time(row.new_seconds),
            *_ratio(row),
            _verdict(row) + notes.mark(_remarks(row)),
        ]
        yield f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")

"""`compare --by KEY` as a table: a column for each value, ratios against the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from rich.console import Console
from rich.table import Table
from rich.text import Text

from armbench.bench.compare import Comparison, verdict_line
from armbench.bench.compare.verdicts import Row
from armbench.bench.report.columns import Cell, Column, print_columns
from armbench.bench.report.comparison import words
from armbench.bench.report.comparison.formats import escaped
from armbench.bench.report.comparison.table import headings, once
from armbench.bench.report.headline import headline
from armbench.bench.stats import Interval

NAME, TIME, VALUE = 30, 8, 13  # columns of the screen, those of a value at least


def print_crosstab(comparisons: Sequence[Comparison], console: Console) -> None:
    """Print the columns and what tells them apart, the trials, and last the line for programs."""
    console.print(_columns(comparisons))
    compared = [comparison for comparison in comparisons if not comparison.refusal]
    notes = words.Footnotes()
    if any(comparison.valid for comparison in compared):
        _print_blocks(compared, notes, console)
    console.print()
    for text in (*words.numbered(notes), *_below(compared)):
        console.print(Text(text))
    for comparison in compared:
        console.print(Text(f"{comparison.names[1]}: {words.total(comparison)}", "bold"))
    console.print()
    console.print(Text(verdict_line(comparisons)), soft_wrap=True)


def _columns(comparisons: Sequence[Comparison]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    first = comparisons[0]
    grid.add_row(Text("By", "bold"), Text(f"{first.by}, times against {first.names[0]}"))
    if all(comparison.base.sessions == comparison.new.sessions for comparison in comparisons):
        grid.add_row(Text("Machine", "bold"), Text(headline(first.base.machine)))
        grid.add_row("", Text(words.origin(first.base), "dim"))
        return grid
    for name, side in (next(words.named(first)), *((c.names[1], c.new) for c in comparisons)):
        grid.add_row(Text(name, "bold"), Text(headline(side.machine)))
        grid.add_row("", Text(words.origin(side), "dim"))
    for comparison in comparisons:
        name = comparison.names[1]
        grid.add_row(Text("Machines", "bold"), Text(f"{name}: {words.grade_of(comparison)}"))
        if comparison.refusal:
            grid.add_row("", Text(f"{name}: not comparable: {comparison.refusal}", "bold red"))
    for comparison in comparisons:
        for heading, change in zip(once("Differs"), comparison.residue, strict=False):
            grid.add_row(
                Text(heading, "bold yellow"), Text(f"{comparison.names[1]}: {words.change_of(change)}")
            )
    return grid


# --- the trials ----------------------------------------------------------------------------


def _print_blocks(comparisons: Sequence[Comparison], notes: words.Footnotes, console: Console) -> None:
    """As many values side by side as there is room for; then the normalised ratios that differ."""
    room = max(1, (console.width - NAME - TIME - 2) // (VALUE + 1))
    blocks = [comparisons[start : start + room] for start in range(0, len(comparisons), room)]
    for block in blocks:
        _print_block(block, notes, console, "time", _raw)
    for name in ("per GHz", "per core", "per vCPU"):
        if any(words.besides(row)[name] for c in comparisons for row in words.normalised(c.rows)):
            for block in blocks:
                _print_block(block, None, console, name, partial(_beside, name))


def _beside(name: str, row: Row) -> Interval | None:
    return words.besides(row)[name]


def _raw(row: Row) -> Interval | None:
    return row.ratio


def _print_block(
    block: Sequence[Comparison],
    notes: words.Footnotes | None,
    console: Console,
    what: str,
    ratio: Callable[[Row], Interval | None],
) -> None:
    columns = [Column("kernel, case, variant, CPUs"), Column(block[0].names[0], right=True, least=TIME)]
    columns += [Column(comparison.names[1][:VALUE], right=True, least=VALUE) for comparison in block]
    lines: list[list[Cell]] = []
    trials = list(_lines(block))
    for (first, cells), above in zip(trials, headings([first for first, _ in trials]), strict=True):
        cpus = "" if first.key.threads == 0 or block[0].by == "threads" else f", {first.key.threads}"
        name = f"   {words.variant_of(replace(first, variants=None))}{cpus}"
        values = [_value(row, ratio, notes) for row in cells]
        lines += [*above, [(name, ""), (words.time(first.base_seconds), ""), *(v for v, _ in values)]]
        if any(under for _, under in values):
            lines.append([("", ""), ("", ""), *((under, "dim") for _, under in values)])
    console.print()
    console.print(Text(f"{what}: ratio to that of {block[0].names[0]}, 95 % interval", "bold"))
    print_columns(columns, lines, console)


def _lines(block: Sequence[Comparison]) -> Iterator[tuple[Row, list[Row | None]]]:
    """(a row that both sides have, the row of each value or None) of each trial."""
    found = [{row.key: row for row in comparison.rows if row.matched} for comparison in block]
    keys = dict.fromkeys(key for rows in found for key in rows)
    first = [next(rows[key] for rows in found if key in rows) for key in keys]
    for row in words.by_kernel(first):
        yield row, [rows.get(row.key) for rows in found]


def _value(
    row: Row | None, ratio: Callable[[Row], Interval | None], notes: words.Footnotes | None
) -> tuple[Cell, str]:
    """A ratio with the sign of its verdict, and the interval below it."""
    if row is None:
        return ("", ""), ""
    sign, style = words.SIGNS[row.verdict]
    mark = notes.mark(words.remarks(row)) if notes else ""
    found = ratio(row)
    if found is None:
        return (f"{sign}{mark}" if notes else "", style), ""
    text = (
        f"{_short(found.value)} {sign}{' ~' if row.disturbed else ''}{mark}" if notes else _short(found.value)
    )
    return (text, style if notes else ""), f"{_short(found.low)}-{_short(found.high)}"


def _short(ratio: float) -> str:
    """1.023, 12.34, 123.4: enough to tell a tenth of a percent."""
    digits = 3 if ratio < 9.9995 else 2 if ratio < 99.995 else 1
    return f"{ratio:.{digits}f}"


def crosstab_markdown(comparisons: Sequence[Comparison]) -> str:
    """A line for each column, the trials as a table, footnotes, and last the line for programs in code."""
    compared = [comparison for comparison in comparisons if not comparison.refusal]
    notes = words.Footnotes()
    lines = [*_markdown_columns(comparisons), "", *_markdown_lines(compared, notes), ""]
    lines += [f"- {escaped(text)}" for text in (*words.numbered(notes), *_below(compared))]
    totals = [f"**{escaped(c.names[1])}: {escaped(words.total(c))}**" for c in compared]
    return "\n".join([*lines, "", "  \n".join(totals), "", f"`{verdict_line(comparisons)}`", ""])


def _markdown_columns(comparisons: Sequence[Comparison]) -> Iterator[str]:
    first = comparisons[0]
    yield f"By **{first.by}**, ratios of times to **{escaped(first.names[0])}**:"
    yield ""
    for name, side in (next(words.named(first)), *((c.names[1], c.new) for c in comparisons)):
        yield f"- **{escaped(name)}**: {escaped(headline(side.machine))} ({escaped(words.origin(side))})"
    for comparison in comparisons:
        name = f"**{escaped(comparison.names[1])}**"
        said = [words.grade_of(comparison), *map(words.change_of, comparison.residue)]
        yield f"- Machines, and what differs, {name}: {escaped('; '.join(said))}"
        if comparison.refusal:
            yield f"- Not comparable, {name}: {escaped(comparison.refusal)}"


def _markdown_lines(comparisons: Sequence[Comparison], notes: words.Footnotes) -> Iterator[str]:
    trials = list(_lines(comparisons))
    if not trials:
        return
    values = " | ".join(
        escaped(name) for name in (comparisons[0].names[0], *(c.names[1] for c in comparisons))
    )
    yield f"| kernel | case | variant | CPUs | {values} |"
    yield f"|---|---|---|{'--:|' * (2 + len(comparisons))}"
    for first, cells in trials:
        shown = [_value(row, _raw, notes) for row in cells]
        texts = [text + (f" ({under})" if under else "") for (text, _), under in shown]
        name = words.variant_of(replace(first, variants=None))
        cpus = str(first.key.threads or "all")
        where = [first.key.kernel, words.case_of(first), name, cpus, words.time(first.base_seconds)]
        yield f"| {' | '.join(map(escaped, [*where, *texts]))} |"


# --- below ---------------------------------------------------------------------------------


def _below(comparisons: Sequence[Comparison]) -> Iterator[str]:
    if not any(comparison.valid for comparison in comparisons):
        return
    yield "+ slower, - faster, = same, ? undecided, ! invalid; 0.5 is half the time."
    for comparison in comparisons:
        for text in words.missing(comparison):
            yield f"{comparison.names[1]}: {text.strip()}"
    flags = {flag for c in comparisons for row in c.valid for flag in row.disturbed}
    if flags:
        yield f"~: a side was disturbed ({', '.join(sorted(flags))})."
    if any(row.threads for c in comparisons for row in c.valid):
        yield "Of unlike numbers of CPUs: the time of a call among all that run at a time."
    if any(words.normalised(c.valid) for c in comparisons):
        yield words.BESIDE
    yield from words.noise_lines(comparisons)

"""Comparisons as tables that read well without colour and in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from armbench.bench.compare import Comparison, verdict_line
from armbench.bench.compare.verdicts import Row
from armbench.bench.report.columns import Cell, Column, print_columns
from armbench.bench.report.comparison import words
from armbench.bench.report.headline import headline

WIDE = 100  # columns, from which on times are shown too


def comparison_table(comparison: Comparison, console: Console) -> None:
    """Print a comparison: the two sides, how alike they are, what else differs, then the trials."""
    console.print(_sides(comparison))
    if comparison.refusal:
        console.print(Text(f"Not comparable: {comparison.refusal}.", "bold red"))
        return
    notes = words.Footnotes()
    matched = [row for row in comparison.rows if row.matched]
    if matched:
        console.print()
        rows = words.by_kernel(matched)
        _print_trials(rows, notes, comparison.names if console.width >= WIDE else None, console)
        _print_normalised(words.normalised(rows), console)
    console.print()
    for text in (*words.numbered(notes), *words.missing(comparison), *words.explanation(comparison)):
        console.print(Text(text))
    console.print(Text(words.total(comparison), "bold"))


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
        for name, side in words.named(comparison):
            grid.add_row(Text(name, "bold"), Text(side.name))
        return grid
    for name, side in words.named(comparison):
        grid.add_row(Text(name, "bold"), Text(headline(side.machine)))
        grid.add_row("", Text(words.origin(side), "dim"))
    grid.add_row(Text("Machines", "bold"), Text(words.grade_of(comparison)))
    for heading, change in zip(once("Differs"), comparison.residue, strict=False):
        grid.add_row(Text(heading, "bold yellow"), Text(words.change_of(change)))
    for heading, lack in zip(once("Lacks"), comparison.lacks, strict=False):
        grid.add_row(Text(heading, "bold yellow"), Text(lack))
    return grid


def _print_trials(
    rows: Sequence[Row], notes: words.Footnotes, wide: tuple[str, str] | None, console: Console
) -> None:
    """A heading row for each case, then a row for each variant and number of CPUs.

    wide: the names of the sides, where there is room for their times.
    """
    columns = [Column("kernel, case, variant"), Column("CPUs", right=True, least=4)]
    columns += [Column(name, right=True) for name in wide or ()]
    columns += [Column("time", right=True, least=7), Column("95 % interval", right=True, least=15)]
    lines: list[list[Cell]] = []
    for row, above in zip(rows, headings(rows), strict=True):
        times = [words.time(row.base_seconds), words.time(row.new_seconds)] if wide else []
        verdict = " " + words.verdict_of(row) + notes.mark(words.remarks(row))
        plain = [f"   {words.variant_of(row)}", words.cpus_of(row), *times, *words.ratio_of(row)]
        lines += [*above, [*((text, "") for text in plain), (verdict, words.SIGNS[row.verdict][1])]]
    print_columns([*columns, Column(" verdict")], lines, console)


def _print_normalised(rows: Sequence[Row], console: Console) -> None:
    """Beside the raw ratio, where they differ from it."""
    if not rows:
        return
    names = list(words.besides(rows[0]))
    columns = [Column("kernel, case, variant"), Column("CPUs", right=True, least=4)]
    columns += [Column(name, right=True, least=9) for name in ("time", *names)]
    lines: list[list[Cell]] = []
    for row, above in zip(rows, headings(rows), strict=True):
        ratios = [words.ratio_of(row)[0], *map(words.beside_of, words.besides(row).values())]
        texts = [f"   {words.variant_of(row)}", words.cpus_of(row), *ratios]
        lines += [*above, [(text, "") for text in texts]]
    console.print()
    print_columns(columns, lines, console)


def headings(rows: Sequence[Row]) -> Iterator[list[list[Cell]]]:
    """The lines above each row: its kernel and its case, where they are new."""
    kernel = case = None
    for row in rows:
        above: list[list[Cell]] = []
        if row.key.kernel != kernel:
            kernel, case = row.key.kernel, None
            above.append([(kernel, "bold")])
        if words.case_of(row) != case:
            case = words.case_of(row)
            above.append([(f" {case}", "cyan")])
        yield above


def once(heading: str) -> Iterator[str]:
    yield heading
    while True:
        yield ""

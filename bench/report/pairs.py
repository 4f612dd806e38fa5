"""What two CPUs need to hand something to each other: by distance, and of all pairs as a matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from armbench.bench import cpulist
from armbench.bench.model import Result, Summary
from armbench.bench.report import units

PREFIX = "pair:"
MATRIX_CPUS = 15  # that fit into 80 columns

Row = tuple[Result, Summary]


def is_pair(result: Result) -> bool:
    return result.placement.startswith(PREFIX)


def print_pairs(rows: Sequence[Row], console: Console, letters: Callable[[Result], Text]) -> None:
    """Of each case: a line for each distance, or the time of every pair; letters(result) marks it."""
    cases = dict.fromkeys((result.kernel, result.case) for result, _ in rows)
    for kernel, case in cases:
        mine = [row for row in rows if (row[0].kernel, row[0].case) == (kernel, case)]
        title = Text.assemble((kernel, "bold"), f", {case}, one way")
        if mine[0][0].params.get("pairs") == "all":
            _print_all(title, mine, console)
        else:
            console.print(_by_distance(title, mine, letters))
        console.print()


def _table(first: Text | str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    return table


def _by_distance(title: Text, rows: Sequence[Row], letters: Callable[[Result], Text]) -> Table:
    table = _table(title)
    for name in ("CPUs", "time", "±", ""):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for result, summary in rows:
        share = (summary.high - summary.low) / 2 / summary.seconds
        table.add_row(
            f"  in the same {result.placement.removeprefix(PREFIX)}",
            ", ".join(map(str, result.cpus)),
            units.seconds(_each(result, summary)),
            Text(units.percent(share).replace(" ", "") if summary.confidence else "?", "dim"),
            letters(result),
        )
    return table


def _print_all(title: Text, rows: Sequence[Row], console: Console) -> None:
    times = {result.cpus: _each(result, summary) for result, summary in rows}
    cpus = sorted({cpu for pair in times for cpu in pair})
    if len(cpus) <= MATRIX_CPUS:
        console.print(_matrix(title, times, cpus))
    if len(times) == 1:
        return
    nearest, farthest = (pick(times, key=times.__getitem__) for pick in (min, max))
    console.print(
        f"{len(times)} pairs of CPUs {cpulist.format(cpus)}: median {units.seconds(median(times.values()))}, "
        f"{_of(nearest, times)} to {_of(farthest, times)}",
        highlight=False,
    )


def _of(pair: tuple[int, ...], times: dict[tuple[int, ...], float]) -> str:
    return f"{units.seconds(times[pair])} of {pair[0]} and {pair[1]}"


def _matrix(title: Text, times: dict[tuple[int, ...], float], cpus: Sequence[int]) -> Table:
    """In whole nanoseconds."""
    table = _table(Text.assemble(title, ", ns"))
    for cpu in cpus[:-1]:
        table.add_column(str(cpu), justify="right", no_wrap=True)
    for row in cpus[1:]:
        found = [times.get((column, row)) for column in cpus if column < row]
        table.add_row(f"  {row}", *("-" if time is None else f"{time * 1e9:.0f}" for time in found))
    return table


def _each(result: Result, summary: Summary) -> float:
    """Seconds of one of the items of a call."""
    return summary.seconds / result.work.items

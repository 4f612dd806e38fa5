"""Curves for people: a table and a chart for each case, a sentence for each variant."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from armbench.bench import estimates
from armbench.bench.model import Result
from armbench.bench.report import chart, units
from armbench.bench.scaling import Analysis, Curve, Split, sentence, split_sentence
from armbench.bench.scaling.analysis import Crossing
from armbench.bench.scaling.sentences import FLAT_SHARE
from armbench.bench.stats import Interval

LEAST_POINTS = 3  # with fewer, the table of the session says it all
COLUMNS = 80  # of a chart, at most
CELL_COLUMNS = 12  # of efficiency and interval beside a rate, with their gaps
LARGEST = 1e5  # a rate is printed with so many digits at most
ROWS_A_STEP = 2  # of a chart
# Lowest efficiency of a chart and step of its labels: the first that shows everything.
FLOORS = ((0.9, 0.02), (0.75, 0.05), (0.5, 0.1), (0.2, 0.2), (0.0, 0.2))
SURE = 0.9  # confidence, below which rounds were too few to tell


def worth_showing(curve: Curve) -> bool:
    """Whether a curve has more points than the table of a session shows well."""
    return len(curve.results) >= LEAST_POINTS


def print_curves(analyses: Sequence[Analysis], console: Console, letters: Sequence[Sequence[str]]) -> None:
    """Each case as a table, a chart and sentences.

    letters: for each curve, what disturbed each of its points.
    """
    marked = list(zip(analyses, letters, strict=True))
    for group in _by_case(marked):
        size, unit = _scale(group)
        console.print(_heading(group[0][0].curve, unit), highlight=False)
        for first, part in _abreast(group, console.width):
            console.print(_table(part, first, size, not console.options.ascii_only))
        console.print()
        for line in _chart([found for found, _ in group], console):
            console.print(line, highlight=False, no_wrap=True, overflow="crop")
        console.print()
        console.print(_legend([found for found, _ in group], not console.options.ascii_only))
        console.print()
    if any(_unsure(found) for found in analyses):
        console.print("Intervals of 95 % need 6 rounds; these are of fewer.", style="yellow")


Marked = tuple[Analysis, Sequence[str]]


def _by_case(marked: Iterable[Marked]) -> list[list[Marked]]:
    """Variants of the same case, mode, placement and memory."""
    groups: dict[tuple[object, ...], list[Marked]] = {}
    for found, letters in marked:
        r = found.curve.last
        groups.setdefault((r.kernel, r.case, r.mode, r.placement, r.memory, r.side), []).append(
            (found, letters)
        )
    return list(groups.values())


def _heading(curve: Curve, unit: str) -> Text:
    """ "matmul f32-n1024, GFLOP/s · throughput · compact"; what is as usual is left out."""
    r = curve.last
    parts = [f" · {r.mode}", f" · {r.placement}"]
    parts += [f" · memory {r.memory}"] if r.memory != "local" else []
    parts += [f" · side {r.side}"] if r.side else []
    return Text.assemble((r.kernel, "bold"), " ", (r.case, "bold cyan"), f", {unit}", ("".join(parts), "dim"))


def _unsure(found: Analysis) -> bool:
    return found.best.of_last.confidence < SURE


# --- the table -----------------------------------------------------------------------------


def _scale(group: Sequence[Marked]) -> tuple[float, str]:
    """The divisor and name of the unit in which the smallest rate, and still the largest, is short."""
    rates = [rate.value for found, _ in group for rate in found.rates]
    size, prefix = units.scale_for(min(rates))
    if max(rates) / size >= LARGEST:
        size, prefix = units.scale_for(max(rates))
    return size, units.unit_name(prefix, group[0][0].curve.unit)


def _abreast(group: Sequence[Marked], width: int) -> Iterator[tuple[int, Sequence[Marked]]]:
    """(index of the first, variants) of each table, as many variants as fit beside one another."""
    first, taken = 0, len(group[0][0].curve.topology.noun)
    for index, (found, letters) in enumerate(group):
        needed = _name_columns(found) + CELL_COLUMNS + 1 + max(map(len, letters), default=0)
        if index > first and taken + needed > width:
            yield first, group[first:index]
            first, taken = index, len(found.curve.topology.noun)
        taken += needed
    yield first, group[first:]


def _name_columns(found: Analysis) -> int:
    return max(7, len(found.curve.last.variant) + 2)  # its mark and a gap before the name


def _table(group: Sequence[Marked], first: int, size: float, unicode: bool) -> Table:
    """A row for each number of cores; rate, efficiency and its interval for each variant."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(group[0][0].curve.topology.noun, justify="right", no_wrap=True)
    for index, (found, _) in enumerate(group, first):
        header = Text.assemble(chart.mark(index, unicode), " ", found.curve.last.variant)
        table.add_column(header, justify="right", no_wrap=True, min_width=_name_columns(found))
        table.add_column("eff", justify="right", no_wrap=True)
        table.add_column("±" if unicode else "+-", justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
    for cores in sorted({cores for found, _ in group for cores in found.curve.cores}):
        table.add_row(str(cores), *(cell for marked in group for cell in _cells(marked, cores, size)))
    return table


def _cells(marked: Marked, cores: int, size: float) -> Iterator[Text]:
    found, letters = marked
    if cores not in found.curve.cores:
        yield from (Text("-", style="dim"), Text(""), Text(""), Text(""))
        return
    point = found.curve.cores.index(cores)
    rate = found.rates[point].value
    style = "bold" if cores == found.best.highest else ""
    yield Text(units.three_digits(rate / size), style=style)
    if found.efficiency is None:
        yield from (Text(""), Text(""))
    else:
        yield Text(f"{found.efficiency[point].value:.3f}")
        yield Text("" if cores == 1 else _half_width(found.efficiency[point]), style="dim")
    yield Text(letters[point], style="yellow")


def _half_width(value: Interval) -> str:
    if value.confidence == 0:
        return "?"
    return f"{(value.high - value.low) / 2:.3f}".lstrip("0")


# --- the chart -----------------------------------------------------------------------------


def _chart(group: Sequence[Analysis], console: Console) -> list[Text]:
    """Efficiency over the number of cores; nothing where one core was not measured."""
    lines = [(found, found.efficiency) for found in group if found.efficiency]
    if len(lines) < len(group):
        return []
    unicode = not console.options.ascii_only
    series = [
        chart.Series(tuple((float(n), e.value) for n, e in zip(found.curve.cores, values, strict=True)))
        for found, values in lines
    ]
    frame = _frame([found.curve for found in group], series, min(COLUMNS, console.width))
    noun = group[0].curve.topology.noun
    title = Text(f"efficiency = rate / ({noun} x rate of one)", style="dim")
    return [title, *chart.draw(frame, series, unicode)]


def _frame(curves: Sequence[Curve], series: Sequence[chart.Series], columns: int) -> chart.Frame:
    values = [y for line in series for _, y in line.points]
    low, step = next((low, step) for low, step in FLOORS if min(values) >= low or low == 0)
    high = 1.0 + step * max(0, math.ceil((max(values) - 1.0 - step / 4) / step))
    cores = sorted({n for curve in curves for n in curve.cores})
    return chart.Frame(
        low_x=cores[0],
        high_x=cores[-1],
        low_y=low,
        high_y=high,
        step_y=step,
        columns=columns - chart.LABEL_COLUMNS,
        rows=ROWS_A_STEP * round((high - low) / step) + 1,
        ticks=tuple(_ticks(cores)),
        borders=tuple(_borders(curves[0])),
    )


def _ticks(cores: Sequence[int]) -> list[int]:
    """The ends first, then powers of two, then the others."""
    return sorted(cores, key=lambda n: (n not in (cores[0], cores[-1]), n & (n - 1) != 0, n))


def _borders(curve: Curve) -> list[float]:
    """Between the points of either side of a node boundary."""
    used = (curve.on_nodes > 0).sum(axis=1).tolist()
    pairs = zip(curve.cores, curve.cores[1:], used, used[1:], strict=False)
    return [math.sqrt(before * after) for before, after, here, there in pairs if here < there]


# --- sentences -----------------------------------------------------------------------------


def _legend(group: Sequence[Analysis], unicode: bool) -> Table:
    """Behind the mark and name of each variant its sentence and, below, the model and the best N."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column()
    for index, found in enumerate(group):
        table.add_row(
            chart.mark(index, unicode), Text(found.curve.last.variant, style="bold"), sentence(found)
        )
        table.add_row("", "", Text(details(found), style="dim"))
    return table


def details(found: Analysis) -> str:
    """The best number of cores, the fewest within 5 % of it, boundaries, and the model's parameters."""
    best = found.best
    tied = f" (or {', '.join(map(str, best.tied))})" if best.tied else ""
    ends = (best.near.low, best.near.high) if best.near else (best.enough_from, best.enough_to)
    enough = " to ".join(dict.fromkeys(f"{end:.0f}" for end in ends))
    early = ends[1] <= FLAT_SHARE * found.curve.cores[-1]
    parts = [
        f"best {best.highest}{tied}",
        f"95 % of it from {enough}" if early else "",
        *(_crossing(crossing) for crossing in found.crossings),
        _model(found),
    ]
    return "; ".join(part for part in parts if part)


def _crossing(crossing: Crossing) -> str:
    """ "next node (96 to 98) 0.957 a core (0.955 to 0.960)"."""
    ratio = crossing.ratio
    limits = f" ({ratio.low:.3f} to {ratio.high:.3f})" if ratio.confidence else ""
    return f"next {crossing.kind} ({crossing.before} to {crossing.after}) {ratio.value:.3f} a core{limits}"


def _model(found: Analysis) -> str:
    if found.model is None:
        return ""
    unit = found.curve.unit
    shown = {name: value for name, value in found.model.parameters.items() if name != "x1"}
    told = [_parameter(name, value, unit) for name, value in shown.items()]
    return " ".join([found.model.name + ":" * bool(told), ", ".join(told)]).strip()


def _parameter(name: str, value: Interval, unit: str) -> str:
    if name == "limit":
        size, prefix = units.scale_for(value.value)
        return f"{name} {units.three_digits(value.value / size)} {units.unit_name(prefix, unit)}"
    if value.low == value.high:
        return f"{name} {value.value:.3g}"
    return f"{name} {value.value:.3g} ({value.low:.3g} to {value.high:.3g})"


# --- two points ----------------------------------------------------------------------------


def print_efficiencies(analyses: Sequence[Analysis], console: Console) -> None:
    """Curves of two points, which nothing but the efficiency can be told of: a table a kernel."""
    groups: dict[tuple[str, str, int], list[Analysis]] = {}
    for found in analyses:
        last = found.curve.last
        if found.efficiency:
            groups.setdefault((last.kernel, last.mode, last.threads), []).append(found)
    for (kernel, mode, cores), group in groups.items():
        noun = group[0].curve.topology.noun
        title = f", efficiency on {cores} {noun} = rate / ({cores} x rate of one)"
        console.print(Text.assemble((kernel, "bold"), title, (f" · {mode}", "dim")))
        console.print(_efficiency_table(group, console))
        console.print()


def _efficiency_table(group: Sequence[Analysis], console: Console) -> Table:
    variants = list(dict.fromkeys(found.curve.last.variant for found in group))
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for variant in variants:
        table.add_column(variant, justify="right", no_wrap=True)
    cells: dict[str, dict[str, Text]] = {}
    plus_minus = "+-" if console.options.ascii_only else "±"
    for found in group:
        assert found.efficiency is not None
        value, last = found.efficiency[-1], found.curve.last
        half = Text(f" {plus_minus}{_half_width(value)}", style="dim")
        cells.setdefault(last.case, {})[last.variant] = Text.assemble(f"{value.value:.3f}", half)
    for case, row in cells.items():
        table.add_row(
            Text(case, style="cyan"), *(row.get(variant, Text("-", style="dim")) for variant in variants)
        )
    return table


# --- instances x threads -------------------------------------------------------------------


def print_splits(found: Sequence[Split], console: Console) -> None:
    """Each split as a table of rates, the best in bold, and a sentence."""
    for split in found:
        r = split.last
        console.print(
            Text.assemble(
                (r.kernel, "bold"),
                " ",
                (r.case, "bold cyan"),
                (f" · {r.variant} · instances x threads", "dim"),
            )
        )
        console.print(_split_table(split))
        console.print(Text(split_sentence(split)))
        console.print()


def _split_table(split: Split) -> Table:
    rates = [estimates.summarize(option.result).rate for option in split.options]
    size, prefix = units.scale_for(median(rate.value for rate in rates))
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("split", units.unit_name(prefix, rates[0].unit), "of best", "±"):
        table.add_column(name, justify="right", no_wrap=True)
    for option, rate in zip(split.options, rates, strict=True):
        best = option is split.best
        table.add_row(
            option.name,
            Text(units.three_digits(rate.value / size), style="bold" if best else ""),
            f"{option.of_best.value:.3f}",
            Text("" if best else _half_width(option.of_best), style="dim"),
        )
    return table


def shown_results(analyses: Sequence[Analysis], found: Sequence[Split]) -> set[str]:
    """Keys of the results that curves and splits show, so that no other table repeats them."""
    results: list[Result] = [r for analysis in analyses for r in analysis.curve.results]
    results += [option.result for split in found for option in split.options]
    return {result.key for result in results}

"""A session as tables: one a kernel and unit, a row for each variant of each case, CPUs side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from armbench.bench import estimates
from armbench.bench.model import Finding, Result, Session, Severity, Skip, Summary
from armbench.bench.report import scaling, units
from armbench.bench.report.headline import headline as headline
from armbench.bench.report.pairs import is_pair, print_pairs
from armbench.bench.report.roofs import print_roofs
from armbench.bench.scaling import Analysis, Split

Place = tuple[str, int]  # mode, threads
MARKS = {
    "off_cpu": "o",
    "preempted": "p",
    "moved": "m",
    "not_steady": "u",
    "oversubscribed": "c",
    "remote_memory": "r",
    "fewer_threads": "t",
}
MEANINGS = {
    "o": "off the CPU for over 2 % of the time",
    "p": "preempted often",
    "m": "ran on another CPU than asked",
    "u": "first and last samples differ by over 2 %",
    "h": "harness overhead above 2 %",
    "c": "more threads than CPUs",
    "r": "over 5 % of its memory on another node than asked",
    "t": "the library used fewer threads than CPUs",
    "f": "the slowest thread had under 95 % of the fastest's rate",
}
UNEVEN = 0.95  # the slowest thread's rate of the fastest's
OVERHEAD_SHARE = 0.02
SIDE_BY_SIDE = 2  # places
NAMED_SKIPS = 8  # for one reason, above which they are counted
MARKED_SHARE = 0.5  # of the processes, above which a row carries their mark


def print_session(
    session: Session,
    summaries: Sequence[Summary],
    measured_share: float | None,
    console: Console,
    curves: Sequence[Analysis] = (),
    splits: Sequence[Split] = (),
) -> None:
    """The report of a result file: a table per kernel, curves, then what went wrong or was not run.

    summaries in the order of the results; measured_share of the time in samples and warm-up;
    curves and splits of the session, of which those are printed that say more than the table.
    """
    console.print(headline(session.machine), style="bold", highlight=False)
    if session.machine.emulated:
        console.print("An emulated CPU: these times mean nothing.", style="bold red")
    console.print(_subline(session, measured_share), highlight=False)
    long = [found for found in curves if scaling.worth_showing(found.curve)]
    elsewhere = scaling.shown_results(long, splits)
    by_kernel: dict[tuple[str, str], list[tuple[Result, Summary]]] = {}
    rows = list(zip(session.results, summaries, strict=True))
    for result, summary in rows:
        if result.key not in elsewhere and not is_pair(result):
            by_kernel.setdefault((result.kernel, summary.rate.unit), []).append((result, summary))
    marks: set[str] = set()
    for (kernel, _), mine in by_kernel.items():
        console.print()
        console.print(_kernel_table(kernel, mine, marks))
    console.print()
    print_pairs([row for row in rows if is_pair(row[0])], console, lambda result: _letters([result], marks))
    print_roofs(session, rows, console)
    _print_scaling(session, curves, splits, console, marks)
    for text in _footnotes(session, marks):
        console.print(text, highlight=False, soft_wrap=False)


def _print_scaling(
    session: Session, curves: Sequence[Analysis], splits: Sequence[Split], console: Console, marks: set[str]
) -> None:
    """Curves of three points or more and splits; those of two where scaling was asked for."""
    long = [found for found in curves if scaling.worth_showing(found.curve)]
    letters = [[_letters([r], marks).plain for r in found.curve.results] for found in long]
    scaling.print_curves(long, console, letters)
    scaling.print_splits(splits, console)
    if any("ladder" in str(word) for word in session.session["argv"]):
        scaling.print_efficiencies([found for found in curves if found not in long], console)


def _subline(session: Session, measured_share: float | None) -> str:
    info = session.session
    rounds = len(session.rounds)
    parts = [str(info["started"])[:16].replace("T", " "), f"profile {info['profile']}", f"{rounds} rounds"]
    if measured_share is not None:
        parts.append(f"{units.percent(measured_share)} in samples and warm-up")
    if info.get("partial"):
        missing = len(info.get("unmeasured", ()))
        trials = f"{missing} trial{'s' * (missing != 1)} not measured"
        parts.append(f"PARTIAL: {trials if missing else 'interrupted'}")
    return " · ".join(parts)


# --- one kernel ----------------------------------------------------------------------------


def _kernel_table(kernel: str, rows: Sequence[tuple[Result, Summary]], marks: set[str]) -> Table:
    """Places side by side while two fit into 80 columns, else one below another."""
    places = sorted({_place(result) for result, _ in rows}, key=lambda p: (p[1], p[0] == "parallel"))
    size, prefix = units.scale_for(median(summary.rate.value for _, summary in rows))
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    unit = units.unit_name(prefix, rows[0][1].rate.unit)
    table.add_column(Text.assemble((kernel, "bold"), f", {unit}"), no_wrap=True)
    add_lines = _side_by_side if len(places) <= SIDE_BY_SIDE else _one_below_another
    add_lines(table, places, rows, size, marks)
    return table


def _side_by_side(
    table: Table,
    places: Sequence[Place],
    rows: Sequence[tuple[Result, Summary]],
    size: float,
    marks: set[str],
) -> None:
    for index, place in enumerate(places):
        for name in (_place_name(place), "±", "time/call" if index == 0 else "x"):
            table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for case, lines in _by_case(rows).items():
        table.add_row(Text(case, style="cyan"))
        fastest = _fastest(lines)
        for variant, cells in lines.items():
            row = _cells(cells, places, size, fastest)
            letters = _letters((result for result, _ in cells.values()), marks)
            table.add_row(Text(f"  {variant}"), *row, letters)


def _one_below_another(
    table: Table,
    places: Sequence[Place],
    rows: Sequence[tuple[Result, Summary]],
    size: float,
    marks: set[str],
) -> None:
    for name in ("CPUs", "rate", "±", "time/call", "x", ""):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for case, lines in _by_case(rows).items():
        table.add_row(Text(case, style="cyan"))
        fastest = _fastest(lines)
        for variant, cells in lines.items():
            name = f"  {variant}"
            for place in (place for place in places if place in cells):
                result, summary = cells[place]
                table.add_row(
                    Text(name),
                    f"{place[1]} as one" if place[0] == "parallel" else str(place[1]),
                    _rate(summary, size, fastest[place]),
                    Text(_half_width(summary), style="dim"),
                    units.seconds(summary.seconds),
                    _speed_up(cells, places[0], place),
                    _letters([result], marks),
                )
                name = ""


def _letters(results: Iterable[Result], marks: set[str]) -> Text:
    """What disturbed these results, noted in `marks` for the explanation below."""
    found = {mark for result in results for mark in row_marks(result)}
    marks.update(found)
    return Text("".join(sorted(found)), style="yellow")


def _rate(summary: Summary, size: float, fastest: float) -> Text:
    style = "bold" if summary.rate.value == fastest else ""
    return Text(units.three_digits(summary.rate.value / size), style=style)


def _place(result: Result) -> Place:
    return result.mode, result.threads


def _place_name(place: Place) -> str:
    mode, threads = place
    name = "1 CPU" if threads == 1 else f"{threads} CPUs"
    return f"{name} as one" if mode == "parallel" else name


Cells = dict[Place, tuple[Result, Summary]]


def _by_case(rows: Iterable[tuple[Result, Summary]]) -> dict[str, dict[str, Cells]]:
    """{case: {variant: {place: what was measured}}}, all in the order of the file."""
    found: dict[str, dict[str, Cells]] = {}
    for result, summary in rows:
        cells = found.setdefault(result.case, {}).setdefault(result.variant, {})
        cells[_place(result)] = (result, summary)
    return found


def _fastest(lines: Mapping[str, Cells]) -> dict[Place, float]:
    """The highest rate of each place."""
    fastest: dict[Place, float] = {}
    for cells in lines.values():
        for place, (_, summary) in cells.items():
            fastest[place] = max(fastest.get(place, 0.0), summary.rate.value)
    return fastest


def _cells(
    cells: Cells, places: Sequence[Place], size: float, fastest: Mapping[Place, float]
) -> Iterator[Text]:
    for index, place in enumerate(places):
        if place not in cells:
            yield from (Text("-", style="dim"), Text(""), Text(""))
            continue
        _, summary = cells[place]
        yield _rate(summary, size, fastest[place])
        yield Text(_half_width(summary), style="dim")
        yield Text(units.seconds(summary.seconds) if index == 0 else _speed_up(cells, places[0], place))


def _half_width(summary: Summary) -> str:
    if summary.confidence == 0:
        return "?"
    return units.percent((summary.high - summary.low) / 2 / summary.seconds).replace(" ", "")


def _speed_up(cells: Cells, first: Place, place: Place) -> str:
    if first not in cells:
        return ""
    return f"{cells[place][1].rate.value / cells[first][1].rate.value:.2f}"


def row_marks(result: Result) -> set[str]:
    """The letters of what disturbed most of a result's processes."""
    count = len(result.processes)
    flagged = {
        mark
        for flag, mark in MARKS.items()
        if sum(flag in process.flags for process in result.processes) > MARKED_SHARE * count
    }
    per_call = [row[0] for process in result.processes for row in process.samples]
    if per_call and result.overhead_ticks * result.calls > OVERHEAD_SHARE * min(per_call):
        flagged.add("h")
    if (fairness := estimates.fairness(result)) and fairness.slowest < UNEVEN * fairness.fastest:
        flagged.add("f")
    return flagged


# --- below the tables ----------------------------------------------------------------------


def _footnotes(session: Session, marks: set[str]) -> list[Text]:
    notes = [Text(f"{mark}: {_meaning(mark, session)}", style="yellow") for mark in sorted(marks)]
    disturbed = sorted({flag for done in session.rounds for flag in done.quality})
    if disturbed:
        count = sum(bool(done.quality) for done in session.rounds)
        notes.append(
            Text(f"{count} of {len(session.rounds)} rounds disturbed: {', '.join(disturbed)}", style="yellow")
        )
    for failure in session.failed:
        where = f"{failure.kernel}/{failure.variant}/{failure.case}"
        notes.append(Text(f"FAILED {where}: {failure.reason}", style="bold red"))
    notes += [Text(line, style=style) for line, style in finding_lines(session.findings)]
    notes += [Text(line, style="dim") for line in skip_lines(session.skipped)]
    return notes


def _meaning(mark: str, session: Session) -> str:
    worst = f"; worst: {_most_uneven(session.results)}" if mark == "f" else ""
    return MEANINGS[mark] + worst


def _most_uneven(found: Iterable[Result]) -> str:
    """The result whose slowest thread is farthest behind: both rates, and Jain's index of all."""
    shared = [(fairness, result) for result in found if (fairness := estimates.fairness(result))]
    fairness, result = min(shared, key=lambda pair: pair[0].slowest / pair[0].fastest)
    size, prefix = units.scale_for(fairness.fastest)
    unit = units.unit_name(prefix, estimates.amounts(result.work)[0][1])
    slowest, fastest = (units.three_digits(rate / size) for rate in (fairness.slowest, fairness.fastest))
    name = f"{result.kernel}/{result.variant}/{result.case} on {result.threads}"
    return f"{name}: {slowest} to {fastest} {unit}, Jain's index {fairness.jain:.3f}"


FINDING_STYLES: dict[Severity, str] = {"wrong numbers": "bold red", "slow": "yellow", "note": "dim"}


def finding_lines(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """(line, style): one for each finding that makes numbers wrong or slow, and one for all notes."""
    lines = [
        (f"{severity}, {finding.code}: {finding.text}", FINDING_STYLES[severity])
        for severity in ("wrong numbers", "slow")
        for finding in findings
        if finding.severity == severity
    ]
    notes = [finding.code for finding in findings if finding.severity in (None, "note")]
    return lines + ([(f"doctor's notes: {', '.join(notes)}", FINDING_STYLES["note"])] if notes else [])


def skip_lines(skips: Sequence[Skip]) -> list[str]:
    """One line per reason, with everything it keeps from running, or how many where they are many."""
    by_reason: dict[str, dict[str, list[str]]] = {}
    for skip in skips:
        names = by_reason.setdefault(skip.reason, {}).setdefault(skip.kernel, [])
        if skip.variant not in names:
            names.append(skip.variant)
    return [f"not run: {_skipped(kernels)}: {reason}" for reason, kernels in by_reason.items()]


def _skipped(kernels: Mapping[str, Sequence[str]]) -> str:
    if sum(len(names) for names in kernels.values()) <= NAMED_SKIPS:
        return ", ".join(f"{kernel}/{name}" for kernel, names in kernels.items() for name in names)
    counts = (f"{len(names)} of {kernel}" for kernel, names in kernels.items())
    return f"{', '.join(counts)} (see armbench list)"

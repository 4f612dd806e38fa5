"""Where the time goes: for each case the best native variant under its roof, and the libraries beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from armbench.bench import roofs
from armbench.bench.model import Finding, Json, Result, Session, Summary
from armbench.bench.report import units

TITLE = "under the roof"
GAP = 2  # between columns
FAR = 0.7  # of the best native variant's rate, below which a library gets a line
ABOVE = 1.02  # of a roof: beyond what the roof's own interval explains
# Findings that make a library slow, by the start of their codes.
REASONS = {
    "numpy": ("blas-", "openblas-", "numpy-", "one-thread", "isa-capped"),
    "openblas": ("blas-", "openblas-", "one-thread", "isa-capped"),
    "torch": ("torch-", "bf16-fast-math", "isa-capped", "openmp-twice", "verbose"),
    "onnxruntime": ("onnxruntime-", "isa-capped"),
}

Row = tuple[Result, Summary]


def print_roofs(session: Session, rows: Sequence[Row], console: Console) -> None:
    """A table of the results of one thread, if there are roofs; then a line for what is far below."""
    found = roofs.of_session(session.results)
    cases = _cases(rows)
    if not any(found.binding(result) for lines in cases.values() for result, _ in lines):
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(Text.assemble((TITLE, "bold"), ", 1 CPU"), no_wrap=True)
    table.add_column("best native", no_wrap=True)
    table.add_column("of roof", justify="right", no_wrap=True)
    table.add_column("libraries, x native", no_wrap=True)
    room = console.width - _width(cases)
    kernel = None
    for (name, case), lines in cases.items():
        if name != kernel:
            kernel = name
            table.add_row(Text(kernel, "cyan"))
        best = _best(lines)
        if best is None or found.binding(best[0]) is None:
            continue
        share = found.of(best[0])
        assert share
        table.add_row(
            f"  {case}",
            best[0].variant,
            Text(units.percent(share.value).replace(" ", ""), _style(share.value)),
            _libraries(lines, best, found, room),
        )
    console.print(table)
    for line in _below(found, cases, session):
        console.print(line, highlight=False)
    console.print()


def _style(share: float) -> str:
    return "bold green" if share >= 0.9 else "yellow" if share < 0.5 else ""


def _cases(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """{(kernel, case): its results on one CPU}."""
    found: dict[tuple[str, str], list[Row]] = {}
    for result, summary in rows:
        if result.threads == 1 and result.kernel != roofs.KERNEL and result.work.flops:
            found.setdefault((result.kernel, result.case), []).append((result, summary))
    return found


def _best(lines: Sequence[Row]) -> Row | None:
    natives = [row for row in lines if row[0].isa]
    return max(natives, key=lambda row: row[1].rate.value, default=None)


def _width(cases: Mapping[tuple[str, str], Sequence[Row]]) -> int:
    """Of the columns before that of the libraries, with what parts them, and the end of the line."""
    variants = [best[0].variant for lines in cases.values() if (best := _best(lines))]
    first = max(map(len, [f"{TITLE}, 1 CPU", *(f"  {case}" for _, case in cases)]))
    return first + max(map(len, ["best native", *variants])) + len("of roof") + 3 * GAP + 1


def _libraries(lines: Sequence[Row], best: Row, found: roofs.Roofs, room: int) -> Text:
    """As many on a line as there is room for."""
    text, used = Text(), 0
    for result, summary in lines:
        if result.isa:
            continue
        ratio = summary.rate.value / best[1].rate.value
        above = _above_arithmetic(found, result)
        words = f"{result.variant} {ratio:.2f}{'*' if above else ''}"
        fits = used + 2 + len(words) <= room
        text.append("  " if used and fits else "\n" if used else "")
        text.append(words, "yellow" if ratio < FAR else "")
        used = len(words) + (used + 2 if used and fits else 0)
    return text


def _above(found: roofs.Roofs, result: Result) -> bool:
    share = found.of(result)
    return share is not None and share.value > ABOVE


def _above_arithmetic(found: roofs.Roofs, result: Result) -> bool:
    roof = found.binding(result)
    return roof is not None and not roof.memory and _above(found, result)


def _below(
    found: roofs.Roofs, cases: Mapping[tuple[str, str], Sequence[Row]], session: Session
) -> Iterator[Text]:
    """The roofs by name, what exceeds them, and each library that is far below with its likely reason."""
    binding = {roof.name: roof for lines in cases.values() for r, _ in lines if (roof := found.binding(r))}
    names = ", ".join(dict.fromkeys(binding))
    yield Text(f"Roofs, measured in the same session: {names}.", "dim")
    libraries = [r for lines in cases.values() for r, _ in lines if not r.isa]
    if any(_above_arithmetic(found, r) for r in libraries):
        yield Text("*: above the roof, by instructions of which none was measured (Intel's AMX).", "dim")
    bests = [best[0] for lines in cases.values() if (best := _best(lines))]
    if any(_above(found, r) for r in bests):
        yield Text("Above 100 %: the machine was slower while that roof was measured.", "dim")
    for library, slow in _slow(cases).items():
        worst, ratio = min(slow, key=lambda pair: pair[1])
        more = f" and {len(slow) - 1} more" if len(slow) > 1 else ""
        yield Text(f"{library} is at {ratio:.2f} of the native code in {worst}{more}: ", "yellow").append(
            _reason(library, session)
        )


def _slow(cases: Mapping[tuple[str, str], Sequence[Row]]) -> dict[str, list[tuple[str, float]]]:
    found: dict[str, list[tuple[str, float]]] = {}
    for (_, case), lines in cases.items():
        best = _best(lines)
        for result, summary in lines:
            ratio = summary.rate.value / best[1].rate.value if best else 1.0
            if not result.isa and ratio < FAR:
                found.setdefault(result.variant, []).append((case, ratio))
    return found


def _reason(library: str, session: Session) -> str:
    """What doctor found about it; else what it says that it ran."""
    starts = REASONS.get(library, (f"{library}-",))
    known = [finding for finding in session.findings if finding.code.startswith(starts)]
    if known:
        return "; ".join(f"{finding.code}: {_short(finding)}" for finding in known)
    detail = _detail(library, session)
    return f"no finding explains it; it ran {detail}" if detail else "no finding explains it"


def _short(finding: Finding) -> str:
    return finding.text.rstrip(".")


def _detail(library: str, session: Session) -> str | None:
    wanted = {"openblas": "scipy-openblas64"}.get(library, library)
    entries: Sequence[Json] = session.software["libraries"]
    return next((entry["detail"] for entry in entries if entry["name"] == wanted), None)

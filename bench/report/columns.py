"""Tables of many rows, a line each: columns as wide as their widest cell, the first gives way.

rich lays out a cell in a tenth of a millisecond, and a comparison may have ten thousand of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.segment import Segment, Segments

Cell = tuple[str, str]  # text and style
LEAST = 12  # columns that are left to the first


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    right: bool = False
    least: int = 0


def print_columns(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], console: Console) -> None:
    """Print a heading, a rule, and the rows; those that are shorter than the columns end early."""
    heading = [(column.title, "bold") for column in columns]
    widths = _widths(columns, [heading, *rows], console.width)
    rule = ("-" if console.options.ascii_only else "─") * (sum(widths) + len(widths) - 1)
    segments = [*_line(heading, columns, widths, console), Segment(f"{rule}\n")]
    for row in rows:
        segments += _line(row, columns, widths, console)
    console.print(Segments(segments), end="", crop=False)


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], most: int) -> list[int]:
    widths = [column.least for column in columns]
    for row in rows:
        for index, (text, _) in enumerate(row):
            widths[index] = max(widths[index], cell_len(text))
    over = sum(widths) + len(widths) - 1 - most
    widths[0] = max(LEAST, widths[0] - max(0, over))
    return widths


def _line(
    row: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int], console: Console
) -> Iterator[Segment]:
    last = max((index for index, (text, _) in enumerate(row) if text), default=0)
    for index, (text, style) in enumerate(row[: last + 1]):
        size = cell_len(text)
        if size > widths[index]:
            text, size = f"{set_cell_size(text, widths[index] - 1)}…", widths[index]
        pad = " " * (widths[index] - size)
        right = columns[index].right
        yield Segment((" " if index else "") + (pad if right else ""))
        yield Segment(text, console.get_style(style) if style else None)
        if not right and index < last:
            yield Segment(pad)
    yield Segment("\n")

"""A chart for the terminal: lines of braille dots, or of ASCII where the encoding has none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.text import Text

MARKS = "●▲■◆○△□◇"
ASCII_MARKS = "ox#*+@%&"
STYLES = ("cyan", "magenta", "green", "yellow", "blue", "red", "white", "bright_black")
BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of U+2800 by [row][column]
DOTS_ACROSS, DOTS_DOWN = 2, 4  # of a character
LABEL_COLUMNS = 6  # left of the plot, its axis included


@dataclass(frozen=True, slots=True)
class Series:
    """A line through points (x, y), x ascending and above 0."""

    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a chart shows and where: x on a logarithmic axis, y on a linear one.

    ticks     x values that deserve a label, the important ones first
    borders   x values at which a dotted line stands
    """

    low_x: float
    high_x: float
    low_y: float
    high_y: float
    step_y: float
    columns: int
    rows: int
    ticks: tuple[int, ...]
    borders: tuple[float, ...] = ()

    def across(self, x: float) -> int:
        """The dot of an x, counted from the left."""
        span = math.log(self.high_x / self.low_x) or 1.0
        return round(math.log(x / self.low_x) / span * (self.columns * DOTS_ACROSS - 1))

    def down(self, y: float) -> int:
        """The dot of a y, counted from the top; what lies outside is drawn at the edge."""
        share = (self.high_y - y) / (self.high_y - self.low_y)
        return round(min(1.0, max(0.0, share)) * (self.rows * DOTS_DOWN - 1))

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """(row, column) of the character that a point lies in."""
        return self.down(y) // DOTS_DOWN, self.across(x) // DOTS_ACROSS


def mark(index: int, unicode: bool) -> Text:
    """The mark of a series, as in the chart."""
    marks = MARKS if unicode else ASCII_MARKS
    return Text(marks[index % len(marks)], style=STYLES[index % len(STYLES)])


def draw(frame: Frame, series: Sequence[Series], unicode: bool = True) -> list[Text]:
    """The lines of the chart: plot, axis, labels."""
    cells: list[list[Text]] = [[Text(" ") for _ in range(frame.columns)] for _ in range(frame.rows)]
    for border in frame.borders:
        for row in cells:
            row[frame.across(border) // DOTS_ACROSS] = Text("┊" if unicode else ":", style="dim")
    for index, line in reversed(list(enumerate(series))):  # the first one lies on top
        _draw_line(cells, frame, line, STYLES[index % len(STYLES)], unicode)
    for index, line in reversed(list(enumerate(series))):
        for x, y in line.points:
            row_number, column = frame.cell(x, y)
            cells[row_number][column] = mark(index, unicode)
    labels = _row_labels(frame)
    plot = [
        Text.assemble(
            (f"{labels.get(number, ''):>{LABEL_COLUMNS - 2}} ", "dim"), _axis(number in labels, unicode), *row
        )
        for number, row in enumerate(cells)
    ]
    return [*plot, *_below(frame, unicode)]


def _draw_line(cells: list[list[Text]], frame: Frame, line: Series, style: str, unicode: bool) -> None:
    dots: dict[tuple[int, int], int] = {}
    for x, y in _dots(frame, line):
        place = (y // DOTS_DOWN, x // DOTS_ACROSS)
        dots[place] = dots.get(place, 0) | DOTS[y % DOTS_DOWN][x % DOTS_ACROSS]
    for (row, column), bits in dots.items():
        cells[row][column] = Text(chr(BRAILLE + bits) if unicode else ".", style=style)


def _dots(frame: Frame, line: Series) -> Iterator[tuple[int, int]]:
    """Every dot of the straight lines between a series' points."""
    places = [(frame.across(x), frame.down(y)) for x, y in line.points]
    yield from places
    for (x0, y0), (x1, y1) in pairwise(places):
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps):
            yield round(x0 + (x1 - x0) * step / steps), round(y0 + (y1 - y0) * step / steps)


def _row_labels(frame: Frame) -> dict[int, str]:
    """{row: label} of the y values that the steps give."""
    count = round((frame.high_y - frame.low_y) / frame.step_y)
    values = [frame.low_y + i * frame.step_y for i in range(count + 1)]
    return {frame.down(value) // DOTS_DOWN: f"{value:.2f}" for value in values}


def _axis(labelled: bool, unicode: bool) -> Text:
    characters = "┤│" if unicode else "+|"
    return Text(characters[not labelled], style="dim")


def _below(frame: Frame, unicode: bool) -> list[Text]:
    """The axis of x with its labels, as many as fit, the important ones first."""
    corner, flat, tick = "└─┬" if unicode else "+-+"
    axis, labels = [flat] * frame.columns, [" "] * (frame.columns + LABEL_COLUMNS)
    for x in frame.ticks:
        column, text = frame.across(x) // DOTS_ACROSS, str(x)
        start = min(LABEL_COLUMNS + column - (len(text) - 1) // 2, len(labels) - len(text))
        room = labels[max(0, start - 1) : start + len(text) + 1]
        if all(character == " " for character in room):
            labels[start : start + len(text)] = text
            axis[column] = tick
    indent = " " * (LABEL_COLUMNS - 1)
    return [
        Text(f"{indent}{corner}{''.join(axis)}", style="dim"),
        Text("".join(labels).rstrip(), style="dim"),
    ]

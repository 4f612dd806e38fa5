"""Streams of the command: plain, in the styles of a terminal, and without a reader."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import TextIO

import pytest

from armbench.bench.report.output import Line, Output, write_nowhere
from tests.conftest import clean_environment

LINES: list[Line] = [(("a title", "bold"),), (), (("name ", "dim"), ("[1] :wave: → ±", ""))]
PLAIN = "a title\n\nname [1] :wave: → ±\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_no_terminal_gets_the_text_alone() -> None:
    out = io.StringIO()
    Output(out).print_lines(LINES)
    assert out.getvalue() == PLAIN


def test_a_terminal_gets_the_same_in_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    Output(out).print_lines(LINES)
    assert out.getvalue() == "\x1b[1ma title\x1b[0m\n\n\x1b[2mname \x1b[0m[1] :wave: → ±\n"


@pytest.mark.parametrize("text, width", [("120", 120), ("", 80), ("wide", 80), ("3", 80)])
def test_columns_say_how_wide_it_is(text: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", text)
    output = Output(io.StringIO())
    assert output.width == output.console.width == width


def test_what_the_encoding_lacks_is_plainer() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, "ascii")
    Output(file).print_lines(LINES)
    assert raw.getvalue() == b"a title\n\nname [1] :wave: ? +-\n"


def reading_nothing() -> TextIO:
    reading, writing = os.pipe()
    os.close(reading)
    return open(writing, "w", encoding="utf-8")


def say(output: Output, by_rich: bool) -> None:
    output.console.print("text") if by_rich else output.print_lines(LINES)


@pytest.mark.parametrize("by_rich", [False, True])
def test_a_reader_who_went_away_matters_where_it_is_needed(by_rich: bool) -> None:
    file = reading_nothing()
    with pytest.raises(BrokenPipeError):
        say(Output(file), by_rich)
    write_nowhere(file)
    file.close()


@pytest.mark.parametrize("by_rich", [False, True])
def test_elsewhere_there_is_silence(by_rich: bool) -> None:
    with reading_nothing() as file:
        output = Output(file, needed=False)
        say(output, by_rich)
        say(output, by_rich)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("verb", ["machine", "list"])
def test_a_full_disk_is_one_line(verb: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "armbench.bench", verb],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("armbench: No space left on device: ")
    assert done.stderr.count("\n") == 1

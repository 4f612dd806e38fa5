"""The streams of the command: text at once, tables and progress through a rich console."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Iterable
from functools import cached_property
from typing import IO, TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

Line = tuple[tuple[str, str], ...]  # of texts, each with its style in rich's words, "" for none
PLAINER = {"·": "-", "±": "+-", "…": "...", "─": "-"}


class Output:
    """A text stream, which may be a terminal, and whose reader may go away.

    Characters that its encoding has not are written as plainer ones.  Without reader there is a
    BrokenPipeError where it is needed, else silence.
    """

    def __init__(self, file: TextIO, needed: bool = True):
        codecs.register_error("plainer", _plainer)
        if isinstance(file, io.TextIOWrapper):
            file.reconfigure(errors="plainer")
        self.file = file
        self.needed = needed
        self.terminal = file.isatty()

    @cached_property
    def console(self) -> Console:
        """Plain text without colour codes when the stream is no terminal.

        Made when something asks: to load rich takes as long as to find out what the machine is.
        """
        from armbench.bench.report.screen import Screen

        screen = Screen(
            file=self.file,
            width=None if self.terminal else _columns(),
            highlight=False,
            soft_wrap=False,
            emoji=False,
        )
        screen.needed = self.needed
        return screen

    @property
    def width(self) -> int:
        """In characters."""
        return self.console.width if self.terminal else _columns()

    def write(self, text: str) -> None:
        """At once, so that a reader who went away is noticed here."""
        try:
            self.file.write(text)
            self.file.flush()
        except BrokenPipeError:
            if self.needed:
                raise
            write_nowhere(self.file)

    def print_lines(self, lines: Iterable[Line]) -> None:
        """As they are, in their styles on a terminal."""
        if not self.terminal:
            return self.write("".join(f"{''.join(text for text, _ in line)}\n" for line in lines))
        from rich.text import Text

        for line in lines:
            self.console.print(Text.assemble(*line), soft_wrap=True)
        return None


def write_nowhere(stream: IO[str]) -> None:
    """What is still written to a stream without reader, at the exit for instance, vanishes."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _plainer(error: UnicodeError) -> tuple[str, int]:
    """What to write instead of characters that the encoding of a stream has not."""
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end]
    return "".join(PLAINER.get(character, "?") for character in text), error.end


def _columns() -> int:
    """COLUMNS where it is a sensible number, else 80."""
    text = os.environ.get("COLUMNS", "")
    return int(text) if text.isdecimal() and 20 <= int(text) <= 1000 else 80

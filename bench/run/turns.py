"""The two sides of `ab` take turns, within each trial.

Both processes of a round are there at once.  Of each trial one takes a few samples right after the
other, a coin deciding who begins, until both have all: what is compared lies milliseconds apart, in
which a machine changes less than in the seconds of a whole process.  Who waits sleeps.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass

GO, DONE = b"g", b"d"  # the other goes on, and this one has finished the trial


@dataclass
class Turns:
    """One side's end of it: descriptors to read the other's word from and to give one.

    A trial is begin(), give() any number of times, end(); after it both sides are at the same trial.
    """

    reader: int
    writer: int
    alone: bool = False  # the other has finished this trial, or is no more

    def begin(self, first: bool) -> None:
        self.alone = False
        if not first:
            self._wait()

    def give(self) -> None:
        """Let the other go on, and return when this side may; at once if the other has finished."""
        if not self.alone:
            self._say(GO)
            self._wait()

    def end(self) -> None:
        """Say that this side has finished; whoever does so first returns when the other has, too."""
        finished_first = not self.alone
        self._say(DONE)
        if finished_first:
            while not self.alone:
                self._wait()

    def _wait(self) -> None:
        self.alone = os.read(self.reader, 1) != GO

    def _say(self, word: bytes) -> None:
        with suppress(BrokenPipeError):  # the other is no more
            os.write(self.writer, word)


@dataclass
class Pipes:
    """The two pipes between the processes; `ends` are the descriptors of each side's Turns."""

    ends: tuple[tuple[int, int], tuple[int, int]]

    @classmethod
    def open(cls) -> Pipes:
        (from_b, to_a), (from_a, to_b) = os.pipe(), os.pipe()
        return cls(((from_b, to_b), (from_a, to_a)))

    def close(self) -> None:
        """The suite's own copies; harmless the second time."""
        for pair in self.ends:
            for descriptor in pair:
                with suppress(OSError):
                    os.close(descriptor)
        self.ends = ((-1, -1), (-1, -1))

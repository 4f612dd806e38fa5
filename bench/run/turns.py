"""The two sides of `ab` take turns, a trial at a time.

Both processes of a round are there at once, and of each trial one side measures right after the
other, in a coin's order: what is compared lies tens of milliseconds apart, in which a machine
changes less than in the seconds that a whole process takes.  Who waits sleeps.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import zip_longest

from armbench.bench.run.worker import TrialJob

Turn = tuple[int, TrialJob]  # the side, 0 or 1, and its trial


def in_turn(sides: Sequence[Sequence[TrialJob]], chance: random.Random) -> list[Turn]:
    """The trials of both sides, those of a place together; a coin says who begins."""
    turns: list[Turn] = []
    for together in zip_longest(*sides):
        there = [(side, trial) for side, trial in enumerate(together) if trial]
        turns += chance.sample(there, len(there))
    return turns


def of_side(turns: Sequence[Turn], side: int) -> tuple[TrialJob, ...]:
    """A side's trials, marked where it waits for the other and where the other waits for it."""
    owners = [owner for owner, _ in turns]
    return tuple(
        replace(
            trial,
            waits=place > 0 and owners[place - 1] != side,
            passes_on=owners[place + 1 : place + 2] == [1 - side],
        )
        for place, (owner, trial) in enumerate(turns)
        if owner == side
    )


@dataclass
class Pipes:
    """The pipes between two processes; each has a descriptor to read its turn from and one to pass it on."""

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

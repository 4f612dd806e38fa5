"""Where the processes of a group start together and agree."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from armbench.bench import native
from armbench.bench.model import Array


class Meeting:
    """Where the processes of a group start together and agree on a calibration.

    Without company everything here is free.  crowded: processes share CPUs.
    """

    def __init__(self, room: Array, rank: int, processes: int, crowded: bool):
        self.rank, self.processes = rank, processes
        self.gate = native.Gate(room, processes, crowded)
        self.seconds = room[64 : 64 + 8 * processes].view(np.float64)

    @staticmethod
    def nbytes(processes: int) -> int:
        return 64 + 8 * processes

    def wait(self) -> None:
        if self.processes > 1:
            self.gate.wait()

    def agree(self, seconds: float) -> float:
        """The smallest value that any process gives, all above 0."""
        self.seconds[self.rank] = seconds
        self.wait()
        least = float(self.seconds.min())
        self.wait()  # before any gives its next value
        if not least > 0:
            raise ValueError("a process of the group came to the meeting without its calibration")
        return least

    def keep_busy(self, calls: Sequence[Callable[[], Any]]) -> None:
        """Go on calling, in turn, until every process has its samples."""
        if self.processes > 1:
            self.gate.finish()
            turn = itertools.cycle(calls)
            while self.gate.finished() < self.processes:
                next(turn)()

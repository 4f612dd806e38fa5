"""Outputs against the reference, and later ones against the verified output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from armbench.bench.model import Array, Kernel, Problem

ROOM_HEADER = 64  # bytes before a verified output: the first tells whether it is there


class WrongResultError(Exception):
    """A kernel's output differs from the reference by more than the tolerance."""


@dataclass(frozen=True, slots=True)
class Checker:
    """Compares outputs with the reference, and later ones with the verified output."""

    kernel: Kernel
    problem: Problem
    room: Array

    def verify(self, all_outputs: Sequence[Mapping[str, Array]]) -> float:
        """The largest error of any thread's outputs; keeps the first thread's for `check`."""
        first, *others = all_outputs
        worst = self._error(first)
        if not self.room[0]:
            self._keep(first)
        return max([worst, *(self._error(outputs) for outputs in others if not self._kept(outputs))])

    def check(self, all_outputs: Sequence[Mapping[str, Array]]) -> None:
        """Every thread's last timed output is the verified one, or right within the tolerance."""
        for outputs in all_outputs:
            if not self._kept(outputs):
                self._error(outputs)

    def _error(self, outputs: Mapping[str, Array]) -> float:
        with np.errstate(all="ignore"):
            error = self.kernel.error(self.problem, outputs)
        if not error <= self.problem.tolerance:
            raise WrongResultError(f"wrong result: error {error:.3g}, tolerance {self.problem.tolerance:.3g}")
        return error

    def _keep(self, outputs: Mapping[str, Array]) -> None:
        """Make these the verified outputs, unless a library gives them in another shape or type."""
        pairs = list(self._pairs(outputs))
        if None not in pairs:
            for array, room in filter(None, pairs):
                room[:] = array
            self.room[0] = 1

    def _kept(self, outputs: Mapping[str, Array]) -> bool:
        """Whether these are, bit by bit, the verified outputs."""
        return bool(self.room[0]) and all(p and np.array_equal(*p) for p in self._pairs(outputs))

    def _pairs(self, outputs: Mapping[str, Array]) -> Iterator[tuple[Array, Array] | None]:
        """(bytes of an output, its place in the room), None when the output is not of the stated kind."""
        start = ROOM_HEADER
        for operand in self.problem.operands:
            if operand.output:
                array, stated = outputs.get(operand.name), operand.data
                end = start + stated.nbytes
                if array is None or (array.shape, array.dtype) != (stated.shape, stated.dtype):
                    yield None
                else:
                    yield np.ascontiguousarray(array).reshape(-1).view(np.uint8), self.room[start:end]
                start = end


def verified_bytes(problem: Problem) -> int:
    """Room that a Checker needs for a verified output."""
    return ROOM_HEADER + sum(o.data.nbytes for o in problem.operands if o.output)

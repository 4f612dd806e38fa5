"""A session's problems in one memory file: made once, mapped by every worker.

The file also has room for what workers share: the verified output of every variant, against
which later processes compare, and the gates at which processes meet.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from armbench.bench.model import Array, Json, Operand, Problem, Work, empty

ALIGNMENT = 4096


@dataclass
class ProblemFile:
    """A memory file with a table of contents: {key: where}; the table travels as JSON."""

    fd: int
    table: dict[str, Json] = field(default_factory=dict)
    size: int = 0
    stored: dict[int, tuple[Array, Json]] = field(default_factory=dict)  # by id, kept alive with it

    @classmethod
    def create(cls) -> ProblemFile:
        return cls(os.memfd_create("armbench-problems"))

    def close(self) -> None:
        os.close(self.fd)

    # --- writing -----------------------------------------------------------------------

    def add_problem(self, key: str, problem: Problem) -> None:
        """Store a problem; arrays of outputs take no room."""
        self.table[key] = {
            "operands": [self._add_operand(operand) for operand in problem.operands],
            "expected": {name: self._add(array) for name, array in problem.expected.items()},
            "tolerance": problem.tolerance,
            "work": asdict(problem.work),
        }

    def reserve(self, key: str, nbytes: int) -> None:
        """Zeroed room for `nbytes`, addressed by key; a second call for the key changes nothing."""
        if key not in self.table:
            self.table[key] = {"offset": self._grow(nbytes), "bytes": nbytes}

    def _add_operand(self, operand: Operand) -> Json:
        entry = self._describe(operand.data) if operand.output else self._add(operand.data)
        return {**entry, "name": operand.name, "output": operand.output}

    def _add(self, array: Array) -> Json:
        """Store an array; one that several problems share is stored once."""
        if id(array) not in self.stored:
            self.stored[id(array)] = (array, self._write(array))
        return self.stored[id(array)][1]

    def _write(self, array: Array) -> Json:
        data = np.ascontiguousarray(array)
        offset = self._grow(data.nbytes)
        raw = data.reshape(-1).view(np.uint8)
        written = 0
        while written < data.nbytes:
            written += os.pwrite(self.fd, raw[written:].data, offset + written)
        return {**self._describe(array), "offset": offset}

    @staticmethod
    def _describe(array: Array) -> Json:
        return {"dtype": array.dtype.str, "shape": list(array.shape)}

    def _grow(self, nbytes: int) -> int:
        offset = self.size
        self.size += -(-nbytes // ALIGNMENT) * ALIGNMENT
        os.ftruncate(self.fd, self.size)
        return offset

    # --- reading -----------------------------------------------------------------------

    def problem(self, key: str) -> Problem:
        """The stored problem, its arrays read-only views of the file."""
        entry = self.table[key]
        operands = tuple(
            Operand(
                item["name"],
                empty(item["shape"], item["dtype"]) if item["output"] else self._array(item),
                item["output"],
            )
            for item in entry["operands"]
        )
        expected = {name: self._array(item) for name, item in entry["expected"].items()}
        return Problem(operands, expected, entry["tolerance"], Work(**entry["work"]))

    def room(self, key: str) -> Array:
        """Reserved room as writable bytes, shared with every process that maps the file."""
        entry = self.table[key]
        return self._map(entry["offset"], entry["bytes"], mmap.ACCESS_WRITE)

    def zero(self, key: str) -> None:
        self.room(key)[:] = 0

    def _array(self, item: Mapping[str, Any]) -> Array:
        dtype = np.dtype(item["dtype"])
        count = int(np.prod(item["shape"]))
        if not count:
            return np.empty(item["shape"], dtype)
        raw = self._map(item["offset"], count * dtype.itemsize, mmap.ACCESS_READ)
        array: Array = raw.view(dtype).reshape(item["shape"])
        return array

    def _map(self, offset: int, nbytes: int, access: int) -> Array:
        return np.frombuffer(mmap.mmap(self.fd, nbytes, access=access, offset=offset), np.uint8)

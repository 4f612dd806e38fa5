"""How far a result is from what the same session found the machine able to do at most.

A result's roof is the lower of two: the arithmetic roof of its data type, the fastest of the
instructions that the session measured (of a narrow type also those of the type that it may be widened
to), and the fastest read of as many bytes as it works on, times operations a byte.  Both are of as
many threads as the result has.  Only what was measured is a roof: matrix engines that have no
variant here (Intel's AMX) are none, and a library that uses one may exceed it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from armbench.bench import estimates
from armbench.bench.model import Result

KERNEL = "roofs"
ARITHMETIC = {  # data type of a result: those whose instructions may do it
    "f64": ("f64",),
    "f32": ("f32",),
    "f16": ("f16", "f32"),
    "bf16": ("bf16", "f32"),
    "int8": ("int8",),
    "int4": ("int8",),
    "w8a8": ("int8",),
}
READS = ("read", "read4", "read8")
DRAM = "dram"


@dataclass(frozen=True, slots=True)
class Roof:
    """A rate that bounds others: operations or bytes a second, and which measurement it is."""

    name: str
    rate: float
    memory: bool = False


@dataclass(frozen=True, slots=True)
class OfRoof:
    """The share of its roof that a result reaches; above 1 where it uses what no roof measures."""

    value: float
    roof: str


@dataclass(frozen=True, slots=True)
class Roofs:
    """What a session measured: (threads, data type) -> peak; (threads, bytes or None for DRAM) -> reads."""

    peaks: dict[tuple[int, str], Roof]
    reads: dict[tuple[int, int | None], Roof]

    def of(self, result: Result) -> OfRoof | None:
        """None for work without operations, and where the session has no roof of its kind."""
        binding = self.binding(result)
        if binding is None:
            return None
        return OfRoof(estimates.summarize(result).rate.value / binding.rate, binding.name)

    def binding(self, result: Result) -> Roof | None:
        """In operations a second of all threads together."""
        work = result.work
        if result.kernel == KERNEL or not work.flops:
            return None
        peak, memory = self.peak(result), self._memory(result)
        if peak is None:
            return None  # memory alone would be a roof far above what arithmetic allows
        return memory if memory and memory.rate < peak.rate else peak

    def peak(self, result: Result) -> Roof | None:
        dtypes = ARITHMETIC.get(str(result.params.get("dtype")), ())
        known = [self.peaks[key] for d in dtypes if (key := (result.threads, d)) in self.peaks]
        return max(known, key=lambda roof: roof.rate, default=None)

    def _memory(self, result: Result) -> Roof | None:
        nbytes = result.work.bytes_read + result.work.bytes_written
        read = self.read(result.threads, None if result.cold else nbytes)
        if read is None or not nbytes:
            return None
        return Roof(read.name, read.rate * result.work.flops / nbytes, memory=True)

    def read(self, threads: int, nbytes: int | None) -> Roof | None:
        """The fastest read of a buffer nearest in size; nbytes None: of memory."""
        if nbytes is None:
            return self.reads.get((threads, None))
        sizes = [size for count, size in self.reads if count == threads and size]
        if not sizes:
            return None
        nearest = min(sizes, key=lambda size: abs(math.log(size / nbytes)))
        return self.reads[threads, nearest]


def of_session(results: Iterable[Result]) -> Roofs:
    """The roofs among a session's results, those of several copies at a time (throughput)."""
    roofs = Roofs({}, {})
    for result in results:
        if result.kernel != KERNEL or result.mode != "throughput":
            continue
        kind, name = str(result.params["roof"]), f"{result.case} {result.variant}"
        if kind == "peak":
            _keep(roofs.peaks, (result.threads, str(result.params["dtype"])), name, result)
        elif kind in READS:
            size = None if result.params["size"] == DRAM else int(str(result.params["bytes"]))
            _keep(roofs.reads, (result.threads, size), name, result)
    return roofs


Key = TypeVar("Key")


def _keep(found: dict[Key, Roof], key: Key, name: str, result: Result) -> None:
    rate = estimates.summarize(result).rate.value
    if key not in found or found[key].rate < rate:
        found[key] = Roof(name, rate)

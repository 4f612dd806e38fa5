"""What is run: kernels with their cases, their variants, and where a trial runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from armbench.bench.model.aliases import Array, Pairs, Param, Tier
from armbench.bench.model.modes import Mode, SideName, calls_at_once, place_key

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Work:
    """What one call does.

    Bytes are those that must move once, reads and writes apart; write-allocate is not counted.
    `items` are counted things other than flops, named by `item` ("token").
    """

    flops: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    items: int = 0
    item: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One problem of a kernel.

    `operation` and `native_params` address the native variants: the operation they register
    and the integers that its C code takes, in order.  `params` is for people and result files.
    `cold`: operands must come from memory, so calls rotate over copies that together exceed
    the last-level cache.  `pairs`: a call is between two CPUs, and these are which.
    """

    name: str
    params: Mapping[str, Param]
    operation: str
    native_params: tuple[int, ...]
    tier: Tier = "core"
    flops: int = 0
    cold: bool = False
    pairs: Pairs | None = None


@dataclass(frozen=True, slots=True)
class Operand:
    """An array that a call reads, or writes when `output`; `data` of an output is its shape."""

    name: str
    data: Array
    output: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A case with its data: operands in the order of the operation, and the expected answer."""

    operands: tuple[Operand, ...]
    expected: Mapping[str, Array]
    tolerance: float
    work: Work


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user gave that decides which cases exist."""

    corpus: Path | None = None
    vocabulary: Path | None = None


@dataclass(frozen=True, slots=True)
class Kernel:
    """One operation with a checked result.

    cases(settings)               every problem there is, cheap to call
    problem(case, settings, seed) its data and the reference answer
    error(problem, outputs)       distance of {output name: array} from the reference, to be
                                  at most problem.tolerance; inf for what is simply wrong
    """

    name: str
    version: int
    summary: str
    cases: Callable[[Settings], Sequence[Case]]
    problem: Callable[[Case, Settings, int], Problem]
    error: Callable[[Problem, Mapping[str, Array]], float]


Operands = Mapping[str, Array]
Call = Callable[[], Any]
Outputs = Callable[[Any], Mapping[str, Array]]


def accepts_everything(case: Case) -> str | None:
    """The answer of a library that runs every case."""
    del case
    return None


@dataclass(frozen=True, slots=True)
class Library:
    """A variant that calls an installed Python package.

    package   the distribution that must be there
    needs     other distributions without which it cannot be called
    extra     the extra of armbench that installs them, None for a dependency
    bind      bind(case, operands) -> (call, outputs): `call()` is what is timed, and
              `outputs(what the last call returned)` gives {output name: array}
    accepts   the reason why a case is not run, or None
    detail    what the library really uses (back end, kernel set), read when it has run
    threads   environment variables that set its number of threads
    threads_used  how many it says it uses, None when it does not say; not given for a library
              whose calls use one thread whatever is set
    """

    package: str
    bind: Callable[[Case, Operands], tuple[Call, Outputs]]
    needs: tuple[str, ...] = ()
    extra: str | None = None
    accepts: Callable[[Case], str | None] = accepts_everything
    detail: Callable[[], str | None] = lambda: None
    threads: tuple[str, ...] = ()
    threads_used: Callable[[], int | None] | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One implementation of a kernel as the registry found it.

    `isa` is the native instruction set (the file's stem without a "-2"), None for a library.
    `why_not` says in one line why it cannot run here; None when it can.
    """

    kernel: str
    name: str
    isa: str | None = None
    library: Library | None = None
    why_not: str | None = None
    extra: str | None = None

    @property
    def native(self) -> bool:
        return self.isa is not None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how a trial runs.

    cpus       in the order of the threads; one named twice carries two threads
    mode       throughput: every thread has a problem of its own; parallel: one problem for all;
               split: `instances` problems side by side, each for the next
               threads / instances CPUs of `cpus`
    policy     how the CPUs were chosen: "compact", "spread", "node:N" or "list"; of a case between
               two, "pair:" and the smallest thing they share, or the two when all pairs are measured
    memory     where pages come from: "local", "interleave" or "node:N"
    """

    cpus: tuple[int, ...]
    mode: Mode = "throughput"
    policy: str = "compact"
    memory: str = "local"
    instances: int | None = None

    @property
    def threads(self) -> int:
        return len(self.cpus)

    @property
    def at_once(self) -> int:
        """How many calls run at a time."""
        return calls_at_once(self.mode, self.threads, self.instances)

    @property
    def oversubscribed(self) -> bool:
        return len(set(self.cpus)) < self.threads

    @property
    def teams(self) -> tuple[tuple[int, ...], ...]:
        """The CPUs of each call that runs at a time."""
        size = self.threads // self.at_once
        return tuple(self.cpus[start : start + size] for start in range(0, self.threads, size))


@dataclass(frozen=True, slots=True)
class Trial:
    """kernel x case x variant x placement, of a side of `ab`: the unit that is measured."""

    kernel: Kernel
    case: Case
    variant: Variant
    placement: Placement
    side: SideName | None = None

    @property
    def key(self) -> str:
        place = self.placement
        where = place_key(place.mode, place.cpus, place.instances)
        side = f"/{self.side}" if self.side else ""
        return f"{self.kernel.name}/{self.variant.name}/{self.case.name}/{where}{side}"


def empty(shape: Sequence[int] | int, dtype: np.dtype[Any] | type | str) -> Array:
    """An output's data: shape and type without memory behind it."""
    import numpy as np

    return np.broadcast_to(np.zeros((), dtype), shape)


def largest_error(output: Array, expected: Array, scale: Array) -> float:
    """The largest |output - expected| / scale, element by element; inf where output is not finite."""
    import numpy as np

    difference = output - expected
    np.abs(difference, out=difference)
    difference /= scale
    worst = float(difference.max(initial=0.0))
    return worst if np.isfinite(worst) else float("inf")

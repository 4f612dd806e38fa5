"""Sessions as a comparison needs them: of each trial a value a process, not its samples.

Hundreds of files hold more samples than fit into memory beside one another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from armbench.bench import estimates, stats, turns
from armbench.bench.model import Array, Result, Session
from armbench.bench.stats import Interval


@dataclass(frozen=True, slots=True)
class Observed:
    """A trial in one session.

    log     its log seconds per call, an interval over the processes; sample_ticks: of a sample
    logs    log seconds per call of each process, float64 [processes]; `rounds` and `flags` are theirs
    visits  of a side that took turns with another, those of each visit, float64 [processes][visits]
    result  what it was, without its processes
    source  the session without its results
    """

    log: Interval
    logs: Array
    sample_ticks: float
    rounds: tuple[int, ...]
    flags: tuple[tuple[str, ...], ...]
    result: Result
    source: Session
    visits: Array | None = None

    def together(self, amount: float = 1.0) -> Observed:
        """With the time of a call among all that run at a time, or of one of its `amount` things."""
        by = math.log(self.result.at_once * amount)
        visits = None if self.visits is None else self.visits - by
        return replace(self, log=shifted(self.log, -by), logs=self.logs - by, visits=visits)

    @property
    def by_round(self) -> dict[int, float]:
        return dict(zip(self.rounds, self.logs.tolist(), strict=True))


Observations = tuple[Observed, ...]


@dataclass(frozen=True, slots=True)
class Reduced(Session):
    """A session whose results became `trials`."""

    trials: Observations = ()


Shape = tuple[int, int, int]  # processes, samples, columns


@dataclass(frozen=True, slots=True)
class Sampled:
    """A trial with its samples.

    ticks: in the order of `shape`, int64; both are None where processes or samples are not alike,
    then `result` has its processes.  spread: the columns are slowest, fastest and harmonic mean.
    """

    result: Result
    rounds: tuple[int, ...]
    flags: tuple[tuple[str, ...], ...]
    ticks: Array | None = None
    shape: Shape | None = None
    spread: bool = False


def reduced(session: Session) -> Reduced:
    """The same session without its samples."""
    if isinstance(session, Reduced):
        return session
    return computed(replace(session, results=()), [sampled(result) for result in session.results])


def sampled(result: Result) -> Sampled:
    processes = result.processes
    rounds = tuple(process.round for process in processes)
    flags = tuple(process.flags for process in processes)
    spread = processes[0].thread_medians is not None
    rows = [row for process in processes for row in process.samples]
    counts, widths = {len(process.samples) for process in processes}, set(map(len, rows))
    if len(counts) != 1 or len(widths) != 1:
        return Sampled(result, rounds, flags, spread=spread)
    shape = (len(processes), counts.pop(), widths.pop())
    ticks = np.array(rows, np.int64).ravel()
    return Sampled(replace(result, processes=()), rounds, flags, ticks, shape, spread)


# --- values ----------------------------------------------------------------------------------


def computed(header: Session, trials: Sequence[Sampled]) -> Reduced:
    """A session without results, and these; trials of one shape are computed at once."""
    found: dict[int, Observed] = {}
    places: dict[object, list[int]] = {}
    for place, one in enumerate(trials):
        places.setdefault((one.shape, one.spread) if one.shape else place, []).append(place)
    for alike in places.values():
        found.update(zip(alike, _observed(header, [trials[place] for place in alike]), strict=True))
    described = {name: getattr(header, name) for name in Session.__dataclass_fields__}
    return Reduced(**described, trials=tuple(found[place] for place in range(len(trials))))


def _observed(header: Session, alike: Sequence[Sampled]) -> Iterator[Observed]:
    seconds = _seconds(alike)
    sides = seconds is not None and any(one.result.side for one in alike)
    visits = np.log(turns.visits(seconds)) if seconds is not None and sides else [None] * len(alike)
    if seconds is None:
        logs = np.log([estimates.process_seconds(one.result) for one in alike])
    else:
        logs = np.log(np.median(seconds, axis=2))
    for one, own, log, each in zip(alike, logs, stats.intervals(logs), visits, strict=True):
        result = replace(one.result, processes=()) if one.result.processes else one.result
        ticks = math.exp(log.value) * result.calls * result.tick_hz
        yield Observed(log, own, ticks, one.rounds, one.flags, result, header, each)


def _seconds(alike: Sequence[Sampled]) -> Array | None:
    """Seconds per call, float64 [trials][processes][samples], as those of estimates.sample_ticks."""
    known = [one.ticks for one in alike if one.ticks is not None]
    if alike[0].shape is None:
        return None
    ticks = np.concatenate(known).reshape(len(alike), *alike[0].shape)
    width = ticks.shape[3]
    if alike[0].spread:
        each = ticks[..., 2]
    else:
        each = ticks[..., 0] if width == 1 else width / (1 / ticks).sum(axis=3)
    scale = np.array([one.result.calls * one.result.tick_hz for one in alike], np.float64)
    return each / scale[:, np.newaxis, np.newaxis]


def shifted(log: Interval, by: float) -> Interval:
    return Interval(log.value + by, log.low + by, log.high + by, log.confidence)

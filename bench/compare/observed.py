"""Sessions as a comparison needs them: of each trial a value a process, not its samples.

Hundreds of files hold more samples than fit into memory beside one another; and one array of all
ticks of a trial is read ten times faster than an object for each of its processes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np

from armbench.bench import results, stats
from armbench.bench.model import Array, Json, Result, Session
from armbench.bench.stats import Interval


@dataclass(frozen=True, slots=True)
class Observed:
    """A trial in one session.

    log     its log seconds per call, an interval over the processes; sample_ticks: of a sample
    logs    log seconds per call of each process, float64 [processes]; `rounds` and `flags` are theirs
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

    def together(self, amount: float = 1.0) -> Observed:
        """With the time of a call among all that run at a time, or of one of its `amount` things."""
        by = math.log(self.result.at_once * amount)
        return replace(self, log=shifted(self.log, -by), logs=self.logs - by)

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
class _Raw:
    """A trial with its samples: `ticks` in the order of `shape`, which is None where it is not regular.

    spread: the columns are slowest, fastest and harmonic mean.
    """

    result: Result
    rounds: tuple[int, ...]
    flags: tuple[tuple[str, ...], ...]
    ticks: list[int] = field(default_factory=list)
    shape: Shape | None = None
    spread: bool = False


def reduced(session: Session) -> Reduced:
    """The same session without its samples."""
    if isinstance(session, Reduced):
        return session
    return _reduced(replace(session, results=()), [_of_result(result) for result in session.results])


def from_json(document: Json, path: Path | None = None) -> Reduced:
    """As reduced(results.from_json(…)), without decoding what is not needed; raises DecodeError too."""
    header = results.header(document, path)
    return _reduced(header, [_decode(raw, f"$.results[{i}]") for i, raw in enumerate(document["results"])])


def _of_result(result: Result) -> _Raw:
    processes = result.processes
    shape, ticks = _regular([process.samples for process in processes])
    return _Raw(
        result if shape is None else replace(result, processes=()),
        tuple(process.round for process in processes),
        tuple(process.flags for process in processes),
        ticks,
        shape,
        processes[0].thread_medians is not None,
    )


def _decode(raw: Json, path: str) -> _Raw:
    """What is not as regular as files of ours are is decoded in full, which also says what is wrong."""
    result = results.decode_result(raw, path)
    try:
        processes = raw["processes"]
        spread = "threads" in processes[0]
        shape, ticks = _regular([p["samples"] for p in processes])
        rounds = tuple(p["round"] for p in processes)
        flags = tuple(tuple(p["flags"]) for p in processes)
        whole = set(map(type, ticks)) == set(map(type, rounds)) == {int} and min(ticks) > 0
        if shape and whole and shape[2] == (3 if spread else result.at_once):
            return _Raw(result, rounds, flags, ticks, shape, spread)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        pass
    return _of_result(results.decode_whole(raw, path))


def _regular(samples: Json) -> tuple[Shape | None, list[int]]:
    """The ticks of processes in a row, and their shape where all processes and samples are alike."""
    rows = list(chain.from_iterable(samples))
    counts, widths = set(map(len, samples)), set(map(len, rows))
    if len(counts) != 1 or len(widths) != 1:
        return None, []
    return (len(samples), counts.pop(), widths.pop()), list(chain.from_iterable(rows))


# --- values ----------------------------------------------------------------------------------


def _reduced(header: Session, trials: Sequence[_Raw]) -> Reduced:
    """Trials of one shape are computed at once."""
    found: dict[int, Observed] = {}
    places: dict[object, list[int]] = {}
    for place, raw in enumerate(trials):
        places.setdefault((raw.shape, raw.spread) if raw.shape else place, []).append(place)
    for alike in places.values():
        found.update(zip(alike, _observed(header, [trials[place] for place in alike]), strict=True))
    described = {name: getattr(header, name) for name in Session.__dataclass_fields__}
    return Reduced(**described, trials=tuple(found[place] for place in range(len(trials))))


def _observed(header: Session, alike: Sequence[_Raw]) -> Iterator[Observed]:
    logs = _logs(alike)
    for raw, own, log in zip(alike, logs, stats.intervals(logs), strict=True):
        result = replace(raw.result, processes=()) if raw.result.processes else raw.result
        ticks = math.exp(log.value) * result.calls * result.tick_hz
        yield Observed(log, own, ticks, raw.rounds, raw.flags, result, header)


def _logs(alike: Sequence[_Raw]) -> Array:
    """Log seconds per call, float64 [trials][processes], as those of stats.process_seconds."""
    if alike[0].shape is None:
        return np.log([stats.process_seconds(raw.result) for raw in alike])
    ticks = np.array(list(chain.from_iterable(raw.ticks for raw in alike)), np.float64)
    ticks = ticks.reshape(len(alike), *alike[0].shape)
    width = ticks.shape[3]
    if alike[0].spread:
        each = ticks[..., 2]
    else:
        each = ticks[..., 0] if width == 1 else width / (1 / ticks).sum(axis=3)
    scale = np.array([raw.result.calls * raw.result.tick_hz for raw in alike])
    logs: Array = np.log(np.median(each, axis=2) / scale[:, np.newaxis])
    return logs


def shifted(log: Interval, by: float) -> Interval:
    return Interval(log.value + by, log.low + by, log.high + by, log.confidence)

"""Sessions as a comparison needs them: of each trial a value a process, not its samples.

Hundreds of files hold more samples than fit into memory beside one another; and one array of all
ticks of a trial is read ten times faster than an object for each of its processes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of a trial's processes, before their interval."""

    result: Result
    logs: Array
    rounds: tuple[int, ...]
    flags: tuple[tuple[str, ...], ...]


def reduced(session: Session) -> Reduced:
    """The same session without its samples."""
    if isinstance(session, Reduced):
        return session
    return _reduced(replace(session, results=()), [_values(result) for result in session.results])


def from_json(document: Json, path: Path | None = None) -> Reduced:
    """As reduced(results.from_json(…)), without decoding what is not needed; raises DecodeError too."""
    header = results.header(document, path)
    values = [_decode(raw, f"$.results[{i}]") for i, raw in enumerate(document["results"])]
    return _reduced(header, values)


def _reduced(header: Session, values: Sequence[_Values]) -> Reduced:
    logs: dict[int, Interval] = {}
    for count in {len(v.logs) for v in values}:  # intervals of trials with as many processes at once
        places = [i for i, v in enumerate(values) if len(v.logs) == count]
        found = stats.intervals(np.stack([values[i].logs for i in places]))
        logs.update(zip(places, found, strict=True))
    trials = tuple(
        Observed(logs[i], v.logs, _ticks(logs[i], v.result), v.rounds, v.flags, v.result, header)
        for i, v in enumerate(values)
    )
    described = {name: getattr(header, name) for name in Session.__dataclass_fields__}
    return Reduced(**described, trials=trials)


def _ticks(log: Interval, result: Result) -> float:
    return math.exp(log.value) * result.calls * result.tick_hz


def shifted(log: Interval, by: float) -> Interval:
    return Interval(log.value + by, log.low + by, log.high + by, log.confidence)


def _values(result: Result) -> _Values:
    seconds = stats.process_seconds(result)
    return _Values(
        replace(result, processes=()),
        np.array([math.log(value) for value in seconds]),
        tuple(process.round for process in result.processes),
        tuple(process.flags for process in result.processes),
    )


def _decode(raw: Json, path: str) -> _Values:
    """What is not as regular as files of ours are is decoded in full, which also says what is wrong."""
    result = results.decode_result(raw, path)
    try:
        processes = raw["processes"]
        logs = _logs(result, [p["samples"] for p in processes], "threads" in processes[0])
        rounds = tuple(p["round"] for p in processes)
        flags = tuple(tuple(p["flags"]) for p in processes)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        logs = None
    if logs is None or set(map(type, rounds)) != {int}:
        return _values(results.decode_whole(raw, path))
    return _Values(result, logs, rounds, flags)


def _logs(result: Result, samples: Json, spread: bool) -> Array | None:
    """From ticks [processes][samples][columns], as stats.process_seconds; None where they are not so.

    spread: the columns are slowest, fastest and harmonic mean.
    """
    ticks = np.array(samples)
    width = 3 if spread else result.at_once
    if ticks.dtype != np.int64 or ticks.ndim != 3 or ticks.shape[2] != width or ticks.min() <= 0:
        return None
    if spread:
        each = ticks[:, :, 2].astype(np.float64)
    else:
        each = ticks[:, :, 0] if width == 1 else width / (1 / ticks).sum(axis=2)
    return np.log(np.median(each, axis=1) / (result.calls * result.tick_hz))

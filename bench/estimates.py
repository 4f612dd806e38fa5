"""A trial's samples -> seconds per call, rates and fairness: what a result says, computed from its ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import numpy as np

from armbench.bench import stats
from armbench.bench.model import Array, Fairness, Process, Rate, Result, Summary, Ticks, Work
from armbench.bench.stats import CONFIDENCE, Interval

ALL_THREADS = 8  # up to so many threads every tick is kept


def compress(ticks: Array, warmup: int) -> tuple[Ticks, Ticks, tuple[float, ...] | None]:
    """(warmup, samples, thread_medians) of a Process from int ticks [warmup + samples][threads].

    Up to eight threads nothing is lost.  Above, the rows are slowest, fastest and harmonic mean
    (rounded to a tick): 192 threads would make files of 100 MB.
    """
    rows, medians = ticks, None
    if ticks.shape[1] > ALL_THREADS:
        mean = np.rint(ticks.shape[1] / (1 / ticks).sum(axis=1)).astype(np.int64)
        rows = np.stack([ticks.max(axis=1), ticks.min(axis=1), mean], axis=1)
        medians = tuple(np.median(ticks[warmup:], axis=0).tolist())
    kept = tuple(tuple(row) for row in rows.tolist())
    return kept[:warmup], kept[warmup:], medians


def process(index: int, pid: int, ticks: Array, warmup: int, flags: tuple[str, ...] = ()) -> Process:
    """The Process of round `index` from its int ticks [warmup + samples][threads]."""
    before, samples, medians = compress(ticks, warmup)
    return Process(index, pid, before, samples, flags, medians)


def sample_ticks(process: Process) -> list[float]:
    """The ticks of each sample; of several threads' the harmonic mean, which keeps the sum of rates."""
    if process.thread_medians is not None:
        return [row[2] for row in process.samples]
    return [row[0] if len(row) == 1 else len(row) / sum(1 / tick for tick in row) for row in process.samples]


def process_seconds(result: Result) -> list[float]:
    """Seconds per call of each process: the median of its samples."""
    scale = 1 / (result.calls * result.tick_hz)
    return [median(sample_ticks(process)) * scale for process in result.processes]


def estimate(result: Result, confidence: float = CONFIDENCE) -> Interval:
    """Log seconds per call: Hodges-Lehmann over the processes, one of which each round has."""
    return stats.interval([math.log(seconds) for seconds in process_seconds(result)], confidence)


def summarize(result: Result, confidence: float = CONFIDENCE) -> Summary:
    """Seconds per call, and the rate of all threads together.

    N calls at a time, each on its own copy, give the rate N work / seconds: as many as threads in
    throughput mode, one in parallel mode, the instances of a split.  Its unit is that of the first
    of `amounts`.
    """
    log = estimate(result, confidence)
    value, low, high = math.exp(log.value), math.exp(log.low), math.exp(log.high)
    amount, unit = amounts(result.work)[0]
    total = amount * result.at_once
    rate = Rate(total / value, total / high, total / low, unit)
    return Summary(value, low, high, log.confidence, rate, fairness(result))


def fairness(result: Result) -> Fairness | None:
    """Of the calls that run at a time, each by the median over the processes of its median; None for one."""
    if result.at_once == 1:
        return None
    ticks = np.median([_column_medians(process) for process in result.processes], axis=0)
    rates = amounts(result.work)[0][0] * result.calls * result.tick_hz / ticks
    jain = rates.sum() ** 2 / (len(rates) * (rates**2).sum())
    return Fairness(float(rates.min()), float(rates.max()), float(jain))


def _column_medians(process: Process) -> Array:
    """The median ticks of a sample for each call at a time."""
    if process.thread_medians is not None:
        return np.array(process.thread_medians)
    return np.median(process.samples, axis=0)


def amounts(work: Work) -> tuple[tuple[int, str], ...]:
    """(what a call does, unit of its rate), the headline first, each that the kernel counts.

    Operations before items before bytes: 2 tokens/s are twice 1 token/s both for an encoder and
    for a decoder, while their bytes read are text for one and numbers for the other.
    """
    counted = (
        (work.flops, "flop/s"),
        (work.items, f"{work.item or 'item'}/s"),
        (work.bytes_read + work.bytes_written, "B/s"),
    )
    return tuple(pair for pair in counted if pair[0]) or ((1, "call/s"),)


def measured_seconds(results: Sequence[Result]) -> float:
    """Seconds spent in samples and warm-up; threads beside one another count once."""
    return sum(
        max(row) / result.tick_hz
        for result in results
        for process in result.processes
        for row in (*process.warmup, *process.samples)
    )

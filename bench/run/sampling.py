"""What a sample is: how long, how many, after which warm-up, and what disturbed it."""

from __future__ import annotations

import itertools
import resource
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np

from armbench.bench import native, turns
from armbench.bench.model import Array

WARMUP_SECONDS = 20e-3
WARMUP_SAMPLES = 3
SAMPLES = 10
LONG_CALL_SECONDS = 50e-3  # one warm-up call and three samples of one call
LONG_CALL_SAMPLES = 3
SIMILAR = 4.0  # a side whose calls last up to so many times as long is sampled as the other one is,
FASTER = 16.0  # and one whose calls are up to so many times as short: its samples are short, then
PACE_TRIES = 10  # before a side counts as slower: a busy host makes 5 of what are equal
PACE_SECONDS = 20e-3  # spent on finding what a call of a side lasts: both must find it alike
PACE_BYTES = 8  # of a note of seconds per call

OFF_CPU_SHARE = 0.02  # of the wall time, without the CPU
STEADY_SHARE = 0.02  # between the first and the last samples
SWITCHES_PER_SECOND = 20  # involuntary, above which a process counts as preempted


@dataclass(frozen=True, slots=True)
class Schedule:
    """The samples of a trial, decided once per session."""

    calls: int
    warmup: int
    samples: int

    def visits(self) -> list[Schedule]:
        """The same samples in several turns, each warmed up again by one that is left out (joined())."""
        first, *rest = turns.shares(self.samples)
        again = [Schedule(self.calls, 1, samples) for samples in rest]
        return [Schedule(self.calls, self.warmup, first), *again]


@dataclass(frozen=True, slots=True)
class Watched:
    """What threads noticed of themselves: seconds of wall and of CPU time, switches, a wrong CPU."""

    wall: float
    cpu: float
    involuntary_switches: int
    moved: bool

    @property
    def flags(self) -> tuple[str, ...]:
        return disturbances(self.wall, self.cpu, self.involuntary_switches, self.moved)


@dataclass(frozen=True, slots=True)
class Samples:
    """What was measured of a trial, by the threads of this process.

    ticks         int64 [warmup + samples][calls at a time]
    homes         the NUMA node of the thread that owns each call's operands
    start         when the first sample began, in ticks
    start_spread  ticks between the threads' starts of a sample; None for one thread
    """

    ticks: Array
    watched: Watched
    homes: tuple[int, ...]
    start: int
    start_spread: float | None = None


def joined(parts: Sequence[Samples], visits: Sequence[Schedule]) -> Samples:
    """The samples of a trial's visits as one; of the later ones without their warm-up."""
    kept = [part.ticks[visit.warmup :] for part, visit in zip(parts[1:], visits[1:], strict=True)]
    watched = [part.watched for part in parts]
    return replace(
        parts[0],
        ticks=np.vstack([parts[0].ticks, *kept]),
        watched=Watched(
            sum(w.wall for w in watched),
            sum(w.cpu for w in watched),
            sum(w.involuntary_switches for w in watched),
            any(w.moved for w in watched),
        ),
    )


def schedule_for(seconds: float, sample_seconds: float, warmup_seconds: float = WARMUP_SECONDS) -> Schedule:
    """The schedule of a call that lasts `seconds`, for samples of about `sample_seconds` or one call."""
    if seconds > LONG_CALL_SECONDS:
        return Schedule(calls=1, warmup=1, samples=LONG_CALL_SAMPLES)
    calls = max(1, ceil(sample_seconds / seconds))
    warmup = max(WARMUP_SAMPLES, ceil(warmup_seconds / (calls * seconds)))
    return Schedule(calls, warmup, SAMPLES)


def calibrate(seconds_of: Callable[[int], float], enough: float = 0.5e-3, spend: float = 0.0) -> float:
    """Seconds per call by seconds_of(calls), with ever more calls until they last long enough.

    Every time is the lesser of two: one interruption must not decide a session's schedule.  Or the
    least of as many as `spend` seconds have room for.
    """
    calls = 1
    while (seconds := min(seconds_of(calls), seconds_of(calls))) < enough:
        calls = ceil(calls * min(100.0, max(2.0, 1.2 * enough / max(seconds, 1e-9))))
    spent = 2 * seconds
    while spent < spend:
        again = seconds_of(calls)
        spent += again
        seconds = min(seconds, again)
    return seconds / calls


def common_pace(calibrated: Callable[[], float], room: Array) -> float:
    """The seconds per call by which both sides of `ab` are sampled: those of the side that came first.

    So samples of both hold as many calls, and what a sample's first calls cost weighs the same.  A
    side whose calls last far longer, or are far shorter, goes by its own.
    """
    noted = room.view(np.float64)
    seconds = calibrated()
    if not noted[0]:
        noted[0] = seconds
    first, tries = float(noted[0]), 1
    while seconds > SIMILAR * first and seconds < LONG_CALL_SECONDS and tries < PACE_TRIES:
        seconds = min(seconds, calibrated())
        tries += 1
    return first if first / FASTER <= seconds <= SIMILAR * first else seconds


# --- what disturbed ------------------------------------------------------------------------


def watched(reports: Sequence[native.ThreadReport], cpus: Sequence[int]) -> Watched:
    """What native threads noticed of themselves."""
    return Watched(
        wall=sum(r.wall_ns for r in reports) / 1e9,
        cpu=sum(r.cpu_ns for r in reports) / 1e9,
        involuntary_switches=sum(r.involuntary_switches for r in reports),
        moved=any((r.cpu_first, r.cpu_last) != (cpu, cpu) for r, cpu in zip(reports, cpus, strict=True)),
    )


def start_spread(starts: Array, groups: int) -> float | None:
    """Ticks from the first thread's start to the last one's; starts: [samples][threads].

    Of threads that share calls the median over the samples, the slowest group's of each; of
    others, which go on alone, that of the first sample.  None for one thread.
    """
    samples, threads = starts.shape
    if threads == 1:
        return None
    if groups == threads:
        return float(np.ptp(starts[0]))
    within = np.ptp(starts.reshape(samples, groups, -1), axis=2)
    return float(np.median(within.max(axis=1)))


def disturbances(wall: float, cpu: float, switches: int, moved: bool) -> tuple[str, ...]:
    """Flags from seconds of wall and CPU time, involuntary switches, and a wrong CPU."""
    found = {
        "moved": moved,
        "off_cpu": cpu < (1 - OFF_CPU_SHARE) * wall,
        "preempted": switches > 2 + SWITCHES_PER_SECOND * wall,
    }
    return tuple(name for name, is_so in found.items() if is_so)


def not_steady(ticks: Array) -> bool:
    """Whether the first samples differ from the last: ticks [samples][threads], warm-up left out."""
    per_sample = ticks.mean(axis=1)
    third = max(1, len(per_sample) // 3)
    first, last = np.median(per_sample[:third]), np.median(per_sample[-third:])
    return bool(abs(first / last - 1) > STEADY_SHARE)


# --- sampling Python calls -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taken:
    """ticks: int64 [warmup + samples][1]; the last timed call's result and operand set.

    node, start: of the thread that called, and when its first sample began.
    """

    ticks: Array
    watched: Watched
    result: Any
    last_set: int
    node: int
    start: int


def nothing() -> None:
    """The empty call whose time is the loop's own."""


def poison(arrays: Iterable[Array]) -> None:
    """Overwrite a word of every 64 KB, as the native loop does."""
    for array in arrays:
        raw = array.reshape(-1).view(np.uint8)
        words = raw[: raw.size // 8 * 8].view(np.uint64)
        words[:: (64 << 10) // 8] = 0x7FF7A5A57FF7A5A5


def sample_calls(
    calls: Sequence[Callable[[], Any]],
    schedule: Schedule,
    before_last: Callable[[], None] = nothing,
    cpus: Collection[int] | None = None,
    before_first: Callable[[], None] = nothing,
    first_set: int = 0,
) -> Taken:
    """Time `schedule` on this thread, call i being calls[(first_set + i) % len(calls)].

    before_last() runs before the last sample, before_first() right before the first, untimed.
    cpus: those that the thread should be found on.
    """
    total = schedule.warmup + schedule.samples
    ticks = np.zeros((total, 1), np.int64)
    turn = itertools.islice(itertools.cycle(calls), first_set, None)
    result, first = None, 0
    read = native.ticks
    cpu_first, node = native.where()
    batch = list(itertools.islice(turn, schedule.calls))
    before_first()
    before = resource.getrusage(resource.RUSAGE_THREAD)
    wall, cpu = time.monotonic(), time.thread_time()
    for sample in range(total):
        if sample == total - 1:
            before_last()
        start = read()
        for call in batch:
            result = call()
        ticks[sample, 0] = read() - start
        first = first or start
        batch = list(itertools.islice(turn, schedule.calls))
    wall, cpu = time.monotonic() - wall, time.thread_time() - cpu
    switches = resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw - before.ru_nivcsw
    last_set = (first_set + total * schedule.calls - 1) % len(calls)
    moved = cpus is not None and not {cpu_first, native.where()[0]} <= {*cpus, -1}
    return Taken(ticks, Watched(wall, cpu, switches, moved), result, last_set, node, first)

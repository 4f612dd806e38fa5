"""What stands beside the raw ratio of two machines, never instead of it: per GHz, core and vCPU.

Times are multiplied by the clock, by the cores and by the CPUs in use: a machine that takes twice
as long on half as many cores is as fast per core.
"""

from __future__ import annotations

from statistics import median

from armbench.bench import cpulist
from armbench.bench.compare.matching import Pair
from armbench.bench.compare.observed import Observations, Observed
from armbench.bench.compare.unpaired import noise_of
from armbench.bench.compare.verdicts import Scale
from armbench.bench.model import Result, Session

CLOCKED = {"core", "cache"}  # kinds of work that the clock scales: no memory holds them up


class Scales:
    """The Scale of pairs; each session's clock is found once."""

    def __init__(self) -> None:
        self._clocks: dict[int, float | None] = {}  # by the identity of a session, which has no hash

    def of(self, pair: Pair) -> Scale:
        base, new = pair.base[0], pair.new[0]
        return Scale(
            ghz=_ratio(self._clock_hz(pair.base), self._clock_hz(pair.new))
            if _clocked(base.result)
            else None,
            core=_ratio(_cores(base), _cores(new)),
            vcpu=new.result.threads / base.result.threads,
        )

    def _clock_hz(self, side: Observations) -> float | None:
        """Of the cores that a trial ran on: the median over the rounds of all sessions."""
        known = [clock for o in side if (clock := self._session_clock_hz(o))]
        return median(known) if known else None

    def _session_clock_hz(self, observed: Observed) -> float | None:
        source, cpus = observed.source, set(observed.result.cpus)
        if len(source.machine.cores) > 1:  # the rounds' clock is of one of several types
            own = [core for core in source.machine.cores if cpus <= set(cpulist.parse(core.cpus))]
            return own[0].clock_hz if own else None
        if id(source) not in self._clocks:
            self._clocks[id(source)] = _rounds_clock_hz(source) or source.machine.clock_hz
        return self._clocks[id(source)]


def _ratio(base: float | None, new: float | None) -> float | None:
    return new / base if base and new else None


def _clocked(result: Result) -> bool:
    return noise_of(result.work) in CLOCKED and not result.cold


def _rounds_clock_hz(source: Session) -> float | None:
    clocks = [hz for r in source.rounds for hz in (r.clock_hz_before, r.clock_hz_after) if hz]
    return median(clocks) if clocks else None


def _cores(observed: Observed) -> int | None:
    """The cores in use: hardware threads of a core are taken last, unless somebody listed CPUs."""
    machine, result = observed.source.machine, observed.result
    used = len(set(result.cpus))
    if not machine.threads_per_core:
        return None
    if used == 1 or machine.threads_per_core == 1:
        return used
    listed = result.placement not in ("compact", "spread") and used < machine.cpus
    return None if listed else min(used, max(1, machine.cpus // machine.threads_per_core))

"""How fast threads run on a machine that is only simulated: contention, bandwidth, noise.

A thread's rate is that of a lone core, times its share of a CPU that it has not for itself, over
1 + sigma (N - 1) + kappa N (N - 1), less what a second node in use costs, and no more than the
memory of its nodes gives.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from armbench.bench import estimates
from armbench.bench.model import Array, Machine, Site, Work

SIBLING_SHARE = 0.6  # of a core's rate, for each of two threads that run on it


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a kernel runs.

    rate      of a core that has the machine for itself: flop/s, or what else its work counts
    crossing  share of every core's rate that is lost once a second node is in use
    memory    share of the work's bytes that come from memory
    """

    rate: float = 1e10
    sigma: float = 0.0
    kappa: float = 0.0
    crossing: float = 0.0
    memory: float = 0.0


@dataclass(frozen=True, slots=True)
class Noise:
    """Standard deviations of the log of times: of rounds, of a trial's processes, of samples.

    drift: the largest departure of a slow sine over `period` simulated seconds.
    """

    round: float = 0.003
    process: float = 0.005
    sample: float = 0.005
    drift: float = 0.01
    period: float = 400.0


@dataclass(frozen=True, slots=True)
class Chip:
    """A machine with what its files do not tell.

    sites                   where its CPUs sit
    node_bytes_per_second   that the memory of each node gives
    """

    machine: Machine
    sites: tuple[Site, ...]
    node_bytes_per_second: float = math.inf

    @property
    def nodes(self) -> list[int]:
        """Ids of the nodes that have CPUs."""
        return sorted({site.node for site in self.sites})


def rates(
    chip: Chip,
    behaviour: Behaviour,
    work: Work,
    cpus: Sequence[int],
    memory: str = "local",
    contending: int | None = None,
) -> Array:
    """Calls a second of every thread, float64 [threads].

    contending: how many cores wait for one another, all by default; in a split, an instance's.
    """
    site_of = {site.cpu: site for site in chip.sites}
    index_of = {node: index for index, node in enumerate(chip.nodes)}
    here = np.array([index_of[site_of[cpu].node] for cpu in cpus])
    count = contending or len(set(cpus))
    spread = 1 + behaviour.sigma * (count - 1) + behaviour.kappa * count * (count - 1)
    each = behaviour.rate / estimates.amounts(work)[0][0] / spread
    if len(set(here.tolist())) > 1:
        each *= 1 - behaviour.crossing
    call_bytes = behaviour.memory * (work.bytes_read + work.bytes_written)
    return _fed(chip, call_bytes, each * _shares(chip, cpus), here, memory)


def _shares(chip: Chip, cpus: Sequence[int]) -> Array:
    """Of a core's full rate: less beside a sibling, and beside others on the same CPU."""
    on_cpu = Counter(cpus)
    core_of = {site.cpu: site.core for site in chip.sites}
    on_core = Counter(core_of[cpu] for cpu in on_cpu)
    alone = {cpu: 1.0 if on_core[core_of[cpu]] == 1 else SIBLING_SHARE for cpu in on_cpu}
    return np.array([alone[cpu] / on_cpu[cpu] for cpu in cpus])


def _fed(chip: Chip, call_bytes: float, wanted: Array, here: Array, memory: str) -> Array:
    """Rates that the nodes' memory can feed: a node asked for too much gives all the same part."""
    count = len(chip.nodes)
    homes = np.full((len(wanted), count), 1 / count)
    if memory != "interleave":
        far = memory.removeprefix("node:")
        home = here if memory == "local" else np.full(len(here), chip.nodes.index(int(far)))
        homes = np.eye(count)[home]
    asked = (wanted * call_bytes) @ homes
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(asked > 0, np.minimum(1.0, chip.node_bytes_per_second / asked), 1.0)
    limited: Array = wanted * np.where(homes > 0, part, 1.0).min(axis=1)
    return limited


def seconds(
    call_rates: Array, calls: int, rows: int, noise: Noise, offset: float, chance: np.random.Generator
) -> Array:
    """Seconds of `rows` samples of calls that run side by side, float64 [rows][calls at once].

    offset: of the log of the time, common to the whole trial in this round.
    """
    process = noise.process * chance.standard_normal()
    samples = noise.sample * chance.standard_normal((rows, len(call_rates)))
    made: Array = calls / call_rates * np.exp(offset + process + samples)
    return made

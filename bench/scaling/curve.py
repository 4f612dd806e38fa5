"""From the results of a session to curves: the same trial at different numbers of cores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from armbench.bench import cpulist, estimates
from armbench.bench.model import Array, Machine, Result, Session
from armbench.bench.scaling.models import Grid

Key = tuple[str, str, str, str, str, str, str | None]
ROUNDS_SHARE = 0.5  # a point with fewer of the most rounds is left out: the others need complete rounds


@dataclass(frozen=True, slots=True)
class Topology:
    """What lies between cores: the CPUs of each NUMA node and package that has some.

    cores             of the machine, SMT siblings counted once
    last_level_bytes  of all its last-level caches, None when unknown
    """

    nodes: tuple[frozenset[int], ...]
    packages: tuple[frozenset[int], ...]
    cpus: int
    cores: int
    last_level_bytes: int | None

    @classmethod
    def of(cls, machine: Machine) -> Topology:
        nodes = [frozenset(cpulist.parse(node.cpus)) for node in machine.nodes if node.cpus]
        packages = [frozenset(cpulist.parse(text)) for text in machine.packages]
        cores = machine.cpus // (machine.threads_per_core or 1)
        return cls(tuple(nodes), tuple(packages), machine.cpus, cores, machine.last_level_bytes)

    @property
    def noun(self) -> str:
        """What the numbers of a curve count."""
        return "cores" if self.cores == self.cpus else "CPUs"

    def on_nodes(self, cpus: Sequence[int]) -> list[int]:
        """Threads on each node; all on one where the machine shows none."""
        if not self.nodes:
            return [len(cpus)]
        return [sum(cpu in node for cpu in cpus) for node in self.nodes]

    def on_packages(self, cpus: Sequence[int]) -> int:
        """How many packages are in use."""
        return sum(not package.isdisjoint(cpus) for package in self.packages)


@dataclass(frozen=True, slots=True)
class Curve:
    """One trial at ascending numbers of cores.

    results     one for each point
    log_rates   float64 [rounds][points], the rounds in which every point was measured
    on_nodes    threads on each NUMA node, int [points][nodes]
    """

    results: tuple[Result, ...]
    log_rates: Array
    on_nodes: Array
    topology: Topology
    unit: str

    @property
    def cores(self) -> tuple[int, ...]:
        return tuple(result.threads for result in self.results)

    @property
    def last(self) -> Result:
        """Of the most cores: it carries the mode and placement, which one core has none of."""
        return self.results[-1]

    @property
    def rounds(self) -> int:
        return len(self.log_rates)

    @property
    def grid(self) -> Grid:
        return Grid(np.array(self.cores, np.float64), self.on_nodes.astype(np.float64))


def curves(session: Session) -> tuple[Curve, ...]:
    """Every trial measured at two or more numbers of cores, in the order of the file."""
    topology = Topology.of(session.machine)
    families: dict[Key, dict[int, Result]] = {}
    for result in session.results:
        if result.mode != "split":
            families.setdefault(_key(result), {}).setdefault(result.threads, result)
    singles = [result for result in session.results if result.threads == 1 and result.mode != "split"]
    for key, family in families.items():
        if 1 not in family and (single := _single(key, singles)):
            family[1] = single
    found = [_curve(family, topology) for family in families.values() if len(family) > 1]
    return tuple(curve for curve in found if curve)


def _key(result: Result) -> Key:
    r = result
    return (r.kernel, r.case, r.variant, r.mode, r.placement, r.memory, r.side)


def _single(key: Key, singles: Iterable[Result]) -> Result | None:
    """The trial on one core, which is the same thing in every mode and measured once."""
    kernel, case, variant, _, _, memory, side = key
    same = [r for r in singles if (r.kernel, r.case, r.variant, r.side) == (kernel, case, variant, side)]
    return min(same, key=lambda r: r.memory != memory, default=None)


def _curve(family: Mapping[int, Result], topology: Topology) -> Curve | None:
    ordered = [family[threads] for threads in sorted(family)]
    by_round = [log_rates(result) for result in ordered]
    most = max(map(len, by_round))
    kept = [i for i, rates in enumerate(by_round) if len(rates) >= ROUNDS_SHARE * most]
    common = sorted(set.intersection(*(set(by_round[i]) for i in kept)))
    if len(kept) < 2 or not common:
        return None
    results = tuple(ordered[i] for i in kept)
    rates = np.array([[by_round[i][index] for i in kept] for index in common])
    on_nodes = np.array([topology.on_nodes(result.cpus) for result in results])
    return Curve(results, rates, on_nodes, topology, estimates.amounts(results[0].work)[0][1])


def log_rates(result: Result) -> dict[int, float]:
    """{round: log of the rate of all threads together}."""
    amount, _ = estimates.amounts(result.work)[0]
    total = amount * result.at_once
    pairs = zip(result.processes, estimates.process_seconds(result), strict=True)
    return {process.round: math.log(total / seconds) for process, seconds in pairs}

"""Where each CPU sits: its node, package, last-level cache, cluster and core, below a root."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from armbench.bench.machine import pages, topology
from armbench.bench.machine.hostfiles import CPU, HERE, HostFiles
from armbench.bench.model import Site

_CACHE_INDEXES = 8


def sites(cpus: Sequence[int], root: Path = HERE) -> tuple[Site, ...]:
    """The sites of these CPUs, in their order.

    What the kernel does not tell is one group for all, and a core for each CPU.
    """
    files = HostFiles(root)
    package_of = _first_of(cpus, _shared(files, "package_cpus_list", "core_siblings_list"))
    cluster_of = _first_of(cpus, _shared(files, "cluster_cpus_list"))
    core_of = _first_of(cpus, _shared(files, "core_cpus_list", "thread_siblings_list"))
    cache_of = _first_of(cpus, lambda cpu: _last_level(files, cpu))
    node_of = _nodes(files)
    return tuple(
        Site(
            cpu,
            node=node_of.get(cpu, 0),
            package=package_of.get(cpu, 0),
            cache=cache_of.get(cpu, 0),
            cluster=cluster_of.get(cpu, 0),
            core=core_of.get(cpu, cpu),
        )
        for cpu in cpus
    )


def _first_of(cpus: Sequence[int], members_of: Callable[[int], Sequence[int]]) -> dict[int, int]:
    """{CPU: the first CPU of its group}; what one member's file says is not read again for the others."""
    found: dict[int, int] = {}
    for cpu in cpus:
        if cpu not in found and cpu in (members := members_of(cpu)):
            found.update(dict.fromkeys(members, min(members)))
    return found


def _shared(files: HostFiles, *names: str) -> Callable[[int], Sequence[int]]:
    """Reads a CPU's group from the first of these topology files that it has."""

    def members(cpu: int) -> Sequence[int]:
        lists = (files.cpus(f"{CPU}/cpu{cpu}/topology/{name}") for name in names)
        return next(filter(None, lists), ())

    return members


def _last_level(files: HostFiles, cpu: int) -> Sequence[int]:
    """The CPUs that share this one's highest level of cache."""
    shared: Sequence[int] = ()
    highest = 0
    for index in range(_CACHE_INDEXES):
        folder = f"{CPU}/cpu{cpu}/cache/index{index}"
        level = files.integer(f"{folder}/level")
        if level is None:
            break
        if level >= highest and files.line(f"{folder}/type") != "Instruction":
            highest, shared = level, files.cpus(f"{folder}/shared_cpu_list") or ()
    return shared


def _nodes(files: HostFiles) -> dict[int, int]:
    lists = {node.id: files.cpus(f"{topology.NODE}/node{node.id}/cpulist") for node in topology.nodes(files)}
    return {cpu: node for node, members in lists.items() for cpu in members or ()}


def node_free_bytes(node: int, root: Path = HERE) -> int | None:
    """What a process may still take of a node: its free pages, and half of those that cache files."""
    found = pages.meminfo(HostFiles(root), f"{topology.NODE}/node{node}/meminfo")
    return found["MemFree"] + found.get("FilePages", 0) // 2 if "MemFree" in found else None

"""How the CPUs hang together: packages, threads, caches and NUMA nodes below a root.

A machine may have hundreds of CPUs with some thirty files each, so what one CPU's file says
of a group is not read again for the others of that group.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Literal, cast

from armbench.bench import cpulist
from armbench.bench.machine import pages
from armbench.bench.machine.hostfiles import CPU, HostFiles, to_int
from armbench.bench.model import Cache, Node

NODE = "sys/devices/system/node"
EVENT_SOURCES = "sys/bus/event_source/devices"
_SOFTWARE = {"breakpoint", "kprobe", "software", "tracepoint", "uprobe"}  # event sources without counters
_PMU_LIMIT = 1 << 10
_CACHE_INDEXES = 16
_NODE_LIMIT = 1 << 10  # the most that Linux can be built for
_CACHE_TYPES = {"Data": "data", "Instruction": "instruction", "Unified": "unified"}
_SIZE_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
Cpus = tuple[int, ...]


def packages(files: HostFiles, cpus: Cpus) -> tuple[str, ...]:
    """What the kernel takes for packages (Graviton1 shows each cluster as one), in CPU order."""
    groups = _groups(files, cpus, "package_cpus_list", "core_siblings_list") or _packages_by_id(files, cpus)
    return tuple(cpulist.format(group) for group in groups)


def clusters(files: HostFiles, cpus: Cpus) -> tuple[str, ...]:
    """Groups of several cores below a package, in CPU order; empty where the kernel shows none.

    Without any the kernel names each core a cluster of its own.
    """
    if not any(files.cpus(f"{CPU}/cpu{cpu}/topology/cluster_cpus_list") for cpu in cpus[:1]):
        return ()
    groups = _groups(files, cpus, "cluster_cpus_list")
    single = {frozenset(group) for group in _groups(files, cpus, "core_cpus_list", "thread_siblings_list")}
    several = any(len(group) > 1 and frozenset(group) not in single for group in groups)
    return tuple(cpulist.format(group) for group in groups) if several else ()


def pmus(files: HostFiles) -> tuple[str, ...]:
    """The performance monitors: of the cores, and where shown of mesh (arm_cmn) and profiling (arm_spe)."""
    names = (name for name in files.names(EVENT_SOURCES) if re.fullmatch(r"[\w.:-]{1,64}", name, re.ASCII))
    return tuple(name for name in names if name not in _SOFTWARE)[:_PMU_LIMIT]


def threads_per_core(files: HostFiles, cpus: Cpus) -> int | None:
    """CPUs of one core; the most where cores differ."""
    groups = _groups(files, cpus, "core_cpus_list", "thread_siblings_list")
    return max((len(group) for group in groups), default=None)


def _groups(files: HostFiles, cpus: Cpus, *names: str) -> list[Cpus]:
    """The different CPU lists in the first of these topology files that a CPU has."""
    groups: list[Cpus] = []
    seen: set[int] = set()
    for cpu in cpus:
        if cpu in seen:
            continue
        lists = (files.cpus(f"{CPU}/cpu{cpu}/topology/{name}") for name in names)
        group = next((found for found in lists if found and cpu in found), None)
        if group:
            groups.append(group)
            seen.update(group)
    return groups


def _packages_by_id(files: HostFiles, cpus: Cpus) -> list[Cpus]:
    groups: dict[int, list[int]] = {}
    for cpu in cpus:
        if (package := files.integer(f"{CPU}/cpu{cpu}/topology/physical_package_id")) is not None:
            groups.setdefault(package, []).append(cpu)
    return [tuple(group) for group in groups.values()]


# --- caches --------------------------------------------------------------------------------


def caches(files: HostFiles, cpus: Cpus, kind: Callable[[int], Hashable]) -> tuple[Cache, ...]:
    """Every cache size there is, with its instances; empty where the machine shows none.

    kind(cpu) names the core type: CPUs of one type have the same cache indexes.
    """
    labels: dict[Hashable, dict[int, tuple[int, str]]] = {}
    seen: dict[tuple[int, str], set[int]] = {}
    counted: Counter[tuple[int, str, int, int]] = Counter()
    for cpu in cpus:
        known = labels.setdefault(kind(cpu), {})
        for index in range(_CACHE_INDEXES):
            folder = f"{CPU}/cpu{cpu}/cache/index{index}"
            label = known.get(index) or _label(files, folder)
            if label is None:
                break
            known[index] = label
            if cpu in seen.setdefault(label, set()):
                continue
            if shared := files.cpus(f"{folder}/shared_cpu_list"):
                seen[label].update(shared)
                counted[(*label, _size(files, folder), len(shared))] += 1
    return tuple(_cache(key, instances) for key, instances in sorted(counted.items()))


def _label(files: HostFiles, folder: str) -> tuple[int, str] | None:
    """(level, type) of a cache; one of unknown type is not counted."""
    level = files.integer(f"{folder}/level")
    kind = _CACHE_TYPES.get(files.line(f"{folder}/type") or "", "")
    return (level, kind) if level and level < _CACHE_INDEXES and kind else None


def _size(files: HostFiles, folder: str) -> int:
    match = re.fullmatch(r"([0-9]{1,12})([KMG]?)", files.line(f"{folder}/size") or "", re.ASCII)
    return int(match[1]) * _SIZE_UNITS[match[2]] if match else 0


def _cache(key: tuple[int, str, int, int], instances: int) -> Cache:
    level, kind, size, cpus = key
    return Cache(level, cast(Literal["data", "instruction", "unified"], kind), size or None, instances, cpus)


# --- NUMA ----------------------------------------------------------------------------------


def nodes(files: HostFiles) -> tuple[Node, ...]:
    """The NUMA nodes by id, those without CPUs too; empty where the kernel shows none."""
    ids = files.cpus(f"{NODE}/online")
    if ids is None:
        ids = tuple(
            sorted(int(n[4:]) for n in files.names(NODE) if re.fullmatch("node[0-9]{1,4}", n, re.ASCII))
        )
    return tuple(node for i in ids if i < _NODE_LIMIT and (node := _node(files, i)))


def _node(files: HostFiles, index: int) -> Node | None:
    cpus = files.cpus(f"{NODE}/node{index}/cpulist")
    if cpus is None:
        return None
    distances = [to_int(part) for part in (files.line(f"{NODE}/node{index}/distance") or "").split()]
    known = tuple(d for d in distances if d is not None)
    memory = pages.meminfo(files, f"{NODE}/node{index}/meminfo").get("MemTotal")
    return Node(index, cpulist.format(cpus), memory, known if len(known) == len(distances) else ())


def governor(files: HostFiles) -> str | None:
    """The frequency governor; several, joined by a comma, where the policies differ."""
    folder = f"{CPU}/cpufreq"
    policies = [name for name in files.names(folder) if name.startswith("policy")]
    found = {files.line(f"{folder}/{policy}/scaling_governor") for policy in policies}
    return ",".join(sorted(name for name in found if name)) or None

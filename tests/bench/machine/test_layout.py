"""Where CPUs sit, on the machines of tests/machines and on this one."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from armbench.bench import cpulist, machine
from armbench.bench.machine import detect
from armbench.bench.machine.layout import node_free_bytes, sites
from armbench.bench.machine.process import private_bytes, task_cpus
from armbench.bench.model import Site
from tests.machines import fake_root


@pytest.mark.parametrize("name", fake_root.specs())
def test_groups_are_those_that_detection_counts(name: str, tmp_path: Path) -> None:
    spec = fake_root.specs()[name]
    root = fake_root.build(spec, tmp_path)
    told = detect(root)
    online = tuple(cpulist.parse(told.online))
    found = sites(online, root)
    assert tuple(site.cpu for site in found) == online
    for node in told.nodes:
        members = [site.cpu for site in found if site.node == node.id]
        assert fake_root.as_list(members) == node.cpus
    if told.packages:
        assert len({site.package for site in found}) == len(told.packages)
    if told.threads_per_core:
        assert max(Counter(site.core for site in found).values()) == told.threads_per_core
    data = [cache for cache in told.caches if cache.type != "instruction"]
    if data:
        last = [cache for cache in data if cache.level == max(c.level for c in data)]
        covered = sum(cache.instances * cache.cpus_per_instance for cache in last)
        if covered == told.cpus:  # else some cores end at a lower level
            assert len({site.cache for site in found}) == sum(cache.instances for cache in last)


def test_what_the_kernel_does_not_tell_is_one_group(tmp_path: Path) -> None:
    assert sites((3, 1), tmp_path) == (Site(3, core=3), Site(1, core=1))


def test_groups_are_named_by_their_first_cpus(tmp_path: Path) -> None:
    cpu = "sys/devices/system/cpu/cpu{}/topology"
    for number in range(4):
        fake_root.put(tmp_path, f"{cpu.format(number)}/cluster_cpus_list", "0-1" if number < 2 else "2-3")
        fake_root.put(
            tmp_path, f"{cpu.format(number)}/thread_siblings_list", f"{number % 2},{number % 2 + 2}"
        )
    assert [(s.cluster, s.core) for s in sites((0, 1, 2, 3), tmp_path)] == [(0, 0), (0, 1), (2, 0), (2, 1)]
    fake_root.put(tmp_path, f"{cpu.format(3)}/cluster_cpus_list", "0-1")
    assert sites((3,), tmp_path)[0].cluster == 0, "a list without the CPU itself is no group of it"


def test_a_nodes_free_memory(tmp_path: Path) -> None:
    assert node_free_bytes(0, tmp_path) is None
    text = "Node 1 MemTotal:  100 kB\nNode 1 MemFree:    10 kB\nNode 1 FilePages:    8 kB"
    fake_root.put(tmp_path, "sys/devices/system/node/node1/meminfo", text)
    assert node_free_bytes(1, tmp_path) == 14 << 10


def test_this_process() -> None:
    assert private_bytes() > 1 << 20
    assert task_cpus() <= {site.cpu for site in sites(sorted(machine.allowed_cpus()))} | os.sched_getaffinity(
        0
    )

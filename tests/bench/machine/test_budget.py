"""The CPU budget below a root: affinity, cpuset, cgroup versions 1 and 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from armbench.bench.machine import budget
from armbench.bench.machine.hostfiles import HostFiles
from armbench.bench.model import Budget

V2 = "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = (
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
)
ALL = Budget(8, "all online CPUs")


def limits(tmp_path: Path, files: dict[str, str]) -> tuple[Budget, tuple[int, ...]]:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return budget.budget(HostFiles(tmp_path), tuple(range(8)))


def v2(path: str, files: dict[str, str]) -> dict[str, str]:
    inside = {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    return {"proc/self/cgroup": f"0::{path}\n", "proc/self/mountinfo": V2, **inside}


def v1(path: str, files: dict[str, str], mounts: str = V1) -> dict[str, str]:
    cgroups = f"4:cpuset:{path}\n3:cpu,cpuacct:{path}\n1:name=systemd:/\n0::/\n"
    inside = {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    return {"proc/self/cgroup": cgroups, "proc/self/mountinfo": mounts, **inside}


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, ALL),
        ({"proc/self/status": "Name:\tx\nCpus_allowed_list:\t2-4\nMems:\t0\n"}, Budget(3, "affinity")),
        ({"proc/self/status": "Cpus_allowed_list:\t64-70\n"}, ALL),
        (v2("/", {"cpu.max": "150000 100000\n"}), Budget(1, "cgroup quota 1.5 CPUs")),
        (v2("/", {"cpu.max": "50000 100000\n"}), Budget(1, "cgroup quota 0.5 CPUs")),
        (v2("/", {"cpu.max": "100000 100000\n"}), Budget(1, "cgroup quota 1 CPU")),
        (v2("/", {"cpu.max": "max 100000\n"}), ALL),
        (v2("/", {"cpu.max": "1600000 100000\n"}), ALL),
        (v2("/", {"cpu.max": "850000 100000\n"}), ALL),
        (v2("/a/b", {"cpu.max": "max 100000\n", "a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n"}),
         Budget(3, "cgroup quota 3 CPUs")),
        (v2("/a/b", {"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "250000 100000\n"}),
         Budget(2, "cgroup quota 2.5 CPUs")),
        (v2("/not/seen/from/here", {"cpu.max": "200000 100000\n"}), Budget(2, "cgroup quota 2 CPUs")),
        (v2("/../../other", {"cpu.max": "200000 100000\n"}), Budget(2, "cgroup quota 2 CPUs")),
        (v2("/a", {"cpuset.cpus.effective": "0-7\n", "a/cpuset.cpus.effective": "1,3\n"}), Budget(2, "cpuset")),
        (v2("/a", {"cpuset.cpus.effective": "0-3\n"}), Budget(4, "cpuset")),
        (v2("/", {"cpuset.cpus.effective": "0-3\n"}) | {"proc/self/status": "Cpus_allowed_list:\t0-1\n"},
         Budget(2, "affinity")),
        (v2("/", {"cpuset.cpus.effective": "0-3\n"}) | {"proc/self/status": "Cpus_allowed_list:\t0-3\n"},
         Budget(4, "cpuset")),
        (v2("/", {"cpuset.cpus.effective": "0-3\n", "cpu.max": "400000 100000"}), Budget(4, "cpuset")),
        ({"sys/fs/cgroup/cpu.max": "200000 100000\n"}, Budget(2, "cgroup quota 2 CPUs")),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "50000\n"},
         Budget(4, "cgroup quota 4 CPUs")),
        (v1("/", {"cpu,cpuacct/cpu.cfs_quota_us": "-1\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"}), ALL),
        (v1("/d", {"cpu,cpuacct/d/cpu.cfs_quota_us": "350000\n", "cpu,cpuacct/d/cpu.cfs_period_us": "100000\n"}),
         Budget(3, "cgroup quota 3.5 CPUs")),
        (v1("/d", {"cpuset/cpuset.cpus": "0-7\n", "cpuset/d/cpuset.effective_cpus": "5\n"}), Budget(1, "cpuset")),
        (v1("/docker/1/x", {"cpu/x/cpu.cfs_quota_us": "300000\n", "cpu/x/cpu.cfs_period_us": "100000\n"},
            "32 31 0:29 /docker/1 /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"),
         Budget(3, "cgroup quota 3 CPUs")),
        (v1("/docker/1", {"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"},
            "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"),
         Budget(3, "cgroup quota 3 CPUs")),
        ({"proc/self/mountinfo": V2.replace("/sys/fs/cgroup", "/c\\040d"), "c d/cpu.max": "200000 100000"},
         Budget(2, "cgroup quota 2 CPUs")),
        (v2("/", {"cpu.max": "0 0\n"}), ALL),
        (v2("/", {"cpu.max": "fast\n"}), ALL),
        ({"proc/self/mountinfo": "\n - \nx - cgroup2\n", "proc/self/cgroup": "::::\n\n0"}, ALL),
    ],
)  # fmt: skip
def test_budget(files: dict[str, str], found: Budget, tmp_path: Path) -> None:
    assert limits(tmp_path, files)[0] == found


def test_a_quota_does_not_say_which_cpus(tmp_path: Path) -> None:
    files = v2("/", {"cpu.max": "200000 100000\n", "cpuset.cpus.effective": "2-7"})
    files["proc/self/status"] = "Cpus_allowed_list:\t0-4\n"
    assert limits(tmp_path, files) == (Budget(2, "cgroup quota 2 CPUs"), (2, 3, 4))


def test_no_cpus_no_budget(tmp_path: Path) -> None:
    assert budget.budget(HostFiles(tmp_path), ()) == (Budget(0, "all online CPUs"), ())


# --- memory --------------------------------------------------------------------------------

V1_MEMORY = "36 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
UNLIMITED = "9223372036854771712\n"


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({}, None),
        (v2("/", {"memory.max": "max\n", "memory.current": "100\n"}), None),
        (v2("/", {"memory.max": "1000\n", "memory.current": "100\n"}), 900),
        (v2("/", {"memory.max": "1000\n", "memory.current": "1100\n"}), 0),
        (v2("/", {"memory.max": "1000\n"}), None),
        (v2("/a", {"memory.max": "500\n", "memory.current": "1\n", "a/memory.max": "1000\n", "a/memory.current": "1\n"}),
         499),
        (v2("/", {"memory.max": "1000\n", "memory.current": "700\n",
                  "memory.stat": "anon 300\nactive_file 50\ninactive_file 350\n"}), 650),
        (v1("/", {"memory/memory.limit_in_bytes": "1000\n", "memory/memory.usage_in_bytes": "700\n",
                  "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 350\n"}, V1_MEMORY), 650),
        (v1("/", {"memory/memory.limit_in_bytes": UNLIMITED, "memory/memory.usage_in_bytes": "0\n"}, V1_MEMORY),
         int(UNLIMITED)),
        ({"sys/fs/cgroup/memory.max": "1000\n", "sys/fs/cgroup/memory.current": "100\n"}, 900),
    ],
)  # fmt: skip
def test_memory_below_the_nearest_limit(tmp_path: Path, files: dict[str, str], left: int | None) -> None:
    limits(tmp_path, files)
    assert budget.memory_left(HostFiles(tmp_path)) == left

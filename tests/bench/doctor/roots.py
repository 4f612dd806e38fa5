"""Machines as files: each with one thing wrong that it has not as it comes from tests/machines."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.machines.fake_root import build, specs

THP = "sys/kernel/mm/transparent_hugepage"
CPU = "sys/devices/system/cpu"
MEMINFO = (
    "MemTotal: 400000000 kB\nMemFree: 1000 kB\nMemAvailable: {} kB\nSwapTotal: 8000000 kB\nSwapFree: {} kB"
)
LIMITS = "Limit                     Soft Limit           Hard Limit           Units\n"
SOUND = "graviton4-m8g.24xlarge"
FOUR_CPUS = {  # of that machine, since every CPU has some thirty files
    "cpus": 4,
    "cores": [{"cpus": "0-3", "midr": "0x410fd4f1"}],
    "packages": ["0-3"],
    "nodes": ["0-3"],
    "dmi": {"sys_vendor": "Amazon EC2", "product_name": "m8g.metal-24xl"},
}


@dataclass(frozen=True)
class Spoilt:
    """A spec with other files, or with other fields; and the code that this adds to its findings."""

    code: str
    spec: str = SOUND
    files: dict[str, str] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()  # features
    exit_code: int = 0

    def build_sound(self, root: Path) -> Path:
        return build(_spec(self.spec), root)

    def build(self, root: Path) -> Path:
        spec = _spec(self.spec)
        spec["files"] = {**spec.get("files", {}), **self.files}
        spec["features"] = " ".join(n for n in spec.get("features", "").split() if n not in self.without)
        return build({**spec, **self.changes}, root)


def _spec(name: str) -> dict[str, Any]:
    return {**deepcopy(specs()[name]), **(FOUR_CPUS if name == SOUND else {})}


def aws(instance: str) -> dict[str, Any]:
    return {"dmi": {"sys_vendor": "Amazon EC2", "product_name": instance}}


SPOILT = (
    Spoilt("emulated", changes={"cores": [{"cpus": "0-3", "midr": "0x000f0510"}]}, exit_code=7),
    Spoilt("burstable", changes=aws("t4g.xlarge"), exit_code=7),
    Spoilt("cpu-quota", files={"sys/fs/cgroup/cpu.max": "250000 100000"}, exit_code=7),
    Spoilt("overloaded", files={"proc/loadavg": "2.03 40.00 30.00 49/2000 4242"}, exit_code=7),
    Spoilt("heavy-steal", files={"proc/stat": "cpu  500 0 100 9000 0 0 0 1400 0 0"}, exit_code=7),
    Spoilt("cpuset", files={"sys/fs/cgroup/cpuset.cpus.effective": "0-2"}),
    Spoilt("affinity", files={"proc/self/status": "Name:\tpython3\nCpus_allowed_list:\t0-1\n"}),
    Spoilt("steal", files={"proc/stat": "cpu  500 0 100 9300 0 0 0 100 0 0"}),
    Spoilt("busy", files={"proc/loadavg": "0.25 0.10 0.10 4/2000 4242"}),
    Spoilt("governor", files={f"{CPU}/cpufreq/policy0/scaling_governor": "schedutil"}),
    Spoilt("thp-never", files={f"{THP}/enabled": "always madvise [never]"}),
    Spoilt("kernel-too-old", changes={"kernel": "4.14.355-280.652.amzn2.aarch64"}),
    Spoilt("features-hidden", without=("sve", "sve2", "svei8mm", "svebf16")),
    Spoilt("swap-used", files={"proc/meminfo": MEMINFO.format(300000000, 4000000)}),
    Spoilt("memory-full", files={"proc/meminfo": MEMINFO.format(900000, 8000000)}),
    Spoilt(
        "container-memory",
        files={
            "proc/meminfo": MEMINFO.format(300000000, 8000000),
            "sys/fs/cgroup/memory.max": "4294967296",
            "sys/fs/cgroup/memory.current": "1073741824",
        },
    ),
    Spoilt("debug-kernel", changes={"kernel": "6.12.0+debug"}),
    Spoilt("clock-source", files={"sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet"}),
    Spoilt(
        "process-limit",
        files={"proc/self/limits": LIMITS + "Max processes             50     50     processes"},
    ),
    Spoilt(
        "address-space-limit",
        files={"proc/self/limits": LIMITS + "Max address space         8589934592   8589934592   bytes"},
    ),
    Spoilt("shared-host", changes=aws("m8g.xlarge")),
    Spoilt("slower-memory", changes=aws("m7g.medium"), spec="graviton3-c7g.medium"),
    Spoilt("nodes-in-package", changes={"nodes": ["0-1", "2-3"], "distances": [10, 20]}),
    Spoilt("desktop-hypervisor", spec="raspberry-pi-5", changes={"dmi": {"product_name": "VirtualBox"}}),
    Spoilt("caches-unknown", changes={"caches": []}),
    Spoilt("isolated-cpus", files={f"{CPU}/isolated": "2-3"}),
    Spoilt("boost", files={f"{CPU}/cpufreq/boost": "1"}),
    Spoilt("pages-64k", files={f"{THP}/hpage_pmd_size": "536870912"}),
    Spoilt("preempt-lazy", changes={"kernel": "7.0.4-2.amzn2023.aarch64"}),
    Spoilt("perf-forbidden", files={"proc/sys/kernel/perf_event_paranoid": "4"}),
    Spoilt("irqbalance", files={"sys/fs/cgroup/system.slice/irqbalance.service/cgroup.procs": "812"}),
    Spoilt("packet-steering", files={"sys/class/net/ens5/queues/rx-0/rps_cpus": "ff"}),
    Spoilt("ksm", files={"sys/kernel/mm/ksm/run": "1"}),
    Spoilt(
        "numa-balancing",
        changes={"nodes": ["0-1", "2-3"], "distances": [10, 20]},
        files={"proc/sys/kernel/numa_balancing": "1"},
    ),
    Spoilt("cpus-offline", files={f"{CPU}/present": "0-7", f"{CPU}/offline": "4-7"}),
)

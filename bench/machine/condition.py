"""The condition that the system is in: load, memory, limits and settings of the kernel."""

from __future__ import annotations

import os
import re
import resource
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from armbench.bench.machine import budget, pages
from armbench.bench.machine.hostfiles import CPU, HERE, HostFiles, to_int

_LONG_ENOUGH_SECONDS = 0.1  # ten ticks of the kernel's usual clock

_SETTINGS = {  # name: file of one line
    "clocksource": "sys/devices/system/clocksource/clocksource0/current_clocksource",
    "perf_event_paranoid": "proc/sys/kernel/perf_event_paranoid",
    "numa_balancing": "proc/sys/kernel/numa_balancing",
    "ksm": "sys/kernel/mm/ksm/run",
    "sve_default_vector_length": "proc/sys/abi/sve_default_vector_length",
    "no_turbo": f"{CPU}/intel_pstate/no_turbo",
    "boost": f"{CPU}/cpufreq/boost",
    "smt": f"{CPU}/smt/active",
    "isolated": f"{CPU}/isolated",
    "version": "proc/version",
    "command_line": "proc/cmdline",
    "scheduler_preemption": "sys/kernel/debug/sched/preempt",
}
_CONFIG_LINES = re.compile(r"^(CONFIG_\w+)=y$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ticks:
    """The kernel's count of CPU time at a moment, in ticks, and this process's own part in seconds.

    All CPUs together; None where the kernel does not tell.
    """

    moment: float
    busy: int | None
    steal: int | None
    every: int | None
    own_seconds: float


@dataclass(frozen=True, slots=True)
class Condition:
    """What else goes on, and how the kernel is set; None is unknown.

    load_average     of the last minute
    others_busy      CPUs' worth of time that other processes took while we looked
    steal_share      of all time, while we looked; below another root since its boot
    swap_used_bytes  and the rest of the memory; group_left_bytes below the nearest cgroup limit
    settings         {name: line} of files that have one
    config           names of the kernel's options that are built in
    services         of systemd that run
    packet_steering  network devices whose received packets are spread over CPUs
    iommu            whether devices go through one
    limits           {resource limit: value}, without those that are unlimited
    free_disk_bytes  where we stand
    """

    load_average: float | None = None
    others_busy: float | None = None
    steal_share: float | None = None
    memory_bytes: int | None = None
    available_bytes: int | None = None
    swap_used_bytes: int | None = None
    group_left_bytes: int | None = None
    settings: Mapping[str, str] | None = None
    config: frozenset[str] = frozenset()
    services: tuple[str, ...] = ()
    packet_steering: tuple[str, ...] = ()
    iommu: bool = False
    limits: Mapping[str, int] | None = None
    free_disk_bytes: int | None = None

    def setting(self, name: str) -> str | None:
        return (self.settings or {}).get(name)

    def number(self, name: str) -> int | None:
        return to_int(self.setting(name))

    @property
    def command_line(self) -> frozenset[str]:
        """The words that the kernel was started with."""
        return frozenset((self.setting("command_line") or "").split())


def ticks(root: Path = HERE) -> Ticks:
    """The counts now."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    own = sum(u.ru_utime + u.ru_stime for u in usage)
    line = (HostFiles(root).line("proc/stat") or "").split()
    counts = [to_int(field) for field in line[1:9]] if line[:1] == ["cpu"] else []
    known = [count for count in counts if count is not None]
    if len(known) < 8:
        return Ticks(time.monotonic(), None, None, None, own)
    user, nice, system, _, _, irq, softirq, steal = known
    return Ticks(time.monotonic(), user + nice + system + irq + softirq, steal, sum(known), own)


def look(root: Path = HERE, since: Ticks | None = None) -> Condition:
    """The condition of the machine whose files lie below `root`; since: an earlier moment of this host."""
    files = HostFiles(root)
    memory = pages.meminfo(files)
    swap = memory["SwapTotal"] - memory["SwapFree"] if {"SwapTotal", "SwapFree"} <= memory.keys() else None
    others, steal = _between(since, ticks(root))
    load = re.match(r"[0-9]{1,6}\.[0-9]{1,2}", files.line("proc/loadavg") or "", re.ASCII)
    return Condition(
        load_average=float(load[0]) if load else None,
        others_busy=others,
        steal_share=steal,
        memory_bytes=memory.get("MemTotal"),
        available_bytes=memory.get("MemAvailable"),
        swap_used_bytes=swap,
        group_left_bytes=budget.memory_left(files),
        settings={name: line for name, path in _SETTINGS.items() if (line := files.line(path))},
        config=frozenset(_CONFIG_LINES.findall(_config_text(files))),
        services=_services(files),
        packet_steering=_packet_steering(files),
        iommu=bool(files.names("sys/class/iommu")),
        limits=_limits(files),
        free_disk_bytes=shutil.disk_usage(".").free if files.live else None,
    )


def _between(before: Ticks | None, now: Ticks) -> tuple[float | None, float | None]:
    """(CPUs that others kept busy, share of time that was stolen); of all time up to now without `before`."""
    if now.every is None or now.steal is None or now.busy is None:
        return None, None
    if before is None or before.every is None or before.steal is None or before.busy is None:
        return None, now.steal / now.every if now.every else None
    seconds, every = now.moment - before.moment, now.every - before.every
    if seconds < _LONG_ENOUGH_SECONDS or every <= 0:
        return None, None
    busy = (now.busy - before.busy) / os.sysconf("SC_CLK_TCK") - (now.own_seconds - before.own_seconds)
    return max(0.0, busy / seconds), max(0.0, (now.steal - before.steal) / every)


def _config_text(files: HostFiles) -> str:
    """The running kernel's build options, where the distribution keeps them."""
    release = files.line("proc/sys/kernel/osrelease") or ""
    if not re.fullmatch(r"[\w.+~-]{1,100}", release, re.ASCII):
        return ""
    return files.text(f"boot/config-{release}") or files.text(f"lib/modules/{release}/config") or ""


def _services(files: HostFiles) -> tuple[str, ...]:
    """systemd keeps a cgroup for each service that runs."""
    folders = ("sys/fs/cgroup/system.slice", "sys/fs/cgroup/systemd/system.slice")
    names = {name for folder in folders for name in files.names(folder) if name.endswith(".service")}
    return tuple(sorted(name.removesuffix(".service") for name in names))


def _packet_steering(files: HostFiles) -> tuple[str, ...]:
    folder = "sys/class/net"
    return tuple(
        name
        for name in files.names(folder)[:64]
        if (files.line(f"{folder}/{name}/queues/rx-0/rps_cpus") or "").strip("0,")
    )


def _limits(files: HostFiles) -> dict[str, int]:
    """{"Max processes": soft limit}, as /proc writes them."""
    rows = re.findall(
        r"^(Max [a-z ]+?) {2,}([0-9]{1,20}) ",
        files.text("proc/self/limits") or "",
        re.MULTILINE | re.ASCII,
    )
    return {name: int(value) for name, value in rows}

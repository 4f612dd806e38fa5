"""The core's clock and the CPU's counter: measured, told by firmware and kernel, or published."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from armbench.bench import cpulist, native
from armbench.bench.facts import ChipFacts
from armbench.bench.machine import arm, budget, probe
from armbench.bench.machine.cpuinfo import CpuInfo
from armbench.bench.machine.hostfiles import CPU, HERE, HostFiles
from armbench.bench.machine.topology import Cpus
from armbench.bench.model import Core, Smbios

Told = tuple[float | None, str | None]  # Hz, and who says so
MEASURED = "dependent adds"
_COUNTER_HZ_PER_BOGOMIPS = 500_000  # arm64's BogoMIPS are twice the timer's MHz
_SLOWEST_KHZ, _FASTEST_KHZ = 100_000, 20_000_000


def nominal(
    files: HostFiles, smbios: Smbios | None, chip: ChipFacts, instance: str | None, cpus: Cpus
) -> Told:
    """What firmware, kernel or facts promise, the one nearest to the machine first."""
    if smbios and (hz := smbios.clock_hz or smbios.max_clock_hz):
        return hz, "SMBIOS"
    for cpu in cpus[:1]:
        khz = files.integer(f"{CPU}/cpu{cpu}/cpufreq/cpuinfo_max_freq")
        if khz and _SLOWEST_KHZ <= khz <= _FASTEST_KHZ:
            return khz * 1e3, "cpufreq"
    published = arm.chip_clock_hz(chip, instance)
    return published, "facts" if published else None


def measured_hz() -> float:
    """This host's clock now, by a chain of dependent adds on the first allowed CPU.

    Raises NativeError without the native library.
    """
    return _measured_on(budget.allowed(HostFiles(HERE))[:1])


def _measured_on(cpus: Iterable[int]) -> float:
    """Where pinning is forbidden, the best chain is a clean one all the same."""
    with probe.pinned(*cpus):
        return native.clock_hz()


def with_clocks(cores: tuple[Core, ...], allowed: Cpus) -> tuple[Core, ...]:
    """The cores with the clock that each type has now, on its first allowed CPU (10 ms each)."""
    try:
        return tuple(_with_clock(core, allowed) for core in cores)
    except native.NativeError:
        return cores


def _with_clock(core: Core, allowed: Cpus) -> Core:
    mine = [cpu for cpu in cpulist.parse(core.cpus) if cpu in allowed]
    return replace(core, clock_hz=_measured_on(mine[:1])) if mine else core


def of_first(cores: Iterable[Core], allowed: Cpus) -> float | None:
    """The measured clock of the core type to which the first allowed CPU belongs."""
    own = (core for core in cores if allowed and allowed[0] in cpulist.parse(core.cpus))
    return next((core.clock_hz for core in own), None)


def told_counter_hz(files: HostFiles, info: CpuInfo, arch: str, cpus: Cpus) -> int | None:
    """The counter's frequency: the register's, or CPUID's; else half of what arm64 prints as BogoMIPS."""
    if files.live and (told := probe.counter_hz()):
        return told
    for text in info.values("BogoMIPS", cpus) if arch == "aarch64" else ():
        if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text, re.ASCII):
            return round(float(text) * _COUNTER_HZ_PER_BOGOMIPS) or None
    return None

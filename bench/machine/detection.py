"""What the host is: its files below a root, and what its running CPU tells, as a Machine.

The rest of the suite learns only here what /proc and /sys say.  Below another root than "/"
the answer rests on its files and on facts/ alone, so that any machine can be described from
a copy of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from armbench.bench import cpulist, native
from armbench.bench.facts import FEATURES, ISA, ChipFacts, missing_features
from armbench.bench.machine import (
    arm,
    budget,
    clock,
    cloud,
    comparability,
    cpuinfo,
    identity,
    imds,
    pages,
    probe,
    smbios,
    topology,
)
from armbench.bench.machine.arm import Midr
from armbench.bench.machine.cpuinfo import CpuInfo
from armbench.bench.machine.hostfiles import CPU, HERE, HostFiles
from armbench.bench.machine.topology import Cpus
from armbench.bench.model import Machine, Metadata, Smbios

_HYPERVISOR_HINTS = (
    "sys/firmware/devicetree/base/hypervisor/compatible",
    "sys/devices/system/clocksource/clocksource0/available_clocksource",
)
_HYPERVISORS = {"kvm": "kvm", "hyperv": "hyper-v", "xen": "xen"}


def detect(
    root: Path = HERE,
    *,
    clock: bool = False,
    metadata: bool = False,
    metadata_address: imds.Address = imds.ADDRESS,
) -> Machine:
    """The machine whose files lie below `root`; nothing outside is read.

    clock     measure this host's clocks, its timer and its perf events (some 30 ms)
    metadata  ask EC2's metadata service too, where DMI says that this host is on EC2

    What is absent or makes no sense is None or empty, never an error.
    """
    files = HostFiles(root)
    machine = _described(files)
    machine = replace(machine, comparability_key=comparability.key(machine))
    if metadata and files.live and machine.cloud == "aws":
        machine = _with_metadata(machine, imds.read(metadata_address))
    return _measured(files, machine) if clock and files.live else machine


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What several facts are derived from."""

    info: CpuInfo
    cpus: Cpus
    arch: str
    identities: identity.Identities
    features: tuple[str, ...]
    where: cloud.Cloud
    firmware: Smbios | None
    told_counter_hz: int | None

    @property
    def midrs(self) -> tuple[Midr, ...]:
        return tuple(dict.fromkeys(i for i in self.identities.values() if isinstance(i, Midr)))


def _gather(files: HostFiles) -> _Evidence:
    info = cpuinfo.read(files)
    cpus = _online(files, info)
    arch = identity.arch(files, info, cpus)
    return _Evidence(
        info=info,
        cpus=cpus,
        arch=arch,
        identities=identity.identities(files, info, arch, cpus),
        features=_features(files, info, arch, cpus),
        where=cloud.find({field: files.line(f"sys/class/dmi/id/{field}") for field in cloud.FIELDS}),
        firmware=smbios.read(files),
        told_counter_hz=clock.told_counter_hz(files, info, arch, cpus),
    )


def _described(files: HostFiles) -> Machine:
    """The machine as its files and registers tell, without its key."""
    e = _gather(files)
    processor = e.firmware.processor if e.firmware else None
    clue = arm.Clue(e.midrs, e.where.name, e.where.instance, e.told_counter_hz, processor)
    chip: ChipFacts = arm.chip(clue) or {}
    limits, allowed = budget.budget(files, e.cpus)
    vectors = _vector_bits(files, e.features, e.midrs)
    nominal_hz, nominal_source = clock.nominal(files, e.firmware, chip, e.where.instance, allowed)
    return Machine(
        arch=e.arch,
        kernel=_kernel(files),
        cpus=len(e.cpus),
        online=cpulist.format(e.cpus),
        budget=limits,
        cores=identity.cores(e.identities),
        features=e.features,
        isa=tuple(stem for stem in ISA if stem != "scalar" and _runs(stem, e.arch, e.features)),
        sve_bits=vectors[0],
        sme_bits=vectors[1],
        packages=topology.packages(files, e.cpus) or cpuinfo.packages(e.info, e.cpus),
        nodes=topology.nodes(files),
        threads_per_core=topology.threads_per_core(files, e.cpus) or cpuinfo.threads_per_core(e.info, e.cpus),
        caches=topology.caches(files, e.cpus, e.identities.get),
        cloud=e.where.name,
        instance=e.where.instance,
        chip=chip.get("name") or identity.brand(e.info, e.arch, e.cpus),
        hypervisor=e.where.hypervisor or _hypervisor(files, e.where, e.features),
        clock_hz=nominal_hz,
        clock_source=nominal_source,
        counter_hz=e.told_counter_hz or chip.get("counter_hz"),
        memory_bytes=pages.meminfo(files).get("MemTotal"),
        page_bytes=pages.page_bytes(files),
        huge_pages=pages.transparent_mode(files),
        governor=topology.governor(files),
        emulated=identity.emulated(files, e.info, e.arch, e.cpus, e.midrs),
        comparability_key="",
        offline=_offline(files, e.cpus),
        allowed=cpulist.format(allowed) or None,
        clusters=topology.clusters(files, e.cpus),
        huge_page_sizes=pages.huge_pages(files),
        nominal_clock_hz=nominal_hz,
        nominal_clock_source=nominal_source,
        smbios=e.firmware,
        pmus=topology.pmus(files),
    )


def _with_metadata(machine: Machine, found: Metadata | None) -> Machine:
    """The service only adds: an instance type where the files have none."""
    instance = machine.instance or (found.instance if found else None)
    return replace(machine, metadata=found, instance=instance)


def _measured(files: HostFiles, machine: Machine) -> Machine:
    """The machine with what has to be tried on it."""
    allowed = budget.allowed(files)
    cores = clock.with_clocks(machine.cores, allowed)
    hz = clock.of_first(cores, allowed)
    return replace(
        machine,
        cores=cores,
        clock_hz=hz or machine.clock_hz,
        clock_source=clock.MEASURED if hz else machine.clock_source,
        timer=probe.timer(machine.arch),
        perf=probe.perf(files),
    )


def _online(files: HostFiles, info: CpuInfo) -> Cpus:
    """The CPUs in use; those that /proc/cpuinfo lists where sysfs is silent."""
    return files.cpus(f"{CPU}/online") or tuple(sorted(info.by_cpu)) or files.cpus(f"{CPU}/present") or ()


def _offline(files: HostFiles, online: Cpus) -> str | None:
    """The kernel's own list has the CPUs too that could be plugged in, and are not there."""
    present = files.cpus(f"{CPU}/present") or ()
    return cpulist.format(set(present).difference(online)) or None


def allowed_cpus() -> Cpus:
    """The CPUs of this host that this process may be pinned to: within affinity and cpuset."""
    return budget.allowed(HostFiles(HERE))


def usable_cpus() -> Cpus:
    """As many of the allowed CPUs as the budget gives: a cgroup quota leaves the first of them."""
    limit, cpus = budget.here(HostFiles(HERE))
    return cpus[: limit.cpus]


def measured_clock_hz() -> float:
    """This host's clock now; see clock.measured_hz."""
    return clock.measured_hz()


# --- features ------------------------------------------------------------------------------


def _features(files: HostFiles, info: CpuInfo, arch: str, cpus: Cpus) -> tuple[str, ...]:
    """What every CPU has, as the kernel spells it; for this host by HWCAP or CPUID."""
    lines = info.values("flags" if arch == "x86_64" else "Features", cpus)
    first, *others = [cpuinfo.feature_names(line) for line in lines] or [()]
    common = set(first).intersection(*others)
    told = tuple(name for name in first if name in common)
    words = _host_words(files)
    if words is None:
        return told
    if arch == "aarch64":
        return arm.hwcap_names(words)
    table = FEATURES.get(arch, {})
    present = {name for name, (word, bit) in table.items() if words[word] >> bit & 1}
    return tuple(dict.fromkeys((*(n for n in told if n in present or n not in table), *sorted(present))))


def _host_words(files: HostFiles) -> tuple[int, ...] | None:
    try:
        return native.host_features() if files.live else None
    except native.NativeError:
        return None


def _runs(stem: str, arch: str, features: Iterable[str]) -> bool:
    return ISA[stem]["arch"] in (None, arch) and not missing_features(stem, features)


def _vector_bits(
    files: HostFiles, features: tuple[str, ...], midrs: tuple[Midr, ...]
) -> tuple[int | None, int | None]:
    if files.live:
        try:
            return native.vector_bits()
        except native.NativeError:
            pass
    return (arm.sve_bits(midr.core for midr in midrs) if "sve" in features else None), None


# --- the system ----------------------------------------------------------------------------


def _kernel(files: HostFiles) -> str | None:
    version = re.match(r"Linux version (\S+)", files.line("proc/version") or "")
    return files.line("proc/sys/kernel/osrelease") or (version[1] if version else None)


def _hypervisor(files: HostFiles, where: cloud.Cloud, features: tuple[str, ...]) -> str | None:
    """For machines whose DMI strings name none; "unidentified" when only the CPU says that there is one."""
    if where.name:
        return None
    if told := files.line("sys/hypervisor/type"):
        return told
    hints = " ".join(files.line(name) or "" for name in _HYPERVISOR_HINTS)
    guessed = (name for hint, name in _HYPERVISORS.items() if hint in hints)
    return next(guessed, "unidentified" if "hypervisor" in features else None)

"""/proc/cpuinfo: what the kernel says of each CPU, Arm's and x86's forms alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from armbench.bench import cpulist
from armbench.bench.machine.hostfiles import CPU_LIMIT, HostFiles, to_int

LIMIT = 8 << 20  # an x86 kernel writes 2.5 KB for each CPU
_WANTED = frozenset(
    {
        "Features",
        "BogoMIPS",
        "CPU architecture",
        "CPU implementer",
        "CPU variant",
        "CPU part",
        "CPU revision",
        "vendor_id",
        "cpu family",
        "model",
        "model name",
        "stepping",
        "flags",
        "physical id",
        "siblings",
        "cpu cores",
        "isa",
    }
)
_AARCH64 = 8  # the version of the architecture that brought it
_NO_FIELDS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class CpuInfo:
    """Fields by CPU number; `shared` are those of a file that describes all CPUs once."""

    by_cpu: Mapping[int, Mapping[str, str]]
    shared: Mapping[str, str]

    def of(self, cpu: int) -> Mapping[str, str]:
        return self.by_cpu.get(cpu) or self.shared

    def values(self, field: str, cpus: Iterable[int]) -> tuple[str, ...]:
        """The different values of a field on these CPUs, in their order."""
        found = (self.of(cpu).get(field) for cpu in cpus)
        return tuple(dict.fromkeys(value for value in found if value is not None))

    def arch(self) -> str | None:
        """The architecture whose fields these are."""
        found = (_arch(fields) for fields in (*self.by_cpu.values(), self.shared))
        return next((name for name in found if name), None)


def read(files: HostFiles) -> CpuInfo:
    return parse(files.text("proc/cpuinfo", LIMIT) or "")


def parse(text: str) -> CpuInfo:
    """Old Arm kernels number the CPUs first and describe them once, after the last; s390 before them."""
    by_cpu: dict[int, dict[str, str]] = {}
    head: dict[str, str] = {}
    current = head
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        name = name.strip()
        if not colon:
            continue
        if name == "processor":
            cpu = to_int(value)
            current = by_cpu.setdefault(cpu, {}) if cpu is not None and cpu < CPU_LIMIT else {}
        elif name in _WANTED:
            current.setdefault(name, value.strip())
    return CpuInfo(by_cpu, _shared(by_cpu) or head)


def _shared(by_cpu: Mapping[int, Mapping[str, str]]) -> Mapping[str, str]:
    """The only description there is, for the CPUs that have none of their own."""
    described = [fields for fields in by_cpu.values() if fields]
    return described[0] if len(described) == 1 else _NO_FIELDS


def _arch(fields: Mapping[str, str]) -> str | None:
    """The architecture that writes such fields, as uname names it."""
    if "CPU implementer" in fields:
        version = re.match(r"[0-9]+", fields.get("CPU architecture", ""), re.ASCII)
        return "arm" if version and int(version[0]) < _AARCH64 else "aarch64"
    if "vendor_id" in fields and "flags" in fields:
        return "x86_64"
    if isa := re.match(r"rv(32|64)", fields.get("isa", ""), re.ASCII):
        return f"riscv{isa[1]}"
    return "s390x" if fields.get("vendor_id") == "IBM/S390" else None


def feature_names(text: str) -> tuple[str, ...]:
    """The names in a Features or flags line, in its order; what cannot be a name is dropped."""
    return tuple(dict.fromkeys(re.findall(r"(?<!\S)[a-z0-9_]{1,32}(?!\S)", text, re.ASCII)))


# --- topology, where there is no sysfs ------------------------------------------------------


def packages(info: CpuInfo, cpus: Iterable[int]) -> tuple[str, ...]:
    """The CPUs of each package as an x86 kernel numbers them; empty when it does not."""
    groups: dict[str, list[int]] = {}
    for cpu in cpus:
        if (package := info.of(cpu).get("physical id")) is not None:
            groups.setdefault(package, []).append(cpu)
    return tuple(cpulist.format(group) for group in groups.values())


def threads_per_core(info: CpuInfo, cpus: Iterable[int]) -> int | None:
    """CPUs of one core by an x86 kernel's counts of both for a package."""
    for cpu in cpus:
        siblings, cores = (to_int(info.of(cpu).get(name)) for name in ("siblings", "cpu cores"))
        return siblings // cores if siblings and cores and siblings >= cores else None
    return None

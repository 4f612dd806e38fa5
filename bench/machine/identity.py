"""Which cores a machine has, and of what architecture: registers, /proc/cpuinfo, the running CPU."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from armbench.bench import cpulist
from armbench.bench.machine import arm, budget, probe, x86
from armbench.bench.machine.arm import Midr
from armbench.bench.machine.cpuinfo import CpuInfo
from armbench.bench.machine.hostfiles import CPU, HostFiles, to_int
from armbench.bench.machine.topology import Cpus
from armbench.bench.model import Core

Identity = Midr | x86.Model | None
Identities = Mapping[int, Identity]
_KERNEL_ARCHES = {"x86": "x86_64"}  # what modalias writes, where uname says something else


def arch(files: HostFiles, info: CpuInfo, cpus: Cpus) -> str:
    """As uname gives it; "unknown" when nothing below the root says."""
    if files.live:
        return os.uname().machine
    if told := info.arch() or _kernel_arch(files):
        return told
    return "aarch64" if any(_register(files, cpu) for cpu in cpus[:1]) else "unknown"


def _kernel_arch(files: HostFiles) -> str | None:
    found = re.fullmatch(r"[a-z0-9_]{2,16}", files.line("proc/sys/kernel/arch") or "", re.ASCII)
    return found[0] if found else modalias_arch(files)


def modalias_arch(files: HostFiles) -> str | None:
    """The architecture that the kernel's alias for its CPUs names."""
    alias = re.match(r"cpu:type:([a-z0-9_]{2,16})", files.line(f"{CPU}/modalias") or "", re.ASCII)
    return _KERNEL_ARCHES.get(alias[1], alias[1]) if alias else None


def identities(files: HostFiles, info: CpuInfo, arch: str, cpus: Cpus) -> dict[int, Identity]:
    """What each CPU is, None where nothing says."""
    if arch in ("aarch64", "arm"):
        found: dict[int, Identity] = {
            cpu: _register(files, cpu) or _arm_identity(info.of(cpu)) for cpu in cpus
        }
        return {**found, **_asked(files, arch, [cpu for cpu in cpus if found[cpu] is None])}
    kinds = _hybrid_kinds(files)
    return {cpu: _x86_identity(info.of(cpu), kinds.get(cpu)) for cpu in cpus}


def _register(files: HostFiles, cpu: int) -> Midr | None:
    value = files.integer(f"{CPU}/cpu{cpu}/regs/identification/midr_el1", 16)
    return None if value is None else arm.decode_midr(value)


def _arm_identity(fields: Mapping[str, str]) -> Midr | None:
    """Every number but the revision is in hexadecimal."""
    implementer, part = (to_int(fields.get(f"CPU {name}"), 16) for name in ("implementer", "part"))
    variant, revision = to_int(fields.get("CPU variant"), 16), to_int(fields.get("CPU revision"))
    if implementer is None or part is None or implementer > 0xFF or part > 0xFFF:
        return None
    return Midr(implementer, part, variant, revision)


def _asked(files: HostFiles, arch: str, silent: list[int]) -> dict[int, Identity]:
    """The register itself, read on each of this host's CPUs that no file describes."""
    if not (files.live and silent and arch == "aarch64"):
        return {}
    allowed = budget.allowed(files)
    found: dict[int, Identity] = {}
    for cpu in silent:
        if cpu in allowed:
            found[cpu] = arm.decode_midr(probe.midr(cpu))
    return found


def _hybrid_kinds(files: HostFiles) -> dict[int, str]:
    """The core types of a hybrid Intel machine, whose family and model are the same."""
    kinds = {"cpu_core": "performance core", "cpu_atom": "efficient core"}
    return {cpu: kind for unit, kind in kinds.items() for cpu in files.cpus(f"sys/devices/{unit}/cpus") or ()}


def _x86_identity(fields: Mapping[str, str], kind: str | None) -> x86.Model | None:
    family, model, stepping = (to_int(fields.get(name)) for name in ("cpu family", "model", "stepping"))
    vendor = fields.get("vendor_id", "")
    if family is None or model is None or not re.fullmatch(r"[\w .]{1,16}", vendor, re.ASCII):
        return None
    return x86.Model(vendor, family, model, stepping, kind)


def cores(identities: Identities) -> tuple[Core, ...]:
    """One entry for each core type, in the order of their first CPUs."""
    types: dict[Identity, list[int]] = {}
    for cpu, identity in identities.items():
        types.setdefault(identity, []).append(cpu)
    return tuple(_core(identity, cpulist.format(cpus)) for identity, cpus in types.items())


def _core(identity: Identity, cpus: str) -> Core:
    if isinstance(identity, Midr):
        implementer, part = identity.core.split("/")
        return Core(
            arm.core_name(identity.core), implementer, part, identity.variant, identity.revision, cpus
        )
    if identity is None:
        return Core("unknown", None, None, None, None, cpus)
    return Core(x86.core_name(identity), None, None, None, identity.stepping, cpus)


def brand(info: CpuInfo, arch: str, cpus: Cpus) -> str | None:
    """What an x86 chip calls itself."""
    names = info.values("model name", cpus) if arch == "x86_64" else ()
    return next((" ".join(name.split())[:80] for name in names if name and name.isprintable()), None)


def emulated(files: HostFiles, info: CpuInfo, arch: str, cpus: Cpus, midrs: tuple[Midr, ...]) -> bool:
    """Whether software plays this CPU: QEMU's own models, or a kernel of another architecture below us."""
    if any(arm.core_facts(midr.core).get("emulator") for midr in midrs):
        return True
    if any("QEMU TCG" in name for name in info.values("model name", cpus)):
        return True
    kernels = {files.line("proc/sys/kernel/arch"), modalias_arch(files), info.arch()}
    return files.live and not kernels <= {arch, None}

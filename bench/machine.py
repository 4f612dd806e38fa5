"""What the host is: its files below a root, and what its running CPU tells, as a Machine.

The rest of the suite learns only here what /proc and /sys say.  Below another root than "/"
the answer rests on its files and on facts/ alone, so that any machine can be described from
a copy of them.
"""

from __future__ import annotations

import os
import platform
import re
import resource
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from armbench.bench import arm, budget, cloud, comparability, cpuinfo, native, topology, x86
from armbench.bench.arm import Midr
from armbench.bench.cpuinfo import CpuInfo
from armbench.bench.facts import FEATURES, ISA, ChipFacts, missing_features
from armbench.bench.hostfiles import HostFiles, format_cpus, to_int
from armbench.bench.model import Budget, Core, Machine
from armbench.bench.topology import CPU, Cpus

Identity = Midr | x86.Model | None
HERE = Path("/")
_THP = "sys/kernel/mm/transparent_hugepage"
_PAGE_OF_HUGE_PAGE = {2 << 20: 4 << 10, 32 << 20: 16 << 10, 512 << 20: 64 << 10}
_HYPERVISOR_HINTS = (
    "sys/firmware/devicetree/base/hypervisor/compatible",
    "sys/devices/system/clocksource/clocksource0/available_clocksource",
)
_HYPERVISORS = {"kvm": "kvm", "hyperv": "hyper-v", "xen": "xen"}
_COUNTER_HZ_PER_BOGOMIPS = 500_000  # arm64's BogoMIPS are twice the timer's MHz


def detect(root: Path = HERE, *, clock: bool = False) -> Machine:
    """The machine whose files lie below `root`; nothing outside is read.

    With `clock`, this host's clock is measured (10 ms on one allowed CPU).  What is absent
    or makes no sense is None or empty, never an error.
    """
    files = HostFiles(root)
    info = cpuinfo.read(files)
    cpus = _online(files, info)
    arch = platform.machine() if files.live else info.arch() or _arch_by_files(files, cpus)
    identities = _identities(files, info, arch, cpus)
    features = _features(files, info, arch, cpus)
    where = cloud.find({field: files.line(f"sys/class/dmi/id/{field}") for field in cloud.FIELDS})
    midrs = tuple(dict.fromkeys(i for i in identities.values() if isinstance(i, Midr)))
    told_hz = _told_counter_hz(files, info, arch, cpus)
    chip = arm.chip(arm.Clue(midrs, where.name, where.instance, told_hz)) or {}
    vectors = _vector_bits(files, features, midrs)
    clock_hz, clock_source = _clock(files, chip, where.instance, clock)
    machine = Machine(
        arch=arch,
        kernel=_kernel(files),
        cpus=len(cpus),
        online=format_cpus(cpus),
        budget=budget.budget(files, cpus)[0],
        cores=_cores(identities),
        features=features,
        isa=tuple(stem for stem in ISA if stem != "scalar" and _runs(stem, arch, features)),
        sve_bits=vectors[0],
        sme_bits=vectors[1],
        packages=topology.packages(files, cpus) or cpuinfo.packages(info, cpus),
        nodes=topology.nodes(files),
        threads_per_core=topology.threads_per_core(files, cpus) or cpuinfo.threads_per_core(info, cpus),
        caches=topology.caches(files, cpus, identities.get),
        cloud=where.name,
        instance=where.instance,
        chip=chip.get("name") or _brand(info, arch, cpus),
        hypervisor=where.hypervisor or _hypervisor(files, where, features),
        clock_hz=clock_hz,
        clock_source=clock_source,
        counter_hz=told_hz or chip.get("counter_hz"),
        memory_bytes=topology.meminfo(files, "proc/meminfo").get("MemTotal"),
        page_bytes=_page_bytes(files),
        huge_pages=_huge_pages(files),
        governor=topology.governor(files),
        emulated=_emulated(files, info, arch, cpus, midrs),
        comparability_key="",
    )
    return replace(machine, comparability_key=comparability.key(machine))


def _online(files: HostFiles, info: CpuInfo) -> Cpus:
    """The CPUs in use; those that /proc/cpuinfo lists where sysfs is silent."""
    return files.cpus(f"{CPU}/online") or tuple(sorted(info.by_cpu)) or files.cpus(f"{CPU}/present") or ()


def allowed_cpus() -> Cpus:
    """The CPUs of this host that this process may be pinned to: within affinity and cpuset."""
    return _here()[1]


def usable_cpus() -> Cpus:
    """As many of the allowed CPUs as the budget gives: a cgroup quota leaves the first of them."""
    limit, cpus = _here()
    return cpus[: limit.cpus]


def _here() -> tuple[Budget, Cpus]:
    files = HostFiles(HERE)
    cpus = files.cpus(f"{CPU}/online") or tuple(sorted(os.sched_getaffinity(0)))
    return budget.budget(files, cpus)


# --- identity ------------------------------------------------------------------------------


def _arch_by_files(files: HostFiles, cpus: Cpus) -> str:
    return "aarch64" if any(_register(files, cpu) for cpu in cpus[:1]) else "unknown"


def _identities(files: HostFiles, info: CpuInfo, arch: str, cpus: Cpus) -> dict[int, Identity]:
    if arch == "aarch64":
        return {cpu: _register(files, cpu) or _arm_identity(info.of(cpu)) for cpu in cpus}
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


def _cores(identities: Mapping[int, Identity]) -> tuple[Core, ...]:
    """One entry for each core type, in the order of their first CPUs."""
    types: dict[Identity, list[int]] = {}
    for cpu, identity in identities.items():
        types.setdefault(identity, []).append(cpu)
    return tuple(_core(identity, format_cpus(cpus)) for identity, cpus in types.items())


def _core(identity: Identity, cpus: str) -> Core:
    if isinstance(identity, Midr):
        implementer, part = identity.core.split("/")
        return Core(
            arm.core_name(identity.core), implementer, part, identity.variant, identity.revision, cpus
        )
    if identity is None:
        return Core("unknown", None, None, None, None, cpus)
    return Core(x86.core_name(identity), None, None, None, identity.stepping, cpus)


def _brand(info: CpuInfo, arch: str, cpus: Cpus) -> str | None:
    """What an x86 chip calls itself."""
    names = info.values("model name", cpus) if arch == "x86_64" else ()
    return next((" ".join(name.split())[:80] for name in names if name and name.isprintable()), None)


# --- features ------------------------------------------------------------------------------


def _features(files: HostFiles, info: CpuInfo, arch: str, cpus: Cpus) -> tuple[str, ...]:
    """What every CPU has, as the kernel spells it; for this host by HWCAP or CPUID."""
    lines = info.values("Features" if arch == "aarch64" else "flags", cpus)
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


# --- clock and counter ---------------------------------------------------------------------


def _clock(
    files: HostFiles, chip: ChipFacts, instance: str | None, measure: bool
) -> tuple[float | None, str | None]:
    """(Hz, where that comes from)."""
    if files.live and measure:
        try:
            return measured_clock_hz(), "dependent adds"
        except native.NativeError:
            pass
    published = arm.chip_clock_hz(chip, instance)
    return published, "facts" if published else None


def measured_clock_hz() -> float:
    """This host's clock now, by a chain of dependent adds on the first allowed CPU."""
    with _pinned(allowed_cpus()[:1]):
        return native.clock_hz()


@contextmanager
def _pinned(cpus: Cpus) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    try:
        with suppress(OSError):  # a sandbox may forbid it; the best chain is a clean one all the same
            os.sched_setaffinity(0, cpus)
        yield
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, before)


def _told_counter_hz(files: HostFiles, info: CpuInfo, arch: str, cpus: Cpus) -> int | None:
    """The generic timer's frequency: the register's, else half of what arm64 prints as BogoMIPS."""
    if arch != "aarch64":
        return None
    if files.live:
        try:
            return native.tick_hz()
        except native.NativeError:
            pass
    for text in info.values("BogoMIPS", cpus):
        if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text, re.ASCII):
            return round(float(text) * _COUNTER_HZ_PER_BOGOMIPS) or None
    return None


# --- the system ----------------------------------------------------------------------------


def _kernel(files: HostFiles) -> str | None:
    version = re.match(r"Linux version (\S+)", files.line("proc/version") or "")
    return files.line("proc/sys/kernel/osrelease") or (version[1] if version else None)


def _page_bytes(files: HostFiles) -> int | None:
    """Below another root by the size of a huge page, which follows from it."""
    if files.live:
        return os.sysconf("SC_PAGE_SIZE")
    default = topology.meminfo(files, "proc/meminfo").get("Hugepagesize")
    huge = files.integer(f"{_THP}/hpage_pmd_size") or default
    return _PAGE_OF_HUGE_PAGE.get(huge or 0)


def _huge_pages(files: HostFiles) -> str | None:
    """The mode of transparent huge pages: always, madvise or never."""
    chosen = re.search(r"\[(\w{1,16})\]", files.line(f"{_THP}/enabled") or "", re.ASCII)
    return chosen[1] if chosen else None


def _hypervisor(files: HostFiles, where: cloud.Cloud, features: tuple[str, ...]) -> str | None:
    """For machines whose DMI strings name none; "unidentified" when only the CPU says that there is one."""
    if where.name:
        return None
    if told := files.line("sys/hypervisor/type"):
        return told
    hints = " ".join(files.line(name) or "" for name in _HYPERVISOR_HINTS)
    guessed = (name for hint, name in _HYPERVISORS.items() if hint in hints)
    return next(guessed, "unidentified" if "hypervisor" in features else None)


def _emulated(files: HostFiles, info: CpuInfo, arch: str, cpus: Cpus, midrs: tuple[Midr, ...]) -> bool:
    """Whether software plays this CPU: QEMU's own models, or a kernel of another architecture below us."""
    if any(arm.core_facts(midr.core).get("emulator") for midr in midrs):
        return True
    if any("QEMU TCG" in name for name in info.values("model name", cpus)):
        return True
    alias = re.match(r"cpu:type:(\w+)", files.line(f"{CPU}/modalias") or "")
    kernels = {
        files.line("proc/sys/kernel/arch"),
        alias[1].replace("x86", "x86_64") if alias else None,
        info.arch(),
    }
    return files.live and not kernels <= {arch, None}


# --- disturbance ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Steal:
    """Time that the hypervisor gave to others: ticks of os.sysconf("SC_CLK_TCK"), and their share of all."""

    ticks: int | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Watch:
    """Counters that tell whether something else ran.

    Ticks are those of all CPUs that were asked for, idle ones included in `all_ticks`; context
    switches those of this process and of its children that have ended.
    """

    steal_ticks: int | None
    all_ticks: int | None
    voluntary_switches: int
    involuntary_switches: int
    load_average: float | None

    def steal_since(self, before: Watch) -> Steal:
        """What was stolen between `before` and now; None where the kernel does not tell."""
        if None in (self.steal_ticks, self.all_ticks, before.steal_ticks, before.all_ticks):
            return Steal(None, None)
        stolen = (self.steal_ticks or 0) - (before.steal_ticks or 0)
        passed = (self.all_ticks or 0) - (before.all_ticks or 0)
        return Steal(stolen, stolen / passed if passed > 0 else None)


def watch(cpus: Iterable[int] | None = None, root: Path = HERE) -> Watch:
    """The counters now; ticks of these CPUs, of all without."""
    files = HostFiles(root)
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    load = re.match(r"[0-9]{1,6}\.[0-9]{1,2}", files.line("proc/loadavg") or "", re.ASCII)
    return Watch(
        *_ticks(files.text("proc/stat") or "", cpus),
        sum(u.ru_nvcsw for u in usage),
        sum(u.ru_nivcsw for u in usage),
        float(load[0]) if load else None,
    )


def _ticks(stat: str, cpus: Iterable[int] | None) -> tuple[int | None, int | None]:
    """(steal, all) of these CPUs; guests are in user time already.  None when a line is missing."""
    names = ["cpu"] if cpus is None else [f"cpu{cpu}" for cpu in cpus]
    rows = {
        fields[0]: [to_int(f) for f in fields[1:9]] for line in stat.splitlines() if (fields := line.split())
    }
    chosen = [rows.get(name, []) for name in names]
    if any(len(row) < 8 or None in row for row in chosen):
        return None, None
    return sum(row[7] or 0 for row in chosen), sum(tick or 0 for row in chosen for tick in row)


def boot_id() -> str | None:
    """What this boot of this machine is known by."""
    return HostFiles(HERE).line("proc/sys/kernel/random/boot_id")


def page_bytes_at(address: int, size: int) -> int | None:
    """The size of the pages that back most of [address, address + size) of this process.

    A huge page's where they hold at least half of what is in memory, else the kernel's; None
    when nothing is mapped there.
    """
    try:
        with open("/proc/self/smaps", encoding="utf-8", errors="replace") as lines:
            return backing_page_bytes(lines, address, size)
    except OSError:
        return None


def backing_page_bytes(smaps: Iterable[str], address: int, size: int) -> int | None:
    """page_bytes_at for the text of a smaps file."""
    inside, totals, pages = False, {"Rss": 0, "AnonHugePages": 0, "ShmemPmdMapped": 0}, []
    for line in smaps:
        if mapping := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            low, high = int(mapping[1], 16), int(mapping[2], 16)
            if low >= address + size:
                break
            inside = high > address
        elif inside and (field := re.match(r"(\w+): +([0-9]+) kB", line)):
            if field[1] in totals:
                totals[field[1]] += int(field[2]) << 10
            elif field[1] == "KernelPageSize":
                pages.append(int(field[2]) << 10)
    huge = totals["AnonHugePages"] + totals["ShmemPmdMapped"]
    if huge and 2 * huge >= totals["Rss"]:
        return HostFiles(HERE).integer(f"{_THP}/hpage_pmd_size") or 2 << 20
    return min(pages, default=None)

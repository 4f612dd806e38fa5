"""Where the machine runs: emulated, rented, shared, one slice of a chip."""

from __future__ import annotations

import re

from armbench.bench import cpulist
from armbench.bench.doctor.evidence import Evidence
from armbench.bench.doctor.rule import AWS, DUMPS, NOTE, WRONG, Rule, count

_BURSTABLE = {  # instance types whose CPU time is a credit; the pages are the rule's sources
    "aws": r"t[0-9]+[a-z]*\.",
    "alicloud": r"ecs\.(t[0-9]|e-|s[0-9])",
    "azure": r"Standard_B",
    "gcp": r"(f1|g1)-|e2-(micro|small|medium)",
}
# Cores of the largest machine of each chip: AWS's README and the dumps of all sizes.
_WHOLE_CHIP = {
    "AWS Graviton": 16,
    "AWS Graviton2": 64,
    "AWS Graviton3": 64,
    "AWS Graviton3E": 64,
    "AWS Graviton4": 96,
    "AWS Graviton5": 192,
}
# Sizes with all counters: AWS perfrunbook/debug_hw_perf.md.
_FULL_PMU = {
    "AWS Graviton2": ("16xlarge",),
    "AWS Graviton3": ("16xlarge",),
    "AWS Graviton3E": ("16xlarge",),
    "AWS Graviton4": ("24xlarge", "48xlarge"),
    "AWS Graviton5": ("12xlarge", "24xlarge", "48xlarge"),
}
# Where memory is slower than in the chip's other machines: the dumps' SMBIOS tables of metal sizes.
_SLOWER_MEMORY = {
    "m7g": "DDR5-4400, where c7g has DDR5-4800",
    "m7gd": "DDR5-4400, where c7gd has DDR5-4800",
    "r7g": "DDR5-4400, where c7g has DDR5-4800",
    "r7gd": "DDR5-4400, where c7gd has DDR5-4800",
    "x2gd": "DDR4-2933, where m6g has DDR4-3200",
}
_MANY_CPUS = 48  # llama-bench decodes slower above 8 to 16 CPUs of Graviton5, above 64 of Graviton4


def _emulated(e: Evidence) -> str | None:
    return "An emulator runs the instructions: no time means anything" if e.machine.emulated else None


def _hypervisor_unknown(e: Evidence) -> str | None:
    if e.machine.hypervisor != "unidentified":
        return None
    return "A hypervisor that does not say which: what it takes away and hides is not known"


def _desktop_hypervisor(e: Evidence) -> str | None:
    name = e.machine.hypervisor
    if name not in ("virtualbox", "parallels", "vmware", "apple"):
        return None
    return f"A guest of {name}: its CPUs are threads of the host, which schedules them as it likes"


def _burstable(e: Evidence) -> str | None:
    instance, pattern = e.machine.instance or "", _BURSTABLE.get(e.machine.cloud or "", "(?!)")
    if not re.match(pattern, instance):
        return None
    return f"{instance} is burstable: it is throttled once its CPU credits are spent"


def _shared_host(e: Evidence) -> str | None:
    machine = e.machine
    if not machine.cloud or not machine.hypervisor or e.metal:
        return None
    if machine.metadata and machine.metadata.dedicated_host:
        return None
    whole = _WHOLE_CHIP.get(machine.chip or "")
    if whole and machine.cpus >= whole:
        return None
    slice_ = f"{machine.cpus} of {whole} cores of the chip" if whole else count(machine.cpus, "CPU")
    chiplets = (
        "; of memory channels it has its own chiplets' alone" if machine.chip == "AWS Graviton5" else ""
    )
    return f"{slice_}: last-level cache and memory bandwidth may be shared with others{chiplets}"


def _slower_memory(e: Evidence) -> str | None:
    if speed := _SLOWER_MEMORY.get(e.family or ""):
        return f"{e.machine.instance} has {speed}"
    if e.machine.chip == "AWS Graviton4" and e.size in ("48xlarge", "metal-48xl"):
        return (
            f"{e.machine.instance} has DDR5-5200 and 2.7 GHz, where smaller sizes have DDR5-5600 and 2.8 GHz"
        )
    return None


def _partial_pmu(e: Evidence) -> str | None:
    sizes = _FULL_PMU.get(e.machine.chip or "")
    if not sizes or e.metal or not e.size or e.size in sizes:
        return None
    return f"{e.machine.instance} shows only some of the CPU's event counters"


def _metal_iommu(e: Evidence) -> str | None:
    if not (e.arm and e.metal and e.condition.iommu) or "iommu.passthrough=1" in e.condition.command_line:
        return None
    return f"{e.machine.instance} translates every device access (SMMU on); virtual instances do not"


def _nodes_in_package(e: Evidence) -> str | None:
    nodes, packages = e.machine.nodes, e.machine.packages
    if len(packages) != 1 or sum(bool(node.cpus) for node in nodes) < 2:
        return None
    cpus = ", ".join(node.cpus for node in nodes if node.cpus)
    return f"{len(nodes)} NUMA nodes in one package (CPUs {cpus}): memory of the other node is further away"


def _many_cpus(e: Evidence) -> str | None:
    if e.machine.budget.cpus < _MANY_CPUS:
        return None
    return f"{e.machine.budget.cpus} CPUs: kernels that live on memory are often fastest on fewer than all"


def _mixed_cores(e: Evidence) -> str | None:
    kinds = {core.name: core.cpus for core in e.machine.cores if cpulist.parse(core.cpus)}
    if len(kinds) < 2:
        return None
    parts = ", ".join(f"{name} on {cpus}" for name, cpus in kinds.items())
    return f"Cores of {len(kinds)} kinds ({parts}): a rate over all is none of theirs"


RULES = (
    Rule(
        "emulated", WRONG, "software plays the CPU",
        "use it to check results only; measure on a real machine",
        "https://www.qemu.org/docs/master/system/introduction.html", _emulated,
    ),
    Rule(
        "burstable", WRONG, "the instance type earns its CPU time in credits (t4g, t3, e2-small, …)",
        "measure on an instance type with CPUs of its own, m9g or c9g for instance",
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances.html",
        _burstable,
    ),
    Rule(
        "hypervisor-unknown", NOTE, "the CPU says that there is a hypervisor, and nothing says which",
        "compare only with sessions of this same machine",
        "https://docs.kernel.org/virt/kvm/x86/cpuid.html", _hypervisor_unknown,
    ),
    Rule(
        "desktop-hypervisor", NOTE, "a guest of VirtualBox, Parallels, VMware or Apple's framework",
        "measure on the host itself, or pin the guest's CPUs there",
        "https://docs.kernel.org/virt/index.html", _desktop_hypervisor,
    ),
    Rule(
        "shared-host", NOTE, "a cloud's virtual machine that is smaller than its chip, on no dedicated host",
        "take the largest size, metal, or dedicated tenancy for a baseline; repeat at other times of day",
        f"{AWS}/perfrunbook/configuring_your_sut.md", _shared_host,
    ),
    Rule(
        "slower-memory", NOTE, "a family or size with slower memory than others of the same chip",
        "compare cold cases with machines of the same family and size",
        DUMPS, _slower_memory,
    ),
    Rule(
        "partial-pmu", NOTE, "a Graviton size that has not all event counters",
        "take a full-size or metal instance to profile (m9g.12xlarge, m8g.24xlarge, m7g.16xlarge)",
        f"{AWS}/perfrunbook/debug_hw_perf.md", _partial_pmu,
    ),
    Rule(
        "metal-iommu", NOTE, "a metal instance whose devices go through an SMMU",
        "for work with much input and output: iommu.passthrough=1 on the kernel's command line",
        f"{AWS}/linux_kernel.md", _metal_iommu,
    ),
    Rule(
        "nodes-in-package", NOTE, "one package has several NUMA nodes (Graviton5 16xlarge, 48xlarge)",
        "measure one node by itself too: armbench run --cpus with the CPUs of a node",
        DUMPS, _nodes_in_package,
    ),
    Rule(
        "many-cpus", NOTE, f"{_MANY_CPUS} or more usable CPUs",
        "armbench run --cpus ladder",
        DUMPS, _many_cpus,
    ),
    Rule(
        "mixed-cores", NOTE, "the CPUs are not all of one kind",
        "measure one kind at a time: armbench run --cpus with the CPUs of a kind",
        "https://docs.kernel.org/scheduler/sched-capacity.html", _mixed_cores,
    ),
)  # fmt: skip

"""The operating system's kernel: its age, its settings, what it shows of the CPU."""

from __future__ import annotations

from armbench.bench.doctor.evidence import Evidence
from armbench.bench.doctor.rule import AWS, KERNEL, NOTE, SLOW, Rule

_OLDEST = (5, 10)  # knows SVE, bf16 and i8mm of Graviton3 and later
_PREEMPT_LAZY = (7, 0)
_SLOW_CLOCK_SOURCES = {"hpet", "acpi_pm", "jiffies", "refined-jiffies", "xen", "pit"}
_DEBUG_OPTIONS = (
    *(
        "CONFIG_KASAN",
        "CONFIG_KCSAN",
        "CONFIG_KMSAN",
        "CONFIG_PROVE_LOCKING",
        "CONFIG_DEBUG_PAGEALLOC_ENABLE_DEFAULT",
    ),
    *("CONFIG_DEBUG_LOCKDEP", "CONFIG_SLUB_DEBUG_ON"),
)
_PROCESSES_BESIDE = 64  # what a session starts besides threads on every CPU
_SLOW_READ_NS = 500.0
_COARSE_STEP_NS = 1000.0
# Features beside sve that every machine with such a core has shown: the dumps' lscpu.json, AWS's HWCAP table.
_EXPECTED = {
    "0x41/0xd0c": ("atomics", "asimddp", "asimdhp"),
    "0x41/0xd40": ("atomics", "asimddp", "asimdhp", "sve", "bf16", "i8mm"),
    "0x41/0xd49": ("atomics", "asimddp", "asimdhp", "sve", "sve2", "bf16", "i8mm"),
    "0x6d/0xd49": ("atomics", "asimddp", "asimdhp", "sve", "sve2", "bf16", "i8mm"),
    "0x41/0xd4f": ("atomics", "asimddp", "asimdhp", "sve", "sve2", "bf16", "i8mm"),
    "0x41/0xd8e": ("atomics", "asimddp", "asimdhp", "sve", "sve2", "bf16", "i8mm"),
    "0x41/0xd84": ("atomics", "asimddp", "asimdhp", "sve", "sve2", "bf16", "i8mm"),
    "0x46/0x001": ("atomics", "asimdhp", "sve"),
}


def _missing(e: Evidence) -> list[str]:
    """Features that all core types have and the kernel does not show."""
    expected = [set(_EXPECTED.get(key, ())) for key in e.core_keys]
    common = set.intersection(*expected) if expected else set()
    return sorted(common.difference(e.machine.features)) if e.machine.features else []


def _too_old(e: Evidence) -> str | None:
    newer = any("sve" in _EXPECTED.get(key, ()) for key in e.core_keys)
    if not newer or not e.kernel_release or e.kernel_release >= _OLDEST:
        return None
    missing = f": {', '.join(_missing(e))} cannot be used" if _missing(e) else ""
    return f"Linux {e.machine.kernel} is older than {e.machine.cores[0].name}{missing}"


def _features_hidden(e: Evidence) -> str | None:
    missing = _missing(e)
    if not missing or (e.kernel_release and e.kernel_release < _OLDEST):
        return None
    return f"{e.machine.cores[0].name} has {', '.join(missing)}, and this kernel or hypervisor hides it"


def _sve_short(e: Evidence) -> str | None:
    widths = [facts.get("sve_bits") for facts in e.core_facts]
    full = min((width for width in widths if width), default=None)
    if not full or not e.machine.sve_bits or e.machine.sve_bits >= full:
        return None
    return f"SVE vectors are {e.machine.sve_bits} bits long where the core has {full}"


def _preempt_lazy(e: Evidence) -> str | None:
    if e.kernel_release < _PREEMPT_LAZY or {"preempt=none", "preempt=voluntary"} & e.condition.command_line:
        return None
    chosen = e.condition.setting("scheduler_preemption")  # "none voluntary full (lazy)"
    if "CONFIG_PREEMPT_NONE" in e.condition.config or (chosen and "(lazy)" not in chosen):
        return None
    return f"Linux {e.machine.kernel} preempts lazily by default: threads that spin on a lock may lose much"


def _debug(e: Evidence) -> str | None:
    if found := sorted(e.condition.config.intersection(_DEBUG_OPTIONS)):
        return f"A kernel for debugging ({', '.join(found)}): every system call and page fault is slow"
    if (e.machine.kernel or "").endswith(("-debug", "+debug")):
        return f"Linux {e.machine.kernel} is a kernel for debugging"
    return None


def _clock_source(e: Evidence) -> str | None:
    found = e.condition.setting("clocksource")
    if found not in _SLOW_CLOCK_SOURCES:
        return None
    return f"The kernel's clock is {found}: reading the time takes a system call"


def _timer(e: Evidence) -> str | None:
    timer = e.machine.timer
    if not timer or (timer.read_ns < _SLOW_READ_NS and timer.step_ns < _COARSE_STEP_NS):
        return None
    return f"Reading {timer.source} takes {timer.read_ns:.0f} ns, and it advances by {timer.step_ns:.0f} ns"


def _pages_64k(e: Evidence) -> str | None:
    if e.machine.page_bytes != 64 << 10:
        return None
    return "The kernel's pages are 64 KiB: fewer TLB misses and more memory than with the usual 4 KiB"


def _perf_forbidden(e: Evidence) -> str | None:
    paranoid = e.condition.number("perf_event_paranoid")
    if paranoid is None or paranoid < 3 or (e.machine.perf and e.machine.perf.counters):
        return None
    return f"kernel.perf_event_paranoid is {paranoid}: no event counter can be used without privileges"


def _perf_absent(e: Evidence) -> str | None:
    perf = e.machine.perf
    if not perf or perf.counters or _perf_forbidden(e):
        return None
    reasons = sorted({event.reason for event in perf.events if event.reason})
    return f"No event counter of the CPU can be used: {'; '.join(reasons) or 'none is there'}"


def _irqbalance(e: Evidence) -> str | None:
    if "irqbalance" not in e.condition.services:
        return None
    return "irqbalance moves interrupts from CPU to CPU"


def _packet_steering(e: Evidence) -> str | None:
    names = ", ".join(e.condition.packet_steering)
    return f"Received packets of {names} are spread over the CPUs (RPS)" if names else None


def _process_limit(e: Evidence) -> str | None:
    limit = (e.condition.limits or {}).get("Max processes")
    needed = 2 * e.machine.budget.cpus + _PROCESSES_BESIDE
    if limit is None or limit >= needed:
        return None
    return f"At most {limit} processes and threads of this user may run; a session needs about {needed}"


def _address_space(e: Evidence) -> str | None:
    limit = (e.condition.limits or {}).get("Max address space")
    return None if limit is None else f"Address space is limited to {limit / 2**30:.3g} GiB (ulimit -v)"


RULES = (
    Rule(
        "kernel-too-old", SLOW, "Linux before 5.10 on a core with SVE",
        "upgrade to Linux 5.10 or newer; Amazon Linux 2's 4.14 does not support Graviton5",
        f"{AWS}/os.md", _too_old,
    ),
    Rule(
        "features-hidden", SLOW, "the core has SVE, bf16 or the like, and the kernel does not show it",
        "look for arm64.nosve and the like in /proc/cmdline, and for CONFIG_ARM64_SVE; else ask the provider",
        f"{AWS}/runtime-feature-detection.md", _features_hidden,
    ),
    Rule(
        "sve-short", SLOW, "SVE vectors are shorter than the core's",
        "sudo sysctl abi.sve_default_vector_length=-1",
        f"{KERNEL}/arch/arm64/sve.html", _sve_short,
    ),
    Rule(
        "debug-kernel", SLOW, "the kernel was built with KASAN, lock proving or the like",
        "boot the distribution's usual kernel",
        f"{KERNEL}/dev-tools/kasan.html", _debug,
    ),
    Rule(
        "clock-source", SLOW, "the kernel keeps time by a device: hpet, acpi_pm, xen, …",
        "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource",
        f"{KERNEL}/timers/timekeeping.html", _clock_source,
    ),
    Rule(
        "address-space-limit", SLOW, "ulimit -v is set",
        "ulimit -v unlimited",
        f"{AWS}/perfrunbook/configuring_your_sut.md", _address_space,
    ),
    Rule(
        "process-limit", SLOW, "ulimit -u leaves no room for a thread on every CPU",
        "ulimit -u unlimited (or LimitNPROC= of the service)",
        f"{AWS}/perfrunbook/configuring_your_sut.md", _process_limit,
    ),
    Rule(
        "timer-coarse", NOTE, "reading the clock is slow, or its steps are long",
        "choose a clock source that the CPU reads itself: tsc, kvm-clock, arch_sys_counter",
        f"{KERNEL}/timers/timekeeping.html", _timer,
    ),
    Rule(
        "preempt-lazy", NOTE, "Linux 7.0 or newer with its default preemption",
        "compare with sessions of the same kernel; preempt=none where the kernel still has it",
        f"{AWS}/linux_kernel.md", _preempt_lazy,
    ),
    Rule(
        "pages-64k", NOTE, "the kernel has pages of 64 KiB (RHEL, Rocky, Alma, Oracle Linux for Arm)",
        "compare with sessions of the same page size; kernels with 4 KiB pages are packaged too",
        f"{AWS}/os.md", _pages_64k,
    ),
    Rule(
        "perf-absent", NOTE, "the machine offers no event counters of the CPU",
        "to count cycles and misses, take a metal or full-size instance",
        f"{AWS}/perfrunbook/debug_hw_perf.md", _perf_absent,
    ),
    Rule(
        "perf-forbidden", NOTE, "kernel.perf_event_paranoid is 3 or higher",
        "sudo sysctl kernel.perf_event_paranoid=1 (in a container: --cap-add PERFMON)",
        f"{KERNEL}/admin-guide/perf-security.html", _perf_forbidden,
    ),
    Rule(
        "irqbalance", NOTE, "irqbalance runs",
        "sudo systemctl stop irqbalance while you measure",
        f"{AWS}/perfrunbook/optimization_recommendation.md", _irqbalance,
    ),
    Rule(
        "packet-steering", NOTE, "a network device spreads received packets over the CPUs",
        "keep the network quiet while you measure",
        f"{AWS}/perfrunbook/optimization_recommendation.md", _packet_steering,
    ),
)  # fmt: skip

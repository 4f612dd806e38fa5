"""The CPUs that may be used, and how fast they run."""

from __future__ import annotations

from armbench.bench import cpulist
from armbench.bench.doctor.evidence import Evidence
from armbench.bench.doctor.rule import AWS, DUMPS, KERNEL, NOTE, SLOW, WRONG, Rule, count
from armbench.bench.machine.clock import MEASURED

_CLOCK_LOW, _CLOCK_FAR_LOW = 0.97, 0.85  # of the published clock; a fixed clock is measured within 0.5 %
_COUNTER_TOLERANCE = 0.01


def _quota(e: Evidence) -> str | None:
    budget = e.machine.budget
    if not budget.reason.startswith("cgroup quota"):
        return None
    quota = budget.reason.replace("quota ", "quota of ")
    return f"A {quota} for {count(e.allowed_cpus, 'CPU')}: when it is spent, all threads stand still"


def _cpuset(e: Evidence) -> str | None:
    return _fewer(e, "cpuset", "the cpuset of this container or service")


def _affinity(e: Evidence) -> str | None:
    return _fewer(e, "affinity", "the affinity of this process (taskset)")


def _fewer(e: Evidence, limit: str, what: str) -> str | None:
    machine = e.machine
    if machine.budget.reason != limit or machine.budget.cpus >= machine.cpus:
        return None
    half = ", just half: with one thread a core, none of them is a second thread"
    smt = machine.threads_per_core not in (None, 1)
    tail = half if 2 * machine.budget.cpus == machine.cpus and not smt else ""
    return f"{machine.budget.cpus} of {machine.cpus} CPUs by {what}{tail}"


def _offline(e: Evidence) -> str | None:
    if not e.machine.offline:
        return None
    return f"{count(len(cpulist.parse(e.machine.offline)), 'CPU')} offline ({e.machine.offline})"


def _isolated(e: Evidence) -> str | None:
    isolated = e.condition.setting("isolated")
    return f"CPUs {isolated} are isolated: the scheduler puts only pinned threads there" if isolated else None


def _smt(e: Evidence) -> str | None:
    threads = e.machine.threads_per_core
    if threads is None or threads < 2:
        return None
    return f"{threads} threads share a core: {e.machine.cpus} CPUs are {e.machine.cpus // threads} cores"


def _governor(e: Evidence) -> str | None:
    found = e.machine.governor
    if found is None or found == "performance":
        return None
    return f"The frequency governor is {found}: the clock follows the load with delay"


def _boost(e: Evidence) -> str | None:
    if e.condition.setting("no_turbo") != "0" and e.condition.setting("boost") != "1":
        return None
    return "The clock is boosted while few cores work: one CPU runs faster than one of all CPUs"


def _clock_share(e: Evidence) -> float | None:
    """The measured clock as a share of what was promised; None where one of the two is not known."""
    machine = e.machine
    if machine.clock_source != MEASURED or not machine.clock_hz or not machine.nominal_clock_hz:
        return None
    if not e.arm and machine.nominal_clock_source == "cpufreq":  # there it is what one core may be boosted to
        return None
    return machine.clock_hz / machine.nominal_clock_hz


def _clocks(e: Evidence) -> str:
    machine = e.machine
    now, promised = (machine.clock_hz or 0) / 1e9, (machine.nominal_clock_hz or 0) / 1e9
    return f"The clock is {now:.2f} GHz where {machine.nominal_clock_source} says {promised:.2f}"


def _clock_low(e: Evidence) -> str | None:
    share = _clock_share(e)
    return _clocks(e) if share and _CLOCK_FAR_LOW <= share < _CLOCK_LOW else None


def _clock_far_low(e: Evidence) -> str | None:
    share = _clock_share(e)
    return f"{_clocks(e)}: throttled, or shared with others" if share and share < _CLOCK_FAR_LOW else None


def _counter(e: Evidence) -> str | None:
    timer, told = e.machine.timer, e.machine.counter_hz
    if not timer or not timer.counter_hz or not told or timer.source != "cntvct_el0":
        return None
    if abs(timer.counter_hz / told - 1) < _COUNTER_TOLERANCE:
        return None
    return (
        f"The CPU's counter says {told / 1e6:.2f} MHz and runs at {timer.counter_hz / 1e6:.2f}: "
        "all times are off by that"
    )


def _caches(e: Evidence) -> str | None:
    if e.machine.last_level_bytes:
        return None
    return "The machine tells no cache sizes: whether a case comes from memory is guessed"


RULES = (
    Rule(
        "cpu-quota", WRONG, "a cgroup grants less CPU time than there are CPUs to run on",
        "raise the limit (docker run --cpus, resources.limits.cpu), or give whole CPUs by a cpuset",
        f"{KERNEL}/scheduler/sched-bwc.html", _quota,
    ),
    Rule(
        "clock-far-low", WRONG, f"the measured clock is below {_CLOCK_FAR_LOW:.0%} of the published one",
        "look for throttling, a power limit or a neighbour on the same core; measure again elsewhere",
        f"{AWS}/README.md", _clock_far_low,
    ),
    Rule(
        "counter-wrong", WRONG, "the generic timer runs at another rate than its register says",
        "update the firmware or hypervisor; do not compare these times with others",
        f"{KERNEL}/arch/arm64/booting.html", _counter,
    ),
    Rule(
        "clock-low", SLOW, f"the measured clock is below {_CLOCK_LOW:.0%} of the published one",
        "see whether it is so again when nothing else runs: armbench machine --clock",
        f"{AWS}/README.md", _clock_low,
    ),
    Rule(
        "cpuset", SLOW, "a cpuset leaves some of the CPUs out",
        "give the container all CPUs (docker run without --cpuset-cpus)",
        f"{KERNEL}/admin-guide/cgroup-v2.html#cpuset", _cpuset,
    ),
    Rule(
        "affinity", SLOW, "the process may run on some of the CPUs only",
        "start it without taskset; on Graviton a CPU is a core, so nproc/2 leaves half of them idle",
        f"{AWS}/perfrunbook/configuring_your_sut.md", _affinity,
    ),
    Rule(
        "governor", SLOW, "a frequency governor other than performance",
        "sudo cpupower frequency-set -g performance",
        f"{KERNEL}/admin-guide/pm/cpufreq.html", _governor,
    ),
    Rule(
        "boost", NOTE, "the clock is higher while few cores work (turbo)",
        "compare rates at the same number of CPUs; to fix the clock: echo 0 | sudo tee "
        "/sys/devices/system/cpu/cpufreq/boost",
        f"{KERNEL}/admin-guide/pm/cpufreq.html#frequency-boost-support", _boost,
    ),
    Rule(
        "smt", NOTE, "several threads share a core",
        "compare by cores: armbench run --cpus with one CPU of each core",
        f"{KERNEL}/admin-guide/hw-vuln/core-scheduling.html", _smt,
    ),
    Rule(
        "cpus-offline", NOTE, "CPUs of the machine are not in use",
        "echo 1 | sudo tee /sys/devices/system/cpu/cpuN/online",
        f"{KERNEL}/core-api/cpu_hotplug.html", _offline,
    ),
    Rule(
        "isolated-cpus", NOTE, "the kernel was started with isolated CPUs",
        "start it without isolcpus= to measure what a usual process gets",
        f"{KERNEL}/admin-guide/kernel-parameters.html", _isolated,
    ),
    Rule(
        "caches-unknown", NOTE, "no cache sizes are shown (some virtual machines)",
        "compare cold cases only with sessions of this same machine",
        DUMPS, _caches,
    ),
)  # fmt: skip

"""What else takes the CPUs' time: other processes, and other guests of the host."""

from __future__ import annotations

from armbench.bench.doctor.evidence import Evidence
from armbench.bench.doctor.rule import AWS, KERNEL, SLOW, WRONG, Rule, count

_BUSY_CPUS, _BUSY_SHARE = 0.1, 0.02
_HEAVY_CPUS, _HEAVY_SHARE = 0.5, 0.1
_STEAL, _HEAVY_STEAL = 0.005, 0.05
_ROUNDS_SHARE = 0.25


def _taken(e: Evidence) -> float | None:
    """CPUs that others keep busy; by the load average where nothing was watched."""
    known = e.condition.others_busy
    return e.condition.load_average if known is None else known


def _heavy(e: Evidence) -> bool:
    return (_taken(e) or 0.0) >= max(_HEAVY_CPUS, _HEAVY_SHARE * e.machine.cpus)


def _who(e: Evidence) -> str:
    taken, cpus = _taken(e) or 0.0, e.machine.cpus
    if e.condition.others_busy is None:
        return f"The load average is {taken:.2f} on {count(cpus, 'CPU')}"
    return f"Other processes keep {taken:.2f} of {count(cpus, 'CPU')} busy"


def _overloaded(e: Evidence) -> str | None:
    return f"{_who(e)}: what is measured has to share" if _heavy(e) else None


def _busy(e: Evidence) -> str | None:
    taken = _taken(e) or 0.0
    return _who(e) if taken >= max(_BUSY_CPUS, _BUSY_SHARE * e.machine.cpus) and not _heavy(e) else None


def _heavy_steal(e: Evidence) -> str | None:
    share = e.condition.steal_share
    return (
        f"The hypervisor gives {share:.1%} of the time to others" if share and share >= _HEAVY_STEAL else None
    )


def _steal(e: Evidence) -> str | None:
    share = e.condition.steal_share
    if share is None or not _STEAL <= share < _HEAVY_STEAL:
        return None
    return f"The hypervisor gives {share:.1%} of the time to others"


def _steal_in_run(e: Evidence) -> str | None:
    stolen = sum("steal" in done.quality for done in e.rounds)
    if not e.rounds or stolen < _ROUNDS_SHARE * len(e.rounds):
        return None
    return f"In {stolen} of {count(len(e.rounds), 'round')} the hypervisor gave time to others"


RULES = (
    Rule(
        "overloaded", WRONG, "others keep a tenth of the CPUs busy, and at least half of one",
        "stop them or wait; top shows who it is",
        f"{AWS}/perfrunbook/debug_system_perf.md", _overloaded,
    ),
    Rule(
        "heavy-steal", WRONG, "the hypervisor takes 5 % of the time or more",
        "measure on another host (stop and start the instance), or on a dedicated one",
        f"{KERNEL}/filesystems/proc.html", _heavy_steal,
    ),
    Rule(
        "busy", SLOW, "others keep a fiftieth of the CPUs busy, and at least a tenth of one",
        "stop them or wait; top shows who it is",
        f"{AWS}/perfrunbook/debug_system_perf.md", _busy,
    ),
    Rule(
        "steal", SLOW, "the hypervisor takes 0.5 % of the time or more",
        "measure at another time, or on a dedicated host",
        f"{KERNEL}/filesystems/proc.html", _steal,
    ),
)  # fmt: skip

RULES_OF_ROUNDS = (  # only while measuring can they be known
    Rule(
        "steal-in-run", WRONG, "the hypervisor took time in a quarter of the rounds",
        "measure on another host (stop and start the instance), or on a dedicated one",
        f"{KERNEL}/filesystems/proc.html", _steal_in_run,
    ),
)  # fmt: skip

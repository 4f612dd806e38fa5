"""Memory: pages, swap, limits, and what the kernel does with it on the side."""

from __future__ import annotations

from armbench.bench.doctor.evidence import Evidence
from armbench.bench.doctor.rule import AWS, KERNEL, NOTE, SLOW, Rule, gib

_SWAP_BYTES = 64 << 20
_SPARE_BYTES, _SPARE_SHARE = 1 << 30, 0.05
_RESERVED_SHARE = 0.25
_GROUP_SHARE = 0.5
_DISK_BYTES = 1 << 30


def _huge_pages_never(e: Evidence) -> str | None:
    if e.machine.huge_pages != "never":
        return None
    return "Transparent huge pages are off: large matrices cost a TLB miss every 4 KiB"


def _reserved(e: Evidence) -> str | None:
    idle = sum(pool.bytes * (pool.free or 0) for pool in e.machine.huge_page_sizes)
    all_bytes = e.machine.memory_bytes
    if not all_bytes or idle < _RESERVED_SHARE * all_bytes:
        return None
    return f"{gib(idle)} of {gib(all_bytes)} are reserved as huge pages that nobody uses"


def _swap(e: Evidence) -> str | None:
    used = e.condition.swap_used_bytes
    return (
        f"{gib(used)} are swapped out: reading them back takes milliseconds"
        if used and used > _SWAP_BYTES
        else None
    )


def _full(e: Evidence) -> str | None:
    free, all_bytes = e.condition.available_bytes, e.condition.memory_bytes
    if (
        free is None
        or not all_bytes
        or free >= max(min(_SPARE_BYTES, all_bytes / 4), _SPARE_SHARE * all_bytes)
    ):
        return None
    return f"{gib(free)} of {gib(all_bytes)} are left: the kernel is about to reclaim or to kill"


def _group(e: Evidence) -> str | None:
    left, free = e.condition.group_left_bytes, e.condition.available_bytes
    if left is None or free is None or left >= _GROUP_SHARE * free:
        return None
    return f"This container may take {gib(left)} more, though {gib(free)} are free: large cases will not fit"


def _numa_balancing(e: Evidence) -> str | None:
    if len(e.machine.nodes) < 2 or not e.condition.number("numa_balancing"):
        return None
    return f"The kernel moves pages among {len(e.machine.nodes)} NUMA nodes, at the cost of page faults"


def _ksm(e: Evidence) -> str | None:
    if e.condition.number("ksm") != 1:
        return None
    return "The kernel searches memory for equal pages (KSM), which takes CPU time and bandwidth"


def _disk(e: Evidence) -> str | None:
    free = e.condition.free_disk_bytes
    return None if free is None or free >= _DISK_BYTES else f"{free >> 20} MiB are free on this disk"


RULES = (
    Rule(
        "thp-never", SLOW, "transparent huge pages are off",
        "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
        f"{AWS}/machinelearning/pytorch.md", _huge_pages_never,
    ),
    Rule(
        "swap-used", SLOW, "memory has been swapped out",
        "sudo swapoff -a, when there is room; else stop what takes the memory",
        f"{KERNEL}/admin-guide/sysctl/vm.html#swappiness", _swap,
    ),
    Rule(
        "memory-full", SLOW, "less than 5 % of the memory is available",
        "stop what takes it (ps aux --sort -rss | head), or measure smaller cases",
        f"{KERNEL}/filesystems/proc.html#meminfo", _full,
    ),
    Rule(
        "container-memory", SLOW, "a cgroup leaves less than half of the free memory",
        "raise the limit (docker run --memory, resources.limits.memory)",
        f"{KERNEL}/admin-guide/cgroup-v2.html#memory-interface-files", _group,
    ),
    Rule(
        "huge-pages-reserved", NOTE, "a quarter of the memory is a pool of huge pages that nothing uses",
        "sudo sysctl vm.nr_hugepages=0",
        f"{KERNEL}/admin-guide/mm/hugetlbpage.html", _reserved,
    ),
    Rule(
        "numa-balancing", NOTE, "automatic NUMA balancing is on, on several nodes",
        "sudo sysctl kernel.numa_balancing=0 while you measure",
        f"{KERNEL}/admin-guide/sysctl/kernel.html#numa-balancing", _numa_balancing,
    ),
    Rule(
        "ksm", NOTE, "kernel same-page merging runs",
        "echo 0 | sudo tee /sys/kernel/mm/ksm/run",
        f"{KERNEL}/admin-guide/mm/ksm.html", _ksm,
    ),
    Rule(
        "disk-full", NOTE, "less than 1 GiB is free where results are written",
        "free some space, or give another place with -o",
        f"{KERNEL}/filesystems/index.html", _disk,
    ),
)  # fmt: skip

"""What else runs on this machine, its free memory, and the pages behind this process's."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from armbench.bench.machine import budget
from armbench.bench.machine.hostfiles import HERE, THP, HostFiles, to_int


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


def free_memory_bytes() -> int:
    """What a process of this group may still take without pushing anything out."""
    import psutil

    available = psutil.virtual_memory().available
    left = budget.memory_left(HostFiles(HERE))
    return available if left is None else min(available, left)


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
        return HostFiles(HERE).integer(f"{THP}/hpage_pmd_size") or 2 << 20
    return min(pages, default=None)

"""CPU lists in the kernel's format: "0-3,8"."""

from __future__ import annotations

from collections.abc import Iterable

LIMIT = 1 << 16  # eight times what Linux can be built for


def parse(text: str) -> tuple[int, ...]:
    """The CPUs of "0-3,8"; ValueError for anything else, a CPU number beyond all machines included."""
    cpus: list[int] = []
    for part in text.strip().split(","):
        first, dash, last = part.partition("-")
        members = range(int(first), int(last if dash else first) + 1)
        if not members or members[-1] >= LIMIT:
            raise ValueError(f"{part} is not a range of CPUs")
        cpus.extend(members)
    return tuple(cpus)


def format(cpus: Iterable[int]) -> str:
    """Sorted, each once."""
    return in_order(sorted(set(cpus)))


def in_order(cpus: Iterable[int]) -> str:
    """As given, since threads have an order: (4, 0, 1) is "4,0-1", and `parse` gives it back."""
    ranges: list[list[int]] = []
    for cpu in cpus:
        if ranges and cpu == ranges[-1][1] + 1:
            ranges[-1][1] = cpu
        else:
            ranges.append([cpu, cpu])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)

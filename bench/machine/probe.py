"""What only the running CPU and kernel can tell, asked through the native library.

Nothing here raises for a host that refuses: an answer is None, 0, or a reason in words.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from armbench.bench import native
from armbench.bench.machine.hostfiles import HostFiles
from armbench.bench.model import Perf, PerfEvent, Timer

_HARDWARE = 0  # PERF_TYPE_HARDWARE; the numbers are its events in perf_event_open(2)
_EVENTS = {
    "cycles": 0,
    "instructions": 1,
    "cache-references": 2,
    "cache-misses": 3,
    "branches": 4,
    "branch-misses": 5,
    "stalled-cycles-frontend": 7,
    "stalled-cycles-backend": 8,
}
_GROUPED = ("branch-misses", "cache-misses", "instructions", "cycles")  # cycles may have a counter of its own
_COUNTER_MS = 5  # enough for some 10 millionths, with readings that are 50 ns apart
_PARANOID_ALLOWED = 2  # the most with which a user may count events of user mode
_NOT_THERE = "the CPU, or the virtual machine, does not offer it"
_REASONS = {
    0: None,
    errno.EBUSY: "every counter is in use",
    errno.EINVAL: _NOT_THERE,
    errno.ENODEV: _NOT_THERE,
    errno.ENOENT: _NOT_THERE,
    errno.ENOSYS: "the kernel has no perf events, or a sandbox hides them",
    errno.EOPNOTSUPP: _NOT_THERE,
}
_PARANOID = "proc/sys/kernel/perf_event_paranoid"
_NS = 1e9


@contextmanager
def pinned(*cpus: int) -> Iterator[None]:
    """The calling thread on these CPUs only, where that is allowed."""
    before = os.sched_getaffinity(0)
    try:
        with suppress(OSError):  # a sandbox may forbid it
            os.sched_setaffinity(0, cpus)
        yield
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, before)


def midr(cpu: int) -> int:
    """MIDR_EL1 of one allowed CPU; 0 where the kernel does not show it or the thread cannot go there."""
    try:
        with pinned(cpu):
            there = os.sched_getaffinity(0) == {cpu}
            return int(native.library().ab_midr()) if there else 0
    except native.NativeError:
        return 0


def counter_hz() -> int | None:
    """The rate that the CPU's counter is said to have; None when nothing says."""
    try:
        return int(native.library().ab_counter_hz()) or None
    except native.NativeError:
        return None


def timer(arch: str) -> Timer | None:
    """Step and cost of the clock of all measurements, and the counter's rate; takes some 10 ms."""
    step, reading = ctypes.c_double(), ctypes.c_double()
    try:
        native.library().ab_timer(ctypes.byref(step), ctypes.byref(reading))
        rate = float(native.library().ab_counter_rate(_COUNTER_MS))
        tick_ns = _NS / native.tick_hz()
    except native.NativeError:
        return None
    source = "cntvct_el0" if arch == "aarch64" else "CLOCK_MONOTONIC_RAW"
    if not step.value:
        return None
    return Timer(source, step.value * tick_ns, reading.value * tick_ns, rate or None)


# --- perf events ---------------------------------------------------------------------------


def perf(files: HostFiles) -> Perf | None:
    """Which events this process may count of itself, and why not the others."""
    paranoid = _paranoid(files)
    try:
        codes = {name: int(native.library().ab_perf_open(_HARDWARE, _EVENTS[name])) for name in _EVENTS}
        first = next((name for name in (*_GROUPED, *_EVENTS) if codes[name] == 0), None)
        counters = int(native.library().ab_perf_group(_HARDWARE, _EVENTS[first])) if first else 0
    except native.NativeError:
        return None
    reasons = {name: _reason(code, paranoid, files) for name, code in codes.items()}
    return Perf(paranoid, counters, tuple(PerfEvent(name, reason) for name, reason in reasons.items()))


def _paranoid(files: HostFiles) -> int | None:
    """-1 allows everything; above 2, where a distribution knows it, nothing."""
    text = files.line(_PARANOID) or ""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    return sign * int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def _reason(code: int, paranoid: int | None, files: HostFiles) -> str | None:
    """What an errno of perf_event_open(2) means here; None for 0."""
    if code in (errno.EPERM, errno.EACCES):
        return _forbidden(paranoid, files)
    return _REASONS[code] if code in _REASONS else os.strerror(code)


def _forbidden(paranoid: int | None, files: HostFiles) -> str:
    if paranoid is not None and paranoid > _PARANOID_ALLOWED:
        return f"kernel.perf_event_paranoid is {paranoid}; sudo sysctl kernel.perf_event_paranoid=2 allows it"
    return "forbidden by a seccomp filter, as containers have" if _filtered(files) else "not permitted"


def _filtered(files: HostFiles) -> bool:
    """Whether this process runs under a seccomp filter (mode 2)."""
    lines = (files.text("proc/self/status") or "").splitlines()
    return any(line.split() == ["Seccomp:", "2"] for line in lines)

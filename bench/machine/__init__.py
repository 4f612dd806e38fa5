"""What this host is and what it may use; the only reader of /proc and /sys."""

from armbench.bench.machine.detect import allowed_cpus, detect, measured_clock_hz, usable_cpus
from armbench.bench.machine.process import private_bytes, task_cpus
from armbench.bench.machine.watch import (
    Steal,
    Watch,
    backing_page_bytes,
    boot_id,
    free_memory_bytes,
    page_bytes_at,
    watch,
)

__all__ = [
    "Steal",
    "Watch",
    "allowed_cpus",
    "backing_page_bytes",
    "boot_id",
    "detect",
    "free_memory_bytes",
    "measured_clock_hz",
    "page_bytes_at",
    "private_bytes",
    "task_cpus",
    "usable_cpus",
    "watch",
]

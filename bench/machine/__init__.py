"""What this host is and what it may use; the only reader of /proc and /sys.

Its modules are loaded when one of these names is asked for: a worker process needs few of them.
"""

# ruff: noqa: I001  (the names of a module stay together)

from __future__ import annotations

from typing import TYPE_CHECKING

from armbench.bench import lazy

if TYPE_CHECKING:
    from armbench.bench.machine.detection import (
        allowed_cpus as allowed_cpus,
        detect as detect,
        measured_clock_hz as measured_clock_hz,
        usable_cpus as usable_cpus,
    )
    from armbench.bench.machine.process import private_bytes as private_bytes, task_cpus as task_cpus
    from armbench.bench.machine.watching import (
        Steal as Steal,
        Watch as Watch,
        backing_page_bytes as backing_page_bytes,
        boot_id as boot_id,
        free_memory_bytes as free_memory_bytes,
        page_bytes_at as page_bytes_at,
        watch as watch,
    )

MODULES = {
    "detection": "allowed_cpus detect measured_clock_hz usable_cpus",
    "process": "private_bytes task_cpus",
    "watching": "Steal Watch backing_page_bytes boot_id free_memory_bytes page_bytes_at watch",
}

__getattr__ = lazy.attributes(__name__, MODULES)

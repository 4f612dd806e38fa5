"""What py-cpuinfo says of this host: another opinion, asked in a process of its own.

It may take over a second, and it runs machine code of its own making to read CPUID.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from armbench.bench.machine.software import child

LIMIT_SECONDS = 10.0
_START = (
    "import sys; sys.path[:] = filter(None, sys.path); import cpuinfo, json; "
    "print(json.dumps(cpuinfo.get_cpu_info()))"
)


@dataclass(frozen=True, slots=True)
class OtherOpinion:
    """Its arch ("ARM_8", "X86_64") and brand; None is unknown."""

    arch: str | None
    brand: str | None


class CrossCheck:
    """A child that runs py-cpuinfo; it works while its starter goes on."""

    def __init__(self) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-c", _START],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        return self.child.poll() is None

    def finish(self) -> OtherOpinion | None:
        """Its answer, None when there is none in time."""
        try:
            output, _ = self.child.communicate(timeout=LIMIT_SECONDS)
            told = json.loads(output)
            return OtherOpinion(_text(told.get("arch")), _text(told.get("brand_raw")))
        except (subprocess.TimeoutExpired, ValueError, AttributeError):
            return None
        finally:
            self.stop()

    def stop(self) -> None:
        """End the child and what it started; harmless the second time."""
        child.end(self.child)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None

"""A child process that leads a group of its own, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import Any


def end(child: subprocess.Popen[Any]) -> None:
    """End the child and what it started, whatever they do; harmless the second time."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdout:
        child.stdout.close()

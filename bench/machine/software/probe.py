"""Ask libraries what they really use, in one process of their own.

Importing a library may take seconds, hang or crash, so this process never does it: a child
answers in JSON lines, and what it could not say is an answer too.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.resources import files

from armbench.bench.machine.software import child, questions
from armbench.bench.machine.software.installed import Installed, Pool, bundled_openblas, look_up
from armbench.bench.model import Json

LIMIT_SECONDS = 30.0  # a cold torch on a network disk takes over ten
_BEFORE = (
    "import sys; sys.path[:] = filter(None, sys.path)\n"  # a numpy.py where the user stands is not numpy
)


class Probe:
    """A child that looks at libraries; it works while its starter goes on.

    numpy is asked first, so that its BLAS is not taken for one that another library brought.
    """

    def __init__(self, names: Iterable[str], limit_seconds: float = LIMIT_SECONDS):
        self.installed = tuple(look_up(name) for name in dict.fromkeys(names))
        known = (found.name for found in self.installed if found.version)
        self.asked = sorted(filter(questions.QUESTIONS.get, known), key=lambda name: name != "numpy")
        text = _BEFORE + (files("armbench.bench.machine.software") / "questions.py").read_text("utf-8")
        self.ends_at = time.monotonic() + limit_seconds
        self.errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  # closed by finish()
        self.child = subprocess.Popen(
            [sys.executable, "-c", text, str(limit_seconds), *self.asked],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            start_new_session=True,  # Ctrl-C is for the starter, and what the child started dies with it
        )

    @property
    def running(self) -> bool:
        return self.child.poll() is None

    def finish(self) -> tuple[Installed, ...]:
        """What was found out, in the order of the names; waits for the child, at most to its limit."""
        try:
            output, ending = self._wait()
            told = {event["name"]: event for event in _events(output) if "name" in event}
            started = [event["start"] for event in _events(output) if "start" in event]
            return tuple(self._answer(found, told, started, ending) for found in self.installed)
        finally:
            self.stop()

    def stop(self) -> None:
        """End the child, whatever it does; harmless the second time."""
        child.end(self.child)
        self.errors.close()

    def _wait(self) -> tuple[bytes, str]:
        """(what it wrote, how it ended)."""
        try:
            output, _ = self.child.communicate(timeout=max(0.0, self.ends_at - time.monotonic()))
        except subprocess.TimeoutExpired as late:
            return late.stdout or b"", "did not answer in time"
        code = self.child.returncode
        if code == -signal.SIGALRM:
            return output, "did not answer in time"
        self.errors.seek(0)
        last = (self.errors.read().strip().splitlines() or [""])[-1][-120:]
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
        return output, f"{how}: {last}" if last and code else how

    def _answer(
        self, found: Installed, told: dict[str, Json], started: Sequence[str], ending: str
    ) -> Installed:
        event = told.get(found.name)
        if event and event["problem"] is None:
            return replace(found, pools=tuple(Pool(**pool) for pool in event["pools"]), facts=event["facts"])
        by_files = replace(found, openblas=bundled_openblas(found.name))
        if found.name not in self.asked:
            return by_files
        culprit = started[-1] if started else "python"
        broken = ending if culprit == found.name else f"not asked, since {culprit} ended the process"
        return replace(by_files, problem=event["problem"] if event else broken)


def _events(output: bytes) -> list[Json]:
    """The whole lines of a child's answer; what a library wrote between them is skipped."""
    events = []
    for line in output.split(b"\n"):
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                events.append(event)
    return events

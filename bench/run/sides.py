"""The two sides of `armbench ab`: what differs between them, and how their processes are started."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from armbench.bench import __version__, native
from armbench.bench.errors import UserError
from armbench.bench.model import SIDES, Json
from armbench.bench.run.worker import JOBS

KINDS = "env:NAME=VALUE, python:PATH, variant:NAME, cpus:LIST, huge-pages:never or checkout:PATH"
HUGE_PAGES = "ARMBENCH_HUGE_PAGES"  # read by worker.py
LIBRARY = "ARMBENCH_LIBRARY"  # read by native.py
PROBE = (
    "import json; from armbench.bench import __version__, native; from armbench.bench.run import worker; "
    "print(json.dumps([__version__, [native.ABI, getattr(worker, 'JOBS', 1)], *native.build()]))"
)


class SettingError(UserError):
    """A side cannot be what was asked for; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What one side changes; empty: this suite as it is.

    environment  variables of its processes
    python       the interpreter that runs them
    checkout     another checkout of the suite, whose .venv runs them
    """

    words: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    python: str | None = None
    checkout: str | None = None
    variant: str | None = None
    cpus: str | None = None

    @classmethod
    def parse(cls, words: Sequence[str]) -> Setting:
        """Raises SettingError for what is no setting."""
        found: dict[str, str] = {}
        environment: dict[str, str] = {}
        for word in words:
            kind, colon, value = word.partition(":")
            if not colon or not value:
                raise SettingError(f"{word}: no setting; write {KINDS}")
            if kind == "env":
                name, equals, text = value.partition("=")
                if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                    raise SettingError(f"{word}: write env:NAME=VALUE")
                environment[name] = text
            elif kind == "huge-pages":
                if value not in ("never", "allowed"):
                    raise SettingError(f"{word}: write huge-pages:never or huge-pages:allowed")
                environment |= {HUGE_PAGES: value}
            elif kind in ("python", "variant", "cpus", "checkout"):
                if kind in found:
                    raise SettingError(f"{word}: a side has one {kind}")
                found[kind] = value
            else:
                raise SettingError(f"{word}: no setting; write {KINDS}")
        if "python" in found and "checkout" in found:
            raise SettingError("a checkout brings its own python: give python: or checkout:")
        return cls(words=tuple(words), environment=environment, **found)

    @property
    def text(self) -> str:
        return " ".join(self.words) or "as it is"

    @property
    def interpreter(self) -> str:
        if self.checkout:
            return str(Path(self.checkout) / ".venv" / "bin" / "python")
        return self.python or sys.executable


@dataclass(frozen=True, slots=True)
class Start:
    """How the processes of a side are started.

    libraries: builds of the native code that differ in the order of its parts alone; each process
    takes one of them.  None: the one that the interpreter has.
    """

    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Installed:
    """The suite as an interpreter has it; contracts: of its native code and of the jobs of its workers."""

    version: str
    contracts: Sequence[int]
    build_hash: str
    compiler: str


def installed(setting: Setting) -> Installed:
    """Raises SettingError when its interpreter has no suite that ours can talk to."""
    python = setting.interpreter
    environment = {**os.environ, **setting.environment}
    lacking = (
        f"run make bench-quick in {setting.checkout} first"
        if setting.checkout
        else f"install this suite there: {python} -m pip install {Path(__file__).resolve().parents[2]}"
    )
    try:
        done = subprocess.run(
            [python, "-c", PROBE], capture_output=True, text=True, timeout=60, env=environment, check=False
        )
    except OSError as error:
        raise SettingError(f"{python}: {error.strerror}; {lacking}") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise SettingError(f"{python}: {said}; {lacking}")
    found = Installed(*json.loads(done.stdout))
    if found.contracts != [native.ABI, JOBS]:
        raise SettingError(
            f"{python}: its suite (version {found.version}) has other contracts than "
            f"ours ({__version__}); measure each with its own `armbench run` and compare the files"
        )
    return found


def start_of(setting: Setting, libraries: Sequence[Path] = ()) -> Start:
    return Start(setting.interpreter, setting.environment, tuple(map(str, libraries)))


def settings_json(settings: Sequence[Setting]) -> dict[str, Json]:
    """The "sides" of a session."""
    return {name: setting.text for name, setting in zip(SIDES, settings, strict=True)}

"""A library as it is installed: what its files tell without importing it, and what it said when asked."""

from __future__ import annotations

import mmap
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path

from armbench.bench.model import Json

_OPENBLAS_NAME = re.compile(rb"OpenBLAS ([0-9]+\.[0-9]+\.[0-9]+[0-9.a-z]*) ")  # openblas_get_config's text
Release = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """A thread pool that a library brought: a BLAS ("blas") or an OpenMP runtime ("openmp").

    core: the kernels that a BLAS chose, as it spells them.
    """

    api: str
    name: str
    version: str | None
    core: str | None
    threading: str | None
    threads: int
    path: str


@dataclass(frozen=True, slots=True)
class Installed:
    """A distribution and, where it was asked, what it really uses.

    openblas  the release that its files bring, read without importing it
    facts     what it says of itself: {name: value}
    problem   why it could not be asked, in one line; None when it could, or was not asked
    """

    name: str
    version: str | None
    openblas: str | None = None
    pools: tuple[Pool, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict)
    problem: str | None = None

    @property
    def release(self) -> Release:
        return release(self.version)

    @property
    def blas(self) -> Pool | None:
        return next((pool for pool in self.pools if pool.api == "blas"), None)

    @property
    def detail(self) -> str | None:
        """Back end and kernels in one line: "openblas 0.3.33 neoversev2"; None when nothing is known."""
        blas = self.blas
        parts = [blas and " ".join(part for part in (blas.name, blas.version, blas.core) if part)]
        if blas is None and self.openblas:
            parts = [f"openblas {self.openblas}"]
        parts += [str(value) for value in self.facts.get("detail", ())]
        return ", ".join(part for part in parts if part) or None


def release(version: str | None) -> Release:
    """The leading numbers of a version, (2, 13, 0) of "2.13.0+cpu"; empty when there are none."""
    match = re.match(r"[0-9]+(\.[0-9]+)*", version or "", re.ASCII)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def version(name: str) -> str | None:
    """The installed version of a distribution, None when it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def look_up(name: str) -> Installed:
    """A distribution by its metadata alone."""
    return Installed(name, version(name))


@cache
def bundled_openblas(name: str) -> str | None:
    """The OpenBLAS release in the shared libraries of a distribution, None when it brings none.

    Reads tens of megabytes; for a library that is not asked, or could not be.
    """
    try:
        files = metadata.files(name) or ()
    except metadata.PackageNotFoundError:
        return None
    found = (path for path in files if "openblas" in path.name and ".so" in path.name)
    return next((_openblas_release(Path(str(path.locate()))) for path in found), None)


def _openblas_release(path: Path) -> str | None:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            match = _OPENBLAS_NAME.search(text)
            return match[1].decode().rstrip(".") if match else None
    except (OSError, ValueError):
        return None

"""The software as the result file keeps it.  Imports no library."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from typing import TypedDict

from armbench.bench import native
from armbench.bench.machine.software.installed import version
from armbench.bench.machine.software.variables import relevant


class NativeBuild(TypedDict):
    build_hash: str | None
    compiler: str | None


class LibraryVersion(TypedDict):
    name: str
    version: str | None
    detail: str | None


class Software(TypedDict):
    """The result file's "software"; None is unknown, or not installed for a library's version."""

    python: str
    libc: str | None
    native: NativeBuild
    libraries: list[LibraryVersion]
    environment: dict[str, str]


def describe(
    libraries: Mapping[str, str | None] | Iterable[str], environment: Mapping[str, str] = os.environ
) -> Software:
    """What is installed and set for this process.

    libraries: distributions, with what each really uses (such as the BLAS core it chose) where
    that is known.  numpy is always listed.
    """
    details = dict(libraries) if isinstance(libraries, Mapping) else dict.fromkeys(libraries)
    return {
        "python": _python(),
        "libc": _libc(),
        "native": _native(),
        "libraries": [_library(name, details.get(name)) for name in sorted({"numpy", *details})],
        "environment": relevant(environment),
    }


def _python() -> str:
    """ "CPython 3.13.1", with what makes it another interpreter of that version."""
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    return f"{platform.python_implementation()} {platform.python_version()}{'' if gil else ' free-threaded'}"


def _libc() -> str | None:
    """ "glibc 2.36"."""
    try:
        name = os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):
        name = None
    return name or " ".join(platform.libc_ver()).strip() or None


def _native() -> NativeBuild:
    try:
        build_hash, compiler = native.build()
    except native.NativeError:
        return {"build_hash": None, "compiler": None}
    return {"build_hash": build_hash, "compiler": compiler}


def _library(name: str, detail: str | None) -> LibraryVersion:
    return {"name": name, "version": version(name), "detail": detail}

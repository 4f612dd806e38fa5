"""The software that a number depends on, as the result file keeps it.  Imports no library."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TypedDict

from armbench.bench import native

# What changes kernels, threads or memory of the libraries that variants call.
_VARIABLES = frozenset(
    {
        "GLIBC_TUNABLES",
        "GOTO_NUM_THREADS",
        "LD_BIND_NOW",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "LRU_CACHE_CAPACITY",
        "PYTHONHASHSEED",
        "PYTHONMALLOC",
        "PYTHON_GIL",
        "PYTHON_JIT",
        "RAYON_NUM_THREADS",
        "TF_ENABLE_ONEDNN_OPTS",
        "THP_MEM_ALLOC_ENABLE",
        "TOKENIZERS_PARALLELISM",
    }
)
_PREFIXES = (
    "ARMBENCH_",
    "ATEN_",
    "BLIS_",
    "DNNL_",
    "GOMP_",
    "KMP_",
    "MALLOC_",
    "MKL_",
    "NPY_",
    "NUMEXPR_",
    "OMP_",
    "ONEDNN_",
    "OPENBLAS_",
    "ORT_",
    "PYTORCH_",
    "TBB_",
    "TORCHINDUCTOR_",
    "TORCH_",
)


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
        "environment": {
            name: _printable(environment[name]) for name in sorted(environment) if _matters(name)
        },
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
    try:
        return {"name": name, "version": version(name), "detail": detail}
    except PackageNotFoundError:
        return {"name": name, "version": None, "detail": detail}


def _printable(value: str) -> str:
    """Bytes that are no UTF-8 cannot go into a result file."""
    return os.fsencode(value).decode(errors="replace")


def _matters(variable: str) -> bool:
    return variable in _VARIABLES or variable.startswith(_PREFIXES)

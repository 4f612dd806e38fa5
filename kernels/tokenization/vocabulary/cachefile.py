"""Tables that were built once, kept in the user's cache folder.

A file is a table as it lies in memory (table.h), which carries its own digest: it is mapped, checked
and used.  Its name says from what it was made: the digest of the source file, what the source was
taken for, the suite's version and the build of its native code.  Whatever goes wrong here costs
time, never a result.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from armbench.bench import __version__
from armbench.kernels.tokenization.vocabulary import native, table
from armbench.kernels.tokenization.vocabulary.classes import FILE
from armbench.kernels.tokenization.vocabulary.table import U8

SUFFIX: Final = ".bpe"


def folder() -> Path:
    """As the XDG base directory specification has it; a relative path there is to be ignored."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return Path(home if os.path.isabs(home) else os.path.expanduser("~/.cache")) / "armbench"


def path_for(contents: bytes, kind: str) -> Path:
    """Where the table of a source file is kept.  kind: all else that decides the table."""
    source = hashlib.sha256(contents).hexdigest()[:24]
    makers = f"{kind} {native.build_hash()}".encode() + FILE.read_bytes()
    return folder() / f"{source}-{__version__}-{hashlib.sha256(makers).hexdigest()[:12]}{SUFFIX}"


def read(path: Path) -> U8 | None:
    """The table, read-only, or None when there is none or it is damaged."""
    try:
        with path.open("rb") as file:
            flags = mmap.MAP_PRIVATE | getattr(mmap, "MAP_POPULATE", 0)
            mapped = mmap.mmap(file.fileno(), 0, flags=flags, prot=mmap.PROT_READ)
    except (OSError, ValueError):  # ValueError: an empty file
        return None
    found = np.frombuffer(mapped, np.uint8)
    return found if table.is_sound(found) else None


def write(path: Path, built: U8) -> None:
    """Keep a table, in place of earlier ones of the same source; without a word where that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            try:
                file.write(built.data)
                file.close()
                os.replace(file.name, path)
            except OSError:
                os.unlink(file.name)
                raise
        source = path.name.partition("-")[0]
        for other in path.parent.glob(f"{source}-*{SUFFIX}"):
            if other != path:
                other.unlink()
    except OSError:
        return

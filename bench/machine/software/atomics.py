"""Which atomic instructions a binary for Arm was built with.

Code for Armv8.0 alone spins on load-exclusive and store-exclusive; code that knows LSE (Armv8.1),
directly or behind a check at run time ("outline atomics"), also has compare-and-swap.
"""

from __future__ import annotations

import platform
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SIZE_LIMIT = 64 << 20
_AARCH64, _LOAD, _EXECUTABLE = 183, 1, 1  # of elf.h: EM_AARCH64, PT_LOAD, PF_X
# Arm Architecture Reference Manual, C4.1.94 "Loads and stores": {mask, value} of the instruction word.
_LOAD_EXCLUSIVE = (0x3FFF7C00, 0x085F7C00)  # LDXR, LDAXR of any size
_COMPARE_AND_SWAP = (0x3FA07C00, 0x08A07C00)  # CAS, CASA, CASL, CASAL of any size
_LOAD_AND_ADD = (0x3F20FC00, 0x38200000)  # LDADD with any ordering


@dataclass(frozen=True, slots=True)
class Atomics:
    """How many instructions of each kind a file has."""

    exclusive: int
    lse: int

    @property
    def lacks_lse(self) -> bool:
        return self.exclusive > 0 and self.lse == 0


def atomics_of_this_process(others: Iterable[Path] = ()) -> dict[str, Atomics]:
    """{file name: counts} of the C library, our native library and these others; empty off Arm."""
    if platform.machine() != "aarch64":
        return {}
    paths = dict.fromkeys((*_mapped(r"/(?:libc|libarmbench)[-.0-9]*\.so[.0-9]*$"), *others))
    return {path.name: counts for path in paths if (counts := atomics(path))}


def _mapped(pattern: str) -> list[Path]:
    """The files mapped into this process whose path matches."""
    try:
        lines = Path("/proc/self/maps").read_text(errors="replace").splitlines()
    except OSError:
        return []
    fields = (line.split(maxsplit=5) for line in lines)
    return sorted({Path(row[5]) for row in fields if len(row) > 5 and re.search(pattern, row[5])})


def atomics(path: Path) -> Atomics | None:
    """The counts in a 64-bit little-endian ELF file for Arm; None for any other, or one that is too large."""
    try:
        if path.stat().st_size > SIZE_LIMIT:
            return None
        raw = path.read_bytes()
        if raw[:6] != b"\x7fELF\2\1" or struct.unpack_from("<H", raw, 18)[0] != _AARCH64:
            return None
        words = [_words(raw, *segment) for segment in _executable(raw)]
    except (OSError, struct.error):
        return None
    code = np.concatenate(words) if words else np.empty(0, np.uint32)
    return Atomics(
        _count(code, _LOAD_EXCLUSIVE), _count(code, _COMPARE_AND_SWAP) + _count(code, _LOAD_AND_ADD)
    )


def _executable(raw: bytes) -> list[tuple[int, int]]:
    """(offset, bytes) of the segments that hold code."""
    (table,) = struct.unpack_from("<Q", raw, 32)
    size, count = struct.unpack_from("<HH", raw, 54)
    found = []
    for index in range(count):
        kind, flags, offset, _, _, length = struct.unpack_from("<IIQQQQ", raw, table + index * size)
        if kind == _LOAD and flags & _EXECUTABLE:
            found.append((offset, length))
    return found


def _words(raw: bytes, offset: int, length: int) -> np.ndarray:
    part = raw[offset : offset + length]
    return np.frombuffer(part[: len(part) & ~3], "<u4")


def _count(code: np.ndarray, kind: tuple[int, int]) -> int:
    mask, value = kind
    return int(np.count_nonzero((code & np.uint32(mask)) == np.uint32(value)))

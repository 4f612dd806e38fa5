"""The functions of build.c, with arrays for pointers."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Final

import numpy as np

from armbench.bench import native
from armbench.bench.model import Array

FILLED: Final = 0
NO_ROOM: Final = 1
TWICE: Final = 2
NO_TABLE: Final = 3

_P = ctypes.c_void_p
_U64 = ctypes.c_uint64
_SIGNATURES: Final = {
    "ab_bpe_read_ranks": (ctypes.c_int64, [_P, _U64, ctypes.c_uint32, _P, _P]),
    "ab_bpe_fill": (ctypes.c_int32, [_P, _U64, _U64, _P]),
    "ab_bpe_digest": (_U64, [_P, _U64]),
}


@cache
def _library() -> ctypes.CDLL:
    library = native.library()
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def build_hash() -> str:
    return native.build()[0]


def read_ranks(contents: bytes, limit: int) -> tuple[Array, Array] | None:
    """Text uint8 and starts uint32 of the tokens in a rank file, None when it is not of the plain form."""
    text, starts = np.empty(len(contents), np.uint8), np.empty(limit + 1, np.uint32)
    count = _library().ab_bpe_read_ranks(contents, len(contents), limit, text.ctypes.data, starts.ctypes.data)
    if count < 0:
        return None
    starts = starts[: count + 1].copy()
    return text[: starts[-1]], starts


def fill(table: Array, slots: tuple[int, int], ordinary: Array) -> int:
    """Fill in what hashing gives; FILLED, NO_ROOM, TWICE (a token) or NO_TABLE.

    slots: of words and pairs.  ordinary: uint8 [ranks], 1 for a token that is not special.
    """
    return int(_library().ab_bpe_fill(table.ctypes.data, *slots, ordinary.ctypes.data))


def digest(table: Array) -> int:
    return int(_library().ab_bpe_digest(table.ctypes.data, table.nbytes))

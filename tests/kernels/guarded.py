"""Memory between inaccessible pages, and calls of native variants made grain by grain in it.

A kernel that reads or writes one byte past either end of a buffer dies there.  One that writes
to its inputs dies too: they are read-only.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np

from armbench.bench.model import Array, Operand
from armbench.bench.native import NativeVariant, _Variant

Place = Literal["start", "end"]
Order = Literal["forward", "backward"]
SHARED = 7  # threads: no divisor of anything
PLACES: tuple[Place, ...] = ("start", "end")

_PROT_NONE, _PROT_READ, _PROT_WRITE = 0, 1, 2
_POISON = 0xFF  # a NaN in every float format
_ALIGNMENT = 128  # AB_ALIGNMENT
_libc = ctypes.CDLL(None, use_errno=True)


def _protect(address: int, nbytes: int, protection: int) -> None:
    if _libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(nbytes), protection):
        raise OSError(ctypes.get_errno(), "mprotect")


def empty(nbytes: int, place: Place) -> Array:
    """`nbytes` bytes of NaNs that begin right after, or end right before, an inaccessible page."""
    page = mmap.PAGESIZE
    inside = -(-max(1, nbytes) // page) * page
    memory = np.frombuffer(mmap.mmap(-1, inside + 2 * page), np.uint8)
    memory[page : page + inside] = _POISON
    _protect(memory.ctypes.data, page, _PROT_NONE)
    _protect(memory.ctypes.data + page + inside, page, _PROT_NONE)
    first = page if place == "start" else page + inside - nbytes
    return memory[first : first + nbytes]


def read_only(array: Array, place: Place) -> Array:
    """A copy between inaccessible pages that cannot be written to."""
    page = mmap.PAGESIZE
    copy = empty(array.nbytes, place)
    copy[:] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    first = copy.ctypes.data // page * page
    if array.nbytes:
        _protect(first, copy.ctypes.data + array.nbytes - first, _PROT_READ)
    return copy.view(array.dtype).reshape(array.shape)


def operands(given: Sequence[Operand], place: Place) -> dict[str, Array]:
    """{name: array} of a problem's operands: inputs read-only, outputs full of NaNs."""
    return {
        o.name: empty(o.data.nbytes, place).view(o.data.dtype).reshape(o.data.shape)
        if o.output
        else read_only(o.data, place)
        for o in given
    }


# --- a call grain by grain -----------------------------------------------------------------


class _Call(ctypes.Structure):
    _fields_ = [
        ("params", ctypes.c_void_p),
        ("operands", ctypes.c_void_p),
        ("shared", ctypes.c_void_p),
        ("scratch", ctypes.c_void_p),
        ("threads", ctypes.c_uint64),
    ]


_Params = ctypes.POINTER(ctypes.c_int64)
_Size = ctypes.CFUNCTYPE(ctypes.c_uint64, _Params)
_Accepts = ctypes.CFUNCTYPE(ctypes.c_int, _Params)
_Grains = ctypes.CFUNCTYPE(ctypes.c_uint64, _Params, ctypes.c_uint64, ctypes.c_uint64)
_Pack = ctypes.CFUNCTYPE(None, _Params, ctypes.c_void_p, ctypes.c_void_p)
_Run = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Call), ctypes.c_uint64, ctypes.c_uint64)


def _workspace(nbytes: int, place: Place) -> Array:
    """Aligned as the contract says; with place "end" the guard is less than an alignment away."""
    return empty(-(-nbytes // _ALIGNMENT) * _ALIGNMENT, place)


def _grains(
    entry: _Variant, params: ctypes.Array[ctypes.c_int64], threads: int
) -> Iterator[tuple[int, range]]:
    phases = _Size(entry.phases)(params) if entry.phases else 1
    for phase in range(phases):
        yield phase, range(_Grains(entry.grains)(params, phase, threads) if entry.grains else 1)


def accepts(variant: NativeVariant, params: Sequence[int]) -> bool:
    """Whether the variant takes these parameters."""
    entry = _Variant.from_address(variant.address)
    integers = (ctypes.c_int64 * max(1, len(params)))(*params)
    return not entry.accepts or bool(_Accepts(entry.accepts)(integers))


def call(
    variant: NativeVariant,
    params: Sequence[int],
    arrays: Sequence[Array],
    place: Place,
    order: Order = "forward",
    threads: int = 1,
) -> None:
    """One call of a variant that this CPU supports, the grains of each phase in the given order and
    as many as if so many threads were to share them.

    Workspace is guarded and holds NaNs; grains take turns at two scratch workspaces, as on two
    threads, so that nothing may pass from one grain to the next in scratch.
    """
    entry = _Variant.from_address(variant.address)
    integers = (ctypes.c_int64 * max(1, len(params)))(*params)

    def size(function: int | None) -> int:
        return int(_Size(function)(integers)) if function else 0

    if entry.pack:
        packed = _workspace(size(entry.packed_bytes), place)
        _Pack(entry.pack)(integers, arrays[1].ctypes.data, packed.ctypes.data)
        arrays = [arrays[0], packed, *arrays[2:]]
    pointers = (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))
    shared = _workspace(size(entry.shared_bytes), place)
    scratch = [_workspace(size(entry.scratch_bytes), place) for _ in range(2)]
    places = ctypes.addressof(integers), ctypes.addressof(pointers), shared.ctypes.data
    calls = [_Call(*places, s.ctypes.data, threads) for s in scratch]
    run: Callable[..., None] = _Run(entry.run)
    for phase, grains in _grains(entry, integers, threads):
        for grain in grains if order == "forward" else reversed(grains):
            run(ctypes.byref(calls[grain % 2]), phase, grain)

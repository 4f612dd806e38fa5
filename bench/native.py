"""The native library: load it, list its variants, call them, time them.  Only ctypes.

Every pointer that crosses lives in an object here, so that nothing is freed under a thread.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from types import TracebackType

from armbench.bench.errors import UserError
from armbench.bench.installed import path_of
from armbench.bench.model import Array, Mode, calls_at_once

ABI = 3
FEATURE_WORDS = 4
ALIGNMENT = 128  # AB_ALIGNMENT
LIBRARY = "libarmbench.so"


class NativeError(UserError):
    """The native library is missing, of another version, or refused a request."""


class _Variant(ctypes.Structure):
    _fields_ = [
        ("abi", ctypes.c_uint32),
        ("struct_bytes", ctypes.c_uint32),
        ("kernel", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("operation", ctypes.c_char_p),
        ("requires", ctypes.c_uint64 * FEATURE_WORDS),
        ("accepts", ctypes.c_void_p),
        ("shared_bytes", ctypes.c_void_p),
        ("scratch_bytes", ctypes.c_void_p),
        ("phases", ctypes.c_void_p),
        ("grains", ctypes.c_void_p),
        ("run", ctypes.c_void_p),
        ("packed_bytes", ctypes.c_void_p),
        ("pack", ctypes.c_void_p),
    ]


class _Source(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("bytes", ctypes.c_uint64),
        ("output", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    ]


class _Plan(ctypes.Structure):
    _fields_ = [
        ("calls", ctypes.c_uint64),
        ("first", ctypes.c_uint64),
        ("warmup", ctypes.c_uint32),
        ("samples", ctypes.c_uint32),
    ]


class _ThreadReport(ctypes.Structure):
    _fields_ = [
        ("cpu_first", ctypes.c_int32),
        ("cpu_last", ctypes.c_int32),
        ("last_copy", ctypes.c_uint32),
        ("involuntary_switches", ctypes.c_uint32),
        ("wall_ns", ctypes.c_int64),
        ("cpu_ns", ctypes.c_int64),
        ("node", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    ]


_REPORT_FIELDS = tuple(field[0] for field in _ThreadReport._fields_ if field[0] != "reserved")

_STATUS = {
    1: "bad argument",
    2: "this CPU lacks a feature that the variant requires",
    3: "out of memory",
    4: "a thread could not be pinned to its CPU",
    5: "the variant does not accept these parameters",
}

_P = ctypes.c_void_p
_U32 = ctypes.c_uint32
_U64 = ctypes.c_uint64
_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "ab_abi": (_U32, []),
    "ab_struct_bytes": (None, [_P]),
    "ab_variant_count": (_U32, []),
    "ab_variant_at": (ctypes.POINTER(_Variant), [_U32]),
    "ab_build_hash": (ctypes.c_char_p, []),
    "ab_compiler": (ctypes.c_char_p, []),
    "ab_not_built": (ctypes.c_char_p, []),
    "ab_host_features": (None, [_P]),
    "ab_sve_bits": (_U32, []),
    "ab_sme_bits": (_U32, []),
    "ab_midr": (_U64, []),
    "ab_check": (ctypes.c_int, [_P]),
    "ab_ticks": (ctypes.c_int64, []),
    "ab_tick_hz": (ctypes.c_int64, []),
    "ab_clock_hz": (ctypes.c_double, [_U32]),
    "ab_add_chain": (None, [_U64]),
    "ab_counter_hz": (ctypes.c_int64, []),
    "ab_counter_rate": (ctypes.c_double, [_U32]),
    "ab_timer": (None, [_P, _P]),
    "ab_perf_open": (ctypes.c_int, [_U32, _U64]),
    "ab_perf_group": (_U32, [_U32, _U64]),
    "ab_pages_from": (ctypes.c_int, [ctypes.c_int, _P, _U32]),
    "ab_where": (None, [_P, _P]),
    "ab_gate_wait": (ctypes.c_int, [_P, _U32, _U32]),
    "ab_counter_add": (_U32, [_P, _U32]),
    "ab_counter_read": (_U32, [_P]),
    "ab_bind": (ctypes.c_int, [_P, _P, _U32, _P, _U32, _P]),
    "ab_invoke": (None, [_P]),
    "ab_unbind": (None, [_P]),
    "ab_packed_bytes": (_U64, [_P, _P]),
    "ab_pack": (ctypes.c_int, [_P, _P, _P, _P]),
    "ab_most_grains": (_U64, [_P, _P, _U64]),
    "ab_team_open": (ctypes.c_int, [_P, _U32, _P]),
    "ab_team_close": (None, [_P]),
    "ab_team_reserve": (ctypes.c_int, [_P, _U64]),
    "ab_data_load": (ctypes.c_int, [_P, _P, _U32, _U32, _U32, _U64, _P]),
    "ab_data_operand": (_P, [_P, _U32, _U32, _U32]),
    "ab_data_page_nodes": (ctypes.c_int, [_P, _U32, _U32, _P]),
    "ab_data_free": (None, [_P]),
    "ab_team_measure": (ctypes.c_int, [_P, _P, _P, _P, _P, _P, _P, _P]),
}


@cache
def library() -> ctypes.CDLL:
    """The loaded library, its version checked.

    The environment's ARMBENCH_LIBRARY names another one, built with sanitizers for instance.

    Raises NativeError when it is not installed or does not match this Python code.
    """
    try:
        chosen = os.environ.get("ARMBENCH_LIBRARY") or path_of("armbench.kernels.native", LIBRARY)
        loaded = ctypes.CDLL(str(chosen))
    except OSError as error:
        raise NativeError(
            f"the native library could not be loaded ({error}); build it with: make bench-quick"
        ) from error
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(loaded, name, None)
        if function is None:
            raise NativeError(f"{loaded._name} is no library of armbench: it lacks {name}")
        function.restype, function.argtypes = result, arguments
    _check_version(loaded)
    return loaded


def _check_version(loaded: ctypes.CDLL) -> None:
    ours = [ctypes.sizeof(s) for s in (_Variant, _Source, _Plan, _ThreadReport)]
    theirs = (ctypes.c_uint32 * 4)()
    loaded.ab_struct_bytes(theirs)
    if loaded.ab_abi() != ABI or list(theirs) != ours:
        raise NativeError("the native library is of another version; rebuild it: make clean bench-quick")


def _require(status: int, doing: str) -> None:
    if status == 3:
        raise MemoryError(f"{doing}: out of memory")
    if status:
        raise NativeError(f"{doing}: {_STATUS.get(status, f'status {status}')}")


# --- the host and the build ----------------------------------------------------------------


def host_features() -> tuple[int, ...]:
    """The feature words of facts/features.json as this CPU and kernel set them."""
    words = (_U64 * FEATURE_WORDS)()
    library().ab_host_features(words)
    return tuple(words)


def vector_bits() -> tuple[int | None, int | None]:
    """(SVE, SME) vector length in bits, None where there is none."""
    return library().ab_sve_bits() or None, library().ab_sme_bits() or None


def build() -> tuple[str, str]:
    """(hash of sources, flags and compiler; compiler)."""
    return library().ab_build_hash().decode(), library().ab_compiler().decode()


def not_built() -> dict[tuple[str, str], str]:
    """{(kernel, variant): reason} for files that the compiler could not build."""
    reasons = {}
    for line in library().ab_not_built().decode().splitlines():
        name, _, reason = line.partition(": ")
        kernel, _, variant = name.partition("/")
        reasons[kernel, variant] = reason
    return reasons


# --- variants ------------------------------------------------------------------------------


@dataclass(frozen=True)
class NativeVariant:
    """One operation of one native variant."""

    kernel: str
    name: str
    operation: str
    address: int

    @property
    def supported(self) -> bool:
        """Whether this CPU has what the variant requires."""
        return int(library().ab_check(self.address)) == 0


@cache
def variants() -> tuple[NativeVariant, ...]:
    """Everything that was built, whether this CPU can run it or not."""
    loaded = library()
    found = []
    for index in range(loaded.ab_variant_count()):
        pointer = loaded.ab_variant_at(index)
        entry = pointer.contents
        found.append(
            NativeVariant(
                entry.kernel.decode(),
                entry.name.decode(),
                entry.operation.decode(),
                ctypes.cast(pointer, _P).value or 0,
            )
        )
    return tuple(found)


def find(kernel: str, name: str, operation: str) -> NativeVariant | None:
    for variant in variants():
        if (variant.kernel, variant.name, variant.operation) == (kernel, name, operation):
            return variant
    return None


def most_grains(variant: NativeVariant, params: Sequence[int], threads: int) -> int:
    """Into how many pieces a call falls that so many threads share; 0 for what cannot run here."""
    return int(library().ab_most_grains(variant.address, _int64s(params), threads))


def packed(variant: NativeVariant, params: Sequence[int], operands: Sequence[Array]) -> list[Array]:
    """The operands with the second as the variant wants it: packed by it, or as it is.

    Raises NativeError when the CPU lacks a feature or the variant refuses the parameters.
    """
    integers = _int64s(params)
    nbytes = library().ab_packed_bytes(variant.address, integers)
    if not nbytes:
        return list(operands)
    memory = _aligned(nbytes)
    status = library().ab_pack(variant.address, integers, operands[1].ctypes.data, memory.ctypes.data)
    _require(status, f"packing for {variant.kernel}/{variant.name}")
    return [operands[0], memory, *operands[2:]]


def _aligned(nbytes: int) -> Array:
    import numpy as np

    memory = np.empty(nbytes + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    return memory[first : first + nbytes]


def _int64s(values: Sequence[int]) -> ctypes.Array[ctypes.c_int64]:
    return (ctypes.c_int64 * max(1, len(values)))(*values)


class Bound:
    """A call with its workspace: `bound()` runs it once on the calling thread.

    operands: C-contiguous arrays, which stay referenced while this object lives; the second is
    packed if the variant wants it so.
    Raises NativeError when the CPU lacks a feature or the variant refuses the parameters.
    """

    def __init__(self, variant: NativeVariant, params: Sequence[int], operands: Sequence[Array]):
        for array in operands:
            if not array.flags.c_contiguous:
                raise ValueError("operands must be C-contiguous")
        self._operands = tuple(packed(variant, params, operands))
        pointers = (_P * len(operands))(*(a.ctypes.data for a in self._operands))
        self._handle = _P()
        status = library().ab_bind(
            variant.address, _int64s(params), len(params), pointers, len(operands), ctypes.byref(self._handle)
        )
        _require(status, f"{variant.kernel}/{variant.name}")
        self._invoke = library().ab_invoke

    def __call__(self) -> None:
        self._invoke(self._handle)

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            library().ab_unbind(self._handle)
            self._handle = _P()


# --- clock ---------------------------------------------------------------------------------


def ticks() -> int:
    return int(library().ab_ticks())


@cache
def tick_hz() -> int:
    return int(library().ab_tick_hz())


def clock_hz(chains: int = 50) -> float:
    """The core's clock in Hz: the fastest of `chains` dependent-add chains of about 0.2 ms."""
    return float(library().ab_clock_hz(chains))


# --- NUMA ----------------------------------------------------------------------------------


class PagePolicyError(OSError):
    """The kernel, or what it runs under, refuses a memory policy."""


def pages_from(policy: str, nodes: Collection[int]) -> None:
    """How this thread, and whatever it starts, gets memory from now on.

    "local": where a thread runs that touches a page first; "interleave": on `nodes` in turn;
    anything else: only on `nodes`.  Raises PagePolicyError.
    """
    words = max(nodes, default=0) // 64 + 1
    mask = (_U64 * words)()
    for node in nodes:
        mask[node // 64] |= 1 << node % 64
    number = {"local": 0, "interleave": 2}.get(policy, 1)
    if error := library().ab_pages_from(number, mask, words):
        raise PagePolicyError(error, os.strerror(error))


def where() -> tuple[int, int]:
    """The CPU that the calling thread is on (-1: the kernel does not tell), and its NUMA node."""
    cpu, node = ctypes.c_int32(-1), _U32(0)
    library().ab_where(ctypes.byref(cpu), ctypes.byref(node))
    return cpu.value, node.value


# --- shared memory between processes -------------------------------------------------------


class Gate:
    """A barrier and a counter in 12 bytes of zeroed shared memory (writable, 4-aligned).

    crowded: the parties are more than the CPUs they have.
    """

    BYTES = 12

    def __init__(self, memory: Array, parties: int, crowded: bool = False):
        self._memory, self._crowded = memory, crowded
        self._address = memory.ctypes.data
        self._parties = parties

    def wait(self) -> None:
        library().ab_gate_wait(self._address, self._parties, self._crowded)

    def finish(self) -> None:
        """Say that this process has its samples."""
        library().ab_counter_add(self._address + 8, 1)

    def finished(self) -> int:
        return int(library().ab_counter_read(self._address + 8))


# --- the timing loop -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ThreadReport:
    """What a thread saw of itself during a measurement."""

    cpu_first: int
    cpu_last: int
    last_copy: int
    involuntary_switches: int
    wall_ns: int
    cpu_ns: int
    node: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """ticks: int64 [warmup + samples][calls at a time]; starts: [warmup + samples][threads], in ticks."""

    ticks: Array
    starts: Array
    warmup: int
    reports: tuple[ThreadReport, ...]


class Team:
    """Native threads pinned to the CPUs of `cpus`, which may name one twice; idle between measurements.

    Raises NativeError when a CPU cannot be used.
    """

    def __init__(self, cpus: Sequence[int]):
        self.cpus = tuple(cpus)
        self._handle = _P()
        array = (ctypes.c_int32 * len(cpus))(*cpus)
        status = library().ab_team_open(array, len(cpus), ctypes.byref(self._handle))
        _require(status, f"threads on CPUs {','.join(map(str, cpus))}")

    def __enter__(self) -> Team:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._handle:
            library().ab_team_close(self._handle)
            self._handle = _P()

    def reserve(self, nbytes: int) -> None:
        """Map room for operands of so many bytes a thread, so that loads need not grow it."""
        _require(library().ab_team_reserve(self._handle, nbytes), "operands")

    def load(
        self,
        operands: Mapping[str, Array],
        outputs: Sequence[str],
        copies: int,
        mode: Mode,
        seed: int,
        instances: int | None = None,
    ) -> Data:
        """Lay the operands out for every call at a time; the first of its threads touches them first.

        The memory is the team's own: earlier Data of this team ends here.
        """
        groups = calls_at_once(mode, len(self.cpus), instances)
        return Data(self, operands, outputs, copies, groups, seed)

    def measure(
        self,
        variant: NativeVariant | None,
        params: Sequence[int],
        data: Data,
        calls: int,
        warmup: int,
        samples: int,
        first: int = 0,
    ) -> Measurement:
        """Time `warmup + samples` samples of `calls` calls; variant None times an empty call.

        first: the operand set that the first call takes, the others following in turn.
        """
        import numpy as np

        ticks = np.zeros((warmup + samples, data.groups), np.int64)
        starts = np.zeros((warmup + samples, len(self.cpus)), np.int64)
        reports = (_ThreadReport * len(self.cpus))()
        plan = _Plan(warmup=warmup, samples=samples, calls=calls, first=first)
        status = library().ab_team_measure(
            self._handle,
            variant.address if variant else None,
            _int64s(params),
            data.handle,
            ctypes.byref(plan),
            ticks.ctypes.data,
            starts.ctypes.data,
            reports,
        )
        _require(status, f"{variant.kernel}/{variant.name}" if variant else "empty call")
        seen = tuple(ThreadReport(*(getattr(r, name) for name in _REPORT_FIELDS)) for r in reports)
        return Measurement(ticks, starts, warmup, seen)


class Data:
    """Operands in a team's memory: `copies` sets for each of `groups` equal groups of threads."""

    def __init__(
        self,
        team: Team,
        operands: Mapping[str, Array],
        outputs: Sequence[str],
        copies: int,
        groups: int,
        seed: int,
    ):
        self.team, self.copies, self.groups = team, copies, groups
        self._shapes = {name: (array.shape, array.dtype) for name, array in operands.items()}
        for name, array in operands.items():
            if name not in outputs and not array.flags.c_contiguous:
                raise ValueError(f"operand {name} must be C-contiguous")
        sources = (_Source * len(operands))()
        for source, (name, array) in zip(sources, operands.items(), strict=True):
            output = name in outputs
            source.bytes, source.output = array.nbytes, output
            source.data = None if output else array.ctypes.data
        self.handle = _P()
        status = library().ab_data_load(
            team._handle, sources, len(sources), copies, groups, seed, ctypes.byref(self.handle)
        )
        _require(status, "operands")

    @property
    def nbytes(self) -> int:
        """Bytes of one set of operands."""
        return sum(prod(shape) * dtype.itemsize for shape, dtype in self._shapes.values())

    def leader(self, group: int) -> int:
        """The first thread of a group."""
        return group * (len(self.team.cpus) // self.groups)

    def page_nodes(self, group: int, pages: int) -> list[int] | None:
        """The NUMA nodes of so many of a group's pages, -1 for an untouched one; None when nobody tells."""
        nodes = (ctypes.c_int32 * pages)()
        found = library().ab_data_page_nodes(self.handle, group, pages, nodes)
        return list(nodes) if found == pages else None

    def arrays(self, group: int, copy: int) -> dict[str, Array]:
        """The operands of one group and copy as writable views, valid until the team's next load.

        Copy `copies` + i has the inputs of copy i and spare outputs, for calls that nobody records.
        """
        import numpy as np

        views = {}
        for index, (name, (shape, dtype)) in enumerate(self._shapes.items()):
            address = library().ab_data_operand(self.handle, group, copy, index)
            size = prod(shape) * dtype.itemsize
            raw = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))
            views[name] = raw.view(dtype).reshape(shape)
        return views

    def close(self) -> None:
        if self.handle:
            library().ab_data_free(self.handle)
            self.handle = _P()

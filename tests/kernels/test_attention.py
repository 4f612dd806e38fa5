"""Every attention variant that runs here, against the float64 reference and against itself."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armbench.bench import native, registry
from armbench.bench.model import Array, Case, Problem, Settings, Variant
from armbench.kernels.attention import BLOCK, KERNEL, _paged, case_of
from tests.kernels.guarded import _Call

RUNNABLE = [
    v
    for v in registry.variants("attention")
    if v.why_not is None and (v.library or native.find("attention", v.name, "prefill_f32"))
]  # others, of one type of cache alone, are in test_variants.py
NATIVE = [v for v in RUNNABLE if v.native]
SEQS = (1, 2, 3, 5, 7, 8, 13, 16, 17, 23, 25, 31, 33, 40)
HEAD_DIMS = (1, 3, 64, 80, 128, 160)
GROUPS = (1, 4, 8)
ALIGNMENT = 128  # bytes, of operands and workspace
PAGE = mmap.PAGESIZE
PROT_NONE = 0
LIBC = ctypes.CDLL(None)

variants = pytest.mark.parametrize("variant", RUNNABLE, ids=lambda v: v.name)
natives = pytest.mark.parametrize("variant", NATIVE, ids=lambda v: v.name)


@cache
def problem_of(
    phase: str, heads: int, kv_heads: int, seq: int, head_dim: int, **more: Any
) -> tuple[Case, Problem]:
    chosen = case_of(phase, heads, kv_heads, seq, head_dim, **more)  # type: ignore[arg-type]
    return chosen, KERNEL.problem(chosen, Settings(), 1)


def guarded(array: Array) -> Array:
    """A copy between NaNs and pages that cannot be touched: whatever is read there tells.

    It is aligned as the contract says and ends as near to the last page as that allows.
    """
    room = -(-array.nbytes // PAGE) * PAGE + PAGE
    floats = np.frombuffer(mmap.mmap(-1, room + 2 * PAGE), np.float32)
    for edge in (0, PAGE + room):
        assert LIBC.mprotect(ctypes.c_void_p(floats.ctypes.data + edge), PAGE, PROT_NONE) == 0
    inside = floats[PAGE // 4 : -PAGE // 4]
    inside.fill(np.nan)
    start = (inside.size - array.size) * 4 // ALIGNMENT * ALIGNMENT // 4
    place = inside[start : start + array.size].reshape(array.shape)
    place[...] = array
    return place


def nothing_beside(place: Array) -> bool:
    """Whether a guarded array without NaNs is still among them."""
    assert place.base is not None
    return int(np.isnan(place.base[PAGE // 4 : -PAGE // 4]).sum()) == place.base.size - PAGE // 2 - place.size


def operands_of(problem: Problem) -> dict[str, Array]:
    return {o.name: guarded(np.full_like(o.data, np.nan) if o.output else o.data) for o in problem.operands}


def native_of(variant: Variant, case: Case) -> native.NativeVariant:
    found = native.find("attention", variant.name, case.operation)
    assert found, f"{variant.name} has no {case.operation}"
    return found


def output_of(variant: Variant, case: Case, problem: Problem) -> Array:
    operands = operands_of(problem)
    if variant.library:
        call, outputs = variant.library.bind(case, operands)
        return outputs(call())["o"]
    native.Bound(native_of(variant, case), case.native_params, list(operands.values()))()
    assert nothing_beside(operands["o"])
    return operands["o"]


def check(variant: Variant, case: Case, problem: Problem) -> None:
    if variant.library and (refused := variant.library.accepts(case)):
        pytest.skip(f"{variant.name}: {refused}")
    error = KERNEL.error(problem, {"o": output_of(variant, case, problem)})
    assert error <= problem.tolerance, f"{case.name}: {error / problem.tolerance} tolerances"


# --- right on every shape ------------------------------------------------------------------


@variants
@pytest.mark.parametrize("head_dim", HEAD_DIMS)
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_awkward_shapes(variant: Variant, phase: str, group: int, head_dim: int) -> None:
    for seq in SEQS:
        check(variant, *problem_of(phase, 2 * group, 2, seq, head_dim))


@variants
@pytest.mark.parametrize("seq", [47, 49, 95, 97, 127, 129, 193, 255, 257, 513, 1100])
@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_around_tiles_blocks_and_chunks(variant: Variant, phase: str, seq: int) -> None:
    check(variant, *problem_of(phase, 6, 2, seq, 72))


@variants
@pytest.mark.parametrize("phase, causal", [("prefill", True), ("prefill", False), ("decode", True)])
def test_batch_and_full_attention(variant: Variant, phase: str, causal: bool) -> None:
    for seq in (1, 29, 150):
        check(variant, *problem_of(phase, 4, 2, seq, 48, batch=3, causal=causal))


@natives
@settings(max_examples=40, deadline=None)
@given(
    phase=st.sampled_from(["prefill", "decode"]),
    kv_heads=st.integers(1, 3),
    group=st.integers(1, 9),
    seq=st.integers(1, 300),
    head_dim=st.integers(2, 260),
    causal=st.booleans(),
)
def test_any_shape(
    variant: Variant, phase: str, kv_heads: int, group: int, seq: int, head_dim: int, causal: bool
) -> None:
    check(variant, *problem_of(phase, kv_heads * group, kv_heads, seq, head_dim, causal=causal))


@natives
def test_scores_of_any_size(variant: Variant) -> None:
    """Scores in the thousands overflow an exponential that is not taken relative to the maximum."""
    for phase in ("prefill", "decode"):
        chosen, problem = problem_of(phase, 2, 1, 70, 64)
        operands = operands_of(problem)
        operands["q"] *= np.float32(1000)
        native.Bound(native_of(variant, chosen), chosen.native_params, list(operands.values()))()
        q, k, v, o = operands.values()
        for head in range(2):
            expected = simple(q[0, head].reshape(-1, 64), k[0, 0], v[0, 0])
            assert np.abs(o[0, head].reshape(expected.shape) - expected).max() < 1e-2


@natives
def test_refuses_heads_that_do_not_share_evenly(variant: Variant) -> None:
    chosen = case_of("decode", 4, 2, 8, 16)
    arrays = [np.zeros(4096, np.float32)] * 4
    with pytest.raises(native.NativeError, match="does not accept"):
        native.Bound(native_of(variant, chosen), (1, 4, 3, 8, 16, 0), arrays)


# --- the exponential -----------------------------------------------------------------------


@natives
def test_exponential_keeps_its_bound(variant: Variant) -> None:
    """Two keys with scores 0 and s, values 0 and 1: o is p / (1 + p) with p = 2^(s log2 e)."""
    count, log2e = 200_000, np.float32(np.log2(np.e))
    score = np.linspace(-95, 0, count, dtype=np.float32)
    q, o = np.ones((count, 1, 1), np.float32), np.full((count, 1, 1), np.nan, np.float32)
    k, v = np.zeros((count, 1, 2, 1), np.float32), np.zeros((count, 1, 2, 1), np.float32)
    k[:, 0, 1, 0], v[:, 0, 1, 0] = score, 1
    chosen = case_of("decode", 1, 1, 2, 1, batch=count)
    native.Bound(native_of(variant, chosen), chosen.native_params, [q, k, v, o])()

    p = np.exp2((score * log2e).astype(np.float64))
    error = np.abs(o.ravel() * (1 + p) - p)
    normal = p >= 2.0**-126
    assert (error[normal] / p[normal]).max() < 2**-22.3 + 2 * 2**-24  # and a sum and a division
    assert error[~normal].max() <= 2.0**-126
    assert o.ravel()[-1] == 0.5 and o.ravel()[0] == 0


# --- grains --------------------------------------------------------------------------------


THREADS = 3  # that share the grains


class Grains:
    """The functions of a native variant for one case."""

    def __init__(self, variant: native.NativeVariant, params: tuple[int, ...]):
        entry = ctypes.cast(variant.address, ctypes.POINTER(native._Variant)).contents
        self.params = (ctypes.c_int64 * len(params))(*params)
        u64, pointer = ctypes.c_uint64, ctypes.c_void_p

        def function(address: int | None, otherwise: int, *arguments: Any) -> Callable[..., int]:
            return ctypes.CFUNCTYPE(u64, pointer, *arguments)(address) if address else lambda *_: otherwise

        self.phases = function(entry.phases, 1)(self.params)
        counts = function(entry.grains, 1, u64, u64)
        self.count = [counts(self.params, phase, THREADS) for phase in range(self.phases)]
        self.shared_bytes = function(entry.shared_bytes, 0)(self.params)
        self.scratch_bytes = function(entry.scratch_bytes, 0)(self.params)
        self._run = ctypes.CFUNCTYPE(None, pointer, u64, u64)(entry.run)

    def run(self, operands: list[Array], orders: list[Iterator[int]]) -> None:
        """Every grain with a scratch of its own, full of NaNs, as on a thread of its own."""
        pointers = (ctypes.c_void_p * len(operands))(*(a.ctypes.data for a in operands))
        shared = np.full(self.shared_bytes // 4 + 32, np.nan, np.float32)
        for phase, order in enumerate(orders):
            for grain in order:
                scratch = np.full(self.scratch_bytes // 4 + 32, np.nan, np.float32)
                call = _Call(
                    ctypes.addressof(self.params),
                    ctypes.addressof(pointers),
                    *map(_aligned, (shared, scratch)),
                    THREADS,
                )
                self._run(ctypes.byref(call), phase, grain)


def _aligned(array: Array) -> int:
    return int(-(-array.ctypes.data // ALIGNMENT) * ALIGNMENT)


@natives
@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_grains_in_any_order(variant: Variant, phase: str) -> None:
    chosen, problem = problem_of(phase, 4, 2, 700, 40)
    alone = output_of(variant, chosen, problem)
    grains = Grains(native_of(variant, chosen), chosen.native_params)
    assert all(count > 1 for count in grains.count)
    random = np.random.default_rng(1)
    found = []
    for order in (np.arange, lambda n: np.arange(n)[::-1], random.permutation):
        operands = operands_of(problem)
        grains.run(list(operands.values()), [iter(map(int, order(count))) for count in grains.count])
        found.append(operands["o"])
    assert KERNEL.error(problem, {"o": found[0]}) <= problem.tolerance
    if phase == "prefill":  # decode falls into chunks by the number of threads
        np.testing.assert_array_equal(found[0], alone)
    for output in found[1:]:
        np.testing.assert_array_equal(output, found[0])


@natives
@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_score_matrix_is_never_stored(variant: Variant, phase: str) -> None:
    """Workspace does not grow with the square of the sequence, nor hold a row of scores a head."""
    short, long = (case_of(phase, 8, 8, seq, 128) for seq in (2048, 65536))
    few, many = (Grains(native_of(variant, c), c.native_params) for c in (short, long))
    assert few.scratch_bytes == many.scratch_bytes < 1 << 20
    assert many.shared_bytes < 8 * 65536 * 4


# --- pages and scales ----------------------------------------------------------------------


def test_pages_hold_what_the_table_says() -> None:
    """The same data paged and not, from the same seed: token t of a sequence is row t % BLOCK of its page."""
    for dtype in ("f32", "bf16", "int8"):
        _, plain = problem_of("decode", 4, 2, 37, 8, batch=3, dtype=dtype)
        moved = in_pages(plain)
        table = moved["table"]
        for name in set(moved) - {"q", "o", "table"}:
            tokens = next(o.data for o in plain.operands if o.name == name)
            for batch, token in np.ndindex(3, 37):
                page = moved[name][table[batch, token // BLOCK]]
                np.testing.assert_array_equal(page[:, token % BLOCK], tokens[batch, :, token])


def in_pages(plain: Problem) -> dict[str, Array]:
    return {o.name: o.data for o in _paged(plain.operands, np.random.default_rng(5))}


# --- the error measure ---------------------------------------------------------------------


def simple(q: Array, k: Array, v: Array, scale: float = 1.0, seen: Array | None = None) -> Array:
    """Attention of one head in float64, written another way than the reference.

    q [queries, head_dim] of the last tokens; seen [queries, keys], causal when left out.
    """
    q, k, v = (array.astype(np.float64) for array in (q, k, v))
    if seen is None:
        seen = causal(len(q), len(k))
    scores = np.where(seen, np.einsum("qd,kd->qk", q, k) * scale / np.sqrt(q.shape[1]), -np.inf)
    weights = np.exp(scores - scores.max(axis=1)[:, None])
    return np.einsum("qk,kd->qd", weights, v) / weights.sum(axis=1)[:, None]


def causal(queries: int, keys: int, shift: int = 0) -> Array:
    return np.arange(keys) <= np.arange(keys - queries, keys)[:, None] + shift


def changed(seen: Array, at: tuple[Any, Any], value: bool) -> Array:
    seen = seen.copy()
    seen[at] = value
    return seen


def error_of(problem: Problem, attend: Callable[[Array, Array, Array], Array]) -> float:
    """Of a problem with one kv head, when `attend` computes each head; in tolerances."""
    q, k, v = (o.data for o in problem.operands[:3])
    heads = [attend(head.reshape(-1, head.shape[-1]), k[0, 0], v[0, 0]) for head in q[0]]
    outputs = {"o": np.stack(heads).astype(np.float32).reshape(q.shape)}
    return KERNEL.error(problem, outputs) / problem.tolerance


SEQ = 512
SEEN = causal(SEQ, SEQ)
TWICE = [100, *range(SEQ)]
FAULTS: dict[str, Callable[[Array, Array, Array], Array]] = {
    "no mask": partial(simple, seen=np.ones((SEQ, SEQ), bool)),
    "sees the next token": partial(simple, seen=causal(SEQ, SEQ, 1)),
    "does not see itself": partial(simple, seen=changed(causal(SEQ, SEQ, -1), (0, 0), True)),
    "one query sees one key too many": partial(simple, seen=changed(SEEN, (300, 301), True)),
    "one query lacks one key": partial(simple, seen=changed(SEEN, (SEQ - 1, 77), False)),
    "a key is dropped": partial(simple, seen=changed(SEEN, (slice(SEQ // 2, None), 200), False)),
    "a key is counted twice": lambda q, k, v: simple(q, k[TWICE], v[TWICE], seen=SEEN[:, TWICE]),
    "no scale": partial(simple, scale=8.0),
    "scaled twice": partial(simple, scale=1 / 8),
    "scale a thousandth off": partial(simple, scale=1.001),
    "powers of 2 for e": partial(simple, scale=float(np.log(2))),
    "keys moved by one": lambda q, k, v: simple(q, np.roll(k, 1, 0), v),
    "values moved by one": lambda q, k, v: simple(q, k, np.roll(v, 1, 0)),
    "a row of another query": lambda q, k, v: simple(q, k, v)[[0, 1, 1, *range(3, SEQ)]],
    "values cut to bfloat16": lambda q, k, v: simple(q, k, (v.view("u4") & 0xFFFF0000).view(v.dtype)),
    "one element not written": lambda q, k, v: np.where(np.arange(64) == 63, np.nan, simple(q, k, v)),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_error_catches(fault: Callable[[Array, Array, Array], Array]) -> None:
    _, problem = problem_of("prefill", 2, 1, SEQ, 64)
    assert error_of(problem, simple) < 0.1
    assert not error_of(problem, fault) <= 2


def test_error_catches_any_key_dropped_from_a_long_cache() -> None:
    _, problem = problem_of("decode", 4, 1, 4096, 128)
    assert error_of(problem, simple) < 0.1
    for key in (0, 4095, *np.random.default_rng(1).integers(4096, size=20)):
        seen = np.arange(4096)[None] != key
        assert error_of(problem, partial(simple, seen=seen)) > 2


def test_head_of_another_group_is_caught() -> None:
    _, problem = problem_of("decode", 4, 2, 64, 16)
    o = problem.expected["o"]
    assert KERNEL.error(problem, {"o": o}) == 0
    assert KERNEL.error(problem, {"o": o[:, [0, 2, 1, 3]]}) > problem.tolerance


# --- the cases -----------------------------------------------------------------------------


def test_cases() -> None:
    core = {c.name: c for c in KERNEL.cases(Settings()) if c.tier == "core"}
    assert list(core) == [
        "prefill-f32-h8-s512-d128",
        "prefill-bf16-h8-s512-d128",
        "decode-f32-h32-kv8-s4096-d128",
    ]
    assert all(c.cold == (c.params["phase"] == "decode") for c in core.values())


def test_no_case_comes_twice() -> None:
    names = [c.name for c in KERNEL.cases(Settings())]
    assert len(names) == len(set(names))


def test_names_tell_cases_apart() -> None:
    several = [
        case_of("prefill", 8, 8, 64, 32),
        case_of("prefill", 8, 8, 64, 32, batch=2),
        case_of("prefill", 8, 8, 64, 32, causal=False),
        case_of("prefill", 8, 2, 64, 32),
        case_of("decode", 8, 2, 64, 32),
        case_of("decode", 8, 2, 64, 32, paged=True),
        case_of("decode", 8, 2, 64, 32, dtype="bf16"),
        case_of("decode", 8, 2, 64, 32, dtype="int8"),
    ]
    assert len({c.name for c in several}) == len(several)


@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_work_counts_what_is_seen(phase: str) -> None:
    chosen, problem = problem_of(phase, 6, 2, 37, 24, batch=2)
    pairs = causal(37 if phase == "prefill" else 1, 37).sum()
    assert problem.work.flops == chosen.flops == 2 * 6 * pairs * (24 * 2 + 24 * 2)
    q, k, v, o = (operand.data for operand in problem.operands)
    assert problem.work.bytes_read == q.nbytes + k.nbytes + v.nbytes
    assert problem.work.bytes_written == o.nbytes == q.nbytes


def test_data_follow_the_seed() -> None:
    chosen, one = problem_of("prefill", 2, 2, 9, 5)
    again, other = (KERNEL.problem(chosen, Settings(), seed) for seed in (1, 2))
    for mine, same, different in zip(one.operands[:3], again.operands, other.operands, strict=False):
        np.testing.assert_array_equal(mine.data, same.data)
        assert not np.array_equal(mine.data, different.data)

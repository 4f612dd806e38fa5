"""Attention, softmax(Q K^T / sqrt(head_dim)) V: causal prefill and one-token decode.

Operands are C-contiguous, in the order q, k, v, o.  Prefill: q and o [batch, heads, seq,
head_dim], k and v [batch, kv_heads, seq, head_dim], as torch's scaled_dot_product_attention takes
them.  Decode: q and o [batch, heads, head_dim] of the newest token, k and v [batch, kv_heads,
seq, head_dim] the cache of every token, the newest included.  With the head outside, all keys of
a head lie together.  Head h uses the keys of kv head h // (heads / kv_heads).

Types (formats.py): all four f32, or all bf16, as bits in uint16; in decode also k and v int8, beside q
and o in f32, with a scale for each token and kv head in k_scale and v_scale, f32 [batch,
kv_heads, seq]: a value is integer x scale.  Scores, softmax and sums are f32; beside bf16, probabilities
may be rounded to bf16, beside int8 to 8 bits; o is rounded once.

Paged (decode): k and v [pages, kv_heads, BLOCK, head_dim], scales [pages, kv_heads, BLOCK], and the
last operand, table int32 [batch, blocks of a sequence], says which page a block of BLOCK tokens
lies in, as vLLM's CPU back end keeps them.

Native parameters: prefill_f32, prefill_bf16 (batch, heads, kv_heads, seq, head_dim, causal);
decode_f32, decode_bf16, decode_int8 (batch, heads, kv_heads, seq, head_dim, block), block 0 when
contiguous.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from armbench.bench.model import (
    Array,
    Case,
    Kernel,
    Operand,
    Param,
    Problem,
    Settings,
    Tier,
    Work,
    empty,
    largest_error,
)
from armbench.kernels.formats import BF16_HALF_ULP, bf16_bits, bf16_values

Dtype = Literal["f32", "bf16", "int8"]

HEAD_DIM = 128
PREFILL_HEADS = 8
PREFILL_SEQ = (512, 2048)
PREFILL_MORE = (128, 1024, 4096, 8192)
DECODE_HEADS, DECODE_KV_HEADS, DECODE_SEQ = 32, 8, 4096
DECODE_LONG = 32768
DECODE_BATCHES = (4, 16)
BLOCK = 16  # tokens of a page
REFERENCE_ROWS = 256  # queries of the reference at once: a few MB of scores

# Roundings are independent, each uniform within half a unit in the last place (variance
# (eps/2)^2 / 3), so errors are random walks, and 8 standard deviations of one are never seen
# (Higham & Mary 2019).  In units of (eps/2)^2, with additions in any order:
#   score          a sum of head_dim products, whose partial sums grow as the root of their number
#                  to sqrt(head_dim), divided by sqrt(head_dim): variance head_dim / 6.  It is the
#                  relative error of a probability.
#   sum            of seq probabilities, growing evenly: variance seq / 9
#   exponential    and its argument, the product with v and the division: 4
# The error is taken relative to what an output adds up without its signs, sum p |v|.  Leaving a
# key out moves it by about 1 / seq of that in each element: 20 times the tolerance at 4096 keys.
#
# Beside bf16, a probability is within BF16_HALF_ULP of itself (and 2^-13 of a short exponential), and
# error() takes the rounding of o off.  Beside int8, a probability may be off by half a step of 8 bits,
# 1 / 255 of the largest: 1 / 510 of sum p |v| from the largest itself, and from the others what is
# seen of their random walk, together less than twice that.
SIGMAS = 8.0
ROUNDED = {"f32": 0.0, "bf16": BF16_HALF_ULP + 2.0**-13, "int8": 2 / 255}


def _tolerance(seq: int, head_dim: int, kv_dtype: Param) -> float:
    half_ulp = float(np.finfo(np.float32).eps) / 2
    return SIGMAS * half_ulp * float(np.sqrt(head_dim / 6 + seq / 9 + 4)) + ROUNDED[str(kv_dtype)]


def cases(settings: Settings) -> Sequence[Case]:
    del settings
    return [*_core_cases(), *_full_cases()]


def _core_cases() -> list[Case]:
    prefill = [_prefill(PREFILL_SEQ[0], dtype=dtype) for dtype in ("f32", "bf16")]
    return [*prefill, _decode()]


def _full_cases() -> list[Case]:
    prefill = [
        _prefill(seq, dtype=dtype, causal=causal, tier="full")
        for dtype in ("f32", "bf16")
        for causal in (True, False)
        for seq in sorted((*PREFILL_SEQ, *PREFILL_MORE))
    ]
    decode = [
        _decode(seq, dtype=dtype, batch=batch, paged=paged, tier="full")
        for dtype in ("f32", "bf16", "int8")
        for seq, batch in ((DECODE_LONG, 1), (DECODE_SEQ, 1), *((DECODE_SEQ, b) for b in DECODE_BATCHES))
        for paged in (False, True)
    ]
    known = {case.name for case in _core_cases()}
    return [case for case in (*prefill, *decode) if case.name not in known]


def _prefill(seq: int, **more: Any) -> Case:
    return case_of("prefill", PREFILL_HEADS, PREFILL_HEADS, seq, HEAD_DIM, **more)


def _decode(seq: int = DECODE_SEQ, **more: Any) -> Case:
    return case_of("decode", DECODE_HEADS, DECODE_KV_HEADS, seq, HEAD_DIM, cold=True, **more)


def case_of(
    phase: Literal["prefill", "decode"],
    heads: int,
    kv_heads: int,
    seq: int,
    head_dim: int,
    batch: int = 1,
    causal: bool = True,
    cold: bool = False,
    dtype: Dtype = "f32",
    paged: bool = False,
    tier: Tier = "core",
) -> Case:
    """A case whose keys and values are of `dtype`, as are q and o, which are f32 beside int8.

    `causal` has no effect on a decode step, whose query is the last token.  The masked half of the
    scores is not counted as work.
    """
    params: dict[str, Param] = {
        "phase": phase,
        "batch": batch,
        "heads": heads,
        "kv_heads": kv_heads,
        "seq": seq,
        "head_dim": head_dim,
        "dtype": "f32" if dtype == "int8" else dtype,
        "kv_dtype": dtype,
        "causal": causal,
        "layout": "paged" if paged else "contiguous",
        "block": BLOCK if paged else None,
    }
    last = int(causal) if phase == "prefill" else BLOCK if paged else 0
    pairs = seq if phase == "decode" else seq * (seq + 1) // 2 if causal else seq * seq
    return Case(
        _name(params),
        params,
        operation=f"{phase}_{dtype}",
        native_params=(batch, heads, kv_heads, seq, head_dim, last),
        tier=tier,
        flops=4 * head_dim * pairs * batch * heads,
        cold=cold,
    )


def _name(params: Mapping[str, Param]) -> str:
    """Only what differs from one batch of causal attention with as many kv heads as heads, contiguous."""
    batch = f"-b{params['batch']}" if params["batch"] != 1 else ""
    grouped = f"-kv{params['kv_heads']}" if params["kv_heads"] != params["heads"] else ""
    full = "" if params["causal"] else "-full"
    paged = "-paged" if params["block"] else ""
    head, tail = f"{params['phase']}-{params['kv_dtype']}", f"-s{params['seq']}-d{params['head_dim']}"
    return f"{head}{batch}-h{params['heads']}{grouped}{tail}{full}{paged}"


def problem(case: Case, settings: Settings, seed: int) -> Problem:
    """q, k and v of standard normals; the expected o in float64, with sum p |v| as scale."""
    del settings
    batch, heads, kv_heads, seq, head_dim = case.native_params[:5]
    kv_dtype = case.params["kv_dtype"]
    random = np.random.default_rng([seed, *case.native_params])
    queries = (seq,) if case.params["phase"] == "prefill" else ()
    q = _stored(random.standard_normal((batch, heads, *queries, head_dim), np.float32), case.params["dtype"])
    k, v = (
        _stored(random.standard_normal((batch, kv_heads, seq, head_dim), np.float32), kv_dtype) for _ in "kv"
    )
    o = empty(q.bits.shape, q.bits.dtype)
    q_values = q.values.reshape(batch, heads, -1, head_dim)
    expected, scale = reference(q_values, k.values, v.values, bool(case.params["causal"]))
    inputs = [Operand("q", q.bits), Operand("k", k.bits), Operand("v", v.bits)]
    scales = [Operand(f"{name}_scale", x.scales) for name, x in (("k", k), ("v", v)) if x.scales is not None]
    operands = [*inputs, Operand("o", o, output=True), *scales]
    if case.params["block"]:
        operands = _paged(operands, random)
    return Problem(
        tuple(operands),
        {"o": expected.reshape(o.shape), "scale": scale.reshape(o.shape)},
        _tolerance(seq, head_dim, kv_dtype),
        Work(
            case.flops,
            bytes_read=sum(operand.data.nbytes for operand in (*inputs, *scales)),
            bytes_written=o.nbytes,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Stored:
    """Numbers as an operand keeps them, what they are worth, and the scales of rows of int8."""

    bits: Array
    values: Array
    scales: Array | None = None


def _stored(values: Array, dtype: Param) -> _Stored:
    """f32 values in `dtype`."""
    if dtype == "f32":
        return _Stored(values, values)
    if dtype == "bf16":
        bits = bf16_bits(values)
        return _Stored(bits, bf16_values(bits))
    scales = np.abs(values).max(axis=-1) / np.float32(127)
    integers = np.rint(values / scales[..., None]).astype(np.int8)
    return _Stored(integers, integers * scales[..., None].astype(np.float64), scales)


def _paged(operands: Sequence[Operand], random: np.random.Generator) -> list[Operand]:
    """k, v and their scales in pages of BLOCK tokens, which lie in random order, then the table."""
    batch, _, seq, _ = operands[1].data.shape
    per_sequence = -(-seq // BLOCK)
    table = random.permutation(batch * per_sequence).astype(np.int32).reshape(batch, per_sequence)
    moved = [Operand(o.name, _pages(o.data, table)) if o.name[0] in "kv" else o for o in operands]
    return [*moved, Operand("table", table)]


def _pages(tokens: Array, table: Array) -> Array:
    """[batch, kv_heads, seq, ...] to [pages, kv_heads, BLOCK, ...], with NaNs or 127 where no token is."""
    batch, kv_heads, seq, *rest = tokens.shape
    blank = np.nan if tokens.dtype.kind == "f" else np.iinfo(tokens.dtype).max
    padded = np.full((batch, kv_heads, table.shape[1] * BLOCK, *rest), blank, tokens.dtype)
    padded[:, :, :seq] = tokens
    blocks = padded.reshape(batch, kv_heads, table.shape[1], BLOCK, *rest).swapaxes(1, 2)
    pages = np.empty((table.size, kv_heads, BLOCK, *rest), tokens.dtype)
    pages[table.ravel()] = blocks.reshape(pages.shape)
    return pages


def reference(q: Array, k: Array, v: Array, causal: bool) -> tuple[Array, Array]:
    """(o, sum p |v|) in float64, both [batch, heads, queries, head_dim].

    q likewise, k and v [batch, kv_heads, seq, head_dim].  When causal, the queries are those of
    the last tokens, so that the last query sees every key.
    """
    o, scale = np.empty(q.shape), np.empty(q.shape)
    k, v = k.astype(np.float64), v.astype(np.float64)
    group = q.shape[1] // k.shape[1]
    for batch, head in np.ndindex(*q.shape[:2]):
        keys, values = k[batch, head // group], v[batch, head // group]
        for start in range(0, q.shape[2], REFERENCE_ROWS):
            rows = slice(start, start + REFERENCE_ROWS)
            first = start + len(keys) - q.shape[2] if causal else None
            p = _probabilities(q[batch, head, rows].astype(np.float64), keys, first)
            o[batch, head, rows] = p @ values[: p.shape[1]]
            scale[batch, head, rows] = p @ np.abs(values[: p.shape[1]])
    np.maximum(scale, np.finfo(np.float64).tiny, out=scale)  # integers may all be 0, and so must o
    return o, scale


def _probabilities(q: Array, keys: Array, first: int | None) -> Array:
    """Softmax of q's scores; query i sees keys up to `first` + i, or all of them."""
    seen = len(keys) if first is None else first + len(q)
    scores = q @ keys[:seen].T / np.sqrt(q.shape[1])
    if first is not None:
        scores[np.arange(seen) > first + np.arange(len(q))[:, None]] = -np.inf
    p: Array = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p


def error(problem: Problem, outputs: Mapping[str, Array]) -> float:
    """The largest |o - expected| / sum p |v|, element by element; inf where o is not finite.

    Of o in bf16, beyond the half unit in the last place by which it is rounded.
    """
    o, expected, scale = outputs["o"], problem.expected["o"], problem.expected["scale"]
    if o.dtype != np.uint16:
        return largest_error(o, expected, scale)
    values = bf16_values(o).astype(np.float64)
    rounding = BF16_HALF_ULP * np.abs(values)
    return largest_error(values, np.clip(values, expected - rounding, expected + rounding), scale)


KERNEL = Kernel(
    name="attention",
    version=1,
    summary="softmax attention without a stored score matrix, causal prefill and one-token decode",
    cases=cases,
    problem=problem,
    error=error,
)

"""Attention, softmax(Q K^T / sqrt(head_dim)) V: causal prefill and one-token decode.

Operands are C-contiguous, in the order q, k, v, o.  Prefill: q and o [batch, heads, seq,
head_dim], k and v [batch, kv_heads, seq, head_dim], as torch's scaled_dot_product_attention takes
them.  Decode: q and o [batch, heads, head_dim] of the newest token, k and v [batch, kv_heads,
seq, head_dim] the cache of every token, the newest included.  With the head outside, all keys of
a head lie together.  Head h uses the keys of kv head h // (heads / kv_heads).

Native parameters: prefill_f32 (batch, heads, kv_heads, seq, head_dim, causal), decode_f32
(batch, heads, kv_heads, seq, head_dim).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from armbench.bench.model import (
    Array,
    Case,
    Kernel,
    Operand,
    Param,
    Problem,
    Settings,
    Work,
    empty,
    largest_error,
)

HEAD_DIM = 128
PREFILL_HEADS = 8
PREFILL_SEQ = (512, 2048)
DECODE_HEADS, DECODE_KV_HEADS, DECODE_SEQ = 32, 8, 4096
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
SIGMAS = 8.0


def _tolerance(seq: int, head_dim: int) -> float:
    half_ulp = float(np.finfo(np.float32).eps) / 2
    return SIGMAS * half_ulp * float(np.sqrt(head_dim / 6 + seq / 9 + 4))


def cases(settings: Settings) -> Sequence[Case]:
    del settings
    prefill = [case_of("prefill", PREFILL_HEADS, PREFILL_HEADS, seq, HEAD_DIM) for seq in PREFILL_SEQ]
    return [*prefill, case_of("decode", DECODE_HEADS, DECODE_KV_HEADS, DECODE_SEQ, HEAD_DIM, cold=True)]


def case_of(
    phase: Literal["prefill", "decode"],
    heads: int,
    kv_heads: int,
    seq: int,
    head_dim: int,
    batch: int = 1,
    causal: bool = True,
    cold: bool = False,
) -> Case:
    """A case in f32; `causal` has no effect on a decode step, whose query is the last token.

    The masked half of the scores is not counted as work.
    """
    params: dict[str, Param] = {
        "phase": phase,
        "batch": batch,
        "heads": heads,
        "kv_heads": kv_heads,
        "seq": seq,
        "head_dim": head_dim,
        "dtype": "f32",
        "kv_dtype": "f32",
        "causal": causal,
        "layout": "contiguous",
        "block": None,
    }
    shape = (batch, heads, kv_heads, seq, head_dim)
    pairs = seq if phase == "decode" else seq * (seq + 1) // 2 if causal else seq * seq
    return Case(
        _name(params),
        params,
        operation=f"{phase}_f32",
        native_params=shape if phase == "decode" else (*shape, int(causal)),
        flops=4 * head_dim * pairs * batch * heads,
        cold=cold,
    )


def _name(params: Mapping[str, Param]) -> str:
    """Only what differs from one batch of causal attention with as many kv heads as heads."""
    batch = f"-b{params['batch']}" if params["batch"] != 1 else ""
    grouped = f"-kv{params['kv_heads']}" if params["kv_heads"] != params["heads"] else ""
    full = "" if params["causal"] else "-full"
    head, tail = f"{params['phase']}-{params['dtype']}", f"-s{params['seq']}-d{params['head_dim']}"
    return f"{head}{batch}-h{params['heads']}{grouped}{tail}{full}"


def problem(case: Case, settings: Settings, seed: int) -> Problem:
    """q, k and v of standard normals; the expected o in float64, with sum p |v| as scale."""
    del settings
    batch, heads, kv_heads, seq, head_dim = case.native_params[:5]
    random = np.random.default_rng([seed, *case.native_params])
    queries = (seq,) if case.params["phase"] == "prefill" else ()
    q = random.standard_normal((batch, heads, *queries, head_dim), np.float32)
    k, v = (random.standard_normal((batch, kv_heads, seq, head_dim), np.float32) for _ in "kv")
    o = empty(q.shape, np.float32)
    expected, scale = reference(q.reshape(batch, heads, -1, head_dim), k, v, bool(case.params["causal"]))
    return Problem(
        (Operand("q", q), Operand("k", k), Operand("v", v), Operand("o", o, output=True)),
        {"o": expected.reshape(q.shape), "scale": scale.reshape(q.shape)},
        _tolerance(seq, head_dim),
        Work(case.flops, bytes_read=q.nbytes + k.nbytes + v.nbytes, bytes_written=q.nbytes),
    )


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
    """The largest |o - expected| / sum p |v|, element by element; inf where o is not finite."""
    return largest_error(outputs["o"], problem.expected["o"], problem.expected["scale"])


KERNEL = Kernel(
    name="attention",
    version=1,
    summary="softmax attention without a stored score matrix, causal prefill and one-token decode",
    cases=cases,
    problem=problem,
    error=error,
)

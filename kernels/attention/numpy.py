"""Attention by numpy.matmul, a head at a time, scores stored, as numpy users write it.

Scratch is allocated once, and every step writes into it: what is timed is arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from armbench.bench.model import Array, Call, Case, Library, Operands, Outputs
from armbench.kernels.matmul.numpy import VARIANT as MATMUL


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    o = operands["o"]

    def outputs(result: Any) -> Mapping[str, Array]:
        del result
        return {"o": o}

    return (_prefill if case.params["phase"] == "prefill" else _decode)(case, operands), outputs


def accepts(case: Case) -> str | None:
    if case.params["layout"] == "paged":
        return "it takes no paged cache"
    if case.params["kv_dtype"] != "f32":
        return f"its {case.params['kv_dtype']} does without BLAS"
    return None


def _prefill(case: Case, operands: Operands) -> Call:
    """A call over the heads; hidden keys get -inf added."""
    q, k, v, o = (operands[name] for name in "qkvo")
    seq, group = q.shape[2], q.shape[1] // k.shape[1]
    scores, scaled = np.empty((seq, seq), np.float32), np.empty(q.shape[2:], np.float32)
    mask = np.triu(np.full((seq, seq), -np.inf, np.float32), 1) if case.params["causal"] else None

    def call() -> None:
        for batch, head in np.ndindex(*q.shape[:2]):
            place = batch, head // group
            _attend(q[batch, head], k[place], v[place], mask, scaled, scores, o[batch, head])

    return call


def _decode(case: Case, operands: Operands) -> Call:
    """A call over the kv heads; the heads that share one are the rows of a matrix."""
    del case
    k, v = operands["k"], operands["v"]
    batch, kv_heads, seq, head_dim = k.shape
    q, o = (operands[name].reshape(batch, kv_heads, -1, head_dim) for name in "qo")
    scores, scaled = np.empty((q.shape[2], seq), np.float32), np.empty(q.shape[2:], np.float32)

    def call() -> None:
        for place in np.ndindex(batch, kv_heads):
            _attend(q[place], k[place], v[place], None, scaled, scores, o[place])

    return call


def _attend(q: Array, k: Array, v: Array, mask: Array | None, scaled: Array, scores: Array, o: Array) -> None:
    """o = softmax(q k^T / sqrt(head_dim) + mask) v; `scaled` is like q, `scores` [queries, keys]."""
    np.multiply(q, np.float32(q.shape[1] ** -0.5), out=scaled)
    np.matmul(scaled, k.T, out=scores)
    if mask is not None:
        np.add(scores, mask, out=scores)
    np.subtract(scores, scores.max(axis=1, keepdims=True), out=scores)
    np.exp(scores, out=scores)
    np.matmul(scores, v, out=o)
    np.divide(o, scores.sum(axis=1, keepdims=True), out=o)


VARIANT = Library(
    package="numpy",
    bind=bind,
    accepts=accepts,
    detail=MATMUL.detail,
    threads=MATMUL.threads,
    threads_used=MATMUL.threads_used,
)

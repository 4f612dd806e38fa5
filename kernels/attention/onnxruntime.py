"""onnxruntime's GroupQueryAttention, the operator that its generation library decodes with.

It wants queries, keys and values of the new tokens as [batch, tokens, heads x head_dim], beside
the cache, into which it writes them: the same values that are there already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from armbench.bench.model import Array, Call, Case, Library, Operands, Outputs
from armbench.kernels.matmul.onnxruntime import EXTENSIONS, bound, detail, session, threads

HEAD_DIM_OF = 8


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    from onnx import helper

    k, v, o = (operands[name] for name in "kvo")
    batch, kv_heads, seq, head_dim = k.shape
    heads = operands["q"].shape[1]
    q = operands["q"].reshape(batch, heads, -1, head_dim)
    new = q.shape[2]
    inputs = {
        "query": _tokens_first(q),
        "key": _tokens_first(k[:, :, seq - new :]),
        "value": _tokens_first(v[:, :, seq - new :]),
        "past_key": k,
        "past_value": v,
        "seqlens_k": np.full(batch, seq - 1, np.int32),
        "total_sequence_length": np.array([seq], np.int32),
    }
    result = np.empty((batch, new, heads * head_dim), np.float32)
    results = {"output": result, "present_key": k, "present_value": v}
    node = helper.make_node(
        "GroupQueryAttention",
        list(inputs),
        list(results),
        domain=EXTENSIONS,
        num_heads=heads,
        kv_num_heads=kv_heads,
    )
    call = bound(session(node, inputs, results, {}), inputs, results)

    def outputs(nothing: Any, kept: Mapping[str, Array] = inputs) -> Mapping[str, Array]:
        del nothing, kept  # the session has but the addresses of its inputs
        tokens = result.reshape(batch, new, heads, head_dim)
        return {"o": tokens.transpose(0, 2, 1, 3).reshape(o.shape)}

    return call, outputs


def _tokens_first(heads_first: Array) -> Array:
    """[batch, heads, tokens, head_dim] to [batch, tokens, heads x head_dim]."""
    batch, _, tokens, _ = heads_first.shape
    return np.ascontiguousarray(heads_first.transpose(0, 2, 1, 3)).reshape(batch, tokens, -1)


def accepts(case: Case) -> str | None:
    params = case.params
    if int(str(params["head_dim"])) % HEAD_DIM_OF:
        return f"it takes head dimensions that are multiples of {HEAD_DIM_OF}"
    if params["layout"] == "paged":
        return "it takes no paged cache"
    if params["dtype"] != "f32" or params["kv_dtype"] != "f32":
        return "on CPUs it computes in f32"
    if params["phase"] == "prefill" and not params["causal"]:
        return "it is causal"
    return None


VARIANT = Library(
    package="onnxruntime",
    needs=("onnx",),
    bind=bind,
    extra="onnxruntime",
    accepts=accepts,
    detail=detail,
    threads_used=threads,
)

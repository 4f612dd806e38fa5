"""torch's scaled_dot_product_attention, in the data type of the operands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from armbench.bench.model import Array, Call, Case, Library, Operands, Outputs
from armbench.kernels.matmul.torch import VARIANT as MATMUL
from armbench.kernels.matmul.torch import array, tensor, watch


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    """Heads that share keys are told so; the query of a decode step is a sequence of one."""
    from torch.nn.functional import scaled_dot_product_attention

    dtype = str(case.params["dtype"])
    q, k, v = (tensor(operands[name], dtype) for name in "qkv")
    shape = operands["o"].shape
    grouped = case.params["heads"] != case.params["kv_heads"]
    causal = case.params["phase"] == "prefill" and bool(case.params["causal"])
    if case.params["phase"] == "decode":
        q = q.unsqueeze(2)

    def call() -> Any:
        return scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=grouped)

    def outputs(result: Any) -> Mapping[str, Array]:
        return {"o": array(result.contiguous()).reshape(shape)}

    watch(case, call)
    return call, outputs


def accepts(case: Case) -> str | None:
    if case.params["layout"] == "paged":
        return "it takes no paged cache"
    if case.params["kv_dtype"] != case.params["dtype"]:
        return f"it takes no {case.params['kv_dtype']} cache"
    return None


VARIANT = Library(
    package="torch",
    bind=bind,
    extra="torch",
    accepts=accepts,
    detail=MATMUL.detail,
    threads=MATMUL.threads,
    threads_used=MATMUL.threads_used,
)

"""numpy.matmul: the BLAS that the installed numpy was built with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from armbench.bench.model import Array, Call, Case, Library, Operands, Outputs


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    del case
    a, b, c = operands["a"], operands["b"], operands["c"]

    def outputs(result: Any) -> Mapping[str, Array]:
        del result
        return {"c": c}

    return partial(np.matmul, a, b, out=c), outputs


def accepts(case: Case) -> str | None:
    if case.params["packed"]:
        return "it packs in every call"
    dtype = case.params["dtype"]
    return None if dtype in ("f32", "f64") else f"its {dtype} does without BLAS"


def _blas() -> list[dict[str, Any]]:
    """What there is to know of each BLAS that numpy may use; openblas.py loads one of its own."""
    from threadpoolctl import threadpool_info  # 5 ms, and only a run asks

    loaded = [info for info in threadpool_info() if info["user_api"] == "blas"]
    return [info for info in loaded if "/scipy_openblas64/" not in info["filepath"]]


def detail() -> str | None:
    """BLAS, its version and the kernels it chose: "openblas 0.3.33 NEOVERSEV2"."""
    for info in _blas():
        parts = (info["internal_api"], info.get("version"), info.get("architecture"))
        return " ".join(str(part) for part in parts if part)
    return None


def threads_used() -> int | None:
    """The largest of its BLAS's pools; one built without threads says 1."""
    return max((info["num_threads"] for info in _blas()), default=None)


VARIANT = Library(
    package="numpy",
    bind=bind,
    accepts=accepts,
    detail=detail,
    threads=("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"),
    threads_used=threads_used,
)

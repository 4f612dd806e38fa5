"""OpenBLAS as scipy-openblas64 ships it: what the newest numpy and scipy are built with."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from ctypes import c_double, c_float, c_int, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

from armbench.bench.model import Array, Call, Case, Library, Operands, Outputs

PACKAGE = "scipy-openblas64"
ROW_MAJOR, AS_IT_IS = 101, 111  # of cblas.h
FUNCTIONS: dict[str, tuple[str, type[c_float] | type[c_double]]] = {
    "f32": ("scipy_cblas_sgemm64_", c_float),
    "f64": ("scipy_cblas_dgemm64_", c_double),
}


@cache
def _library() -> ctypes.CDLL:
    import scipy_openblas64

    folder = Path(scipy_openblas64.get_lib_dir())
    loaded = ctypes.CDLL(str(next(folder.glob("libscipy_openblas64_.so*"))))
    for name, scalar in FUNCTIONS.values():
        flags, sizes, matrix = [c_int] * 3, [c_int64] * 3, [c_void_p, c_int64]
        getattr(loaded, name).argtypes = [*flags, *sizes, scalar, *matrix, *matrix, scalar, *matrix]
        getattr(loaded, name).restype = None
    return loaded


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    name, _ = FUNCTIONS[str(case.params["dtype"])]
    multiply, (m, n, k) = getattr(_library(), name), case.native_params[:3]
    a, b, c = (operands[name] for name in "abc")
    order = (ROW_MAJOR, AS_IT_IS, AS_IT_IS)
    matrices = (1.0, a.ctypes.data, k, b.ctypes.data, n, 0.0, c.ctypes.data, n)

    def call() -> None:
        multiply(*order, m, n, k, *matrices)

    def outputs(result: Any) -> Mapping[str, Array]:
        del result
        return {"c": c}

    return call, outputs


def accepts(case: Case) -> str | None:
    if case.params["packed"]:
        return "its packed weights are not public"
    return None if case.params["dtype"] in FUNCTIONS else f"it has no {case.params['dtype']}"


def detail() -> str | None:
    """The kernels that it chose: "openblas NEOVERSEV2"."""
    name = _library().scipy_openblas_get_corename64_
    name.restype = ctypes.c_char_p
    return f"openblas {name().decode()}"


def threads_used() -> int | None:
    return int(_library().scipy_openblas_get_num_threads64_())


VARIANT = Library(
    package=PACKAGE,
    bind=bind,
    extra="openblas",
    accepts=accepts,
    detail=detail,
    threads=("OPENBLAS_NUM_THREADS",),
    threads_used=threads_used,
)

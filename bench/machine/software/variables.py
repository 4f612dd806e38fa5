"""The environment variables that change kernels, threads or memory of the libraries measured."""

from __future__ import annotations

import os
from collections.abc import Mapping

_VARIABLES = frozenset(
    {
        "GLIBC_TUNABLES",
        "GOTO_NUM_THREADS",
        "LD_BIND_NOW",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "LRU_CACHE_CAPACITY",
        "PYTHONHASHSEED",
        "PYTHONMALLOC",
        "PYTHON_GIL",
        "PYTHON_JIT",
        "RAYON_NUM_THREADS",
        "TF_ENABLE_ONEDNN_OPTS",
        "TF_NUM_INTEROP_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "THP_MEM_ALLOC_ENABLE",
        "TOKENIZERS_PARALLELISM",
        "XLA_FLAGS",
    }
)
_PREFIXES = (
    "ARMBENCH_",
    "ARMPL_",
    "ATEN_",
    "BLIS_",
    "DNNL_",
    "GGML_",
    "GOMP_",
    "KMP_",
    "MALLOC_",
    "MKL_",
    "NPY_",
    "NUMEXPR_",
    "NVPL_",
    "OMP_",
    "ONEDNN_",
    "OPENBLAS_",
    "ORT_",
    "PYTORCH_",
    "TBB_",
    "TCMALLOC_",
    "TORCHINDUCTOR_",
    "TORCH_",
    "VLLM_",
)


def matters(variable: str) -> bool:
    """Whether a variable of this name can change a number."""
    return variable in _VARIABLES or variable.startswith(_PREFIXES)


def relevant(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Those that matter, by name, fit for a result file."""
    return {name: _printable(environment[name]) for name in sorted(environment) if matters(name)}


def _printable(value: str) -> str:
    """Bytes that are no UTF-8 cannot go into a result file."""
    return os.fsencode(value).decode(errors="replace")

"""torch: matmul, _int_mm for int8, linear for packed weights, dynamic int8, and its 4-bit kernels on Arm.

Packed weights lie as nn.Linear keeps them, [n, k]; oneDNN and Arm's kernels may repack them further.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from armbench.bench.model import Array, Call, Case, Library, Operands, Outputs

if TYPE_CHECKING:
    from torch import Tensor

NIBBLES = 16  # bytes of a group of 32 weights, after its scale
_backends: set[str] = set()  # what oneDNN said it ran, in this process


def tensor(array: Array, dtype: str) -> Tensor:
    """A tensor on the same memory; "bf16" is stored as uint16."""
    import torch

    if dtype == "bf16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def array(result: Tensor) -> Array:
    """The memory of a tensor as the suite stores it."""
    import torch

    if result.dtype == torch.bfloat16:
        return np.asarray(result.view(torch.int16).numpy()).view(np.uint16)
    return np.asarray(result.numpy())


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    call = _call(case, operands)
    watch(case, call)

    def outputs(result: Any) -> Mapping[str, Array]:
        return {"c": array(result)}

    return call, outputs


def _call(case: Case, operands: Operands) -> Call:
    import torch
    from torch.nn.functional import linear

    dtype, packed = str(case.params["dtype"]), case.params["packed"]
    if dtype == "int4":
        return _four_bits(operands)
    if dtype == "w8a8":
        return _dynamic(operands)
    a, b, c = (tensor(operands[name], dtype) for name in "abc")
    if packed:
        b = b.t().contiguous()
    if dtype == "int8":
        return partial(torch._int_mm, a, b.t() if packed else b, out=c)
    return partial(linear, a, b) if packed else partial(torch.matmul, a, b, out=c)


def _four_bits(operands: Operands) -> Call:
    """Two neighbouring weights share a byte, the first in the low nibble; scales are bfloat16."""
    import torch

    a, b = torch.from_numpy(operands["a"]), operands["b"]
    rows, groups, width = b.shape
    block = 2 * NIBBLES
    scales = np.ascontiguousarray(b[..., : width - NIBBLES]).view(np.float16).reshape(rows, groups)
    nibbles = b[..., width - NIBBLES :]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).reshape(rows, -1)
    pairs = torch.from_numpy(weights[:, ::2] | weights[:, 1::2] << 4)
    packed = torch.ops.aten._dyn_quant_pack_4bit_weight(
        pairs, torch.from_numpy(scales.astype(np.float32)).bfloat16(), None, block, groups * block, rows
    )
    return partial(torch.ops.aten._dyn_quant_matmul_4bit, a, packed, block, groups * block, rows)


def _dynamic(operands: Operands) -> Call:
    """What nn.quantized.dynamic.Linear calls: weights by row, activations rounded in the call."""
    import torch

    b, scales = torch.from_numpy(operands["b"]), torch.from_numpy(operands["scales"])
    zeros = torch.zeros(len(scales), dtype=torch.int64)
    weights = torch._make_per_channel_quantized_tensor(b, scales, zeros, axis=0)
    packed = torch.ops.quantized.linear_prepack(weights, None)
    return partial(
        torch.ops.quantized.linear_dynamic, torch.from_numpy(operands["a"]), packed, reduce_range=True
    )


def accepts(case: Case) -> str | None:
    if case.params["dtype"] == "int4" and platform.machine() != "aarch64":
        return "its 4-bit kernels for groups of 32 are Arm's"
    if case.params["dtype"] == "int8" and int(str(case.params["m"])) <= 16:
        return "_int_mm wants more than 16 rows"
    return None


# --- the back end that it really used --------------------------------------------------------


def watch(case: Case, call: Call) -> None:
    """Make one call under oneDNN's log and note the implementations that it names."""
    for line in _log_of(case.name, call):
        words = line.split(",")
        if words[:1] == ["onednn_verbose"] and "exec" in words:
            kind = words[words.index("exec") + 2 :]
            _backends.add(" ".join(word for word in kind[:2] if word))


_logs: dict[str, list[str]] = {}


def _log_of(name: str, call: Call) -> list[str]:
    """The log of a call, which is made once for each case."""
    if name not in _logs:
        _logs[name] = []
        with _logged(_logs[name].extend):
            call()
    return _logs[name]


@contextmanager
def _logged(take: Callable[[list[str]], None]) -> Iterator[None]:
    """oneDNN writes its log to file descriptor 1 whatever Python's stdout is."""
    import torch

    verbose: Any = torch.backends.mkldnn
    kept = os.dup(1)
    with tempfile.TemporaryFile("w+") as log:
        os.dup2(log.fileno(), 1)
        try:
            with verbose.verbose(verbose.VERBOSE_ON):
                yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        log.seek(0)
        take(log.read().splitlines())


@cache
def _settings() -> str:
    """The vector extension that torch's own kernels use, and its BLAS: "AVX512, mkl"."""
    import torch

    options = torch.__config__.show().split(", ")
    blas = [option.partition("BLAS_INFO=")[2] for option in options if "BLAS_INFO=" in option]
    return ", ".join([torch.backends.cpu.get_cpu_capability(), *blas])


def detail() -> str | None:
    """ "AVX512, mkl; oneDNN: matmul brg_matmul:avx10_1_512_amx"."""
    named = f"; oneDNN: {', '.join(sorted(_backends))}" if _backends else ""
    return _settings() + named


def threads_used() -> int | None:
    import torch

    return int(torch.get_num_threads())


VARIANT = Library(
    package="torch",
    bind=bind,
    extra="torch",
    accepts=accepts,
    detail=detail,
    threads=("OMP_NUM_THREADS", "MKL_NUM_THREADS"),
    threads_used=threads_used,
)

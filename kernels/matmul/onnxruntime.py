"""onnxruntime: MatMul, MatMulInteger for int8, MatMulNBits for int4; packed weights are initializers.

The session packs an initializer when it is made, as it does for a model's weights.  Inputs and
outputs are bound to the suite's own memory.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from armbench.bench.model import Array, Call, Case, Library, Operands, Outputs

if TYPE_CHECKING:
    from onnx import NodeProto
    from onnxruntime import InferenceSession

OPSET, EXTENSIONS = 21, "com.microsoft"
IR_VERSION = 10
NIBBLES = 16  # bytes of a group of 32 weights, after its scale
OPERATORS = {"f64": "MatMul", "f32": "MatMul", "int8": "MatMulInteger"}


def session(
    node: NodeProto,
    inputs: Mapping[str, Array],
    outputs: Mapping[str, Array],
    constants: Mapping[str, Array],
) -> InferenceSession:
    """A session of one node, with a thread for each CPU that the process may use."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    def value(name: str, array: Array) -> Any:
        element = helper.np_dtype_to_tensor_dtype(array.dtype)
        return helper.make_tensor_value_info(name, element, array.shape)

    weights: list[TensorProto] = [numpy_helper.from_array(a, name) for name, a in constants.items()]
    graph = helper.make_graph(
        [node],
        node.op_type,
        [value(*i) for i in inputs.items()],
        [value(*o) for o in outputs.items()],
        weights,
    )
    domains = [helper.make_opsetid("", OPSET), helper.make_opsetid(EXTENSIONS, 1)]
    model = helper.make_model(graph, opset_imports=domains, ir_version=IR_VERSION)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads(), 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])


def threads() -> int:
    """One for each CPU of the trial, to which the process is bound."""
    return len(os.sched_getaffinity(0))


def bound(run: InferenceSession, inputs: Mapping[str, Array], outputs: Mapping[str, Array]) -> Call:
    """A call that reads and writes these arrays, which the caller keeps, where they lie."""
    binding = run.io_binding()
    for name, a in inputs.items():
        binding.bind_input(name, "cpu", 0, a.dtype, a.shape, a.ctypes.data)
    for name, a in outputs.items():
        binding.bind_output(name, "cpu", 0, a.dtype, a.shape, a.ctypes.data)
    return partial(run.run_with_iobinding, binding)


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    from onnx import helper

    a, b, c = (operands[name] for name in "abc")
    dtype = str(case.params["dtype"])
    if dtype == "int4":
        node, weights = _four_bits(case, b)
        inputs = {"a": a}
    else:
        node = helper.make_node(OPERATORS[dtype], ["a", "b"], ["c"])
        weights = {"b": b} if case.params["packed"] else {}
        inputs = {"a": a} if weights else {"a": a, "b": b}
    call = bound(session(node, inputs, {"c": c}, weights), inputs, {"c": c})

    def outputs(result: Any) -> Mapping[str, Array]:
        del result
        return {"c": operands["c"]}

    return call, outputs


def _four_bits(case: Case, b: Array) -> tuple[NodeProto, dict[str, Array]]:
    """MatMulNBits computing in int8, as its users set it; neighbouring weights share a byte."""
    from onnx import helper

    rows, groups, width = b.shape
    scales = np.ascontiguousarray(b[..., : width - NIBBLES]).view(np.float16).astype(np.float32)
    nibbles = b[..., width - NIBBLES :]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1)
    pairs = np.ascontiguousarray(weights[..., ::2] | weights[..., 1::2] << 4)
    size = 2 * NIBBLES
    node = helper.make_node(
        "MatMulNBits", ["a", "b", "scales"], ["c"], domain=EXTENSIONS,
        K=groups * size, N=rows, bits=4, block_size=size, accuracy_level=4,
    )  # fmt: skip
    return node, {"b": pairs, "scales": scales.reshape(-1)}


def accepts(case: Case) -> str | None:
    dtype = case.params["dtype"]
    return None if dtype in OPERATORS or dtype == "int4" else f"on CPUs it has no {dtype}"


def detail() -> str | None:
    return "MLAS"


VARIANT = Library(
    package="onnxruntime",
    needs=("onnx",),
    bind=bind,
    extra="onnxruntime",
    accepts=accepts,
    detail=detail,
    threads_used=threads,
)

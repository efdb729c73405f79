"""A network in an ONNX file, rewritten to compute in another floating-point type. Needs ``onnx``.

On GPUs a network computes in the types that its file has (ONNX Runtime's CUDA provider, and TensorRT, whose networks
are strongly typed; from version 11 on they can be nothing else), so the file has to have the type that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from docpre.errors import EngineError, ModelError

_LARGEST_FP16 = 65504.0


def in_precision(path: Path, precision: str, content: bytes | None = None) -> bytes:
    """An ONNX file with all floating-point tensors in one type, its input and outputs too.

    Args:
        path: an ONNX file, in float32, float16 or a mix.
        precision: ``fp32`` or ``fp16``.
        content: in place of what the file holds.

    Returns:
        The serialised network.

    Raises:
        EngineError: onnx is not installed.
        ModelError: the file is not ONNX, or a weight does not fit into float16.
    """
    try:
        import onnx
        from onnx import TensorProto
    except ImportError as error:
        raise EngineError(f"Computing in {precision} on a GPU may need the package onnx: pip install onnx.") from error
    try:
        model = onnx.load(str(path)) if content is None else onnx.load_from_string(content)
    except Exception as error:
        raise ModelError(f"{path} is not an ONNX file: {error}") from error
    floats = (TensorProto.FLOAT, TensorProto.FLOAT16)
    wanted = {"fp32": TensorProto.FLOAT, "fp16": TensorProto.FLOAT16}[precision]
    dtype = np.dtype(np.float32 if precision == "fp32" else np.float16)
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        if value.type.tensor_type.elem_type in floats:
            value.type.tensor_type.elem_type = wanted
    for tensor in _tensors(model.graph):
        if tensor.data_type in floats and tensor.data_type != wanted:
            tensor.CopyFrom(_converted(tensor, dtype, path))
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i in floats:
                attribute.i = wanted
    return bytes(model.SerializeToString())


def _tensors(graph: Any) -> Iterator[Any]:
    """Every constant of a graph: weights, and the values of its nodes."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t


def _converted(tensor: Any, dtype: np.dtype[Any], path: Path) -> Any:
    from onnx import numpy_helper

    array = numpy_helper.to_array(tensor)
    if dtype == np.float16 and array.size and np.abs(array).max() > _LARGEST_FP16:
        raise ModelError(
            f"{path} can't compute in fp16: its weight {tensor.name} is as large as {np.abs(array).max()}."
        )
    return numpy_helper.from_array(array.astype(dtype), tensor.name)

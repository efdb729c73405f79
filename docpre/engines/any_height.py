"""An ONNX file of a network for lines of text, rewritten to take lines of any height. Needs ``onnx``."""

from __future__ import annotations

from pathlib import Path

from docpre.errors import EngineError, ModelError

_HEIGHT = 2  # the place in (N, C, H, W)


def with_any_height(path: Path) -> bytes:
    """A network that pools all rows into one in the end, whatever their number.

    Its file asks for one height, and pools just the rows that this height leaves. They are averaged here all together,
    which for the height of the file is the same.

    Args:
        path: an ONNX file (opset 17 or lower) with one input (N, C, H, W), whose average poolings take away all rows.

    Returns:
        The serialised network.

    Raises:
        EngineError: onnx is not installed.
        ModelError: the file is not ONNX, or another network.
    """
    try:
        import onnx
    except ImportError as error:
        raise EngineError("Reading lines of text needs the package onnx: pip install 'docpre[analysis]'.") from error
    try:
        model = onnx.load(str(path))
    except Exception as error:
        raise ModelError(f"{path} is not an ONNX file: {error}") from error
    poolings = [node for node in model.graph.node if node.op_type == "AveragePool"]
    if not poolings or len(model.graph.input) != 1:
        raise ModelError(f"{path} is no network for lines of text: it has no pooling, or several inputs.")
    model.graph.input[0].type.tensor_type.shape.dim[_HEIGHT].dim_param = "height"
    for pooling in poolings:
        place = next(index for index, node in enumerate(model.graph.node) if node is pooling)
        rows = f"{pooling.output[0]}.rows"
        mean = onnx.helper.make_node("ReduceMean", [pooling.input[0]], [rows], axes=[_HEIGHT], keepdims=1)
        model.graph.node.insert(place, mean)
        pooling.input[0] = rows
        for attribute in pooling.attribute:
            if attribute.name in ("kernel_shape", "strides"):
                attribute.ints[0] = 1
    return bytes(model.SerializeToString())

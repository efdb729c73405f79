"""An ONNX file that gives tensors inside its network beside its answer; written without the package onnx.

A serialised protocol buffer with another one behind it is the two of them merged: lists grow, and messages are merged
field by field (https://protobuf.dev/programming-guides/encoding, "Last One Wins"). So what is added to a graph's list
of outputs goes behind the file.
"""

from __future__ import annotations

from collections.abc import Sequence

# Numbers of fields in onnx.proto: ModelProto.graph, GraphProto.output, ValueInfoProto.name.
_GRAPH, _OUTPUT, _NAME = 7, 12, 1
_LENGTH_DELIMITED = 2


def with_inner_outputs(model: bytes, names: Sequence[str]) -> bytes:
    """A network with more outputs, behind those that it has.

    Args:
        model: content of an ONNX file.
        names: of tensors in its graph.
    """
    outputs = b"".join(_field(_OUTPUT, _field(_NAME, name.encode())) for name in names)
    return model + _field(_GRAPH, outputs)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F)
    return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])

"""What quantising does to layers on average is taken back."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from docpre.engines.layer_correction import correct_layers


def two_layers(weights, biases) -> onnx.ModelProto:
    """Convolution, ReLU, convolution, with a branch around the second one."""
    nodes = [
        helper.make_node("Conv", ["image", "w0", "b0"], ["first"], pads=[1] * 4),
        helper.make_node("Relu", ["first"], ["positive"]),
        helper.make_node("Conv", ["positive", "w1", "b1"], ["second"], pads=[1] * 4),
        helper.make_node("Add", ["second", "positive"], ["answer"]),
    ]
    constants = {"w0": weights[0], "w1": weights[1], "b0": biases[0], "b1": biases[1]}
    graph = helper.make_graph(
        nodes,
        "two",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, "H", "W"])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["N", 4, "H", "W"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def values_of(model: onnx.ModelProto, tensor: str, batches) -> np.ndarray:
    """A tensor's values by channel, (C, all of them)."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    model.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    runs = [session.run([tensor], {"image": batch})[0] for batch in batches]
    return np.moveaxis(np.stack(runs), 2, 0).reshape(runs[0].shape[1], -1).astype(np.float64)


def constants_of(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def rounded(model: onnx.ModelProto, steps: float) -> onnx.ModelProto:
    """Its weights as int8 with a scale for each output channel."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    for index, tensor in enumerate(list(model.graph.initializer)[:2]):
        weight = numpy_helper.to_array(tensor)
        scale = np.full(len(weight), 1 / steps, np.float32)
        whole = np.round(weight * steps).astype(np.int8)
        names = [f"{kind}{index}" for kind in ("whole", "scale", "zero")]
        values = (whole, scale, np.zeros(len(weight), np.int8))
        model.graph.initializer.extend(map(numpy_helper.from_array, values, names))
        node = helper.make_node("DequantizeLinear", names, [f"coarse{index}"], axis=0)
        model.graph.node.insert(0, node)
        next(node for node in model.graph.node if f"w{index}" in node.input).input[1] = f"coarse{index}"
    return model


@pytest.fixture
def plain():
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.3, shape).astype(np.float32) for shape in ((4, 3, 3, 3), (4, 4, 3, 3))]
    return two_layers(weights, [rng.normal(0, 0.3, 4).astype(np.float32) for _ in range(2)])


@pytest.fixture
def batches():
    rng = np.random.default_rng(1)
    return [rng.random((1, 3, 20, 16), np.float32) for _ in range(3)]


def test_each_channel_is_as_close_as_a_gain_and_an_offset_bring_it(plain, batches):
    quantised = rounded(plain, 4)
    before, kept = constants_of(quantised), plain.SerializeToString()
    wanted = {name: values_of(plain, name, batches) for name in ("first", "second")}
    rough = {name: values_of(quantised, name, batches) for name in wanted}
    correct_layers(plain, quantised, batches)
    for name, values in wanted.items():
        found = values_of(quantised, name, batches)
        np.testing.assert_allclose(found.mean(1), values.mean(1), atol=1e-5)
        for mine, right in zip(found, values, strict=True):
            assert np.polyfit(mine, right, 1)[0] == pytest.approx(1, abs=1e-4)
        assert ((found - values) ** 2).mean() < 0.7 * ((rough[name] - values) ** 2).mean()
    assert plain.SerializeToString() == kept
    after = constants_of(quantised)
    np.testing.assert_array_equal(after["whole0"], before["whole0"])  # rounded as they were
    assert (after["scale0"] > 0).all()
    assert not np.allclose(after["scale0"], before["scale0"])


def test_a_network_that_is_right_already_stays_so(plain, batches):
    other = onnx.ModelProto.FromString(plain.SerializeToString())
    correct_layers(plain, other, batches)
    found = constants_of(other)
    for name, value in constants_of(plain).items():
        np.testing.assert_allclose(found[name], value, atol=1e-5)


def test_a_dead_channel_and_a_layer_without_a_bias(plain, batches):
    del plain.graph.node[0].input[2]
    dead = constants_of(plain)["w1"].copy()
    dead[2] = 0
    plain.graph.initializer[1].CopyFrom(numpy_helper.from_array(dead, "w1"))
    other = onnx.ModelProto.FromString(plain.SerializeToString())
    correct_layers(plain, other, batches)
    found = constants_of(other)
    np.testing.assert_array_equal(found["w0"], constants_of(plain)["w0"])
    np.testing.assert_allclose(found["w1"], dead, atol=1e-5)
    assert np.isfinite(found["b1"]).all()


def test_constants_that_layers_share_are_left_alone(plain, batches):
    plain.graph.node[2].input[1] = "w1"
    plain.graph.node[2].input[2] = "b0"  # the first layer's
    quantised = rounded(plain, 4)
    before = constants_of(quantised)
    correct_layers(plain, quantised, batches)
    for name, value in constants_of(quantised).items():
        np.testing.assert_array_equal(value, before[name])


def test_one_scale_for_all_channels_is_left_alone(plain, batches):
    quantised = rounded(plain, 4)
    for tensor in quantised.graph.initializer:
        if tensor.name in ("scale0", "zero0"):
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[0], tensor.name))
    before = constants_of(quantised)
    correct_layers(plain, quantised, batches)
    after = constants_of(quantised)
    np.testing.assert_array_equal(after["b0"], before["b0"])
    assert not np.allclose(after["b1"], before["b1"])

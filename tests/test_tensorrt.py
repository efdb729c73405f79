"""TensorRT as far as it goes without a GPU: the file that it gets, its settings, names and errors.

What needs a GPU is in ``test_gpu.py``.
"""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from docpre.engines import RuntimeOptions, create_engine, devices
from docpre.engines.engine_config import TensorRtConfig
from docpre.engines.onnx_precision import in_precision
from docpre.engines.onnxruntime import providers_for
from docpre.engines.tensorrt import build_engine, cache_folder, engine_file_name, network_content, profile_shapes
from docpre.errors import EngineError, ModelError
from docpre.network_input import normalised, resized
from docpre.registry import MODELS, find_weights

NO_GPU = devices._nvidia_count() == 0
NAMES = ("PP-LCNet_x1_0_doc_ori", "UVDoc")
# From the list in onnx-tensorrt's docs/operators.md; it takes opset 17 since TensorRT 8.6.
SUPPORTED = {
    *("Add", "BatchNormalization", "Cast", "Concat", "Constant", "ConstantOfShape", "Conv", "Gather"),
    *("GlobalAveragePool", "HardSigmoid", "HardSwish", "Identity", "MatMul", "Mul", "PRelu", "Pad", "Relu", "Reshape"),
    *("Shape", "Slice", "Softmax", "Sub", "Transpose", "Unsqueeze"),
}


def rewritten(name, precision, tmp_path):
    path = tmp_path / f"{precision}.onnx"
    path.write_bytes(in_precision(find_weights(MODELS[name]).path, precision))
    return path


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_graph_suits_tensorrt(name, precision, tmp_path):
    path = rewritten(name, precision, tmp_path)
    onnx.checker.check_model(str(path), full_check=True)  # with the types of every tensor
    model = onnx.load(str(path))
    (source,) = model.graph.input
    assert isinstance(source.type.tensor_type.shape.dim[0].dim_param, str)
    assert [side.dim_value for side in source.type.tensor_type.shape.dim][1:] == [3, *MODELS[name].size_hw]
    assert {node.op_type for node in model.graph.node} <= SUPPORTED
    assert all(opset.version <= 17 for opset in model.opset_import if not opset.domain)
    wanted = {"fp32": onnx.TensorProto.FLOAT, "fp16": onnx.TensorProto.FLOAT16}[precision]
    other = {"fp32": onnx.TensorProto.FLOAT16, "fp16": onnx.TensorProto.FLOAT}[precision]
    types = {tensor.data_type for tensor in model.graph.initializer}
    assert wanted in types
    assert other not in types
    assert source.type.tensor_type.elem_type == wanted


@pytest.mark.parametrize(("name", "precision", "bound"), [
    ("PP-LCNet_x1_0_doc_ori", "fp32", 0), ("PP-LCNet_x1_0_doc_ori", "fp16", 5e-3),
    ("UVDoc", "fp32", 1e-3), ("UVDoc", "fp16", 1e-3),
])  # fmt: skip
def test_the_rewritten_network_answers_the_same(name, precision, bound, tmp_path, page_rgb, photo_rgb):
    spec = MODELS[name]
    batch = normalised([resized(image, spec) for image in (page_rgb, photo_rgb)], spec)
    expected = create_engine(spec, RuntimeOptions(device="cpu"))[0].run(batch)
    rewritten(name, precision, tmp_path)
    found = create_engine(spec, RuntimeOptions(engine="onnxruntime", device="cpu"), str(tmp_path))[0].run(batch)
    assert np.abs(found - expected).max() <= bound


def test_a_weight_that_does_not_fit_into_fp16_is_an_error(tmp_path):
    model = onnx.load(str(find_weights(MODELS["PP-LCNet_x1_0_doc_ori"]).path))
    weight = next(tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT)
    large = onnx.numpy_helper.to_array(weight) + 1e6
    weight.CopyFrom(onnx.numpy_helper.from_array(large, weight.name))
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(ModelError, match="can't compute in fp16"):
        in_precision(tmp_path / "a.onnx", "fp16")
    (tmp_path / "b.onnx").write_bytes(b"not a network")
    with pytest.raises(ModelError, match="not an ONNX file"):
        in_precision(tmp_path / "b.onnx", "fp16")


def test_int8_needs_a_quantised_file():
    with pytest.raises(ModelError, match="--precision int8"):
        network_content(find_weights(MODELS["UVDoc"]).path, "int8")


def test_batches_of_the_profile():
    spec = MODELS["UVDoc"]
    assert profile_shapes(spec, 4, 16) == ((1, 3, 712, 488), (4, 3, 712, 488), (16, 3, 712, 488))
    assert profile_shapes(spec, 4, 2)[1:] == ((2, 3, 712, 488), (2, 3, 712, 488))


def test_a_kept_engine_is_for_one_network_card_version_and_setting():
    spec, plain = MODELS["UVDoc"], TensorRtConfig()
    variants = [
        (spec, "a" * 64, "11.4.0.106", "NVIDIA H200", "fp16", plain),
        (spec, "b" * 64, "11.4.0.106", "NVIDIA H200", "fp16", plain),
        (spec, "a" * 64, "10.13.2", "NVIDIA H200", "fp16", plain),
        (spec, "a" * 64, "11.4.0.106", "NVIDIA L4", "fp16", plain),
        (spec, "a" * 64, "11.4.0.106", "NVIDIA H200", "fp32", plain),
        (MODELS["PP-LCNet_x1_0_doc_ori"], "a" * 64, "11.4.0.106", "NVIDIA H200", "fp16", plain),
        *(
            (spec, "a" * 64, "11.4.0.106", "NVIDIA H200", "fp16", TensorRtConfig(**{name: value}))
            for name, value in (
                ("max_batch", 4),
                ("opt_batch", 2),
                ("workspace_mib", 64),
                ("tf32", True),
                ("builder_optimization_level", 5),
            )
        ),
    ]
    names = [engine_file_name(*variant) for variant in variants]
    assert len(set(names)) == len(names)
    assert names[0] == "UVDoc_aaaaaaaaaaaaaaaa_trt11.4.0.106_NVIDIA-H200_fp16_b1-8_o3.engine"


def test_where_engines_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCPRE_CACHE", str(tmp_path))
    assert cache_folder(TensorRtConfig()) == tmp_path / "tensorrt"
    assert cache_folder(TensorRtConfig(cache_dir=str(tmp_path / "a"))) == tmp_path / "a"


def test_onnxruntimes_provider_gets_its_settings(tmp_path):
    options = RuntimeOptions(
        use_tensorrt=True,
        min_subgraph_size=5,
        precision="fp16",
        engine_config={
            "tensorrt": {"workspace_mib": 512, "cache_dir": str(tmp_path), "builder_optimization_level": 4},
            "onnxruntime": {"provider_options": {"TensorrtExecutionProvider": {"trt_cuda_graph_enable": True}}},
        },
    )
    providers = providers_for("gpu:1", options)
    assert [name for name, _ in providers] == [
        "TensorrtExecutionProvider",
        "CUDAExecutionProvider",
        "CPUExecutionProvider",
    ]
    assert providers[0][1] == {
        "device_id": "1",
        "trt_fp16_enable": "1",
        "trt_min_subgraph_size": "5",
        "trt_builder_optimization_level": "4",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(tmp_path),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(tmp_path),
        "trt_max_workspace_size": str(512 * 1024**2),
        "trt_cuda_graph_enable": "1",
    }
    assert providers[1][1] == {"device_id": "1", "use_tf32": "0"}
    assert providers_for("cpu", RuntimeOptions()) == [("CPUExecutionProvider", {})]
    assert [name for name, _ in providers_for("gpu:0", RuntimeOptions())] == providers_of("CUDA", "CPU")
    assert [name for name, _ in providers_for("npu:0", RuntimeOptions())] == providers_of("CANN", "CPU")
    with pytest.raises(EngineError, match="NVIDIA GPU"):
        providers_for("cpu", RuntimeOptions(use_tensorrt=True))


def providers_of(*names):
    return [f"{name}ExecutionProvider" for name in names]


@pytest.mark.skipif(devices.is_installed("tensorrt"), reason="TensorRT is installed")
def test_without_tensorrt_a_build_says_what_to_install(tmp_path):
    spec = MODELS["PP-LCNet_x1_0_doc_ori"]
    with pytest.raises(EngineError, match=r"docpre\[tensorrt\]"):
        build_engine(find_weights(spec).path, tmp_path / "a.engine", spec, "fp16", 4)
    assert not list(tmp_path.iterdir())
    with pytest.raises(EngineError, match="bf16"):
        build_engine(find_weights(spec).path, tmp_path / "a.engine", spec, "bf16", 4)


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU")
def test_without_a_gpu_cudas_own_words_come_through():
    pytest.importorskip("cuda.bindings.runtime", reason="needs cuda-python")
    from docpre.engines.tensorrt import _Cuda

    with pytest.raises(EngineError, match="CUDA failed in cudaSetDevice on gpu:0"):
        _Cuda(0)

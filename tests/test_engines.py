"""Engines: the same answers, devices, options, and errors that say what to do."""

from __future__ import annotations

import json
import shutil
import sys
import warnings

import numpy as np
import pytest

from docpre.engines import RuntimeOptions, base, create_engine, devices
from docpre.errors import ConfigError, EngineError, ModelError
from docpre.network_input import normalised, resized
from docpre.registry import MODELS, find_weights

HAS_TORCH = devices.is_installed("torch")
HAS_OPENVINO = devices.is_installed("openvino")


@pytest.fixture(autouse=True)
def fresh_warnings(monkeypatch):
    monkeypatch.setattr(base, "_WARNED", set())


@pytest.mark.skipif(not HAS_TORCH, reason="needs the extra torch")
@pytest.mark.parametrize(("name", "bound"), [("PP-LCNet_x1_0_doc_ori", 1e-4), ("UVDoc", 1e-3)])
def test_engines_agree(name, bound, page_rgb, photo_rgb):
    spec = MODELS[name]
    batch = normalised([resized(image, spec) for image in (page_rgb, photo_rgb)], spec)
    answers = {}
    for engine in ("onnxruntime", "torch"):
        answers[engine] = create_engine(spec, RuntimeOptions(engine=engine, device="cpu"))[0].run(batch)
        assert answers[engine].dtype == np.float32
    assert answers["torch"].shape == answers["onnxruntime"].shape
    assert np.abs(answers["torch"] - answers["onnxruntime"]).max() < bound


@pytest.mark.skipif(not HAS_OPENVINO, reason="needs the extra openvino")
@pytest.mark.parametrize(("name", "bound"), [("PP-LCNet_x1_0_doc_ori", 1e-4), ("UVDoc", 1e-3)])
def test_openvino_agrees(name, bound, page_rgb, photo_rgb):
    spec = MODELS[name]
    batch = normalised([resized(image, spec) for image in (page_rgb, photo_rgb)], spec)
    expected = create_engine(spec, RuntimeOptions(device="cpu"))[0].run(batch)
    found = create_engine(spec, RuntimeOptions(engine="openvino", device="cpu"))[0].run(batch)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < bound


@pytest.mark.skipif(not HAS_OPENVINO, reason="needs the extra openvino")
def test_bf16_moves_the_grid_by_little(page_rgb, photo_rgb):
    spec = MODELS["UVDoc"]
    try:
        engine = create_engine(spec, RuntimeOptions(engine="openvino", device="cpu", precision="bf16"))[0]
    except EngineError as error:
        pytest.skip(str(error))
    batch = normalised([resized(image, spec) for image in (page_rgb, photo_rgb)], spec)
    expected = create_engine(spec, RuntimeOptions(device="cpu"))[0].run(batch)
    shift = (engine.run(batch) - expected) / 2 * np.array([488, 712])[:, None, None]
    percent = 100 * np.linalg.norm(shift, axis=1) / np.hypot(488, 712)
    assert np.percentile(percent, 99) < 0.3


def test_bf16_is_openvinos():
    with pytest.raises(EngineError, match="engine='openvino'"):
        create_engine(MODELS["UVDoc"], RuntimeOptions(precision="bf16", device="cpu"))


@pytest.mark.skipif(not HAS_OPENVINO, reason="needs the extra openvino")
def test_openvino_refuses_foreign_files(tmp_path):
    options = RuntimeOptions(engine="openvino", device="cpu")
    (tmp_path / "a.onnx").write_bytes(b"not a network")
    with pytest.raises(ModelError, match="can't load"):
        create_engine(MODELS["UVDoc"], options, str(tmp_path))
    shutil.copy(find_weights(MODELS["PP-LCNet_x1_0_doc_ori"]).path, tmp_path / "a.onnx")
    with pytest.raises(ModelError, match="is not UVDoc"):
        create_engine(MODELS["UVDoc"], options, str(tmp_path))


def test_the_answer_is_the_output_that_the_specification_names():
    spec = MODELS["UVDoc"]
    assert base.answer_index(spec, ["546", "output"]) == 1
    assert base.answer_index(spec, ["grid", "mesh"]) == 0


def test_device_names():
    assert devices.parse_device("cpu") == ("cpu", 0)
    assert devices.parse_device("GPU:3") == ("gpu", 3)
    assert devices.parse_device("cuda:1") == ("gpu", 1)
    for text in ("", "gpu:", "gpu:0,1", "gpu:-1", "cpu:0", "0", "my gpu"):
        with pytest.raises(ConfigError):
            devices.parse_device(text)


@pytest.mark.parametrize("device", ["npu:0", "xpu:0", "mlu:0", "dcu:0", "gcu:0", "quantum"])
def test_a_device_that_is_not_there_is_an_error_that_lists_what_is(device):
    if device != "quantum" and any(device.split(":")[0] in kinds for kinds in devices.supported_devices().values()):
        pytest.skip(f"{device} is there")
    with pytest.raises(EngineError, match=r"Supported here: cpu \(onnxruntime\)|Supported here: cpu, "):
        devices.choose(None, device)


def test_without_a_gpu_the_cpu_is_taken(monkeypatch):
    monkeypatch.setattr(devices, "_nvidia_count", lambda: 0)
    assert devices.choose(None, None) == ("onnxruntime", "cpu")
    with pytest.raises(EngineError):
        devices.choose("onnxruntime", "gpu:0")


def test_a_gpu_is_taken_by_the_engine_that_can_use_it(monkeypatch):
    counts = {("onnxruntime", "gpu"): 0, ("torch", "gpu"): 2, ("onnxruntime", "cpu"): 1}
    monkeypatch.setattr(devices, "_nvidia_count", lambda: 2)
    monkeypatch.setattr(devices, "_count", lambda engine, kind: counts.get((engine, kind), 0))
    assert devices.choose(None, None) == ("torch", "gpu:0")
    assert devices.choose(None, "gpu:1") == ("torch", "gpu:1")
    assert devices.choose("onnxruntime", None) == ("onnxruntime", "cpu")
    with pytest.raises(EngineError, match="there are 2"):
        devices.choose(None, "gpu:2")


def test_an_engine_that_is_not_installed_says_what_to_install(monkeypatch):
    monkeypatch.setattr(devices, "is_installed", lambda engine: engine == "onnxruntime")
    for engine in ("torch", "openvino"):
        with pytest.raises(EngineError, match=rf"pip install 'docpre\[{engine}\]'"):
            devices.choose(engine, "cpu")


@pytest.mark.parametrize(
    "options",
    [
        {"engine": "paddle"},
        {"precision": "fp8"},
        {"cpu_threads": 0},
        {"cpu_threads": "many"},
        {"cpu_threads": True},
        {"min_subgraph_size": 0},
        {"use_tensorrt": 1},
        {"enable_hpi": "yes"},
        {"device": 0},
        {"no_such_option": 1},
    ],
)
def test_wrong_options_are_errors(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        RuntimeOptions.from_arguments(options.pop("device", None), options)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"enable_hpi": True}, "enable_hpi"),
        ({"use_tensorrt": True}, "TensorRT"),
        ({"min_subgraph_size": 5}, "min_subgraph_size"),
        ({"precision": "fp16"}, "fp32"),
        ({"enable_mkldnn": True}, "enable_mkldnn"),
        ({"mkldnn_cache_capacity": 3}, "Paddle"),
        ({"enable_cinn": True}, "CINN"),
        ({"cpu_threads": 9999}, "capped"),
    ],
)
def test_an_option_without_effect_warns_once(options, word):
    with pytest.warns(UserWarning, match=word):
        RuntimeOptions(**options).warn_of_no_effect("onnxruntime", "cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RuntimeOptions(**options).warn_of_no_effect("onnxruntime", "cpu")


def test_the_defaults_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RuntimeOptions().warn_of_no_effect("onnxruntime", "cpu")


def test_threads_are_capped_at_the_machines():
    assert RuntimeOptions(cpu_threads=10_000).threads == base.available_cores()
    assert RuntimeOptions(cpu_threads=1).threads == 1


def test_a_foreign_onnx_file_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"not a network")
    with pytest.raises(ModelError, match="can't load"):
        create_engine(MODELS["UVDoc"], RuntimeOptions(device="cpu"), str(tmp_path))
    shutil.copy(find_weights(MODELS["PP-LCNet_x1_0_doc_ori"]).path, tmp_path / "a.onnx")
    with pytest.raises(ModelError, match="is not UVDoc"):
        create_engine(MODELS["UVDoc"], RuntimeOptions(device="cpu"), str(tmp_path))


@pytest.mark.skipif(not HAS_TORCH, reason="needs the extra torch")
def test_a_directory_of_safetensors_is_run_by_torch(tmp_path, page_rgb):
    from safetensors.torch import save_file

    from docpre.models.convert import load_pp_lcnet

    spec = MODELS["PP-LCNet_x1_0_doc_ori"]
    save_file(load_pp_lcnet(find_weights(spec).path).state_dict(), tmp_path / "a.safetensors")
    engine, weights = create_engine(spec, RuntimeOptions(device="cpu"), str(tmp_path))
    assert (engine.name, weights.origin) == ("torch", "directory")
    assert engine.run(normalised([resized(page_rgb, spec)], spec)).argmax() == 0
    with pytest.raises(ModelError, match=r"no weights of the kinds \.onnx"):
        create_engine(spec, RuntimeOptions(engine="onnxruntime", device="cpu"), str(tmp_path))


def test_paddles_inference_files_are_refused_with_a_hint(tmp_path):
    (tmp_path / "inference.pdiparams").write_bytes(b"")
    with pytest.raises(ModelError, match="paddle2onnx"):
        create_engine(MODELS["UVDoc"], RuntimeOptions(device="cpu"), str(tmp_path))


def test_importing_docpre_does_not_import_torch(tmp_path):
    import subprocess

    code = (
        "import sys, json, docpre, docpre.pipeline, docpre.engines.onnxruntime; print(json.dumps(sorted(sys.modules)))"
    )
    modules = json.loads(subprocess.check_output([sys.executable, "-c", code]))
    assert not {"torch", "lightning", "timm", "gradio", "fastapi", "albumentations", "datasets"} & set(modules)

"""Engines: the same answers, devices, options, and errors that say what to do."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest

from docpre.engines import RuntimeOptions, base, create_engine, devices
from docpre.engines.engine_config import EngineConfigs
from docpre.engines.onnxruntime import waiting
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
@pytest.mark.parametrize("name", ["PP-LCNet_x1_0_doc_ori", "UVDoc"])
def test_openvino_answers_to_one_picture_as_to_several(name, page_rgb, photo_rgb):
    spec = MODELS[name]
    batch = normalised([resized(image, spec) for image in (page_rgb, photo_rgb)], spec)
    engine, _ = create_engine(spec, RuntimeOptions(engine="openvino", device="cpu"))
    alone = np.concatenate([engine.run(batch[:1]), engine.run(batch[1:])])
    np.testing.assert_allclose(engine.run(batch), alone, atol=1e-4)
    np.testing.assert_array_equal(engine.run(batch[:1]), alone[:1])


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


@pytest.mark.skipif(not HAS_TORCH, reason="needs the extra torch")
def test_torch_has_bf16_on_the_cpu(page_rgb, photo_rgb):
    spec = MODELS["UVDoc"]
    batch = normalised([resized(image, spec) for image in (page_rgb, photo_rgb)], spec)
    expected = create_engine(spec, RuntimeOptions(device="cpu"))[0].run(batch)
    found = create_engine(spec, RuntimeOptions(engine="torch", device="cpu", precision="bf16"))[0].run(batch)
    shift = (found - expected) / 2 * np.array([488, 712])[:, None, None]
    percent = 100 * np.linalg.norm(shift, axis=1) / np.hypot(488, 712)
    assert 0 < np.percentile(percent, 99) < 0.5  # rounded, and by little


@pytest.mark.skipif(not HAS_TORCH, reason="needs the extra torch")
@pytest.mark.parametrize("config", [{"channels_last": False}, {"channels_last": True}])
def test_the_layout_changes_nothing(config, page_rgb):
    spec = MODELS["PP-LCNet_x1_0_doc_ori"]
    batch = normalised([resized(page_rgb, spec)], spec)
    expected = create_engine(spec, RuntimeOptions(device="cpu"))[0].run(batch)
    found = create_engine(spec, RuntimeOptions(engine="torch", device="cpu", engine_config=config))[0].run(batch)
    assert np.abs(found - expected).max() < 1e-4


@pytest.mark.parametrize(
    ("engine", "device", "precision", "word"),
    [
        ("onnxruntime", "cpu", "bf16", "engine='openvino' or 'torch'"),
        ("onnxruntime", "cpu", "int8", "engine='openvino'"),
        ("onnxruntime", "cpu", "fp16", "no engine has it on the CPU; it needs a GPU"),
        ("openvino", "cpu", "fp16", "openvino has fp32, bf16, int8 there"),
        ("torch", "cpu", "fp16", "needs a GPU"),
        ("torch", "gpu:0", "int8", "engine='tensorrt'"),
        ("onnxruntime", "gpu:1", "bf16", "engine='torch'"),
        ("tensorrt", "gpu:0", "bf16", "tensorrt has fp32, fp16, int8 there"),
    ],
)
def test_a_precision_that_an_engine_lacks_is_an_error_that_says_who_has_it(engine, device, precision, word):
    with pytest.raises(EngineError, match=word):
        base.check_precision(engine, device, precision)


@pytest.mark.parametrize("engine", ["onnxruntime", "torch", "openvino"])
def test_no_engine_falls_back_to_fp32_in_silence(engine):
    if not devices.is_installed(engine):
        pytest.skip(f"{engine} is not installed")
    with pytest.raises(EngineError, match="fp16"):
        create_engine(MODELS["PP-LCNet_x1_0_doc_ori"], RuntimeOptions(engine=engine, precision="fp16", device="cpu"))


@pytest.mark.parametrize("engine", ["onnxruntime", "torch", "openvino"])
def test_tensorrt_on_the_cpu_is_an_error(engine):
    if not devices.is_installed(engine):
        pytest.skip(f"{engine} is not installed")
    with pytest.raises(EngineError, match="use_tensorrt"):
        create_engine(MODELS["UVDoc"], RuntimeOptions(engine=engine, use_tensorrt=True, device="cpu"))


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
    monkeypatch.setattr(devices, "is_installed", lambda engine: True)
    for device in (None, "cpu", "gpu:0"):
        with pytest.raises(EngineError, match="tensorrt"):
            devices.choose("tensorrt", device)


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
    for engine in ("torch", "openvino", "tensorrt"):
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
        {"engine_config": "compile"},
        {"engine_config": {"compile": True}},
    ],
)
def test_wrong_options_are_errors(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        RuntimeOptions.from_arguments(options.pop("device", None), options)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"min_subgraph_size": 5}, "use_tensorrt"),
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


@pytest.mark.parametrize(
    ("engine", "config", "word"),
    [
        ("onnxruntime", {"graph_optimisation_level": "all"}, "graph_optimization_level"),
        ("onnxruntime", {"graph_optimization_level": "most"}, "disable_all, basic"),
        ("onnxruntime", {"intra_op_num_threads": 0}, "at least 1"),
        ("onnxruntime", {"providers": "CPUExecutionProvider"}, "list of names"),
        ("onnxruntime", {"provider_options": {"CUDAExecutionProvider": 1}}, "mapping"),
        ("openvino", {"performance_hint": "fast"}, "latency, throughput"),
        ("torch", {"compile": "yes"}, "True or False"),
        ("tensorrt", {"max_batch": True}, "at least 1"),
        ("tensorrt", {"max_batch": 2, "opt_batch": 3}, "opt_batch"),
        ("tensorrt", {"cache_dir": 5}, "text"),
        ("torch", {"torch": {"compile": True}, "compile": True}, "not both"),
        ("torch", {"torch": 5}, "mapping"),
        (None, {"torch": {"colour": 1}}, "compile_mode"),
    ],
)
def test_wrong_settings_of_an_engine_list_the_right_ones(engine, config, word):
    with pytest.raises(ConfigError, match=word):
        RuntimeOptions(engine=engine, engine_config=config)


def test_settings_are_flat_or_by_engine():
    flat = RuntimeOptions(engine="torch", engine_config={"compile": True, "compile_mode": None})
    by_engine = RuntimeOptions(engine="torch", engine_config={"torch": {"compile": True}})
    assert flat == by_engine
    assert hash(flat) == hash(by_engine)
    assert flat.configs.torch.compile
    assert replace(flat, device="cpu").configs == flat.configs
    assert RuntimeOptions(engine_config={}).configs == RuntimeOptions().configs == EngineConfigs()


def test_settings_are_written_and_read_again():
    content = {
        "onnxruntime": {
            "providers": ["CPUExecutionProvider"],
            "provider_options": {"CPUExecutionProvider": {"use_arena": True}},
            "graph_optimization_level": "ORT_ENABLE_BASIC",
        },
        "tensorrt": {"max_batch": 4},
    }
    configs = EngineConfigs.parsed(content, None)
    assert configs.onnxruntime.graph_optimization_level == "basic"
    assert configs.onnxruntime.provider_options == (("CPUExecutionProvider", (("use_arena", "1"),)),)
    assert EngineConfigs.parsed(configs.to_dict(), None) == configs
    assert EngineConfigs().to_dict() == {}


def test_settings_reach_onnxruntime(page_rgb):
    spec = MODELS["PP-LCNet_x1_0_doc_ori"]
    config = {
        "intra_op_num_threads": 1,
        "inter_op_num_threads": 2,
        "graph_optimization_level": "disable_all",
        "execution_mode": "parallel",
        "enable_mem_pattern": False,
        "log_severity_level": 4,
    }
    batch = normalised([resized(page_rgb, spec)], spec)
    expected = create_engine(spec, RuntimeOptions(device="cpu"))[0].run(batch)
    engine = create_engine(spec, RuntimeOptions(engine="onnxruntime", device="cpu", engine_config=config))[0]
    used = engine._session.get_session_options()
    assert (used.intra_op_num_threads, used.enable_mem_pattern, used.log_severity_level) == (1, False, 4)
    assert used.graph_optimization_level.name == "ORT_DISABLE_ALL"
    assert used.execution_mode.name == "ORT_PARALLEL"
    assert np.abs(engine.run(batch) - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("version", "entry"),
    [
        ("1.18.0", ("session.intra_op.allow_spinning", "0")),
        ("1.27.0", ("session.intra_op.spin_duration_us", "20")),
        ("2.0.1rc1", ("session.intra_op.spin_duration_us", "20")),
    ],
)
def test_threads_of_onnxruntime_never_wait_in_a_loop_for_long(version, entry):
    assert waiting(version) == entry


def test_a_provider_that_is_not_there_is_an_error_that_says_what_to_install():
    config = {"providers": ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]}
    options = RuntimeOptions(engine="onnxruntime", device="cpu", engine_config=config)
    import onnxruntime

    if "TensorrtExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this is onnxruntime-gpu")
    with pytest.raises(EngineError, match="pip install 'onnxruntime-gpu"):
        create_engine(MODELS["UVDoc"], options)


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


_TWO_ENGINES = """
import signal, subprocess
from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
signal.signal(signal.SIGCHLD, lambda *_: None)
options = RuntimeOptions(engine="openvino", device="cpu")
first, second = EnginePool("orientation", None, None, options), EnginePool("orientation", None, None, options)
first.engine(), second.engine()
del first
del second
subprocess.run(["true"], check=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="OpenVINO sets a stack for signals on Linux alone")
def test_a_child_may_end_when_engines_of_openvino_have_gone():
    """The signal that it sends is handled on a stack that OpenVINO has put there, and that must still be there."""
    subprocess.run([sys.executable, "-c", _TWO_ENGINES], check=True)


_FIRST_AT_ONCE = """
import threading, openvino, docpre.engines.openvino
together = threading.Barrier(4)
def ask():
    together.wait()
    openvino.Type.f32.to_dtype()
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.skipif(not HAS_OPENVINO, reason="needs the extra openvino")
def test_threads_that_are_openvinos_first_do_not_wait_for_each_other():
    """Every other process hung without docpre's remedy."""
    for _ in range(4):
        subprocess.run([sys.executable, "-c", _FIRST_AT_ONCE], check=True, timeout=60)

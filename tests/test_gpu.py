"""What needs an NVIDIA GPU: torch, ONNX Runtime's CUDA and TensorRT providers, and TensorRT itself, all against torch
in float32 on the CPU. Without a GPU each test is skipped and says so."""

from __future__ import annotations

import importlib.util
import threading

import numpy as np
import pytest

from docpre.engines import RuntimeOptions, create_engine, devices
from docpre.engines.tensorrt import build_engine
from docpre.network_input import normalised, resized
from docpre.registry import MODELS, find_weights

pytestmark = pytest.mark.skipif(devices._nvidia_count() == 0, reason="needs an NVIDIA GPU and its driver")

NAMES = ("PP-LCNet_x1_0_doc_ori", "UVDoc")


def needs(*packages):
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


def needs_provider(name):
    import onnxruntime

    is_there = name in onnxruntime.get_available_providers()
    return pytest.mark.skipif(not is_there, reason=f"this onnxruntime has no {name}: install onnxruntime-gpu instead")


def check(name, options, images, model_dir=None):
    """Worst element in fp32; 99th percentile of the nodes' shift, or the labels, in lower precisions."""
    spec = MODELS[name]
    batch = normalised([resized(image, spec) for image in images], spec)
    expected = create_engine(spec, RuntimeOptions(engine="torch", device="cpu"))[0].run(batch)
    engine = create_engine(spec, options, model_dir)[0]
    found = engine.run(batch)
    assert found.shape == expected.shape
    assert engine.device == "gpu:0"
    if options.precision == "fp32":
        assert np.abs(found - expected).max() < 1e-3
    elif name == "UVDoc":
        height, width = spec.size_hw
        shift = (found - expected) / 2 * np.array([width, height])[:, None, None]
        assert 100 * np.percentile(np.linalg.norm(shift, axis=1) / np.hypot(height, width), 99) < 0.3
    else:
        assert (found.argmax(1) == expected.argmax(1)).all()
    return engine, batch, found


@needs("torch")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_torch(name, precision, page_rgb, photo_rgb):
    check(name, RuntimeOptions(engine="torch", device="gpu:0", precision=precision), (page_rgb, photo_rgb))


@needs("torch")
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_torch_compiled(precision, page_rgb, photo_rgb):
    options = RuntimeOptions(engine="torch", device="gpu:0", precision=precision, engine_config={"compile": True})
    check("UVDoc", options, (page_rgb, photo_rgb))


@needs("torch")
@needs_provider("CUDAExecutionProvider")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_onnxruntimes_cuda_provider(name, precision, page_rgb, photo_rgb):
    check(name, RuntimeOptions(engine="onnxruntime", device="gpu:0", precision=precision), (page_rgb, photo_rgb))


@needs("torch", "tensorrt")
@needs_provider("TensorrtExecutionProvider")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_onnxruntimes_tensorrt_provider(name, precision, page_rgb, photo_rgb, tmp_path):
    options = RuntimeOptions(
        engine="onnxruntime",
        device="gpu:0",
        precision=precision,
        use_tensorrt=True,
        engine_config={"tensorrt": {"cache_dir": str(tmp_path)}},
    )
    check(name, options, (page_rgb, photo_rgb))
    assert list(tmp_path.iterdir()), "no engine was kept"


@needs("torch", "tensorrt", "cuda")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_tensorrt(name, precision, page_rgb, photo_rgb, tmp_path):
    options = RuntimeOptions(
        engine="tensorrt",
        device="gpu:0",
        precision=precision,
        engine_config={"cache_dir": str(tmp_path), "max_batch": 2},
    )
    engine, batch, found = check(name, options, (page_rgb, photo_rgb, page_rgb))  # one more than max_batch
    (kept,) = tmp_path.glob("*.engine")
    changed = kept.stat().st_mtime_ns
    again = create_engine(MODELS[name], options)[0]
    assert kept.stat().st_mtime_ns == changed, "the kept engine was built again"
    assert np.array_equal(again.run(batch), found)
    answers = [None] * 4

    def run(index):
        answers[index] = engine.run(batch)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(answer, found) for answer in answers)


@needs("torch", "tensorrt", "cuda")
def test_a_built_engine_is_a_model_dir(page_rgb, photo_rgb, tmp_path):
    spec = MODELS["UVDoc"]
    build_engine(find_weights(spec).path, tmp_path / "uvdoc.engine", spec, "fp16", 4)
    options = RuntimeOptions(engine="tensorrt", device="gpu:0", precision="fp16")
    check("UVDoc", options, (page_rgb, photo_rgb), str(tmp_path))

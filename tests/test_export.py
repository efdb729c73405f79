"""Export: what is written runs as a model_dir, says how exact it is, and is not kept if it is not."""

from __future__ import annotations

import copy
import json

import cv2
import numpy as np
import pytest

from docpre import DocImgOrientationClassification
from docpre.cli import main
from docpre.engines import RuntimeOptions, create_engine, devices
from docpre.errors import ConfigError, EngineError, InputError, ModelError
from docpre.network_input import network_pictures, normalised
from docpre.registry import MODELS, find_model

if not devices.is_installed("torch"):
    pytest.skip("needs the extra torch", allow_module_level=True)

from docpre import export as export_module
from docpre.export import export_model

SPEC = MODELS["PP-LCNet_x1_0_doc_ori"]
HAS_OPENVINO = devices.is_installed("openvino")
HAS_NNCF = devices.is_installed("nncf")
FORMATS = [
    ("onnx", "fp32", "onnxruntime", "fp32"),
    ("onnx", "fp16", "onnxruntime", "fp32"),
    pytest.param("openvino", "fp32", "openvino", "fp32", marks=pytest.mark.skipif(not HAS_OPENVINO, reason="openvino")),
    pytest.param("openvino", "fp16", "openvino", "fp32", marks=pytest.mark.skipif(not HAS_OPENVINO, reason="openvino")),
]


@pytest.fixture(autouse=True)
def few_pages(monkeypatch):
    monkeypatch.setattr(export_module, "_CHECK_PAGES", 2)
    monkeypatch.setattr(export_module, "CALIBRATION_PAGES", 4)


@pytest.mark.parametrize(("format", "precision", "engine", "runs_in"), FORMATS)
def test_an_export_is_a_model_dir(tmp_path, page_rgb, format, precision, engine, runs_in):
    output = tmp_path / "model"
    spec = export_model(output, format, precision, model=SPEC.name)
    record = json.loads((output / "spec.json").read_text("utf-8"))
    assert record["provenance"]["export"]["parity"]["label_agreement"] == 1
    assert record["provenance"]["export"]["precision"] == precision
    assert {entry["licence"] for entry in record["artefacts"]} == {"Apache-2.0"}
    assert sorted(entry["filename"] for entry in record["artefacts"]) == sorted(
        path.name for path in output.iterdir() if path.name != "spec.json"
    )
    assert find_model("orientation", None, output) == spec
    started, weights = create_engine(spec, RuntimeOptions(device="cpu"), str(output))
    assert (started.name, started.precision, weights.origin) == (engine, runs_in, "directory")
    batch = normalised(network_pictures([page_rgb], spec), spec)
    np.testing.assert_array_equal(started.run(batch).argmax(1), [0, 1, 2, 3])
    module = DocImgOrientationClassification(model_dir=str(output), device="cpu")
    assert module.predict(np.ascontiguousarray(page_rgb[..., ::-1]))[0]["label_names"] == ["0"]


@pytest.mark.skipif(not (HAS_OPENVINO and HAS_NNCF), reason="needs the extra openvino")
@pytest.mark.parametrize(("format", "engine"), [("openvino", "openvino"), ("onnx", "onnxruntime")])
def test_int8_is_calibrated_on_the_users_pages(tmp_path, page_rgb, photo_rgb, format, engine, monkeypatch):
    monkeypatch.setattr("docpre.engines.parity.LABEL_AGREEMENT", 0.5)  # two pages are too few to calibrate well on
    pages = tmp_path / "pages"
    pages.mkdir()
    for name, page in (("a", page_rgb), ("b", photo_rgb)):
        cv2.imwrite(str(pages / f"{name}.png"), page[..., ::-1])
    output = tmp_path / "model"
    arguments = ["--format", format, "--precision", "int8", "--output", str(output), "--calibration", str(pages)]
    assert main(["export", "--model", SPEC.name, *arguments]) == 0
    spec = find_model("orientation", None, output)
    assert spec.provenance["export"]["pages"] == "2 pages of the user's"
    started, _ = create_engine(spec, RuntimeOptions(device="cpu"), str(output))
    assert (started.name, started.precision) == (engine, "int8")
    sizes = [path.stat().st_size for path in output.iterdir() if path.suffix in (".bin", ".onnx")]
    assert sum(sizes) < 3_000_000  # a byte a weight, of 1.7 million


@pytest.mark.skipif(not HAS_OPENVINO, reason="needs the extra openvino")
@pytest.mark.parametrize("name", ["model.xml", "model.bin"])
def test_a_damaged_export_is_refused(tmp_path, name):
    output = tmp_path / "model"
    spec = export_model(output, "openvino", "fp16", model=SPEC.name)
    content = bytearray((output / name).read_bytes())
    content[len(content) // 2] ^= 1
    (output / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"Damaged weights: .*{name}"):
        create_engine(spec, RuntimeOptions(device="cpu"), str(output))


@pytest.mark.parametrize(("format", "precision"), [("onnx", "fp32"), ("onnx", "fp16")])
def test_nothing_is_kept_that_fails_its_bound(tmp_path, monkeypatch, format, precision):
    monkeypatch.setattr("docpre.engines.parity.WORST_DIFFERENCE_FP32", {"orientation": -1.0})
    monkeypatch.setattr("docpre.engines.parity.LABEL_AGREEMENT", 1.1)
    with pytest.raises(ModelError, match="too far from the network in torch"):
        export_model(tmp_path / "model", format, precision, model=SPEC.name)
    assert not list(tmp_path.iterdir())


def test_a_file_of_other_weights_does_not_pass(tmp_path, monkeypatch):
    written = export_module.write_onnx

    def write_another(network, *arguments):
        other = copy.deepcopy(network)
        with export_module.torch.no_grad():
            next(other.parameters()).mul_(-1)
        written(other, *arguments)

    monkeypatch.setattr(export_module, "write_onnx", write_another)
    with pytest.raises(ModelError, match="too far from the network in torch"):
        export_model(tmp_path / "model", "onnx", model=SPEC.name)
    assert not list(tmp_path.iterdir())


def test_wrong_orders_are_errors(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(ConfigError, match="not empty"):
        export_model(tmp_path / "full", "onnx", model=SPEC.name)
    with pytest.raises(ConfigError, match="format is one of"):
        export_model(tmp_path / "a", "caffe", model=SPEC.name)
    with pytest.raises(ConfigError, match="bf16 is a way to compute"):
        export_model(tmp_path / "a", "onnx", "bf16", model=SPEC.name)
    with pytest.raises(ConfigError, match="Which model"):
        export_model(tmp_path / "a", "onnx")
    with pytest.raises(ConfigError, match="no model named"):
        export_model(tmp_path / "a", "onnx", model="ResNet")
    with pytest.raises(ConfigError, match=r"no spec\.json"):
        export_model(tmp_path / "a", "onnx", model_dir=tmp_path / "full")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no pictures"):
        export_model(tmp_path / "a", "onnx", model=SPEC.name, calibration=tmp_path / "empty")
    assert not (tmp_path / "a").exists()


def test_what_is_missing_is_named_before_anything_is_done(tmp_path, monkeypatch, capsys):
    installed = devices.is_installed
    monkeypatch.setattr(devices, "is_installed", lambda name: name not in ("tensorrt", "openvino") and installed(name))
    for format in ("tensorrt", "openvino"):
        with pytest.raises(EngineError, match=rf"pip install 'docpre\[{format}\]'"):
            export_model(tmp_path / "a", format, model=SPEC.name)
    monkeypatch.setattr(devices, "is_installed", lambda name: name != "torch" and installed(name))
    assert main(["export", "--model", SPEC.name, "--output", str(tmp_path / "a")]) == 1
    assert "pip install 'docpre[torch]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())

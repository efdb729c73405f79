"""Models by name or directory, and that all is said of each."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from docpre.errors import ConfigError, ModelError
from docpre.registry import BUNDLED_DIR, DEFAULT_MODEL, MODELS, ModelSpec, Task, find_model, find_weights, sha256_of
from tests.registry.tiny import CONTENT, spec_with


def test_a_directory_with_a_spec_is_described_by_it(tmp_path):
    spec = spec_with()
    (tmp_path / "spec.json").write_text(json.dumps(spec.to_json()))
    (tmp_path / "tiny.onnx").write_bytes(CONTENT)
    found = find_model("orientation", None, tmp_path)
    assert found == spec
    assert find_weights(found, tmp_path).path == tmp_path / "tiny.onnx"
    (tmp_path / "tiny.onnx").write_bytes(b"changed")
    with pytest.raises(ModelError, match="sha256"):
        find_weights(found, tmp_path)
    with pytest.raises(ModelError, match="not for unwarping"):
        find_model("unwarping", None, tmp_path)
    with pytest.raises(ConfigError, match="'tiny'"):
        find_model("orientation", "PP-LCNet_x1_0_doc_ori", tmp_path)


def test_a_directory_that_is_not_there(tmp_path):
    with pytest.raises(ModelError, match="does not exist"):
        find_model("orientation", None, tmp_path / "nowhere")


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"task": "cooking"},
        {"size_hw": [0, 5]},
        {"size_hw": 7},
        {"artefacts": [{"filename": "a"}]},
        {"artefacts": "none"},
    ],
)
def test_a_malformed_spec_is_refused(tmp_path, change):
    (tmp_path / "spec.json").write_text(json.dumps(spec_with().to_json() | change))
    with pytest.raises(ModelError, match=r"spec\.json"):
        find_model("orientation", None, tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_a_spec_that_is_no_json_object_is_refused(tmp_path, text):
    (tmp_path / "spec.json").write_text(text)
    with pytest.raises(ModelError, match=r"spec\.json"):
        find_model("orientation", None, tmp_path)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ConfigError, match="PP-LCNet_x1_0_doc_ori"):
        find_model("orientation", "resnet")
    with pytest.raises(ConfigError, match="UVDoc"):
        find_model("unwarping", "PP-LCNet_x1_0_doc_ori")


def test_every_model_is_fully_described():
    assert set(DEFAULT_MODEL) == set(get_args(Task))
    for name, spec in MODELS.items():
        assert spec.name == name
        assert ModelSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
        assert spec.source
        assert spec.figures
        for artefact in spec.artefacts:
            assert len(artefact.sha256) == 64
            assert artefact.licence
            if not (BUNDLED_DIR / artefact.filename).is_file():
                assert artefact.package
                assert artefact.urls


def test_bundled_weights_are_those_that_are_described():
    for spec in MODELS.values():
        for artefact in spec.artefacts:
            if not artefact.package:
                assert sha256_of(BUNDLED_DIR / artefact.filename) == artefact.sha256
                most = 16_000_000 if spec.task == "unwarping" else 8_000_000
                assert (BUNDLED_DIR / artefact.filename).stat().st_size < most
                assert (BUNDLED_DIR / f"{spec.name}.md").is_file()

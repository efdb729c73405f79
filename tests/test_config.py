"""PaddleX's pipeline YAML, in and out."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from docpre import ConfigError, DocPreprocessor
from docpre.config import ModuleConfig, PipelineConfig

PADDLEX_YAML = """
pipeline_name: doc_preprocessor

use_doc_orientation_classify: True
use_doc_unwarping: False

SubModules:
  DocOrientationClassify:
    module_name: doc_text_orientation
    model_name: PP-LCNet_x1_0_doc_ori
    model_dir: null

  DocUnwarping:
    module_name: image_unwarping
    model_name: UVDoc
    model_dir: null
"""


def test_paddlexs_own_file(tmp_path):
    path = tmp_path / "doc_preprocessor.yaml"
    path.write_text(PADDLEX_YAML)
    config = PipelineConfig.read(path)
    assert config == PipelineConfig.read(yaml.safe_load(PADDLEX_YAML)) == PipelineConfig.read(str(path))
    assert config.use_doc_orientation_classify
    assert not config.use_doc_unwarping
    assert config.unwarping == ModuleConfig("UVDoc", None)


def test_arguments_go_before_the_file(tmp_path, page_rgb):
    content = yaml.safe_load(PADDLEX_YAML)
    pipeline = DocPreprocessor(paddlex_config=content, device="cpu")
    (result,) = pipeline.predict(page_rgb)
    assert result["model_settings"] == {"use_doc_orientation_classify": True, "use_doc_unwarping": False}
    pipeline = DocPreprocessor(paddlex_config=content, use_doc_orientation_classify=False, device="cpu")
    pipeline.export_paddlex_config_to_yaml(tmp_path / "out.yaml")
    assert PipelineConfig.read(tmp_path / "out.yaml").use_doc_orientation_classify is False


def test_another_model_name_leaves_the_files_directory_behind():
    config = PipelineConfig(unwarping=ModuleConfig("UVDoc", "/models/uvdoc"))
    arguments = {"use_doc_orientation_classify": None, "use_doc_unwarping": None, "orientation": ModuleConfig()}
    assert config.with_arguments(unwarping=ModuleConfig("Other"), **arguments).unwarping == ModuleConfig("Other")
    kept = config.with_arguments(unwarping=ModuleConfig(None, "/else"), **arguments).unwarping
    assert kept == ModuleConfig("UVDoc", "/else")


names = st.none() | st.text("abcXYZ_0", min_size=1, max_size=9)
modules = st.builds(ModuleConfig, names, names)


@given(
    st.builds(
        PipelineConfig,
        st.booleans(),
        st.booleans(),
        modules,
        modules,
        st.none() | st.booleans(),
        st.dictionaries(names.filter(bool), st.integers(), max_size=2),
    )
)
def test_what_is_written_is_read_again(config):
    assert PipelineConfig.read(yaml.safe_load(yaml.safe_dump(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ({"pipeline_name": "OCR"}, "OCR"),
        ({"use_doc_unwarpping": True}, "use_doc_unwarpping"),
        ({"use_doc_unwarping": "yes"}, "use_doc_unwarping"),
        ({"SubModules": [1]}, "SubModules"),
        ({"SubModules": {"Layout": {}}}, "Layout"),
        ({"SubModules": {"DocUnwarping": {"colour": 1}}}, "colour"),
        ({"SubModules": {"DocUnwarping": {"module_name": "ocr"}}}, "ocr"),
        ({"SubModules": {"DocUnwarping": {"model_dir": 5}}}, "model_dir"),
        ({"SubModules": {"DocUnwarping": 5}}, "DocUnwarping"),
        ({"Serving": 5}, "Serving"),
        ("/no/such/file.yaml", "file.yaml"),
        (7, "int"),
    ],
)
def test_wrong_configurations_name_what_is_wrong(content, word):
    with pytest.raises(ConfigError, match=word):
        PipelineConfig.read(content)


@pytest.mark.parametrize("text", ["a: [", "- 1", "", "\0"])
def test_files_that_are_no_configuration(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"a\.yaml"):
        PipelineConfig.read(tmp_path / "a.yaml")


def test_keys_without_effect_are_said():
    with pytest.warns(UserWarning, match="hpi_config"):
        DocPreprocessor(paddlex_config={"hpi_config": {"backend": "openvino"}}, use_doc_unwarping=False, device="cpu")

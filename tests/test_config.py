"""PaddleX's pipeline YAML, in and out."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from docpre import ConfigError, DocPreprocessor
from docpre.config import ModuleConfig, PipelineConfig, RunningConfig
from docpre.engines import RuntimeOptions

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
running = st.builds(
    RunningConfig,
    st.none() | st.sampled_from(["torch", "openvino"]),
    st.none() | st.just({"compile": True}) | st.just({"torch": {"compile": True}}),
    st.none() | st.booleans(),
    st.none() | st.just({"backend": "openvino", "backend_config": {"cpu_num_threads": 2}}) | st.just({}),
)
modules = st.builds(ModuleConfig, names, names, running)


@given(
    st.builds(
        PipelineConfig,
        st.booleans(),
        st.booleans(),
        modules,
        modules,
        running,
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
        ({"use_hpip": "yes"}, "use_hpip"),
        ({"engine": 5}, "engine"),
        ({"engine_config": [1]}, "engine_config"),
        ({"hpi_config": "openvino"}, "hpi_config"),
        ({"hpi_config": {"backends": "openvino"}}, "backends"),
        ({"hpi_config": {"backend": "tvm"}}, "tvm"),
        ({"hpi_config": {"auto_config": 1}}, "auto_config"),
        ({"SubModules": {"DocUnwarping": {"hpi_config": {"backend_config": 5}}}}, "backend_config"),
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
    with pytest.warns(UserWarning, match="hpi_config"):  # use_hpip is off, so PaddleX would not look at it either
        DocPreprocessor(paddlex_config={"hpi_config": {"backend": "openvino"}}, use_doc_unwarping=False, device="cpu")
    config = PipelineConfig.read({"SubModules": {"DocUnwarping": {"batch_size": 4}}})
    assert config.without_effect == ("SubModules.DocUnwarping.batch_size",)


def runtime(content, step="unwarping", **arguments):
    return PipelineConfig.read(content).runtime(step, arguments)


def arguments_of(content, step="unwarping", **arguments):
    return runtime(content, step, **arguments).arguments


def test_a_step_goes_before_the_top_level():
    content = {
        "engine": "openvino",
        "engine_config": {"num_streams": 2},
        "SubModules": {"DocUnwarping": {"engine": "torch", "engine_config": {"compile": True}}},
    }
    assert arguments_of(content, "orientation") == {
        "engine": "openvino",
        "engine_config": {"openvino": {"num_streams": 2}},
    }
    assert arguments_of(content) == {"engine": "torch", "engine_config": {"torch": {"compile": True}}}
    # An argument goes before both; what the file sets of its own engine stays with that engine.
    chosen = arguments_of(content, engine="onnxruntime", precision=None)
    assert RuntimeOptions(**chosen).configs.torch.compile
    assert chosen["engine"] == "onnxruntime"
    assert arguments_of(content, engine_config={"compile": False})["engine_config"] == {"compile": False}


def test_use_hpip_of_a_step_goes_before_an_argument():
    content = {"SubModules": {"DocUnwarping": {"use_hpip": False}}}
    assert arguments_of(content, enable_hpi=True) == {"enable_hpi": False}
    assert arguments_of(content, "orientation", enable_hpi=True) == {"enable_hpi": True}
    assert arguments_of({"use_hpip": True}, enable_hpi=None) == {"enable_hpi": True}
    assert arguments_of({"use_hpip": True}, enable_hpi=False) == {"enable_hpi": False}
    assert arguments_of({}) == {}


def test_hpi_config_names_a_backend():
    content = {"use_hpip": True, "hpi_config": {"backend": "openvino", "backend_config": {"cpu_num_threads": 3}}}
    assert arguments_of(content) == {"enable_hpi": False, "engine": "openvino", "cpu_threads": 3}
    assert arguments_of(content, cpu_threads=1)["cpu_threads"] == 1
    content["SubModules"] = {"DocUnwarping": {"hpi_config": {"backend": "onnxruntime"}}}
    assert arguments_of(content) == {"enable_hpi": False, "engine": "onnxruntime"}  # not the other backend's threads
    assert runtime(content, engine="torch").without_effect == ("hpi_config",)


def test_hpi_config_without_a_backend_leaves_the_choice_to_docpre():
    plan = runtime({"use_hpip": True, "hpi_config": {"backend_config": {"cpu_num_threads": 2, "precision": "fp16"}}})
    assert plan.arguments == {"enable_hpi": True, "cpu_threads": 2}
    assert plan.without_effect == ("hpi_config.backend_config.precision",)
    assert runtime({"use_hpip": True, "hpi_config": {"auto_paddle2onnx": True}}).without_effect == (
        "hpi_config.auto_paddle2onnx",
    )


def tensorrt(**settings):
    return {"use_hpip": True, "hpi_config": {"backend": "tensorrt", "backend_config": settings}}


def test_hpi_config_for_tensorrt():
    shapes = {"x": [[1, 3, 712, 488], [4, 3, 712, 488], [16, 3, 712, 488]]}
    chosen = arguments_of(tensorrt(precision="fp16", dynamic_shapes=shapes))
    assert chosen["engine"] == "tensorrt"
    options = RuntimeOptions(**chosen)
    assert options.precision == "fp16"
    assert (options.configs.tensorrt.opt_batch, options.configs.tensorrt.max_batch) == (4, 16)
    fixed = RuntimeOptions(**arguments_of(tensorrt(use_dynamic_shapes=False))).configs.tensorrt
    assert fixed.max_batch == 1
    assert RuntimeOptions(**arguments_of(tensorrt())).configs.tensorrt == RuntimeOptions().configs.tensorrt


@pytest.mark.parametrize(
    ("hpi_config", "word"),
    [
        ({"backend": "paddle"}, "Paddle Inference"),
        ({"backend": "om"}, "offline models"),
        ({"auto_config": False}, "backend has to be named"),
        ({"backend": "openvino", "backend_config": {"precision": "fp16"}}, "precision"),
        ({"backend": "tensorrt", "backend_config": {"precision": "int4"}}, "int4"),
        ({"backend": "tensorrt", "backend_config": {"use_dynamic_shapes": 1}}, "use_dynamic_shapes"),
        ({"backend": "tensorrt", "backend_config": {"dynamic_shapes": [1]}}, "dynamic_shapes"),
        ({"backend": "tensorrt", "backend_config": {"dynamic_shapes": {"x": [[1, 3, 9, 9]]}}}, "dynamic_shapes"),
        (
            {
                "backend": "tensorrt",
                "backend_config": {"dynamic_shapes": {"x": [[2, 3, 9, 9], [1, 3, 9, 9], [4, 3, 9, 9]]}},
            },
            "dynamic_shapes",
        ),
        (
            {
                "backend": "tensorrt",
                "backend_config": {"dynamic_shapes": {"x": [[1, 3, 9, 9], [1, 3, 8, 9], [4, 3, 9, 9]]}},
            },
            "differ in N",
        ),
    ],
)
def test_wrong_hpi_configs_name_what_is_wrong(hpi_config, word):
    with pytest.raises(ConfigError, match=word):
        runtime({"use_hpip": True, "hpi_config": hpi_config})

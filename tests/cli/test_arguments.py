"""The arguments of the preprocessing commands: every default and the choices, which are Python's."""

from __future__ import annotations

import inspect

import pytest

from docpre import DocPreprocessor
from docpre.cli import build_parser
from docpre.engines import ENGINES, RuntimeOptions
from docpre.engines.base import PRECISIONS
from docpre.loading import Limits
from docpre.unwarping_options import UnwarpingOptions

READING = {
    "input": ["a.jpg"],
    "save_path": None,
    "dpi": 200,
    "pages": None,
    "on_error": "result",
    "max_bytes": 512 * 1024**2,
    "max_pixels": 200_000_000,
    "max_pages": 10_000,
    "url_timeout_s": 30.0,
    "batch_size": 1,
    "num_workers": None,
}
# Not given: Python's own default, or the configuration file's.
RUNNING = {
    "device": None,
    "engine": None,
    "engine_config": None,
    "enable_hpi": None,
    "use_tensorrt": None,
    "min_subgraph_size": None,
    "precision": None,
    "enable_mkldnn": None,
    "mkldnn_cache_capacity": None,
    "cpu_threads": None,
    "enable_cinn": None,
}
UNWARPING = {
    "leave_flat_pages": True,
    "output_size": "page",
    "interpolation": "cubic",
    "refine": True,
    "most_passes": 3,
    "level_deg": 2.0,
    "margin": 0.0,
    "keep_all": False,
}
MODULE = {"model_name": None, "model_dir": None}
DEFAULTS = {
    "doc_preprocessor": READING
    | RUNNING
    | UNWARPING
    | {
        "doc_orientation_classify_model_name": None,
        "doc_orientation_classify_model_dir": None,
        "doc_unwarping_model_name": None,
        "doc_unwarping_model_dir": None,
        "paddlex_config": None,
        "use_doc_orientation_classify": None,
        "use_doc_unwarping": None,
        "doc_orientation_min_score": None,
        "even_light": False,
    },
    "doc_img_orientation_classification": READING | RUNNING | MODULE,
    "text_image_unwarping": READING | RUNNING | UNWARPING | MODULE,
    "doc_analysis": {name: default for name, default in READING.items() if name != "batch_size"}  # one page at a time
    | RUNNING
    | {
        "format": ("json", "img"),
        "language_type": "CHN_ENG",
        "words_type": "print",
        "layout_analysis": True,
        "use_doc_orientation_classify": None,
        "use_doc_unwarping": None,
    },
}


def _subparser(command):
    return next(
        action for action in build_parser()._actions if action.dest == "==SUPPRESS==" or action.choices
    ).choices[command]


@pytest.mark.parametrize("command", DEFAULTS)
def test_every_default(command):
    options = vars(build_parser().parse_args([command, "-i", "a.jpg"]))
    options.pop("run")
    assert options == DEFAULTS[command]


def test_the_defaults_are_those_of_python():
    helps = {action.dest: action.help for action in _subparser("doc_preprocessor")._actions}
    for name in ("enable_hpi", "use_tensorrt", "min_subgraph_size", "precision", "cpu_threads", "enable_cinn"):
        assert f"default: {getattr(RuntimeOptions(), name)}" in helps[name]
    assert {name: getattr(UnwarpingOptions(), name) for name in UNWARPING} == UNWARPING
    for name in ("max_bytes", "max_pixels", "max_pages", "url_timeout_s"):
        assert getattr(Limits(), name) == READING[name]
    parameters = inspect.signature(DocPreprocessor).parameters
    for name, default in DEFAULTS["doc_preprocessor"].items():
        if name in parameters:
            assert parameters[name].default == default


def test_choices_are_pythons():
    choices = {action.dest: action.choices for action in _subparser("doc_preprocessor")._actions}
    assert (choices["engine"], choices["precision"]) == (ENGINES, PRECISIONS)

"""``docpre serve``: its defaults, what a pipeline's YAML says, and what is wrong with what it was told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from docpre.cli import build_parser, main
from docpre.errors import ConfigError
from docpre.service.settings import ServiceSettings

DEFAULTS = {
    "pipeline": None,
    "host": "127.0.0.1",
    "port": 8080,
    "workers": 1,
    "api_key_file": None,
    "allow_urls": [],
    "concurrency": None,
}
LIMITS = (
    "dpi",
    "max_body_bytes",
    "max_pixels",
    "max_read_s",
    "max_request_s",
    "max_redirects",
    "max_waiting",
    "network_threads",
    "max_batch",
)


def test_defaults():
    options = vars(build_parser().parse_args(["serve"]))
    assert {name: options[name] for name in DEFAULTS} == DEFAULTS
    settings = ServiceSettings()
    assert {name: options[name] for name in LIMITS} == {name: getattr(settings, name) for name in LIMITS}


def test_an_engine_that_can_not_run(capsys):
    assert main(["serve", "--device", "gpu:77"]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_the_example_configuration():
    path = Path(__file__).parents[2] / "configs" / "serve.yaml"
    settings = ServiceSettings(pipeline={"paddlex_config": str(path)}).with_serving_section()
    assert settings == ServiceSettings(pipeline=settings.pipeline)


def test_settings_travel_as_json():
    settings = ServiceSettings(pipeline={"device": "cpu"}, allow_urls=("10.0.0.0/8",), max_pages=None)
    assert ServiceSettings.from_json(settings.to_json()) == settings


@pytest.mark.parametrize(
    ("serving", "max_pages", "visualize"),
    [
        ({}, 10, True),
        ({"extra": {"max_num_input_imgs": None}}, None, True),
        ({"visualize": False, "extra": {"max_num_input_imgs": 3}}, 3, False),
    ],
)
def test_the_serving_section(tmp_path, serving, max_pages, visualize):
    path = tmp_path / "pipeline.yaml"
    path.write_text(yaml.safe_dump({"pipeline_name": "doc_preprocessor", "Serving": serving}))
    settings = ServiceSettings(pipeline={"paddlex_config": str(path)}).with_serving_section()
    assert (settings.max_pages, settings.visualize) == (max_pages, visualize)


@pytest.mark.parametrize(
    "serving",
    [{"visualise": True}, {"extra": {"max_pages": 3}}, {"extra": {"max_num_input_imgs": 0}}, {"visualize": 1}],
)
def test_a_wrong_serving_section(tmp_path, serving):
    path = tmp_path / "pipeline.yaml"
    path.write_text(yaml.safe_dump({"pipeline_name": "doc_preprocessor", "Serving": serving}))
    with pytest.raises(ConfigError):
        ServiceSettings(pipeline={"paddlex_config": str(path)}).with_serving_section()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--pipeline", "OCR"], "doc_preprocessor, a YAML of it, or doc_analysis"),
        (["--pipeline", "missing.yaml"], "missing.yaml"),
        (["--max_pixels", "0"], "max_pixels"),
        (["--allow_urls", "10.0.0.0/99"], "allow_urls"),
        (["--api_key_file", "missing"], "API keys"),
        (["--max_request_s", "0"], "max_request_s"),
        (["--workers", "0"], "workers"),
    ],
)
def test_wrong_options(arguments, says, capsys):
    assert main(["serve", *arguments]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("package", ["fastapi", "uvicorn", "prometheus_client", "httpcore2", "python_multipart"])
def test_without_the_extra(package):
    code = f"import sys; sys.modules[{package!r}] = None; from docpre.cli import main; sys.exit(main(['serve']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.strip() == f"docpre: docpre serve needs {package}: pip install 'docpre[serve]'."


def test_the_base_knows_nothing_of_http():
    code = "import sys, docpre.cli; docpre.cli.build_parser(); print({'fastapi', 'uvicorn'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("arguments", "is_installed", "says"),
    [
        ([], True, "asks for no token"),
        ([], False, "pip install 'docpre[analysis]'"),
        (["--pipeline", "doc_preprocessor"], False, ""),
    ],
)
def test_what_is_said_of_the_analysis(arguments, is_installed, says, monkeypatch, capsys):
    if not is_installed:
        monkeypatch.setitem(sys.modules, "rapidocr", None)
    assert main(["serve", "--workers", "0", *arguments]) == 2
    first, *others = capsys.readouterr().err.splitlines()
    assert says in first
    assert len(others) == bool(says)

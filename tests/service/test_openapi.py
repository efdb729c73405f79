"""The description of the interface, and a fuzzer that holds the service to it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docpre.service import baidu_api
from docpre.service.baidu_tokens import TOKEN_PATH
from docpre.service.paddle_api import PATH

# Baidu's errors have HTTP's status 200, so what is asked of a service that refuses with 4xx can't be asked of them.
REFUSALS = "negative_data_rejection,unsupported_method,missing_required_header"


def schemathesis(server, folder, *options):
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("schemathesis is not installed; it is in docpre[dev]")
    phases = ["--phases", "examples,coverage,fuzzing", "--continue-on-failure"]
    done = subprocess.run(
        [program, "run", server.url + "/openapi.json", "--seed", "1", "--no-color", *phases, *options],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=250,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_answers_are_as_described(server, tmp_path):
    """Schemathesis: status, headers and body of each answer are described, no answer is 5xx, what is malformed is
    refused. That everything of the right type is accepted is not asked: few texts are pictures."""
    options = ["--max-examples", "10", "--exclude-checks", "positive_data_acceptance"]
    assert "Tested: 4" in schemathesis(server, tmp_path, *options)


def test_baidu_s_answers_are_as_described(open_baidu, tmp_path):
    """The same, but for refusals: each answer is 200 and either of the kinds that are described."""
    options = ["--include-path-regex", "^/(rest|oauth)/", "--max-examples", "10"]
    excluded = f"positive_data_acceptance,{REFUSALS}"
    assert "Tested: 3" in schemathesis(open_baidu, tmp_path, *options, "--exclude-checks", excluded)


def test_baidu_s_description(baidu):
    paths = baidu.get("/openapi.json").json()["paths"]
    operation = paths[baidu_api.PATH]["post"]
    (content,) = operation["requestBody"]["content"].items()
    assert content[0] == "application/x-www-form-urlencoded"
    names = {
        *("image", "url", "pdf_file", "pdf_file_num", "language_type", "result_type", "detect_direction"),
        *("line_probability", "disp_line_poly", "words_type", "layout_analysis", "recg_formula", "recg_long_division"),
    }
    assert names <= set(content[1]["schema"]["properties"])
    assert [parameter["name"] for parameter in operation["parameters"]] == ["access_token"]
    assert set(paths[TOKEN_PATH]) == {"get", "post"}
    answers = operation["responses"]["200"]["content"]["application/json"]["schema"]["anyOf"]
    assert [answer["$ref"].split("/")[-1] for answer in answers] == ["DocAnalysisAnswer", "BaiduErrorAnswer"]


def test_description(server):
    description = server.get("/openapi.json").json()
    operation = description["paths"][PATH]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    names = {"file", "fileType", "useDocOrientationClassify", "useDocUnwarping", "visualize", "transform"}
    assert set(body["properties"]) == names
    assert body["required"] == ["file"]
    assert set(operation["responses"]) == {"200", "400", "401", "406", "408", "413", "415", "422", "429", "500"}
    assert set(operation["responses"]["200"]["content"]) == {"application/json", "image/png", "application/pdf"}
    assert server.get("/docs").status_code == 200


def test_the_example_is_answered(server):
    schema = server.get("/openapi.json").json()["paths"][PATH]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert server.session.post(server.url + PATH, json=schema["example"]).status_code == 200

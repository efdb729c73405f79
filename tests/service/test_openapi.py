"""The description of the interface, and a fuzzer that holds the service to it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docpre.service.paddle_api import PATH


def test_answers_are_as_described(server, tmp_path):
    """Schemathesis: status, headers and body of each answer are described, no answer is 5xx, what is malformed is
    refused. That everything of the right type is accepted is not asked: few texts are pictures."""
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("schemathesis is not installed; it is in docpre[dev]")
    phases = ["--phases", "examples,coverage,fuzzing", "--continue-on-failure"]
    options = ["--max-examples", "10", "--seed", "1", "--no-color", *phases]
    done = subprocess.run(
        [program, "run", server.url + "/openapi.json", *options, "--exclude-checks", "positive_data_acceptance"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=250,
    )
    assert done.returncode == 0, done.stdout
    assert "Tested: 4" in done.stdout


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

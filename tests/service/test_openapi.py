"""The description of the interface, and a fuzzer that holds the service to it."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from docpre.service.paddle_api import PATH
from tests.service.conftest import Server


@pytest.fixture
def description(server: Server):
    return schemathesis.openapi.from_url(server.url + "/openapi.json")


schema = schemathesis.pytest.from_fixture("description")


@schema.parametrize()
@settings(
    max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
def test_answers_are_as_described(case):
    """Status, headers and body of each answer are described; no answer is 5xx; what is malformed is refused."""
    case.call_and_validate(timeout=60)


def test_examples(server):
    description = server.get("/openapi.json").json()
    operation = description["paths"][PATH]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {
        "file",
        "fileType",
        "useDocOrientationClassify",
        "useDocUnwarping",
        "visualize",
        "transform",
    }
    assert body["example"]["file"].startswith("https://")
    assert body["required"] == ["file"]
    assert set(operation["responses"]) == {"200", "400", "401", "406", "408", "413", "415", "422", "429", "500"}
    assert set(operation["responses"]["200"]["content"]) == {"application/json", "image/png", "application/pdf"}
    assert server.get("/docs").status_code == 200

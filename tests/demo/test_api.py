"""The page's functions, called by programs; and the service beside it."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def client(address: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from gradio_client import Client

    return Client(
        address, verbose=False, download_files=str(tmp_path_factory.mktemp("client")), analytics_enabled=False
    )


def test_one_page(client: Any, photo_path: Path) -> None:
    from gradio_client import handle_file

    answer = client.predict(handle_file(photo_path), 1, api_name="/page")
    (values,) = [part for part in answer if isinstance(part, dict) and "orientation" in part]
    assert values["angle"] == 90
    assert values["unwarping"]["applied"]
    assert any("page about nothing" in line["text"] for line in values["lines"])
    assert values["input_path"] == "letter.jpg"
    files = next(part for part in answer if isinstance(part, list))
    assert {Path(file).suffix for file in files} == {".png", ".jpg", ".pdf", ".json", ".md"}


def test_switches(client: Any, photo_path: Path) -> None:
    from gradio_client import handle_file

    answer = client.predict(handle_file(photo_path), 1, False, False, False, api_name="/page")
    (values,) = [part for part in answer if isinstance(part, dict) and "orientation" in part]
    assert values["angle"] == -1
    assert not values["unwarping"]["applied"]
    assert "lines" not in values


def test_two_models_compared(client: Any, photo_path: Path) -> None:
    from gradio_client import handle_file

    answer = client.predict(handle_file(photo_path), api_name="/compare")
    assert any("% of its diagonal" in str(part) for part in answer)
    assert sum("docpre_ori" in str(part) for part in answer) == 1


def test_service_beside_the_page(address: str) -> None:
    with urllib.request.urlopen(f"{address}/api/ready") as answer:
        assert json.load(answer)["errorMsg"] == "Ready"

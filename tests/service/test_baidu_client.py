"""Baidu's own Python client, with only the host and the scheme of its addresses changed; and curl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.analysis.conftest import LINES
from tests.service.conftest import CLIENT_ID, CLIENT_SECRET, encoded

ADDRESSES = (("AipBase", "_AipBase__accessTokenUrl"), ("AipOcr", "_AipOcr__docAnalysis"))
README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def client_of(monkeypatch):
    """Makes a client of a server."""
    pytest.importorskip("aip", reason="baidu-aip is not installed; it is in docpre[dev]")
    from aip import AipOcr
    from aip.base import AipBase

    classes = {"AipBase": AipBase, "AipOcr": AipOcr}

    def make(server, client_id=CLIENT_ID, client_secret=CLIENT_SECRET):
        for name, attribute in ADDRESSES:
            address = getattr(classes[name], attribute)
            monkeypatch.setattr(classes[name], attribute, address.replace("https://aip.baidubce.com", server.url))
        return AipOcr("1", client_id, client_secret)

    return make


def _texts(answer):
    return [result["words"]["word"] for result in answer["results"]]


def test_a_picture(baidu, client_of, reading_page):
    client = client_of(baidu)
    answer = client.docAnalysis(encoded(reading_page), {"detect_direction": "true", "layout_analysis": "true"})
    assert _texts(answer) == list(LINES)
    assert answer["img_direction"] == 0
    assert answer["layouts_num"] > 0
    assert client._isCloudUser is False  # it has found brain_all_scope, and sends its token


def test_a_url(baidu, client_of, reading_page, files):
    url = files.serve("/client.png", encoded(reading_page))
    assert _texts(client_of(baidu).docAnalysisUrl(url)) == list(LINES)


def test_a_pdf(baidu, client_of, pdf_path):
    answer = client_of(baidu).docAnalysisPdf(pdf_path.read_bytes(), {"pdf_file_num": 1})
    assert int(answer["pdf_file_size"]) >= 1
    assert answer["results_num"] == len(answer["results"])


def test_an_error(baidu, client_of):
    assert client_of(baidu).docAnalysis(b"no picture")["error_code"] == 216201


def test_a_wrong_secret(baidu, client_of, reading_page):
    """The client takes this for an account of another kind, and signs its request instead of sending a token."""
    answer = client_of(baidu, client_secret="wrong").docAnalysis(encoded(reading_page))
    assert answer["error_code"] == 100


def test_a_token_that_is_no_longer_valid_is_replaced(baidu, client_of, reading_page):
    """The client gets another one where the answer is 110, and asks again."""
    client = client_of(baidu)
    client._auth()
    client._authObj["access_token"] = "docpre.1.forged"
    assert _texts(client.docAnalysis(encoded(reading_page))) == list(LINES)


def test_without_a_pair(open_baidu, client_of, reading_page):
    assert _texts(client_of(open_baidu, "any", "thing").docAnalysis(encoded(reading_page))) == list(LINES)


def test_the_readme_s_curl_lines(baidu, reading_page, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    (tmp_path / "page.png").write_bytes(encoded(reading_page))
    text = README.read_text("utf-8")
    lines = text[text.index("TOKEN=$(curl") :].split("```")[0].replace("http://127.0.0.1:8080", baidu.url)
    environment = {"DOCPRE_CLIENT_ID": CLIENT_ID, "DOCPRE_CLIENT_SECRET": CLIENT_SECRET, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", "-euc", lines], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert LINES[0] in done.stdout

"""Where weights come from, in order, checked, atomic, and what is said when there are none."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from docpre.errors import ModelError
from docpre.registry import MODELS, find_weights, sha256_of, weights
from docpre.registry.fetching import from_urls
from docpre.registry.spec import Package, Url
from tests.registry.tiny import CONTENT, SHA256, spec_with


@pytest.fixture
def wheel_index(tmp_path, monkeypatch) -> Path:
    """A folder that pip takes for the package index, with one wheel that needs a Python that nobody has."""
    folder = tmp_path / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tinyweights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tinyweights/tiny.onnx", CONTENT)
        wheel.writestr(
            "tinyweights-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: tinyweights\nVersion: 1.0\nRequires-Python: <3\nRequires-Dist: pillow==1.0\n",
        )
        wheel.writestr("tinyweights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("tinyweights-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture(scope="module")
def server():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("inside/tiny.onnx", CONTENT)
    files = {"/tiny.onnx": CONTENT, "/bad.onnx": b"something else", "/tiny.zip": archive.getvalue()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = files.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.zip_sha256 = hashlib.sha256(archive.getvalue()).hexdigest()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def url(server, path: str, sha256: str = SHA256, member: str | None = None) -> Url:
    return Url(f"http://127.0.0.1:{server.server_port}{path}", sha256, member)


def test_the_package_index_is_asked_and_the_cache_answers_the_next_time(wheel_index, own_cache):
    spec = spec_with(Package("tinyweights", "1.0", "tinyweights/tiny.onnx"))
    weights = find_weights(spec)
    assert (weights.origin, weights.path) == ("package index", own_cache / "tiny.onnx")
    assert weights.path.read_bytes() == CONTENT
    assert find_weights(spec, offline=True).origin == "cache"
    assert sorted(path.name for path in own_cache.iterdir() if not path.name.endswith(".lock")) == ["tiny.onnx"]


def test_urls_come_last_and_archives_are_opened(wheel_index, server):
    spec = spec_with(Package("nosuchpackage", "1.0", "a"), (url(server, "/tiny.onnx"),))
    assert find_weights(spec).origin == "URL"


def test_a_file_in_an_archive(server):
    weights = find_weights(spec_with(urls=(url(server, "/tiny.zip", server.zip_sha256, "inside/tiny.onnx"),)))
    assert weights.path.read_bytes() == CONTENT


def test_a_wrong_checksum_is_refused_and_the_next_source_is_tried(server, own_cache):
    good, bad = url(server, "/tiny.onnx"), url(server, "/bad.onnx")
    assert find_weights(spec_with(urls=(bad, good))).origin == "URL"
    (own_cache / "tiny.onnx").write_bytes(b"damaged")
    assert find_weights(spec_with(urls=(good,))).path.read_bytes() == CONTENT


def test_the_error_lists_what_was_tried(wheel_index, server, own_cache):
    own_cache.mkdir(parents=True)
    (own_cache / "tiny.onnx").write_bytes(b"damaged")
    spec = spec_with(
        Package("tinyweights", "9.9", "a"),
        (url(server, "/bad.onnx"), url(server, "/missing"), url(server, "/tiny.zip")),
    )
    with pytest.raises(ModelError) as caught:
        find_weights(spec)
    message = str(caught.value)
    for part in ("tiny.onnx: its sha256 is", "tinyweights: not installed", "tinyweights==9.9", "/bad.onnx", "/missing"):
        assert part in message
    assert SHA256 in message


def test_offline_asks_nobody(server, monkeypatch):
    spec = spec_with(urls=(url(server, "/tiny.onnx"),))
    with pytest.raises(ModelError, match="offline"):
        find_weights(spec, offline=True)
    monkeypatch.setenv("DOCPRE_OFFLINE", "1")
    with pytest.raises(ModelError, match="offline"):
        find_weights(spec)


def test_an_installed_package_is_used_before_the_network(tmp_path, monkeypatch):
    site = tmp_path / "site"
    (site / "tinyweights").mkdir(parents=True)
    (site / "tinyweights" / "tiny.onnx").write_bytes(CONTENT)
    (site / "tinyweights-1.0.dist-info").mkdir()
    (site / "tinyweights-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tinyweights\nVersion: 1.0\n"
    )
    monkeypatch.syspath_prepend(str(site))
    weights = find_weights(spec_with(Package("tinyweights", "1.0", "tinyweights/tiny.onnx")), offline=True)
    assert weights.origin == "package"


def test_files_inside_docpre_come_first(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "BUNDLED_DIR", tmp_path)
    (tmp_path / "tiny.onnx").write_bytes(CONTENT)
    assert find_weights(spec_with(), offline=True).origin == "docpre"


def test_two_processes_may_start_at_once(wheel_index, own_cache):
    code = (
        "from docpre.registry import find_weights\n"
        "from docpre.registry.spec import Package\n"
        "from tests.registry.tiny import spec_with\n"
        "print(find_weights(spec_with(Package('tinyweights', '1.0', 'tinyweights/tiny.onnx'))).path)"
    )
    command = [sys.executable, "-c", code]
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=root) for _ in range(3)]
    for process in running:
        output, _ = process.communicate(timeout=120)
        assert output.decode().strip() == str(own_cache / "tiny.onnx")
    assert (own_cache / "tiny.onnx").read_bytes() == CONTENT


def test_a_given_directory(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    with pytest.raises(ModelError, match="It has: nothing"):
        find_weights(spec_with(), folder)
    (folder / "inference.onnx").write_bytes(b"anything")
    assert find_weights(spec_with(), folder).origin == "directory"
    (folder / "other.onnx").write_bytes(b"anything")
    with pytest.raises(ModelError, match="several"):
        find_weights(spec_with(), folder)


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(CONTENT)
    assert sha256_of(tmp_path / "a") == SHA256


@pytest.mark.network
def test_the_publishers_addresses_still_answer(tmp_path):
    for spec in MODELS.values():
        for artefact in spec.artefacts:
            tried: list[str] = []
            file = from_urls(artefact, tmp_path, tried)
            assert file is not None, tried
            assert sha256_of(file) == artefact.sha256

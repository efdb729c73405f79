"""Real servers on free ports, in a thread or as processes of their own."""

from __future__ import annotations

import base64
import http.server
import io
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import uvicorn
from PIL import Image

from docpre.service import baidu_api
from docpre.service.app import create_app
from docpre.service.baidu_tokens import Tokens
from docpre.service.paddle_api import PATH
from docpre.service.settings import DOC_ANALYSIS, DOC_PREPROCESSOR, ServiceSettings
from tests.analysis.conftest import draw_text_page
from tests.conftest import draw_page

#: The fast way through the pipeline: the unwarping network takes most of the time.
QUICK: dict[str, Any] = {"useDocUnwarping": False, "visualize": False}
START_S = 60
#: Options of ``docpre serve``, where the analysis would only take time to load.
CLEAN_UP = ("--pipeline", "doc_preprocessor")
CLIENT_ID, CLIENT_SECRET = "a client", "its secret"


@dataclass(frozen=True)
class Server:
    """Where a server listens."""

    url: str
    session: requests.Session

    def infer(self, content: bytes | str, timeout: float = 60, headers: Any = None, **fields: Any) -> requests.Response:
        """POST a file, as Base64 if it is bytes."""
        file = base64.b64encode(content).decode() if isinstance(content, bytes) else content
        return self.session.post(self.url + PATH, json={"file": file} | fields, timeout=timeout, headers=headers)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(self.url + path, timeout=60, **options)


@contextmanager
def running(settings: ServiceSettings) -> Iterator[Server]:
    """A server in a thread of this process."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(settings), log_config=None, access_log=False, http="h11", timeout_graceful_shutdown=10
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive())
    assert server.started, "the server did not start"
    try:
        with requests.Session() as session:
            yield Server(f"http://127.0.0.1:{listener.getsockname()[1]}", session)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def running_process(
    *options: str, start_s: float = START_S
) -> Iterator[tuple[Server, subprocess.Popen[bytes], Callable[[], str]]]:
    """``docpre serve`` as a user starts it: where it listens, its process, and what it has logged."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "docpre", "serve", "--port", str(port), "--device", "cpu", *options]
    server = Server(f"http://127.0.0.1:{port}", requests.Session())
    # A file, not a pipe: nobody would empty the pipe while the server runs.
    with tempfile.TemporaryFile() as log, server.session:
        process = subprocess.Popen(command, stderr=log, cwd=Path(__file__).parents[2])
        try:
            wait_until(lambda: process.poll() is not None or is_up(server), start_s)
            yield server, process, lambda: Path(f"/proc/self/fd/{log.fileno()}").read_text("utf-8")
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def is_up(server: Server) -> bool:
    try:
        return server.get("/ready").status_code == 200
    except (requests.ConnectionError, requests.Timeout):  # Ray's proxy is there before the service is
        return False


def wait_until(is_so: Callable[[], Any], seconds: float = START_S) -> None:
    """Wait for something that happens soon."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def encoded(image: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def decoded(text: str) -> np.ndarray:
    """Base64 of a picture to RGB."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text, validate=True))).convert("RGB"))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """With limits low enough to be reached."""
    settings = ServiceSettings(
        pipeline={"device": "cpu"}, max_body_bytes=4_000_000, max_pixels=4_000_000, concurrency=4, max_waiting=60
    )
    with running(settings) as running_server:
        yield running_server


@pytest.fixture(scope="session")
def page_png() -> bytes:
    return encoded(draw_page(440, 312, font_size=11))


_OWN = "its own"


@dataclass(frozen=True)
class BaiduServer(Server):
    """A server with Baidu's interface.

    Args:
        token: that its clients have.
        places: how many requests it takes at a time.
    """

    token: str
    places: int

    def post(self, token: str | None = _OWN, **fields: bytes | str) -> requests.Response:
        """POST a form to doc_analysis, bytes as Base64. None: without a token."""
        data = {
            name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for name, value in fields.items()
        }
        chosen = self.token if token == _OWN else token
        parameters = {} if chosen is None else {"access_token": chosen}
        # Not by the session, which is for one thread.
        return requests.post(self.url + baidu_api.PATH, params=parameters, data=data, timeout=60)

    def analyse(self, **fields: bytes | str) -> dict[str, Any]:
        """What is answered to such a request."""
        answer = self.post(**fields)
        assert answer.status_code == 200
        content: dict[str, Any] = answer.json()
        return content


@contextmanager
def _running_baidu(settings: ServiceSettings) -> Iterator[BaiduServer]:
    pair = settings.client_pair()
    token = "" if pair is None else Tokens(*pair).issue()
    with running(settings) as server:
        yield BaiduServer(server.url, server.session, token, settings.concurrency + settings.max_waiting)


@pytest.fixture(scope="session")
def baidu() -> Iterator[BaiduServer]:
    """With both interfaces and a client's pair. Unwarping takes most of the time, and these pages are flat."""
    settings = ServiceSettings(
        pipeline={"device": "cpu", "use_doc_unwarping": False},
        pipelines=(DOC_PREPROCESSOR, DOC_ANALYSIS),
        max_body_bytes=16 * 1024**2,
        concurrency=2,
        max_waiting=8,
        allow_urls=("127.0.0.1",),
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    with _running_baidu(settings) as running_server:
        yield running_server


@pytest.fixture(scope="session")
def open_baidu() -> Iterator[BaiduServer]:
    """With Baidu's interface alone, and no pair."""
    pipeline = {"device": "cpu", "use_doc_unwarping": False}
    with _running_baidu(ServiceSettings(pipeline=pipeline, pipelines=(DOC_ANALYSIS,), concurrency=4)) as running_server:
        yield running_server


@pytest.fixture(scope="session")
def reading_page() -> np.ndarray:
    """(H, W, 3) RGB uint8, with the lines of ``tests.analysis.conftest``."""
    return np.ascontiguousarray(draw_text_page()[..., ::-1])


class FileServer(http.server.ThreadingHTTPServer):
    """Files at addresses of this machine; /broken is a fault of the server's."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Files)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.contents: dict[str, bytes] = {}

    def serve(self, path: str, content: bytes) -> str:
        """The address of a file from now on."""
        self.contents[path] = content
        return self.url + path


class _Files(http.server.BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        content = self.server.contents.get(self.path)
        self.send_response(500 if self.path == "/broken" else 404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def files() -> Iterator[FileServer]:
    with FileServer() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()

"""Real servers on free ports, in a thread or as processes of their own."""

from __future__ import annotations

import base64
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

from docpre.service.app import create_app
from docpre.service.paddle_api import PATH
from docpre.service.settings import ServiceSettings
from tests.conftest import draw_page

#: The fast way through the pipeline: the unwarping network takes most of the time.
QUICK: dict[str, Any] = {"useDocUnwarping": False, "visualize": False}
START_S = 60


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
def running_process(*options: str) -> Iterator[tuple[Server, subprocess.Popen[bytes], Callable[[], str]]]:
    """``docpre serve`` as a user starts it: where it listens, its process, and what it has logged."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "docpre", "serve", "--port", str(port), "--device", "cpu", *options]
    server = Server(f"http://127.0.0.1:{port}", requests.Session())
    # A file, not a pipe: nobody would empty the pipe while the server runs.
    with tempfile.TemporaryFile() as log, server.session:
        process = subprocess.Popen(command, stderr=log, cwd=Path(__file__).parents[2])
        try:
            wait_until(lambda: process.poll() is not None or is_up(server))
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
    except requests.ConnectionError:
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

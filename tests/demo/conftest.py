"""The page as visitors get it: the program in a process of its own, and Debian's Chromium before it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
import pytest
from PIL import Image

from tests.conftest import draw_page, photograph

_ROOT = Path(__file__).resolve().parents[2]
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is, with the service beside it."""
    if importlib.util.find_spec("gradio") is None:
        pytest.skip("gradio is not installed (the extra demo)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("demo") / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "demo", "--port", str(port), "--service"],
            cwd=_ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(_ROOT)])},
        )
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            if server.poll() is not None:
                break
            try:
                urllib.request.urlopen(address, timeout=5).read()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        assert server.poll() is None, log.read_text()
        yield address
    finally:
        server.terminate()
        server.wait(20)


# Not for the session: while it is open, Playwright's event loop runs in this thread, and other tests want their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, driven by Playwright."""
    if _CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian's package chromium)")
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed (the extra corpus)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def photo_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bent page, photographed on its side."""
    page = draw_page(700, 500, font_size=24)
    path = tmp_path_factory.mktemp("photo") / "letter.jpg"
    Image.fromarray(np.rot90(photograph(page, 900, 680), -1)).save(path, quality=92)
    return path


@pytest.fixture(scope="session")
def document_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PDF of two pages with a word each."""
    document = pymupdf.open()
    for word in ("Elephants", "Butterflies"):
        document.new_page(width=400, height=300).insert_text((60, 120), f"{word} are here", fontsize=28)
    path = tmp_path_factory.mktemp("document") / "animals.pdf"
    document.save(path)
    return path


@pytest.fixture(scope="session")
def broken_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that says it is a picture."""
    path = tmp_path_factory.mktemp("broken") / "broken.jpg"
    path.write_bytes(b"this is no picture")
    return path

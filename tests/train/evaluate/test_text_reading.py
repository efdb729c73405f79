"""Readers of text, and the sizes at which they read."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from docpre.errors import EngineError
from tests.train.evaluate.conftest import evaluate, write
from train.evaluate.text_reading import OncePerReference, PaddleWords, Tesseract, at_size


def test_a_page_is_brought_to_the_photos_size(page_rgb):
    resized = at_size(page_rgb, (500, 300))
    assert resized.shape == (500, 300, 3)
    assert at_size(page_rgb, page_rgb.shape[:2]) is page_rgb
    flat = at_size(np.full((40, 30, 3), 77, np.uint8), (91, 11))
    assert (flat == 77).all()


def test_a_reference_is_read_once():
    read: list[int] = []
    reader = OncePerReference(lambda image: read.append(1) or f"text of {image.shape}")
    page = np.zeros((2, 3, 3), np.uint8)
    texts = [reader.text(Path(name), lambda: page) for name in ("1.png", "1.png", "2.png")]
    assert texts == ["text of (2, 3, 3)"] * 3
    assert len(read) == 2


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_a_language_that_is_not_there_is_named():
    with pytest.raises(EngineError, match="tesseract-ocr-xyz-abc"):
        Tesseract("eng+xyz_abc")


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_words_by_pp_ocr(page_rgb, engine):
    pytest.importorskip("rapidocr")
    pytest.importorskip(engine)
    reader = PaddleWords(engine)
    assert "about nothing much" in reader.read(page_rgb[:200]).lower()
    described = reader.describe()
    assert described["networks"] == "PP-OCRv6 small"
    assert described.get("engine", "onnxruntime") == engine


def test_without_tesseract_the_way_out_is_named(tmp_path, monkeypatch):
    write(tmp_path / "crop" / "1_1.png")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="--ocr none"):
        evaluate("docunet", "--data", tmp_path, "--predictions", tmp_path / "crop", "--output", tmp_path / "run")


_READ_AND_GO_ON = """
import gc, signal, subprocess
import numpy as np
from train.evaluate.text_reading import PaddleWords
signal.signal(signal.SIGCHLD, lambda *_: None)
readers = [PaddleWords("openvino"), PaddleWords("openvino")]
for reader in readers:
    reader.read(np.full((64, 200, 3), 255, np.uint8))
del reader
while readers:
    readers.pop(0)
    gc.collect()
subprocess.run(["true"], check=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="OpenVINO sets a stack for signals on Linux alone")
def test_a_child_may_end_when_readers_by_openvino_have_gone():
    pytest.importorskip("rapidocr")
    pytest.importorskip("openvino")
    subprocess.run([sys.executable, "-c", _READ_AND_GO_ON], check=True, cwd=Path(__file__).parents[3])

"""Reading with the tesseract program, and what is said where it is missing or fails."""

import shutil
import stat

import cv2
import numpy as np
import pytest

from docpre.errors import EngineError, InputError
from docpre.metrics import tesseract_text, tesseract_version

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract isn't installed")


def written(text: str) -> np.ndarray:
    page = np.full((120, 60 + 40 * len(text), 3), 255, np.uint8)
    cv2.putText(page, text, (30, 80), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (0, 0, 0), 4, cv2.LINE_AA)
    return page


@needs_tesseract
def test_reads_a_line_and_strips_the_page_break() -> None:
    page = written("FLAT PAGE")
    assert tesseract_text(page) == "FLAT PAGE"
    assert tesseract_text(page[..., 0]) == "FLAT PAGE"
    assert tesseract_text(np.full((100, 100), 255, np.uint8)) == ""


@needs_tesseract
def test_version_is_a_number() -> None:
    assert tesseract_version().lstrip("v")[0].isdigit()


@needs_tesseract
def test_a_missing_language_is_named() -> None:
    with pytest.raises(EngineError, match=r"xxx[\s\S]*tesseract-ocr-<language>"):
        tesseract_text(written("A"), language="xxx")


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError, match="apt install tesseract-ocr"):
        tesseract_text(written("A"))
    with pytest.raises(EngineError, match="apt install tesseract-ocr"):
        tesseract_version()


def test_a_program_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"more than 0\.2 s"):
        tesseract_text(written("A"), timeout_s=0.2)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8), "page.png"]
)
def test_wrong_images_are_named(image) -> None:
    with pytest.raises(InputError, match="uint8"):
        tesseract_text(image)

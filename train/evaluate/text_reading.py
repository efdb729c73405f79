"""What Tesseract and PP-OCRv6 read on pages, and which versions of them do."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from docpre.errors import EngineError
from docpre.loading import ImageArray
from docpre.metrics import tesseract_text, tesseract_version
from docpre.registry import sha256_of

Read = Callable[[ImageArray], str]


class Tesseract:
    """Tesseract's LSTM engine.

    Args:
        language: of its data, such as ``eng`` or ``chi_sim+eng``.

    Raises:
        EngineError: it is not installed, or has no such language.
    """

    def __init__(self, language: str = "eng") -> None:
        self._language = language
        self._version = tesseract_version()
        self._sha256 = {name: sha256_of(_data_folder() / f"{name}.traineddata") for name in self._installed()}

    def read(self, image: ImageArray) -> str:
        """The text on a page (H, W, 3) RGB uint8.

        Raises:
            EngineError: Tesseract fails or takes too long.
        """
        return tesseract_text(np.ascontiguousarray(image[..., ::-1]), self._language)

    def describe(self) -> dict[str, Any]:
        """Version, language, and the sha256 of the language's data."""
        return {"version": self._version, "language": self._language, "options": "--oem 1", "data_sha256": self._sha256}

    def _installed(self) -> list[str]:
        names = self._language.split("+")
        if missing := [name for name in names if not (_data_folder() / f"{name}.traineddata").is_file()]:
            raise EngineError(
                f"Tesseract has no data for {', '.join(missing)} in {_data_folder()}: install it "
                f"(Debian and Ubuntu: apt install tesseract-ocr-{missing[0].replace('_', '-')})."
            )
        return names


def _data_folder() -> Path:
    """The folder that Tesseract takes its languages from, as it says itself."""
    program = shutil.which("tesseract") or "tesseract"
    answer = subprocess.run([program, "--list-langs"], capture_output=True, text=True, timeout=60)
    found = re.search(r'"([^"]+)"', answer.stdout + answer.stderr)
    if found is None:
        raise EngineError(f"tesseract --list-langs did not say where its data lie: {answer.stdout + answer.stderr!r}")
    return Path(found.group(1))


@dataclass(frozen=True, eq=False)
class Line:
    """A line as it is read.

    Args:
        text: what it says.
        box_xy: (4, 2) its corners in pixels, from the upper left one clockwise as it is read.
    """

    text: str
    box_xy: NDArray[np.float64]


class PaddleWords:
    """PP-OCRv6 (small) by the package rapidocr, whose wheel holds the networks. One network a thread.

    Args:
        engine: ``onnxruntime`` or ``openvino``.

    Raises:
        EngineError: rapidocr is not installed.
    """

    def __init__(self, engine: str = "onnxruntime") -> None:
        self._engine = engine
        try:
            self._version = importlib.metadata.version("rapidocr")
        except importlib.metadata.PackageNotFoundError as error:
            raise EngineError("Word F1 needs rapidocr, which is not installed: pip install 'docpre[eval]'") from error
        self._own = threading.local()

    def read(self, image: ImageArray) -> str:
        """The lines on a page (H, W, 3) RGB uint8, one under the other."""
        return "\n".join(line.text for line in self.lines(image))

    def lines(self, image: ImageArray) -> list[Line]:
        """The lines on a page (H, W, 3) RGB uint8, with their places."""
        if not hasattr(self._own, "reader"):
            from rapidocr import EngineType, RapidOCR

            if self._engine == "openvino":
                from rapidocr.inference_engine.openvino import main

                from docpre.engines.openvino import the_core

                main.Core = the_core  # its own for each network would end in a crash; see the_core
            threads = {"onnxruntime": "intra_op_num_threads", "openvino": "inference_num_threads"}[self._engine]
            run_by = {f"{part}.engine_type": EngineType(self._engine) for part in ("Det", "Cls", "Rec")}
            one_thread = {f"EngineConfig.{self._engine}.{threads}": 1}
            self._own.reader = RapidOCR(params={"Global.log_level": "error", **run_by, **one_thread})
        found = self._own.reader(np.ascontiguousarray(image[..., ::-1]))
        if not found.txts:
            return []
        return [Line(text, np.asarray(box, np.float64)) for text, box in zip(found.txts, found.boxes, strict=True)]

    def describe(self) -> dict[str, Any]:
        """The package's version; its defaults are PP-OCRv6 small for finding and for reading lines."""
        engine = {} if self._engine == "onnxruntime" else {"engine": self._engine}
        return {"rapidocr": self._version, "networks": "PP-OCRv6 small", **engine}


class OncePerReference:
    """A reader that keeps what it read, so that the photos of one document share the reading of their flat page.

    Args:
        read: what reads.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._texts: dict[Path, str] = {}
        self._locks: dict[Path, threading.Lock] = {}
        self._lock = threading.Lock()

    def text(self, path: Path, load: Callable[[], ImageArray]) -> str:
        """The text on the picture of this path."""
        with self._lock:
            lock = self._locks.setdefault(path, threading.Lock())
        with lock:
            if path not in self._texts:
                self._texts[path] = self._read(load())
            return self._texts[path]


def at_size(image: ImageArray, size_hw: tuple[int, int]) -> ImageArray:
    """A page at a photo's size, bicubic as Pillow has it, which is how UVDoc's evaluation resizes."""
    if image.shape[:2] == size_hw:
        return image
    return np.asarray(Image.fromarray(image).resize(size_hw[::-1], Image.Resampling.BICUBIC))

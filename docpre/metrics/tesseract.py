"""Reading a page with the `tesseract` program, as the papers on unwarping do for CER and ED."""

import os
import shutil
import subprocess

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.errors import EngineError, InputError


def tesseract_text(image: NDArray[np.uint8], language: str = "eng", timeout_s: float = 300) -> str:
    """The text that Tesseract's LSTM engine (`--oem 1`) reads on an image.

    The figures of two runs compare only if program, language data and platform are the same: see
    `tesseract_version`. One thread is used, so pages can be read in parallel.

    Args:
        image: uint8, gray (h, w) or BGR (h, w, 3).
        language: its language data, such as "eng" or "chi_sim+eng".
        timeout_s: give up after so many seconds.

    Returns:
        The text, without the whitespace and page break at its ends.

    Raises:
        InputError: not such an image.
        EngineError: tesseract is not installed, has no such language, fails or takes too long.
    """
    shape_ok = isinstance(image, np.ndarray) and (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3))
    if not shape_ok or image.dtype != np.uint8 or image.size == 0:
        given = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"the image is {given}; it must be a uint8 array, (h, w) or (h, w, 3), and not empty")
    png = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
    return _run(["stdin", "stdout", "--oem", "1", "-l", language], png, timeout_s).strip()


def tesseract_version() -> str:
    """The version of the `tesseract` program, such as "5.3.0".

    Raises:
        EngineError: tesseract is not installed or fails.
    """
    return _run(["--version"], b"", 60).split()[1]


def _run(arguments: list[str], stdin: bytes, timeout_s: float) -> str:
    program = shutil.which("tesseract")
    if program is None:
        raise EngineError(
            "the program tesseract is not on the PATH: install it (Debian and Ubuntu: apt install tesseract-ocr)"
        )
    environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(
            [program, *arguments], input=stdin, capture_output=True, timeout=timeout_s, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"tesseract took more than {timeout_s:g} s: raise timeout_s or shrink the image") from error
    if done.returncode != 0:
        cause = done.stderr.decode(errors="replace").strip()
        raise EngineError(
            f"tesseract {' '.join(arguments)} failed ({done.returncode}): {cause} "
            "(languages are installed as tesseract-ocr-<language> on Debian and Ubuntu)"
        )
    return done.stdout.decode("utf-8", errors="replace")

"""Pictures of an answer: PNG for the page, JPEG to look at, Base64 for JSON."""

from __future__ import annotations

from base64 import b64encode

import cv2
import numpy as np

from docpre.errors import InputError
from docpre.loading import ImageArray

# Runs of equal pixels are most of what a page's PNG can save; searching for more takes three times as long.
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 90]
_MAX_JPEG_SIDE = 65_500


def png(image: ImageArray) -> bytes:
    """(H, W, 3) BGR uint8 to PNG, without loss."""
    _, content = cv2.imencode(".png", image, _PNG)
    return content.tobytes()


def jpeg(image: ImageArray) -> bytes:
    """(H, W, 3) BGR uint8 to JPEG.

    Raises:
        InputError: a side is longer than JPEG can have.
    """
    if max(image.shape[:2]) > _MAX_JPEG_SIDE:
        raise InputError(f"a picture of {image.shape[1]}x{image.shape[0]} pixels is too long for JPEG")
    _, content = cv2.imencode(".jpg", np.ascontiguousarray(image), _JPEG)
    return content.tobytes()


def base64_text(content: bytes | memoryview) -> str:
    """Standard Base64, without line breaks."""
    return b64encode(content).decode("ascii")

"""Pages of bars for lines, and the lines on them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from docpre.analysis.elements import TextLine
from docpre.loading import ImageArray

Box = tuple[float, float, float, float]


def line(text: str, box: Box) -> TextLine:
    """A line of text in an upright box."""
    left, top, right, bottom = box
    quad = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    return TextLine(text, quad, 0.99, 0.9)


def paragraph(left: float, top: float, width: float, rows: int, words: str = "word word word") -> list[TextLine]:
    """Full lines one below the other, 16 px high, 26 px apart; the last is short."""
    return [
        line(words, (left, top + 26 * k, left + (width if k < rows - 1 else 0.5 * width), top + 26 * k + 16))
        for k in range(rows)
    ]


def page(lines: Sequence[TextLine], size_hw: tuple[int, int] = (1200, 900)) -> ImageArray:
    """A white page with something like letters where the lines are."""
    image = np.full((*size_hw, 3), 255, np.uint8)
    for own in lines:
        left, top = own.quad.min(0).astype(int)
        right, bottom = own.quad.max(0).astype(int)
        for x in range(left, right, 8):
            cv2.rectangle(image, (x, top), (min(x + 4, right - 1), bottom - 1), (0, 0, 0), 1)
    return image

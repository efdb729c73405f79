"""How large and how heavy the letters of lines are."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.analysis.boxes import Box
from docpre.analysis.elements import TextLine
from docpre.analysis.straight import Straight

_WIDE = frozenset("WF")
# Of an em: what narrow letters advance by on average.
_NARROW_EM = 0.46


def is_wide(char: str) -> bool:
    """Whether a character fills a square, as Chinese ones do."""
    return unicodedata.east_asian_width(char) in _WIDE


def sizes_of(lines: Sequence[TextLine], boxes: Box) -> NDArray[np.float64]:
    """The em of each line's letters in pixels, by its ink's height and, in long lines, by its width.

    Args:
        lines: of the page.
        boxes: (N, 4), drawn in to the ink.
    """
    found = []
    for line, box in zip(lines, boxes, strict=True):
        width, height = box[2] - box[0], box[3] - box[1]
        text = line.text.replace(" ", "")
        wide = sum(map(is_wide, text))
        if wide:
            by_height = height / 0.92
        else:
            has_tall = any(c.isupper() or c.isdigit() or c in "bdfhijklt()[]{}|/" for c in text)
            has_deep = any(c in "gjpqy()[]{}|/,;" for c in text)
            by_height = height / (0.48 + 0.24 * has_tall + 0.21 * has_deep)
        ems = wide + _NARROW_EM * (len(line.text) - wide)
        # Brackets and the like make a line of any size taller; in longer ones the width has its say.
        found.append(float(min(by_height, width / ems)) if len(text) >= 6 else float(by_height))
    return np.array(found, np.float64)


def usual(lines: Sequence[TextLine], boxes: Box, sizes: NDArray[np.float64]) -> float:
    """The value that most of the page's text has: the median by the lines' width; 0 without words."""
    worded = [i for i, line in enumerate(lines) if any(c.isalnum() for c in line.text)]
    boxes, sizes = boxes[worded], sizes[worded]
    if not len(sizes):
        return 0.0
    order = np.argsort(sizes)
    total = np.cumsum((boxes[order, 2] - boxes[order, 0]).clip(1))
    return float(sizes[order[int(np.searchsorted(total, total[-1] / 2))]])


def weights_of(page: Straight, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """How thick each line's strokes are, as a share of its letters' size."""
    found = []
    for box, size in zip(page.boxes, sizes, strict=True):
        ink = page.ink_in(box)
        if not ink.any():
            found.append(0.0)
            continue
        padded = cv2.copyMakeBorder(ink, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        # Twice the area over the outline's length is a stroke's thickness.
        outline = int(np.count_nonzero(padded[:, 1:] != padded[:, :-1]) + np.count_nonzero(padded[1:] != padded[:-1]))
        found.append(2 * float(ink.sum()) / max(outline, 1) / max(size * page.scale, 1))
    return np.array(found, np.float64)

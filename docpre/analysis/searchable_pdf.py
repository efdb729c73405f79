"""The text of a page, unseen, over its picture in a PDF, so that it can be searched and copied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from docpre.analysis.characters import is_wide
from docpre.analysis.elements import Char, TextLine
from docpre.analysis.hocr import words
from docpre.mupdf import mupdf

_INVISIBLE = 3  # PDF's text rendering mode
# Both are readers' own fonts, which are not embedded.
_LATIN_FONT, _CHINESE_FONT = "helv", "china-s"
_LAST_OF_LATIN_FONT = 255
_SIZE, _FOOT = 0.75, 0.2  # of a line's height: of letters, and of where they stand


def write_text(page: Any, lines: Sequence[TextLine], order: Iterable[int], points_per_pixel: float) -> None:
    """Write lines, unseen, where they stand; to be called under ``PDF_LOCK``.

    Args:
        page: of pymupdf.
        lines: of the picture that fills it.
        order: indices of the lines, in which they come out of the file again.
        points_per_pixel: of the picture.
    """
    shape = page.new_shape()
    for index in order:
        line = lines[index]
        parts = words(line)
        for chars, after in zip(parts, _spaces(line, parts), strict=True):
            _write_word(shape, chars, after, points_per_pixel)
    shape.commit()


def _spaces(line: TextLine, parts: Sequence[Sequence[Char]]) -> list[str]:
    """What follows each word of a line: a space or nothing."""
    rest, found = line.text, []
    for chars in parts:
        word = "".join(char.text for char in chars)
        rest = rest[rest.index(word) + len(word) :]
        found.append(" " if rest[:1].isspace() else "")
    return found


def _write_word(shape: Any, chars: Sequence[Char], after: str, points_per_pixel: float) -> None:
    pymupdf = mupdf()
    word = "".join(char.text for char in chars)
    is_latin = not any(is_wide(char) or ord(char) > _LAST_OF_LATIN_FONT for char in word)
    font = _LATIN_FONT if is_latin else _CHINESE_FONT
    first, last = chars[0].quad * points_per_pixel, chars[-1].quad * points_per_pixel
    along, up = last[1] - first[0], first[0] - first[3]
    size = float(np.linalg.norm(up)) * _SIZE
    width = pymupdf.get_text_length(word, fontname=font, fontsize=size)
    if width <= 0:
        return
    foot = first[3] + _FOOT * up
    origin = pymupdf.Point(float(foot[0]), float(foot[1]))
    stretch = pymupdf.Matrix(max(float(np.linalg.norm(along)), 0.1) / width, 1)
    turn = pymupdf.Matrix(-float(np.degrees(np.arctan2(along[1], along[0]))))
    shape.insert_text(
        origin, word + after, fontname=font, fontsize=size, render_mode=_INVISIBLE, morph=(origin, stretch * turn)
    )

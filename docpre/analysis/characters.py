"""The characters that the recogniser knows, and what kind each is.

``PP-OCRv6_characters.txt`` is what PP-OCRv6_rec_small.onnx (PaddlePaddle, RapidAI; Apache-2.0) has as ``character`` in
its metadata.
"""

from __future__ import annotations

import functools
import unicodedata

import numpy as np
from numpy.typing import NDArray

from docpre.registry import BUNDLED_DIR

_FILE = BUNDLED_DIR / "PP-OCRv6_characters.txt"
_CJK_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH")


@functools.cache
def characters() -> tuple[str, ...]:
    """The meaning of each class of the recogniser: nothing (between characters), 18,708 characters, and the space."""
    return ("", *_FILE.read_text("utf-8").splitlines(), " ")


@functools.cache
def latin_classes() -> NDArray[np.intp]:
    """The classes that a text in Latin letters can have: no letters of other scripts, no wide punctuation."""
    return np.array([number for number, text in enumerate(characters()) if not text or is_latin(text)])


def is_latin(character: str) -> bool:
    """Whether a character may stand in a Latin text: such a letter, or a digit, sign or space of no script."""
    if is_wide(character):
        return False
    return unicodedata.category(character)[0] != "L" or unicodedata.name(character, "").startswith("LATIN")


@functools.cache
def is_wide(character: str) -> bool:
    """Whether a character stands in a square of its own, as Chinese characters and their punctuation do."""
    if unicodedata.east_asian_width(character) in "WF":
        return True
    return unicodedata.name(character, "").startswith(_CJK_SCRIPTS)

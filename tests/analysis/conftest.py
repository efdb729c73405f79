"""A page drawn in code, with Chinese and English on it, and the object that reads it."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pymupdf
import pytest

from docpre import DocAnalyzer

LINES = (
    "The quick brown fox jumps over the lazy dog.",
    "今天天气很好，我们去公园散步。",
    "版本 Debian 12 于 2023 年发布",
    "Total: 1,234.50",
)


def draw_text_page(lines=LINES, font_size=14, dpi=150):
    """(H, W, 3) BGR uint8: lines one under the other."""
    with pymupdf.open() as document:
        page = document.new_page(width=420, height=80 + 3 * font_size * len(lines))
        for number, line in enumerate(lines):
            left = 40.0
            for is_ascii, run in groupby(line, key=str.isascii):
                text, font = "".join(run), "helv" if is_ascii else "china-s"
                page.insert_text((left, 60 + 3 * font_size * number), text, fontname=font, fontsize=font_size)
                left += pymupdf.get_text_length(text, fontname=font, fontsize=font_size)
        pixmap = page.get_pixmap(dpi=dpi, alpha=False)
    image = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)
    return np.ascontiguousarray(image[..., ::-1])


@pytest.fixture(scope="session")
def text_page():
    return draw_text_page()


@pytest.fixture(scope="session")
def analyzer():
    found = DocAnalyzer(use_doc_orientation_classify=False, use_doc_unwarping=False, device="cpu")
    yield found
    found.close()


@pytest.fixture(scope="session")
def result(analyzer, text_page):
    return analyzer.predict(text_page)[0]

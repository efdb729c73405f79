"""Pages of born-digital PDFs whose own text says that they are upright."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pymupdf

from docpre.loading import ImageArray
from train.corpus.recipe import chance
from train.corpus.scripts import script_of

_FEWEST_CHARACTERS = 12  # with fewer there is nothing to tell the way up by
_SPARSE_BELOW = 220
_UPRIGHT_SHARE = 0.9
pymupdf.TOOLS.mupdf_display_errors(False)


@dataclass(frozen=True)
class PdfPage:
    """A page: its picture (H, W, 3) RGB uint8, its number, its script, and whether there is little on it."""

    image: ImageArray
    number: int
    script: str
    is_sparse: bool


def upright_pages(path: Path, most: int, long_side_px: int, script: str, seed: int = 0) -> Iterator[PdfPage]:
    """Some upright pages of a PDF, spread over it by chance.

    Args:
        path: the PDF.
        most: how many at most.
        long_side_px: of the pictures.
        script: of pages whose characters don't tell.
        seed: of the choice.
    """
    try:
        with pymupdf.open(path) as document:
            order = sorted(range(document.page_count), key=lambda number: chance(seed, path.name, number))
            given = 0
            for number in order[: 3 * most]:
                if given == most:
                    return
                page = document[number]
                text, share = text_and_upright_share(page)
                shorter, longer = sorted((page.rect.width, page.rect.height))
                if len(text) < _FEWEST_CHARACTERS or share < _UPRIGHT_SHARE or longer > 6 * shorter:
                    continue
                scale = long_side_px / longer
                pixmap = page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), alpha=False, colorspace=pymupdf.csRGB)
                image = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)
                given += 1
                yield PdfPage(image, number, script_of(text, script), len(text) < _SPARSE_BELOW)
    except (RuntimeError, ValueError):  # damaged PDFs raise these, and others of pymupdf's that derive from them
        return


def text_and_upright_share(page: pymupdf.Page) -> tuple[str, float]:
    """A page's text without spaces, and which share of it is written along an upright line (or column)."""
    texts, upright = [], 0
    for block in page.get_text("dict")["blocks"]:
        for line in block.get("lines", ()):
            text = "".join("".join(span["text"].split()) for span in line["spans"])
            texts.append(text)
            x, y = line["dir"]
            if x > 0.99 or (line["wmode"] == 1 and y > 0.99):
                upright += len(text)
    joined = "".join(texts)
    return joined, upright / max(1, len(joined))

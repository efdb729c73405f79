"""Pages of PDFs as pictures, with the characters that the file says are on them, and where."""

from __future__ import annotations

import gzip
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
from numpy.typing import NDArray

from docpre.errors import InputError
from docpre.loading import ImageArray
from train.corpus.packages import unpacked
from train.corpus.recipe import chance
from train.evaluate.same_characters import folded

_POINTS_PER_INCH = 72
_FEWEST_LEADERS = 4
_LEVEL_COSINE = 0.9
pymupdf.TOOLS.mupdf_display_errors(False)


@dataclass(frozen=True)
class SeenText:
    """Characters in some order, and where they are.

    Attributes:
        texts: one folded character each (see ``folded``), no spaces.
        middles_xy: (N, 2) float64, pixels.
        heights: (N,) float64, of the character's line, pixels.
        is_after_space: (N,) whether a space (or a new line) comes before.
    """

    texts: tuple[str, ...]
    middles_xy: NDArray[np.float64]
    heights: NDArray[np.float64]
    is_after_space: NDArray[np.bool_]


@dataclass(frozen=True)
class TruePage:
    """A page: its kind, its name, its picture (H, W, 3) RGB uint8, and its text in the order of the file."""

    kind: str
    name: str
    image: ImageArray
    text: SeenText


def true_pages(config: Mapping[str, Any], fetched: Path, folder: Path) -> Iterator[TruePage]:
    """The pages that a configuration lists (``configs/reading_pages.yaml``).

    Raises:
        InputError: a package can't be had, or has no such file.
    """
    for source in config["sources"]:
        where = unpacked(source["package"], fetched, folder, ["*.pdf", "*.pdf.gz"])
        files = sorted(where.rglob(source["file"].removeprefix("*/")))
        if not files:
            raise InputError(f"{source['package']} has no {source['file']}.")
        content = files[0].read_bytes()
        if files[0].suffix == ".gz":
            content = gzip.decompress(content)
        with pymupdf.open(stream=content, filetype="pdf") as document:
            order = sorted(range(document.page_count), key=lambda n: chance(config["seed"], files[0].name, n))
            given = 0
            for number in order:
                if given == source["pages"]:
                    break
                text = _text(document[number], config["dpi"] / _POINTS_PER_INCH)
                if len(text.texts) < config["fewest_characters"] or symbols_share(text) > config["most_symbols"]:
                    continue
                if sideways_share(document[number]) > config["most_sideways"]:
                    continue
                if pictures_share(document[number]) > config["most_pictures"]:
                    continue
                given += 1
                pixmap = document[number].get_pixmap(dpi=config["dpi"], alpha=False, colorspace=pymupdf.csRGB)
                image = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)
                yield TruePage(source["kind"], f"{files[0].name.split('.pdf')[0]}-{number + 1}", image, text)


def symbols_share(text: SeenText) -> float:
    """The share of mathematical and other symbols that no keyboard has."""
    symbols = [char for char in text.texts if not char.isascii() and unicodedata.category(char) in ("Sm", "So")]
    return len(symbols) / max(1, len(text.texts))


def sideways_share(page: pymupdf.Page) -> float:
    """The share of a page's characters whose lines don't run from left to right."""
    lines = [line for block in page.get_text("dict")["blocks"] for line in block.get("lines", ())]
    counts = [sum(len(span["text"]) for span in line["spans"]) for line in lines]
    sideways = [count for line, count in zip(lines, counts, strict=True) if line["dir"][0] < _LEVEL_COSINE]
    return sum(sideways) / max(1, sum(counts))


def pictures_share(page: pymupdf.Page) -> float:
    """The share of a page that pictures cover: what is written in them the file does not say."""
    boxes = [pymupdf.Rect(image["bbox"]) & page.rect for image in page.get_image_info()]
    return float(sum(box.get_area() for box in boxes) / page.rect.get_area())


def leaders(text: SeenText) -> list[list[int]]:
    """The rows of dots, as indices of characters, that lead from a heading to its page's number."""
    found: list[list[int]] = []
    run: list[int] = []
    for index, char in enumerate((*text.texts, "")):
        if char in (".", "·"):
            run.append(index)
            continue
        if len(run) >= _FEWEST_LEADERS:
            found.append(run)
        run = []
    return found


def without_leaders(text: SeenText, true: SeenText) -> NDArray[np.intp]:
    """The indices of a text's characters but for rows of dots, and for single dots where the truth has such a row."""
    dropped = {index for run in leaders(text) for index in run}
    dots = np.array([index for index, char in enumerate(text.texts) if char in (".", "·")], np.intp)
    for run in leaders(true):
        places = true.middles_xy[run]
        reach = float(true.heights[run].max())
        around = np.array([reach, reach / 2])
        low, high = places.min(0) - around, places.max(0) + around
        inside = ((text.middles_xy[dots] >= low) & (text.middles_xy[dots] <= high)).all(1)
        dropped.update(dots[inside].tolist())
    return np.array([index for index in range(len(text.texts)) if index not in dropped], np.intp)


def seen_text(characters: Iterator[tuple[str, NDArray[np.float64], float, bool]]) -> SeenText:
    """From characters (text, middle, height, whether a space comes before), each folded; spaces fall out."""
    texts: list[str] = []
    middles, heights, after = [], [], []
    pending = True
    for text, middle, height, is_after_space in characters:
        pending = pending or is_after_space
        parts = folded(text)
        if not parts:
            pending = pending or text.isspace()
            continue
        for part in parts:
            texts.append(part)
            middles.append(middle)
            heights.append(height)
            after.append(pending)
            pending = False
    shape = (len(texts), 2)
    return SeenText(
        tuple(texts), np.array(middles, float).reshape(shape), np.array(heights, float), np.array(after, bool)
    )


def _text(page: pymupdf.Page, scale: float) -> SeenText:
    def characters() -> Iterator[tuple[str, NDArray[np.float64], float, bool]]:
        for block in page.get_text("rawdict", flags=pymupdf.TEXT_PRESERVE_WHITESPACE)["blocks"]:
            for line in block.get("lines", ()):
                is_first = True
                for span in line["spans"]:
                    for char in span["chars"]:
                        left, top, right, bottom = char["bbox"]
                        inside = page.rect.contains(pymupdf.Point((left + right) / 2, (top + bottom) / 2))
                        if not inside or span.get("alpha", 255) == 0:
                            continue
                        middle = np.array([left + right, top + bottom]) / 2 * scale
                        yield char["c"], middle, span["size"] * scale, is_first
                        is_first = False

    return seen_text(characters())

"""Lines of text drawn in fonts, in print or by hand, as scans, receipts and photographs show them."""

from __future__ import annotations

import functools
import gzip
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pymupdf
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage.morphology import skeletonize

from docpre.errors import InputError
from docpre.loading import ImageArray
from train.corpus.packages import unpacked

Pixels = NDArray[Any]
_SUFFIXES = (".ttf", ".otf", ".ttc", ".woff2")
_SCRIPTS_OF_NPM = ("-latin-", "-chinese-simplified-", "-chinese-traditional-", "-japanese-")
_FOLDS = 5
_KNOWN_SHARE = 0.7  # of a text's characters: a font that has fewer does not draw it
_NEIGHBOUR_SHARE = 0.3
_FONT_CACHE = 256


@dataclass(frozen=True)
class Font:
    """A font's file, and how it looks.

    Attributes:
        path: its file.
        family: the package that it is of.
        is_handwriting: whether it looks written by hand, or is drawn so.
        is_copied: whether only the middle of its strokes is drawn, by a pen in an unsteady hand.
    """

    path: Path
    family: str
    is_handwriting: bool
    is_copied: bool = False


def fonts(
    packages: Sequence[str], is_handwriting: bool, fetched: Path, folder: Path, is_copied: bool = False
) -> list[Font]:
    """The fonts of packages of Debian and npm; of npm's, the files that hold a whole script.

    Raises:
        InputError: a package can't be had, or has no fonts.
    """
    found = []
    for package in packages:
        where = unpacked(package, fetched, folder, [f"*{suffix}" for suffix in _SUFFIXES])
        files = sorted(path for path in where.rglob("*") if path.suffix in _SUFFIXES)
        if package.startswith("@"):
            files = [path for path in files if any(script in path.name for script in _SCRIPTS_OF_NPM)]
        if not files:
            raise InputError(f"{package} has no fonts.")
        found += [Font(path, package, is_handwriting, is_copied) for path in files]
    return found


def fold_of(font: Font) -> int:
    """Which part of the families a font belongs to, 0 to 4; a family is in one, whole."""
    return zlib.crc32(font.family.encode()) % _FOLDS


def texts(package: str, files: Mapping[str, str], fetched: Path, folder: Path) -> dict[str, list[str]]:
    """Lines of text of a package's compressed PDFs, by script.

    Raises:
        InputError: a PDF is not there.
    """
    where = unpacked(package, fetched, folder, ["*.pdf.gz"])
    found = {}
    for script, pattern in files.items():
        paths = sorted(where.rglob(pattern))
        if not paths:
            raise InputError(f"{package} has no {pattern}.")
        with pymupdf.open(stream=gzip.decompress(paths[0].read_bytes()), filetype="pdf") as document:
            pages = [page.get_text() for page in document]
        lines = [" ".join(line.split()) for page in pages for line in page.splitlines()]
        found[script] = [line for line in lines if len(line) >= (20 if script == "Latin" else 8)]
    return found


def scripts_of(font: Font) -> list[str]:
    """Those of ``Latin`` and ``Chinese`` that a font has."""
    samples = {"Latin": "etaoins", "Chinese": "的一是不了"}
    return [script for script, text in samples.items() if all(_has(font.path, character) for character in text)]


def draw_line(
    font: Font, script: str, sentences: Mapping[str, Sequence[str]], random: np.random.Generator
) -> ImageArray | None:
    """A picture (H, W, 3) RGB uint8 of one line; None: the font lacks its characters."""
    text = _text(sentences, script, random)
    known = "".join(character for character in text if _has(font.path, character))
    if not any(map(str.isalnum, known)) or len(known) < _KNOWN_SHARE * len(text):
        return None
    ink = _ink(font, known, random)
    if min(ink.shape) < 8 or ink.max() < 0.2:
        return None
    return _printed(ink, font.is_handwriting, script == "Chinese", random)


def _text(sentences: Mapping[str, Sequence[str]], script: str, random: np.random.Generator) -> str:
    kind = random.random()
    if kind < 0.12:  # what stands alone in tables, plots and margins
        return _short(script, sentences, random)
    if kind < 0.24:  # figures, dates and sums, as on receipts and forms
        parts = [
            f"{random.integers(1, 9999)}.{random.integers(0, 99):02d}",
            f"{random.integers(1, 28):02d}/{random.integers(1, 12):02d}/{random.integers(1990, 2030)}",
            f"{random.integers(10**6, 10**9)}",
            f"{random.integers(1, 20)} x {random.integers(1, 300)}",
        ]
        return "  ".join(random.permutation(parts)[: random.integers(1, 4)])
    lines = sentences[script]
    line = lines[int(random.integers(len(lines)))]
    if script == "Chinese":
        start = random.integers(max(1, len(line) - 4))
        return line[start : start + random.integers(2, 8 if random.random() < 0.3 else 18)]
    words = line.split()
    start = random.integers(max(1, len(words) - 1))
    text = " ".join(words[start : start + random.integers(1, 4 if random.random() < 0.3 else 8)])
    case = random.random()
    return text.upper() if case < 0.12 else text.title() if case < 0.2 else text


def _short(script: str, sentences: Mapping[str, Sequence[str]], random: np.random.Generator) -> str:
    number = int(10 ** random.uniform(0, 4))
    share = random.uniform(0, 100)
    letters = "".join(random.choice(list("ABCDEFGHIKLMNOPRSTUVXYZ"), int(random.integers(1, 4))))
    figures = [f"{number}", f"({number})", f"{share:.2f}", f"{share:.1f}%"]
    figures += [f"{letters}{number}", f"{letters}/{letters}"]
    if random.random() < 0.6:
        return figures[int(random.integers(len(figures)))]
    line = sentences[script][int(random.integers(len(sentences[script])))]
    if script == "Chinese":
        return line[: int(random.integers(2, 4))]
    words = line.split()
    return words[int(random.integers(len(words)))]


@functools.lru_cache(_FONT_CACHE)
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size)


@functools.lru_cache(100_000)
def _has(path: Path, character: str) -> bool:
    if character.isspace():
        return True
    font = _font(path, 24)
    missing = bytes(font.getmask("\ufffe")), font.getmask("\ufffe").size
    mask = font.getmask(character)
    return mask.getbbox() is not None and (bytes(mask), mask.size) != missing


def _ink(font: Font, text: str, random: np.random.Generator) -> Pixels:
    """A line's ink, 0 to 1, with a hand's unsteadiness."""
    size = int(random.integers(32 if font.is_copied else 22, 72))
    is_unsteady = font.is_copied or (font.is_handwriting and random.random() < 0.8)
    ink = _unsteady(font, text, size, random) if is_unsteady else _set(font, text, size, random)
    width = ink.shape[1]
    is_askew = random.random() < 0.25  # as on a page that is bent, or seen from one side
    shear = random.normal(0, 0.2) if font.is_handwriting or is_askew else random.normal(0, 0.06)
    tilt = random.normal(0, 0.04 if is_askew else 0.015)
    matrix = np.array([[1, -shear, shear * 1.5 * size], [tilt, 1, -tilt * width / 2]], np.float32)
    ink = cv2.warpAffine(ink, matrix, (width, 3 * size), flags=cv2.INTER_LINEAR).astype(np.float32)
    bend = random.normal(0, 0.05 if font.is_handwriting or random.random() < 0.4 else 0.02) * size
    places: Pixels = np.indices(ink.shape, dtype=np.float32)
    rows, columns = places[0], places[1]
    wave = bend * np.sin(columns / width * np.pi * random.uniform(0.5, 3) + random.uniform(0, 6))
    if is_unsteady:
        strength = random.uniform(0.03, 0.07) if font.is_copied else 0.04
        wave += _smooth(ink.shape, size / 2, random) * 0.75 * strength * size
        columns = columns + _smooth(ink.shape, size / 2, random) * strength * size
    ink = cv2.remap(ink, columns, (rows + wave).astype(np.float32), cv2.INTER_LINEAR).astype(np.float32)
    if font.is_copied:
        width_px = max(1.0, random.uniform(0.02, 0.075) * size)
        ink = cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (round(width_px), round(width_px))))
        ink = cv2.GaussianBlur(ink, (0, 0), random.uniform(0.4, 0.9)).astype(np.float32)
        ink *= (1.0 - random.uniform(0, 0.5) * _smooth(ink.shape, size / 3, random).clip(0, 1)) / max(ink.max(), 0.1)
    elif size > 34 and random.random() < 0.5:  # thicker or thinner strokes
        kernel = np.ones((2, 2), np.uint8)
        ink = (cv2.dilate if random.random() < 0.6 else cv2.erode)(ink, kernel).astype(np.float32)
    inked_rows, inked_columns = np.flatnonzero(ink.max(1) > 0.2), np.flatnonzero(ink.max(0) > 0.2)
    if not len(inked_rows):
        return ink[:1, :1]
    margins = (random.uniform(0.02, 0.3, 4) * size).astype(int)
    top, bottom = max(0, inked_rows[0] - margins[0]), inked_rows[-1] + margins[1]
    left, right = max(0, inked_columns[0] - margins[2]), inked_columns[-1] + margins[3]
    ink = ink[top : bottom + 1, left : right + 1]
    for is_above in (True, False):  # what is seen of the lines around
        if random.random() < _NEIGHBOUR_SHARE:
            rows_seen = int(random.uniform(0.05, 0.22) * len(ink))
            other = np.roll(ink, int(random.integers(1, ink.shape[1])), axis=1)
            seen = other[-1 - rows_seen - margins[1] : -1 - margins[1]] if is_above else other[margins[0] :][:rows_seen]
            place = slice(0, len(seen)) if is_above else slice(len(ink) - len(seen), len(ink))
            ink[place] = np.maximum(ink[place], seen)
    return ink


def _set(font: Font, text: str, size: int, random: np.random.Generator) -> Pixels:
    """A line as a machine sets it."""
    face = _font(font.path, size)
    spacing = 0.0 if random.random() < 0.8 else random.uniform(-0.03, 0.2) * size
    pieces = [text] if spacing == 0 else list(text)
    width = int(face.getlength(text) + abs(spacing) * len(text) + 3 * size)
    canvas = Image.new("L", (width, 3 * size), 0)
    x = float(size)
    for piece in pieces:
        ImageDraw.Draw(canvas).text((x, 0.8 * size), piece, 255, face)
        x += face.getlength(piece) + spacing
    return np.asarray(canvas, np.float32) / 255


def _unsteady(font: Font, text: str, size: int, random: np.random.Generator) -> Pixels:
    """A line whose words, or characters, differ in size, slant and height."""
    spacing = random.uniform(-0.04, 0.12 if font.is_copied else 0.06) * size
    by_words = text.isascii() and not font.is_copied
    pieces = [piece for word in text.split(" ") for piece in (word, " ")][:-1] if by_words else list(text)
    width = int(_font(font.path, size).getlength(text) * 1.3 + (abs(spacing) + 0.35 * size) * len(text) + 3 * size)
    ink = np.zeros((3 * size, width), np.float32)
    x, drift = float(size), 0.0
    turn_deg, change = random.uniform(0, 4), random.uniform(0.02, 0.1)
    for piece in pieces:
        own = _font(font.path, max(12, round(size * random.normal(1, change))))
        drift = 0.8 * drift + random.normal(0, 0.03) * size
        advance = own.getlength(piece)
        if piece.strip():
            tile = Image.new("L", (int(advance) + size, 3 * size), 0)
            ImageDraw.Draw(tile).text((size / 2, 0.8 * size + drift), piece, 255, own)
            drawn = np.asarray(tile, np.float32) / 255
            if font.is_copied:
                drawn = skeletonize(drawn > 0.5).astype(np.float32)
                drawn = cv2.dilate(drawn, np.ones((2, 2), np.uint8)).astype(np.float32)
            if not by_words:
                middle = (tile.width / 2, 1.4 * size)
                matrix = cv2.getRotationMatrix2D(middle, random.normal(0, turn_deg), 1.0)
                matrix[0] *= (scale := random.normal(1, change))
                matrix[0, 2] += middle[0] * (1 - scale)
                drawn = cv2.warpAffine(drawn, matrix, (tile.width, 3 * size)).astype(np.float32)
            left = max(0, round(x - size / 2))
            part = ink[:, left : left + drawn.shape[1]]
            np.maximum(part, drawn[:, : part.shape[1]], out=part)
        else:
            x += random.uniform(-0.1, 0.4) * size
        x += advance + spacing
    return ink


def _printed(ink: Pixels, is_handwriting: bool, is_chinese: bool, random: np.random.Generator) -> ImageArray:
    """Ink on paper, scanned or photographed."""
    shape = ink.shape
    if random.random() < 0.25:  # a printer of receipts: dots that fail, columns that fade
        ink = ink * (random.random(shape) > random.uniform(0, 0.35)) * (1 - 0.6 * _smooth(shape, 30, random).clip(0, 1))
    if random.random() < 0.3:
        ink = ink * (1 - random.uniform(0.2, 0.8) * (_smooth(shape, 12, random) > 0.6))
    paper = random.uniform(170, 255) + 12 * _smooth(shape, 60, random) * random.random()
    paper_colour = np.clip(paper[..., None] + random.normal(0, 6, 3), 0, 255)
    depth = random.uniform(0.35, 1.0) if random.random() < 0.4 else random.uniform(0.8, 1)
    ink_colour = (
        random.uniform(0, 70, 3) if random.random() < 0.7 else np.array([20, 30, 140]) + random.normal(0, 25, 3)
    )
    if random.random() < 0.35:
        share = 0.5 if is_chinese and is_handwriting else 0.2
        _rule(paper_colour, random.random() < share, random)
    picture: Pixels = paper_colour + (ink * depth)[..., None] * (ink_colour - paper_colour)
    if not is_handwriting and random.random() < 0.08:
        picture = 255 - picture
    if random.random() < 0.25:  # light from one side
        across = np.linspace(1, random.uniform(0.55, 0.95), shape[1])
        picture = picture * (across[::-1] if random.random() < 0.5 else across)[:, None]
    if random.random() < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.3, 1.0) * max(shape[0], 20) / 40)
    scale = random.uniform(0.35, 1.1) if random.random() < 0.6 else 1.0
    if shape[0] * scale >= 14:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if random.random() < 0.6:
        picture = picture + random.normal(0, random.uniform(1, 14), picture.shape)
    content = picture.clip(0, 255).astype(np.uint8)
    if random.random() < 0.15:
        content = np.where(content.mean(2, keepdims=True) > content.mean(), 255, 0).repeat(3, 2).astype(np.uint8)
    if random.random() < 0.3:
        content = cv2.cvtColor(cv2.cvtColor(content, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB).astype(np.uint8)
    if random.random() < 0.6:
        _, coded = cv2.imencode(".jpg", content, (cv2.IMWRITE_JPEG_QUALITY, int(random.integers(35, 95))))
        content = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return content


def _rule(paper: Pixels, has_cells: bool, random: np.random.Generator) -> None:
    """Draw the rules of a form, a table or a notebook, or the cells of writing paper, in place; they may lie askew."""
    height, width = paper.shape[:2]
    depth, thick = random.uniform(0.35, 0.85), int(random.integers(1, 3))
    rows = [random.uniform(0.75, 1) * (height - 2)]
    columns: list[float] = []
    if has_cells:
        rows.append(random.uniform(0, 0.2) * height)
        step = random.uniform(0.6, 1.2) * height
        columns = np.arange(random.uniform(0, step), width, step).tolist()
    elif random.random() < 0.3:
        columns = [random.choice([random.uniform(0, 0.03), random.uniform(0.97, 1)]) * (width - 2)]
        rows = rows if random.random() < 0.5 else []
    rise = random.normal(0, 0.06) * height if random.random() < 0.5 else 0.0
    lean = random.normal(0, 0.1) * height if random.random() < 0.5 else 0.0
    light = np.ones((height, width), np.float32)
    ends = [((0.0, row - rise), (float(width), row + rise)) for row in rows]
    ends += [((column - lean, 0.0), (column + lean, float(height))) for column in columns]
    for start, end in ends:
        (x0, y0), (x1, y1) = start, end
        cv2.line(light, (round(x0), round(y0)), (round(x1), round(y1)), (depth,), thick, cv2.LINE_AA)
    paper *= light[..., None]


def _smooth(shape: Sequence[int], size: float, random: np.random.Generator) -> Pixels:
    """Noise of about unit height whose hills are as wide as ``size`` pixels."""
    rows, columns = (max(2, round(side / size) + 1) for side in shape)
    noise = random.normal(0, 1, (rows, columns)).astype(np.float32)
    return cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC).astype(np.float32)

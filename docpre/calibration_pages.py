"""Pages that docpre draws itself, to calibrate lower precisions on and to compare engines by.

They need no files and no fonts but Pillow's own, and are the same on every machine for the same seed. What counts for
calibration is that they reach every part of a network as real pages do: print from small to large, columns, tables,
pictures, coloured and dark paper, tables and cloths under it, bends, folds, leaning cameras, shadows and noise.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from docpre.loading import ImageArray

_Box = tuple[int, int, int, int]
_PHOTO_HW = (960, 720)
_PAGE_HW = (1000, 720)
_LETTERS = "etaoinshrdlucmfwypvbgkETAOINSRHD"
_DIGITS = "0123456789"
_PLAIN_SHARE = 0.25  # of scans: a flat page that fills the picture


def draw_pages(count: int, seed: int = 0) -> Iterator[ImageArray]:
    """Upright pages, most of them as photographs of a bent sheet, a few as flat scans.

    Args:
        count: how many.
        seed: the same seed gives the same pages; the first pages don't depend on ``count``.

    Yields:
        (960, 720, 3) RGB uint8, or (1000, 720, 3) for scans.
    """
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        sheet = _Sheet(rng)
        sheet.fill()
        page = np.array(sheet.image)
        yield page if number % round(1 / _PLAIN_SHARE) == 1 else _photo(rng, page)


class _Sheet:
    """A page while it is set."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        paper = rng.uniform(205, 255) + rng.normal(0, 6, 3)
        ink = rng.uniform(0, 70) + rng.normal(0, 12, 3)
        if rng.random() < 0.06:
            paper, ink = ink, paper
        self._paper, self._ink = _colour(paper), _colour(ink)
        self.image = Image.new("RGB", _PAGE_HW[::-1], self._paper)
        self._draw = ImageDraw.Draw(self.image)
        self._size = int(rng.uniform(8, 20))

    def fill(self) -> None:
        """A heading, often, and one to three columns of text, tables and pictures."""
        rng, (height, width) = self._rng, _PAGE_HW
        margin = int(rng.uniform(0.04, 0.12) * width)
        columns, gap, top = int(rng.choice([1, 1, 2, 3])), margin // 2, margin
        column = (width - 2 * margin - (columns - 1) * gap) // columns
        if rng.random() < 0.7:
            size = int(rng.uniform(24, 52))
            line = _line(rng, width - 2 * margin, size)
            self._draw.text((margin, top), line, self._ink, ImageFont.load_default(size))
            top += 2 * size
        blocks = (self._text, self._text, self._text, self._table, self._picture)
        for index in range(columns):
            left, y = margin + index * (column + gap), top
            while y < height - margin - 2 * self._size:
                box = (left, y, left + column, min(height - margin, y + int(rng.uniform(100, 360))))
                blocks[rng.integers(len(blocks))](box)
                y = box[3] + self._size

    def _text(self, box: _Box) -> None:
        font = ImageFont.load_default(self._size)
        for y in range(box[1], box[3] - self._size, int(self._size * self._rng.uniform(1.2, 1.7))):
            share = 1.0 if self._rng.random() < 0.8 else self._rng.uniform(0.2, 0.9)
            line = _line(self._rng, share * (box[2] - box[0]), self._size)
            self._draw.text((box[0], y), line, self._ink, font)

    def _table(self, box: _Box) -> None:
        font, size = ImageFont.load_default(self._size), self._size
        columns, tall = int(self._rng.integers(2, 6)), int(size * self._rng.uniform(1.6, 2.6))
        wide = (box[2] - box[0]) / columns
        is_ruled = self._rng.random() < 0.6
        red, green, blue = (int(0.8 * value) for value in self._paper)
        for row, y in enumerate(range(box[1], box[3] - tall, tall)):
            if row % 2 == 0 and not is_ruled:
                self._draw.rectangle((box[0], y, box[2], y + tall), (red, green, blue))
            for index in range(columns):
                x = box[0] + index * wide
                if is_ruled:
                    self._draw.rectangle((x, y, x + wide, y + tall), outline=self._ink)
                text = _line(self._rng, 0.7 * wide, size, _DIGITS if index else _LETTERS)
                self._draw.text((x + 4, y + (tall - size) // 2), text, self._ink, font)

    def _picture(self, box: _Box) -> None:
        shape = (box[3] - box[1], box[2] - box[0], 3)
        content = 128 + 60 * _layered_clouds(self._rng, shape, (2, 5, 17))
        self.image.paste(Image.fromarray(content.clip(0, 255).astype(np.uint8)), box[:2])


def _line(rng: np.random.Generator, width: float, size: int, letters: str = _LETTERS) -> str:
    """Made-up words that fill about so many pixels of the font; letters are about half as wide as tall."""
    count = max(1, int(width / (0.52 * size)))
    text = rng.choice(list(letters), count)
    text[rng.random(count) < (0.18 if letters == _LETTERS else 0.05)] = " "
    return "".join(text)


def _photo(rng: np.random.Generator, page: ImageArray) -> ImageArray:
    """The page, bent, seen by a camera that leans, in uneven light. Its map back to the page has a closed form."""
    height, width = _PHOTO_HW
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    corners = np.array([[0.08, 0.08], [0.92, 0.08], [0.92, 0.92], [0.08, 0.92]]) + rng.uniform(-0.11, 0.11, (4, 2))
    around = rng.normal(0, 0.06)
    turn = np.array([[np.cos(around), -np.sin(around)], [np.sin(around), np.cos(around)]])
    corners = ((corners - 0.5) @ turn.T + 0.5) * (width, height)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    u, v, w = np.tensordot(
        cv2.getPerspectiveTransform(corners.astype(np.float32), square), np.stack([xs, ys, np.ones_like(xs)]), 1
    )
    u, v = u / w, v / w
    height_map = _bend(rng, u, v)
    # A camera sees what rises moved away from below it; light comes from a side and falls on slopes.
    lean = rng.normal(0, 0.5, 2)
    u, v = u - lean[0] * height_map, v - lean[1] * height_map
    slope_y, slope_x = np.gradient(height_map)
    lamp = rng.normal(0, 1, 2)
    light = 1 + width * (lamp[0] * slope_x + lamp[1] * slope_y).clip(-0.5 / width, 0.4 / width)
    light *= 1 + 0.25 * _clouds(rng, (height, width, 1), 2)[..., 0]
    if rng.random() < 0.4:
        light *= 1 - rng.uniform(0.2, 0.5) * _shadow(rng, xs / width, ys / height)
    map_x, map_y = u * (page.shape[1] - 1), v * (page.shape[0] - 1)
    paper = cv2.remap(
        page, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    inside = cv2.GaussianBlur(((u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)).astype(np.float32), (0, 0), 0.8)[..., None]
    photo = inside * paper + (1 - inside) * _ground(rng, xs, ys)
    photo = photo * light[..., None] * (rng.uniform(0.55, 1.05) + rng.normal(0, 0.06, 3))
    photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.3, 1.6))
    photo += rng.normal(0, rng.uniform(0.5, 7), photo.shape)
    return photo.clip(0, 255).astype(np.uint8)


def _bend(rng: np.random.Generator, u: NDArray[np.float32], v: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far the sheet rises: waves, a curl or a fold or two; in shares of its width."""
    rise = np.zeros_like(u)
    for _ in range(rng.integers(1, 4)):
        around = rng.uniform(0, np.pi)
        along = (u - 0.5) * np.cos(around) + (v - 0.5) * np.sin(around) + rng.uniform(-0.3, 0.3)
        kind = rng.integers(3)
        if kind == 0:
            rise += rng.normal(0, 0.05) * np.sin(rng.uniform(3, 8) * along)
        elif kind == 1:
            rise += rng.normal(0, 0.4) * along.clip(0, None) ** 2
        else:
            rise += rng.normal(0, 0.2) * np.sqrt(along**2 + 1e-4)
    return rise.clip(-0.25, 0.25)


def _shadow(rng: np.random.Generator, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    around, offset, softness = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3), rng.uniform(0.005, 0.1)
    along = (x - 0.5) * np.cos(around) + (y - 0.5) * np.sin(around) - offset
    return 1 / (1 + np.exp((-along / softness).clip(-30, 30)))


def _ground(rng: np.random.Generator, xs: NDArray[np.float32], ys: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the page lies on: plain, cloudy, grained like wood, or chequered."""
    base = rng.uniform(15, 225) + rng.normal(0, 25, 3)
    kind = rng.integers(4)
    pattern = np.zeros(xs.shape, np.float32)
    if kind == 1:
        pattern = _layered_clouds(rng, (xs.shape[0], xs.shape[1], 1), (4, 40))[..., 0]
    elif kind == 2:
        wavy = xs + 18 * np.sin(ys / rng.uniform(60, 200))
        pattern = np.sin(wavy / rng.uniform(4, 30)) + 0.4 * np.sin(wavy / rng.uniform(1.5, 4))
    elif kind == 3:
        side = rng.uniform(15, 90)
        pattern = np.sign(np.sin(xs / side) * np.sin((ys + 0.3 * xs) / side)).astype(np.float32)
    return base + rng.uniform(5, 35) * pattern[..., None]


def _layered_clouds(
    rng: np.random.Generator, shape: tuple[int, int, int], all_cells: tuple[int, ...]
) -> NDArray[np.float32]:
    layers = np.stack([_clouds(rng, shape, cells) for cells in all_cells])
    return np.asarray(layers.sum(0), np.float32)


def _clouds(rng: np.random.Generator, shape: tuple[int, int, int], cells: int) -> NDArray[np.float32]:
    """Smooth noise of about unit size, so many cells across."""
    few = rng.normal(0, 1, (cells + 1, cells + 1, shape[2])).astype(np.float32)
    return np.asarray(cv2.resize(few, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32).reshape(shape)


def _colour(values: NDArray[np.float64]) -> tuple[int, int, int]:
    red, green, blue = values.clip(0, 255).astype(int)
    return int(red), int(green), int(blue)

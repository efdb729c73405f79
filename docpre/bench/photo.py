"""The picture that is measured on: a page of text, bent and photographed, drawn by code."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from docpre.loading import ImageArray

SIZE_HW = (4000, 3000)  # 12 megapixels, as phones take them
_TEXT = (
    "the quick brown fox jumps over a lazy dog while seven wizards of the north brew tea and write long letters home "
    "about weather roads bread and the price of paper in small towns near the sea"
)
_JPEG_QUALITY = 92


def draw_photo(size_hw: tuple[int, int] = SIZE_HW, seed: int = 0) -> ImageArray:
    """An upright page of text as a bent sheet on a table, with shade and a sensor's noise.

    Args:
        size_hw: of the photograph.
        seed: the same one gives the same picture.

    Returns:
        (H, W, 3) RGB uint8.
    """
    height, width = size_hw
    rng = np.random.default_rng(seed)
    page = draw_page((height * 4 // 5, width * 4 // 5), seed)
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    u, v = xs / width, ys / height
    u = (u - 0.11 - 0.03 * v) / 0.76  # seen a little from aside
    v = (v - 0.1 - 0.045 * np.sin(2.6 * u)) / 0.78  # and bent
    map_x, map_y = u * (page.shape[1] - 1), v * (page.shape[0] - 1)
    paper = cv2.remap(page, map_x, map_y, cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    is_inside = ((u >= 0) & (u <= 1) & (v >= 0) & (v <= 1))[..., None]
    table = np.array((78, 56, 40), np.float32) * (1 + 0.1 * np.sin(xs / 37)[..., None])
    shade = (0.95 - 0.2 * xs / width + 0.05 * np.cos(2.6 * u))[..., None]
    photo = np.where(is_inside, paper.astype(np.float32) * shade, table)
    photo += rng.standard_normal((height, width, 1), np.float32) * 2.5
    return photo.clip(0, 255).astype(np.uint8)


def draw_page(size_hw: tuple[int, int], seed: int = 0) -> ImageArray:
    """An upright flat page of text (H, W, 3), RGB uint8."""
    height, width = size_hw
    rng, words = np.random.default_rng(seed), _TEXT.split()
    page = Image.new("RGB", (width, height), (250, 249, 245))
    draw = ImageDraw.Draw(page)
    size = max(width // 48, 6)
    font, margin = ImageFont.load_default(size), width // 10
    draw.text((margin, margin), "A page about nothing much", (20, 20, 20), ImageFont.load_default(2 * size))
    y = margin + 4 * size
    while y < height - margin - size:
        is_last = rng.random() < 0.15  # of a paragraph
        limit = (width - 2 * margin) * (rng.uniform(0.2, 0.8) if is_last else 1) - 4 * size
        line = ""
        while draw.textlength(line, font) < limit:
            line += str(rng.choice(words)) + " "
        draw.text((margin, y), line, (25, 25, 30), font)
        y += int(size * (2.6 if is_last else 1.5))
    return np.array(page)


def words(count: int, seed: int = 0) -> list[str]:
    """Words of a page of text."""
    return [str(word) for word in np.random.default_rng(seed).choice(_TEXT.split(), count)]


def as_jpeg(image: ImageArray) -> bytes:
    """(H, W, 3) RGB uint8 to a JPEG of quality 92."""
    target = io.BytesIO()
    Image.fromarray(image).save(target, "JPEG", quality=_JPEG_QUALITY)
    return target.getvalue()

"""Pages drawn in code, and the pipeline on the official weights."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pymupdf
import pytest
from hypothesis import settings
from PIL import Image, ImageDraw, ImageFont

from docpre import DocPreprocessor

# The same examples on every machine and every day; `--hypothesis-profile default` looks for new ones.
settings.register_profile("seeded", derandomize=True)
settings.load_profile("seeded")

TEXT = (
    "the quick brown fox jumps over a lazy dog while seven wizards of the north brew their tea and write long letters "
    "home about weather roads bread and the price of paper in small towns near the sea"
)
WORDS = TEXT.split()


def draw_page(height: int = 1100, width: int = 780, seed: int = 0, font_size: int = 20) -> np.ndarray:
    """An upright page of text (H, W, 3), RGB uint8, white with a margin."""
    rng = np.random.default_rng(seed)
    page = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(font_size)
    margin = width // 10
    draw.text((margin, margin), "A page about nothing much", "black", ImageFont.load_default(2 * font_size))
    y = margin + 4 * font_size
    while y < height - margin - font_size:
        line, is_last = "", rng.random() < 0.15
        limit = (width - 2 * margin) * (rng.uniform(0.2, 0.8) if is_last else 1)
        while draw.textlength(line, font) < limit - 4 * font_size:
            line += str(rng.choice(WORDS)) + " "
        draw.text((margin, y), line, "black", font)
        y += int(font_size * (2.6 if is_last else 1.5))
    return np.array(page)


def photograph(page_rgb: np.ndarray, height: int = 1200, width: int = 900, bend: float = 0.05) -> np.ndarray:
    """The page bent and seen from a little aside, on a dark table; RGB uint8. Its map is known in closed form."""
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    u, v = xs / width, ys / height
    u = (u - 0.12 - 0.04 * v) / 0.74
    v = (v - 0.1 - bend * np.sin(2.6 * u)) / 0.78
    map_x, map_y = u * (page_rgb.shape[1] - 1), v * (page_rgb.shape[0] - 1)
    table = np.random.default_rng(5).normal((70, 50, 35), 6, (height, width, 3)).clip(0, 255).astype(np.uint8)
    paper = cv2.remap(page_rgb, map_x, map_y, cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    inside = (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
    return np.where(inside[..., None], (paper * 0.9).astype(np.uint8), table)


def turned(picture: np.ndarray, angle_cw_deg: float, ground: tuple[int, int, int] = (96, 84, 70)) -> np.ndarray:
    """A picture turned clockwise about its centre, on a ground large enough for it."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), -angle_cw_deg, 1)
    size = np.ceil(np.abs(matrix[:, :2]) @ (width, height)).astype(int)
    matrix[:, 2] += (size - (width, height)) / 2
    return cv2.warpAffine(picture, matrix, tuple(int(s) for s in size), flags=cv2.INTER_CUBIC, borderValue=ground)


@pytest.fixture(scope="session")
def page_rgb() -> np.ndarray:
    return draw_page()


@pytest.fixture(scope="session")
def photo_rgb(page_rgb: np.ndarray) -> np.ndarray:
    return photograph(page_rgb)


@pytest.fixture(scope="session")
def pipeline() -> DocPreprocessor:
    return DocPreprocessor(device="cpu")


@pytest.fixture
def pdf_path(tmp_path: Path) -> Path:
    """Three pages of text; the second carries /Rotate 90 (it is shown upright nonetheless), the third is small."""
    document = pymupdf.open()
    for number, (width, height) in enumerate(((595, 842), (842, 595), (300, 400))):
        page = document.new_page(width=width, height=height)
        if number == 1:
            page.set_rotation(90)
        box = page.rect * page.derotation_matrix
        page.insert_textbox(
            pymupdf.Rect(box.x0 + 40, box.y0 + 40, box.x1 - 40, box.y1 - 40),
            f"Page {number + 1}. " + " ".join(WORDS * 6),
            fontsize=14,
            rotate=page.rotation,
        )
    path = tmp_path / "document.pdf"
    document.save(path)
    return path

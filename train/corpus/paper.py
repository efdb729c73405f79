"""What pens, tills, paper, scanners and copiers do to a page, cheaply: it stays flat and upright."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.closer_look import print_map
from docpre.loading import ImageArray

Floats = NDArray[np.float32]

_LEAST_KEPT = 0.4  # of what there is to read on a page
_TRIES = 5


def shaken(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """A page (H, W, 3) RGB uint8 whose strokes waver and are thicker or thinner: no two letters stay the same."""
    height, width = image.shape[:2]
    shift = np.zeros((height, width, 2), np.float32)
    # Letters, words and lines waver: waves of about 12, 50 and 200 pixels.
    for length, most in ((12, 1.2), (50, 3.5), (200, 8.0)):
        shift += random.uniform(0, most) * _waves((height, width), length, random, 2)
    shift[..., 1] *= 0.7
    y, x = np.mgrid[:height, :width].astype(np.float32)
    moved = cv2.remap(image, x + shift[..., 0], y + shift[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    kernel = np.ones((2, 2), np.uint8)
    thickness = random.random()
    if thickness < 0.25:
        moved = cv2.erode(moved, kernel)  # dark strokes grow
    elif thickness < 0.4:
        moved = cv2.dilate(moved, kernel)
    return moved.astype(np.uint8, copy=False)


def printed_by_till(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """A receipt (H, W, 3) RGB uint8, its ink as pins with a ribbon or heat leave it, some sharpened as apps do."""
    paper = np.percentile(image, 95, axis=(0, 1)).astype(np.float32)
    ink = np.clip((paper - image) / np.maximum(paper, 1), 0, 1).max(2)
    blotches = random.normal(size=ink.shape).astype(np.float32)
    if random.random() < 0.5:  # pins: letters of rows of dots, violet, blue or black, and a row or two that print less
        colour = np.array(random.choice([(105, 80, 165), (70, 80, 150), (60, 60, 75), (150, 110, 180)]), np.float32)
        rows = 1 - random.uniform(0.1, 0.5) * (np.arange(len(ink)) % int(random.integers(2, 5)) == 0)
        ink = cv2.GaussianBlur(ink, (0, 0), random.uniform(0.4, 0.9)) * rows[:, None].astype(np.float32)
        blotches = cv2.GaussianBlur(blotches, (0, 0), 0.8)
    else:  # heat: grey, paler along the strip where the head is worn or the paper old
        colour = np.full(3, random.uniform(20, 130), np.float32)
        worn = cv2.GaussianBlur(random.normal(size=(1, ink.shape[1])).astype(np.float32), (0, 0), random.uniform(2, 40))
        ink = ink * np.clip(1 - random.uniform(0, 0.6) * np.abs(worn) / (np.abs(worn).max() + 1e-6), 0.3, 1)
    ink = np.clip(ink * (1 + random.uniform(0, 0.6) * blotches), 0, 1)[..., None]
    tint = random.uniform(0.88, 1, 3) if random.random() < 0.4 else np.ones(3)
    printed = (paper * (1 - ink) + colour * ink) * tint.astype(np.float32)
    if random.random() < 0.4:
        printed += random.uniform(0.5, 2.5) * (printed - cv2.GaussianBlur(printed, (0, 0), random.uniform(0.8, 2)))
    return np.clip(printed, 0, 255).astype(np.uint8)


def scanned(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """A page (H, W, 3) RGB uint8 as a scanner or copier gives it, some creased: what can happen, by chance.

    What can't be read any more is tried again, and in the end left as it is.
    """
    for _ in range(_TRIES):
        scan = as_scanned(crumpled(image, random) if random.random() < 0.3 else image, random)
        if is_legible(scan, image):
            return scan
    return image


def is_legible(changed: ImageArray, page: ImageArray) -> bool:
    """Whether a page (H, W, 3) RGB uint8 that was changed, at its scale, still shows what there is to read on it."""
    shown, printed = (seen.density.sum() / seen.seen_at**2 for seen in map(print_map, (changed, page)))
    return bool(shown >= _LEAST_KEPT * printed)


def as_scanned(image: ImageArray, random: np.random.Generator, glass_share: float = 0.75) -> ImageArray:
    """A page (H, W, 3) RGB uint8, as flat as it is, as a scanner or copier gives it; some lie askew on its glass, with
    the lid around them."""
    changed = image
    if random.random() < 0.35:
        changed = _with_the_back(changed, random)
    if random.random() < 0.5:
        changed = _faint(changed, random)
    if random.random() < glass_share:
        changed = _on_glass(changed, random)
    kind = random.random()
    if kind < 0.25:
        changed = _black_and_white(changed, random)
    elif kind < 0.45:
        changed = _copied(changed, random)
    elif kind < 0.6:
        changed = _yellowed(changed, random)
    if random.random() < 0.4:
        blur = random.uniform(0.4, 1.3)
        changed = cv2.GaussianBlur(changed, (0, 0), blur).astype(np.uint8, copy=False)
    noise = random.normal(0, random.uniform(0, 12), changed.shape[:2])[..., None]
    return np.clip(changed + noise, 0, 255).astype(np.uint8)


def crumpled(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """The shading of creases and waves, and a little of their bending."""
    size = image.shape[0], image.shape[1]
    relief = np.zeros(size, np.float32)
    for length in (25, 80, 250):
        relief += _waves(size, length, random, 1)[..., 0] * length * 0.02
    for _ in range(int(random.integers(0, 5))):
        angle, place = random.uniform(0, np.pi), random.uniform(0.1, 0.9, 2) * size
        y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
        distance = (x - place[1]) * np.cos(angle) + (y - place[0]) * np.sin(angle)
        relief = relief + np.tanh(distance / 6) * random.uniform(-0.6, 0.6)
    light = random.uniform(0.03, 0.22) * relief
    return _lit(image, np.asarray(1 + light - light.max() * 0.5))


def _lit(image: NDArray[Any], light: NDArray[Any]) -> ImageArray:
    return np.clip(image * light[..., None], 0, 255).astype(np.uint8)


def _waves(size: tuple[int, int], length: float, random: np.random.Generator, channels: int) -> Floats:
    """Smooth noise (H, W, channels) of about unit size, whose waves are so long in pixels."""
    grid = max(2, round(size[0] / length) + 1), max(2, round(size[1] / length) + 1)
    coarse = random.normal(size=(*grid, channels)).astype(np.float32)
    waves = cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(waves, np.float32).reshape(*size, channels)


def _with_the_back(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """Another side shines through: mirrored, mostly the right way up as sheets are printed."""
    side = image[:, ::-1] if random.random() < 0.7 else image[::-1]
    back = cv2.GaussianBlur(np.roll(side, int(random.integers(-40, 40)), 0), (0, 0), random.uniform(0.8, 2.5))
    share = random.uniform(0.05, 0.25)
    return np.clip(image - share * (255.0 - back), 0, 255).astype(np.uint8)


def _faint(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """Little ink, here more and there less, as of a worn ribbon or old thermal paper."""
    share = random.uniform(0.25, 0.9) + 0.25 * _waves((image.shape[0], image.shape[1]), 120, random, 1)
    paper = np.percentile(image, 90, axis=(0, 1))
    return np.clip(paper - np.clip(share, 0.12, 1) * (paper - image), 0, 255).astype(np.uint8)


def _on_glass(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """Put on a scanner's glass, a little or quite askew; what is beside the page is white, grey or black."""
    height, width = image.shape[:2]
    angle = random.normal(0, 2) if random.random() < 0.75 else random.uniform(-20, 20)
    around = random.uniform(0, 0.12, 4) if random.random() < 0.7 else random.uniform(0, 0.5, 4)
    shade = int(random.choice([255, 250, 225, 128, 40, 0]))
    radians = np.radians(abs(angle))
    new_width = int((width * np.cos(radians) + height * np.sin(radians)) * (1 + around[0] + around[1]))
    new_height = int((height * np.cos(radians) + width * np.sin(radians)) * (1 + around[2] + around[3]))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    matrix[0, 2] += new_width * (0.5 + (around[0] - around[1]) / 2) - width / 2
    matrix[1, 2] += new_height * (0.5 + (around[2] - around[3]) / 2) - height / 2
    placed = cv2.warpAffine(image, matrix, (new_width, new_height), borderValue=(shade, shade, shade))
    if random.random() < 0.4:  # light comes in at an edge, or the lid throws a shadow
        y, x = np.mgrid[0 : 1 : new_height * 1j, 0 : 1 : new_width * 1j]
        edge = (x, 1 - x, y, 1 - y)[int(random.integers(4))]
        placed = _lit(placed, np.asarray(1 - random.uniform(0.2, 0.8) * np.exp(-edge / random.uniform(0.02, 0.2))))
    return placed.astype(np.uint8, copy=False)


def _black_and_white(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """Two levels, by a bound for all or by the surroundings."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if random.random() < 0.5:
        level = random.uniform(0.35, 0.65) * float(gray.min()) + 0.5 * float(np.median(gray))
        two = np.where(gray > level, 255, 0)
    else:
        two = cv2.adaptiveThreshold(
            gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 2 * int(random.integers(7, 20)) + 1, 12
        )
    return np.repeat(np.asarray(two, np.uint8)[..., None], 3, 2)


def _copied(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """Grey and hard, with specks and a streak, as copies of copies are."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    gray = (gray - 128) * random.uniform(1.2, 2.5) + 128 + random.uniform(-20, 60)
    specks = random.random(gray.shape) < random.uniform(0, 0.003)
    gray[specks] = random.choice([0, 255])
    if random.random() < 0.4:
        place = int(random.integers(gray.shape[1]))
        gray[:, place : place + int(random.integers(1, 4))] *= 0.6
    return np.repeat(np.clip(gray, 0, 255).astype(np.uint8)[..., None], 3, 2)


def _yellowed(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """Old paper: brown, with stains."""
    tint = np.array([1, random.uniform(0.85, 0.98), random.uniform(0.6, 0.9)])
    stains = 1 + 0.08 * _waves((image.shape[0], image.shape[1]), 150, random, 1)
    return np.clip(image * tint * stains * random.uniform(0.75, 1), 0, 255).astype(np.uint8)

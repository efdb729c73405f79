"""Panels, frames, pictures and blocks on a page: what is printed on it, and isn't the page's own outline."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.loading import ImageArray

Box = tuple[int, int, int, int]  # left, top, right, bottom


def with_panels(page: ImageArray, other: ImageArray, random: np.random.Generator) -> ImageArray:
    """A page with something large printed on it, by chance one of six ways.

    Args:
        page: (H, W, 3) RGB uint8.
        other: another page, of which pictures on this one may be made.
        random: source of chance.
    """
    ways = (_panel, _frame, _picture, _block, _shapes_along_an_edge, _mosaic)
    changed = page.copy()
    ways[int(random.choice(len(ways), p=(0.25, 0.15, 0.25, 0.1, 0.1, 0.15)))](changed, other, random)
    return changed


def _panel(page: ImageArray, other: ImageArray, random: np.random.Generator) -> None:
    """Parts of the page on other colours, as tables' cells, boxes and title bars are; darker ones with pale letters."""
    for _ in range(int(random.integers(1, 4))):
        left, top, right, bottom = _box(page, random)
        part = page[top:bottom, left:right].astype(np.float32)
        colour = _colour(random)
        inked = 1 - part / 255
        letters = np.float32(255 if colour.mean() < 110 else random.uniform(0, 60))
        page[top:bottom, left:right] = (colour * (1 - inked) + letters * inked).astype(np.uint8)


def _frame(page: ImageArray, other: ImageArray, random: np.random.Generator) -> None:
    """A line around a part of the page, or two."""
    left, top, right, bottom = _box(page, random, 0.3)
    thick = max(1, round(random.uniform(0.002, 0.02) * max(page.shape[:2])))
    colour = random.uniform(0, 160, 3).tolist()
    cv2.rectangle(page, (left, top), (right - 1, bottom - 1), colour, thick)
    if random.random() < 0.3:
        inset = 3 * thick
        cv2.rectangle(page, (left + inset, top + inset), (right - inset, bottom - inset), colour, max(1, thick // 2))


def _picture(page: ImageArray, other: ImageArray, random: np.random.Generator) -> None:
    """A photograph, or another page as a picture, on it; or on nothing else."""
    if random.random() < 0.3:
        page[:] = _paper(page)
    for _ in range(int(random.integers(1, 4))):
        left, top, right, bottom = _box(page, random)
        page[top:bottom, left:right] = _content((bottom - top, right - left), other, random)
        if random.random() < 0.4:
            cv2.rectangle(page, (left, top), (right - 1, bottom - 1), (0, 0, 0), 1)


def _block(page: ImageArray, other: ImageArray, random: np.random.Generator) -> None:
    """All but a block of what is on the page is missing."""
    left, top, right, bottom = _box(page, random)
    kept = page[top:bottom, left:right].copy()
    page[:] = _paper(page)
    page[top:bottom, left:right] = kept


def _shapes_along_an_edge(page: ImageArray, other: ImageArray, random: np.random.Generator) -> None:
    """Coloured shapes that the page's edge cuts."""
    height, width = page.shape[:2]
    side, count = int(random.integers(4)), int(random.integers(1, 8))
    depth = random.uniform(0.05, 0.4)
    for number in range(count):
        along = (number + 0.5) / count
        at = ((along, 0), (along, 1), (0, along), (1, along))[side]
        radii = (0.6 / count, depth) if side < 2 else (depth, 0.6 / count)
        centre = (round(at[0] * width), round(at[1] * height))
        axes = (max(1, round(radii[0] * width)), max(1, round(radii[1] * height)))
        colour = _colour(random).tolist()
        if random.random() < 0.6:
            cv2.ellipse(page, centre, axes, 0, 0, 360, colour, cv2.FILLED, cv2.LINE_AA)
        else:
            low, high = np.subtract(centre, axes), np.add(centre, axes)
            cv2.rectangle(page, low.tolist(), high.tolist(), colour, cv2.FILLED)


def _mosaic(page: ImageArray, other: ImageArray, random: np.random.Generator) -> None:
    """Pictures and colours side by side over all of the page, as on leaflets and covers; some cells stay."""
    rows, columns = (int(count) for count in random.integers(1, 7, 2))
    downs = np.linspace(0, page.shape[0], rows + 1).round().astype(int)
    acrosses = np.linspace(0, page.shape[1], columns + 1).round().astype(int)
    kept = random.uniform(0, 0.5)
    for top, bottom in pairwise(downs):
        for left, right in pairwise(acrosses):
            if random.random() >= kept and bottom > top and right > left:
                page[top:bottom, left:right] = _content((int(bottom - top), int(right - left)), other, random)


def _content(size_hw: tuple[int, int], other: ImageArray, random: np.random.Generator) -> ImageArray:
    """One colour, soft blots of colours as in a photograph, or a part of another page, (*size_hw, 3)."""
    kind, size_wh = random.random(), size_hw[::-1]
    if kind < 0.3:
        return np.broadcast_to(_colour(random).astype(np.uint8), (*size_hw, 3))
    if kind < 0.65:
        contrast = random.uniform(5, 60, 3)
        coarse = _colour(random) + contrast * random.normal(size=(*random.integers(2, 9, 2), 3))
        blots = cv2.resize(coarse.astype(np.float32), size_wh, interpolation=cv2.INTER_CUBIC)
        return np.clip(blots + random.normal(0, random.uniform(0, 25), blots.shape), 0, 255).astype(np.uint8)
    left, top, right, bottom = _box(other, random)
    part = cv2.resize(other[top:bottom, left:right], size_wh, interpolation=cv2.INTER_AREA)
    tint = random.uniform(0.4, 1, 3) if random.random() < 0.5 else np.ones(3)
    return np.clip((255 - part if random.random() < 0.15 else part) * tint, 0, 255).astype(np.uint8)


def _paper(page: ImageArray) -> ImageArray:
    return np.percentile(page, 90, axis=(0, 1)).astype(np.uint8)


def _colour(random: np.random.Generator) -> NDArray[np.float32]:
    """Mostly muted, often pale, (3,) 0 to 255."""
    colour = random.uniform(0, 255, 3)
    colour += random.uniform(0, 1) * (colour.mean() - colour)
    if random.random() < 0.4:
        colour += random.uniform(0.5, 1) * (255 - colour)
    return colour.astype(np.float32)


def _box(page: ImageArray, random: np.random.Generator, least: float = 0.12) -> Box:
    """A part of a page, at least so much of its height and width; a third of them reach its edges,
    a quarter lie in its middle."""
    low, high = np.sort(random.uniform(0, 1, (2, 2)), axis=0)
    low, high = np.clip((low + high) / 2 + np.maximum(high - low, least)[None] * [[-0.5], [0.5]], 0, 1)
    if (place := random.random()) < 0.25:
        low, high = (low - high) / 2 + 0.5, (high - low) / 2 + 0.5
    elif place < 0.58:
        low = np.where(random.random(2) < 0.5, 0, low)
    size = np.array(page.shape[1::-1])
    (left, top), (right, bottom) = (low * size).astype(int), np.ceil(high * size).astype(int)
    return int(left), int(top), int(max(right, left + 1)), int(max(bottom, top + 1))

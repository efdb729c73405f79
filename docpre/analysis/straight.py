"""A page as its lines run level: boxes of the lines, what is inked, and the way back to the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.analysis.elements import Quad, TextLine
from docpre.loading import ImageArray
from docpre.shrinking import shrunk

#: (4,) or (N, 4) float64: left, top, right, bottom.
Box = NDArray[np.float64]
Mask = NDArray[np.uint8]

_LONG_SIDE_PX = 1600
_LEVEL_DEG = 0.15
_MOST_SKEW_DEG = 20.0
_DARKER = 0.80  # of the paper around it
_PAPER_SHARE = 1 / 24  # of the page's long side: the paper is looked for so far around
_RULE_SHARE = 1 / 18  # of the page's width is the shortest rule
_THICKEST_RULE_PX = 7
_FEWEST_LETTERS = 3
_MIDDLE = 0.25  # of a line's height: from here on from its top and bottom is its middle


@dataclass(frozen=True, eq=False)
class Straight:
    """A page turned by its skew, around its middle.

    Attributes:
        boxes: (N, 4) of the lines, drawn in to their ink, in pixels of the picture.
        ink: (h, w) uint8, 1 where there is ink; smaller than the picture.
        level, upright: (M, 4) horizontal and vertical rules, in pixels of the picture.
        scale: of the ink, its pixels a pixel of the picture.
        size_wh: of the picture.
        skew_deg: how far the lines are turned clockwise.
    """

    boxes: Box
    ink: Mask
    level: Box
    upright: Box
    scale: float
    size_wh: tuple[int, int]
    skew_deg: float

    def quad(self, box: Box) -> Quad:
        """The upright rectangle around a box, in the picture."""
        corners = _turned(_corners(box), self.size_wh, self.skew_deg)
        limit = np.array(self.size_wh, np.float64)
        return _corners(np.concatenate([corners.min(0).clip(0, limit), corners.max(0).clip(0, limit)])).astype(
            np.float32
        )

    def straightened(self, box: Box) -> Box:
        """An upright box of the picture, with its middle where it comes to lie."""
        middle = _turned(((box[:2] + box[2:]) / 2)[None], self.size_wh, -self.skew_deg)[0]
        half = (box[2:] - box[:2]) / 2
        return np.concatenate([middle - half, middle + half])

    def ink_in(self, box: Box) -> Mask:
        """What is inked in a box."""
        left, top, right, bottom = pixels(box, self.scale, self.ink.shape)
        return self.ink[top:bottom, left:right]

    def drawn_in(self, box: Box) -> Box:
        """A box without its empty rim; itself where it is empty."""
        left, top, _, _ = pixels(box, self.scale, self.ink.shape)
        part = self.ink_in(box)
        rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
        if not len(rows):
            return box
        inner = np.array([left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1])
        return np.asarray(inner / self.scale, np.float64)


def straightened(image: ImageArray, lines: Sequence[TextLine]) -> Straight:
    """A page as its lines run level.

    Args:
        image: (H, W, 3) RGB uint8.
        lines: of the page.
    """
    height, width = image.shape[:2]
    skew_deg = skew_of(lines)
    scale = min(1.0, _LONG_SIDE_PX / max(height, width))
    shown = shrunk(image, (max(1, round(height * scale)), max(1, round(width * scale))))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        shown = cv2.resize(shown, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    red, green, blue = cv2.split(shown)
    gray = cv2.min(cv2.min(red, green), blue)  # the darkest: coloured ink counts too
    if skew_deg:
        middle = ((gray.shape[1] - 1) / 2, (gray.shape[0] - 1) / 2)
        turn = cv2.getRotationMatrix2D(middle, skew_deg, 1.0)
        gray = cv2.warpAffine(gray, turn, gray.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    ink = inked(np.asarray(gray, np.uint8))
    raw = np.array([_around(line.quad, (width, height), skew_deg) for line in lines], np.float64).reshape(-1, 4)
    has_words = np.array([sum(map(str.isalnum, line.text)) >= _FEWEST_LETTERS for line in lines], bool)
    level, ink = _rules(ink, raw[has_words] * scale)
    upright, ink = _rules(ink.T, np.empty((0, 4)))
    ink = np.ascontiguousarray(ink.T)
    page = Straight(raw, ink, level / scale, upright[:, [1, 0, 3, 2]] / scale, scale, (width, height), skew_deg)
    drawn = np.array([page.drawn_in(box) for box in raw], np.float64).reshape(-1, 4)
    return Straight(drawn, ink, page.level, page.upright, scale, page.size_wh, skew_deg)


def skew_of(lines: Sequence[TextLine]) -> float:
    """How far lines are turned clockwise, in degrees; 0 where they can't tell or are nearly level."""
    angles, weights = [], []
    for line in lines:
        along = line.quad[1] - line.quad[0] + line.quad[2] - line.quad[3]
        length, height = float(np.linalg.norm(along)), float(np.linalg.norm(line.quad[3] - line.quad[0]))
        if length > 10 * max(height, 1.0):
            angles.append(float(np.degrees(np.arctan2(along[1], along[0]))))
            weights.append(length)
    if len(angles) < 3:
        return 0.0
    order = np.argsort(angles)
    total = np.cumsum(np.array(weights)[order])
    skew = angles[order[int(np.searchsorted(total, total[-1] / 2))]]
    return skew if _LEVEL_DEG <= abs(skew) <= _MOST_SKEW_DEG else 0.0


def inked(gray: Mask) -> Mask:
    """1 where a picture (h, w) is clearly darker than the paper around."""
    reach = max(3, round(max(gray.shape) * _PAPER_SHARE)) | 1
    small = cv2.resize(gray, [max(1, side // 4) for side in gray.shape[::-1]], interpolation=cv2.INTER_AREA)
    kernel = np.ones((max(3, reach // 4),) * 2, np.uint8)
    paper = cv2.dilate(small, kernel)
    paper = np.maximum(paper, np.uint8(0.9 * float(np.median(small))))
    paper = cv2.GaussianBlur(paper, (0, 0), max(1.0, reach / 8))
    paper = cv2.resize(paper, gray.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return (gray < _DARKER * paper.astype(np.float32)).astype(np.uint8)


def _rules(ink: Mask, words: Box) -> tuple[Box, Mask]:
    """Horizontal rules, (M, 4) in pixels of the ink, and the ink without them.

    Args:
        ink: (h, w).
        words: (N, 4), around lines of words: what runs through their middle is letters close together.
    """
    inner = (words[:, 3] - words[:, 1]) * _MIDDLE
    cores = words + np.stack([np.full(len(words), -3.0), inner, np.full(len(words), 3.0), -inner], 1)
    length = max(20, round(ink.shape[1] * _RULE_SHARE))
    closed = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))
    # A rule that is a little askew is in steps: rows are let run together before long runs are looked for.
    joined = cv2.dilate(closed, np.ones((3, 1), np.uint8))
    runs = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(runs, connectivity=8)
    left = ink.copy()
    found = []
    for x, y, width, height, _ in stats[1:]:
        middle = y + height / 2
        is_inside = (cores[:, 0] <= x) & (cores[:, 2] >= x + width) & (cores[:, 1] <= middle) & (cores[:, 3] >= middle)
        if height <= _THICKEST_RULE_PX + 2 and not is_inside.any():
            found.append((x, y + 1, x + width, y + max(height - 1, 2)))
            left[y : y + height, x : x + width] = 0
    return np.array(found, np.float64).reshape(-1, 4), left


def pixels(box: Box, scale: float, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """A box as whole pixels of a mask: left, top, right, bottom, within it."""
    left, top = np.floor(box[:2] * scale).astype(int).clip(0)
    right, bottom = np.ceil(box[2:] * scale).astype(int).clip(0)
    return int(left), int(top), int(min(right, shape[1])), int(min(bottom, shape[0]))


def _around(quad: Quad, size_wh: tuple[int, int], skew_deg: float) -> Box:
    corners = _turned(quad.astype(np.float64), size_wh, -skew_deg)
    return np.concatenate([corners.min(0), corners.max(0)])


def _turned(points: NDArray[np.float64], size_wh: tuple[int, int], angle_cw_deg: float) -> NDArray[np.float64]:
    if not angle_cw_deg:
        return points
    middle = (np.array(size_wh, np.float64) - 1) / 2
    cos, sin = np.cos(np.radians(angle_cw_deg)), np.sin(np.radians(angle_cw_deg))
    turned: NDArray[np.float64] = (points - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle
    return turned


def _corners(box: Box) -> NDArray[np.float64]:
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)

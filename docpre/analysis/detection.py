"""Where the lines of text are: a segmentation network (DB, arXiv:1911.08947) at the scale that the text asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.analysis.text_height import text_height_px
from docpre.engine_pool import EnginePool
from docpre.loading import ImageArray
from docpre.shrinking import shrunk

_IS_TEXT = 0.3
_IS_SURELY_TEXT = 0.6
_LEAST_SCORE = 0.5
_GROWTH = 1.6  # the network is trained on outlines shrunk by this share of area / perimeter
_THINNEST_PX = 3
_LEAST_RISE_PX = 1.5
_STRIDE = 32
# Lines of letters as high as 5.5 are found as well as with higher ones, which only cost time; some are smaller yet.
_LETTER_PX = 7.0
_LARGEST_SCALE = 3.0
_SHORTEST_SIDE_PX = 160
_MARGIN = 0.05


class TextDetector:
    """Finds lines of text.

    Args:
        pool: runs the network.
    """

    def __init__(self, pool: EnginePool) -> None:
        self.pool = pool

    def find(self, image: ImageArray, device: str | None = None) -> NDArray[np.float32]:
        """The outlines of the lines on a picture.

        Args:
            image: (H, W, 3) RGB uint8.
            device: another one than the pool's.

        Returns:
            (N, 4, 2) float32, in no order; see ``docpre.analysis.elements.Quad``.
        """
        height, width = image.shape[:2]
        scale = detection_scale(image)
        # A line that fills its picture is found only with something around it.
        margin = round(_MARGIN * min(height, width)) if min(height, width) * scale < _SHORTEST_SIDE_PX * 4 else 0
        if margin:
            image = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REPLICATE).astype(np.uint8)
        rows, columns = (max(_STRIDE, round(side * scale / _STRIDE) * _STRIDE) for side in image.shape[:2])
        shown = shrunk(image, (rows, columns))
        if shown.shape[:2] != (rows, columns):
            shown = cv2.resize(shown, (columns, rows), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
        mean, std = np.float32(255 * self.pool.spec.mean[0]), np.float32(255 * self.pool.spec.std[0])
        batch = np.ascontiguousarray(shown[None, ..., ::-1].transpose(0, 3, 1, 2)).astype(np.float32)
        batch -= mean
        batch /= std
        quads = outlines(self.pool.run(batch, device)[0, 0])
        quads *= np.array([image.shape[1] / columns, image.shape[0] / rows], np.float32)
        quads -= margin
        return quads.clip(0, np.array([width - 1, height - 1], np.float32))


def detection_scale(image: ImageArray) -> float:
    """How much a picture is scaled for the network: so that its small letters are as high as they need be.

    Large letters on large pictures are made smaller, which saves time; small ones never are, whatever the picture's
    size.
    """
    letters = text_height_px(image)
    shortest = _SHORTEST_SIDE_PX / min(image.shape[:2])
    return min(max(_LETTER_PX / letters, shortest), max(_LARGEST_SCALE, shortest)) if letters else max(1.0, shortest)


def outlines(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """Upright or slanted rectangles around the lines of a map.

    Args:
        probability: (H, W), of being within a line's shrunken outline.

    Returns:
        (N, 4, 2) float32, pixels of the map.
    """
    found = []
    for contour in _contours(probability > _IS_TEXT):
        outline = _outline(contour, probability)
        if outline is not None:
            found.append(outline)
            continue
        # A line may run out into what is hardly text, as rows of dots are: its surer parts are looked at.
        left, top, width, height = cv2.boundingRect(contour)
        within = np.zeros((height, width), np.uint8)
        cv2.drawContours(within, [contour - (left, top)], -1, (1,), cv2.FILLED)
        near = probability[top : top + height, left : left + width]
        for part in _contours((near > _IS_SURELY_TEXT) & (within > 0)):
            outline = _outline((part + np.array([left, top])).astype(np.int32), probability)
            if outline is not None:
                found.append(outline)
    return np.array(found, np.float32).reshape(-1, 4, 2)


def _contours(mask: NDArray[np.bool_]) -> Sequence[Any]:
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((2, 2), np.uint8))
    return cv2.findContours(grown, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0]


def _outline(contour: NDArray[Any], probability: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The outline of the line that a shrunken one stands for; None: it is hardly text."""
    centre, size, angle_deg = _rectangle(contour)
    corners = cv2.boxPoints((centre, size, angle_deg)).astype(np.float32)
    if min(size) < _THINNEST_PX or _mean_within(probability, corners) < _LEAST_SCORE:
        return None
    growth = 2 * _GROWTH * size[0] * size[1] / (2 * (size[0] + size[1]))
    return _quad(centre, (size[0] + growth, size[1] + growth), angle_deg)


def _rectangle(contour: NDArray[Any]) -> tuple[Sequence[float], Sequence[float], float]:
    """Middle, size and angle of the smallest rectangle; upright where the slant is less than the map can show."""
    centre, size, angle_deg = cv2.minAreaRect(contour)
    slant_deg = angle_deg - 90 * round(angle_deg / 90)
    if abs(np.sin(np.radians(slant_deg))) * max(size) >= _LEAST_RISE_PX:
        return centre, size, angle_deg
    left, top, width, height = cv2.boundingRect(contour)
    return (left + (width - 1) / 2, top + (height - 1) / 2), (width - 1, height - 1), 0.0


def _quad(centre: Sequence[float], size: Sequence[float], angle_deg: float) -> NDArray[np.float32]:
    """A rectangle's corners, clockwise, from the one at the top left when it is turned by less than 45 degrees."""
    quarter_turns = round(angle_deg / 90)
    if quarter_turns % 2:
        size = size[::-1]
    angle = np.radians(angle_deg - 90 * quarter_turns)
    along = np.array([np.cos(angle), np.sin(angle)]) * size[0] / 2
    down = np.array([-np.sin(angle), np.cos(angle)]) * size[1] / 2
    return (np.array(centre) + np.array([-along - down, along - down, along + down, down - along])).astype(np.float32)


def _mean_within(probability: NDArray[np.float32], corners: NDArray[np.float32]) -> float:
    limit = np.array(probability.shape[::-1]) - 1
    low = np.clip(np.floor(corners.min(0)).astype(int), 0, limit)
    high = np.clip(np.ceil(corners.max(0)).astype(int), 0, limit)
    mask = np.zeros(tuple((high - low + 1)[::-1]), np.uint8)
    cv2.fillPoly(mask, [(corners - low).astype(np.int32)], (1,))
    return float(cv2.mean(probability[low[1] : high[1] + 1, low[0] : high[0] + 1], mask)[0])

"""Where figures are: ink that is neither text nor a table, and what the layout network sees."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.analysis.boxes import Box, area, around, common, grown, merged, share_inside
from docpre.analysis.layout_network import Block
from docpre.analysis.straight import Straight, pixels
from docpre.analysis.tables import Found

_SURE = 0.5
_REACH = 0.9  # of a letter: ink that is so near is one figure
_SMALLEST = 2.6  # letters, of the shorter side
_LEAST_AREA = 0.004  # of the page
_LEGEND_SIZE = 0.88  # of the body's letters
_MOST_TEXT = 0.5  # of the page's text: what holds more of it and
_FILLED_BY_TEXT = 0.2  # is filled by it so far is no figure
_LABEL_REACH = 0.8  # of a letter: lines of text so near to a figure's ink are its labels


def figures(
    page: Straight, taken: Sequence[Box], blocks: Sequence[Block], letter_px: float, sizes: NDArray[np.float64]
) -> list[Found]:
    """The figures of a page.

    Args:
        page: as its lines run level.
        taken: tables, and tables of contents.
        blocks: what the layout network sees, on the straight page.
        letter_px: the size of the body's letters.
        sizes: (N,), of the lines' letters.
    """
    seen = [(b.box, b.score) for b in blocks if b.label == "figure" and b.score >= _SURE]
    seen = [(box, score) for box, score in seen if not any(_is_same(box, table) for table in taken)]
    inked = _ink_boxes(page, taken, letter_px)
    found = []
    for box, score in seen:
        parts = [other for other in inked if common(box, other) > 0.3 * float(area(other))]
        inked = [other for other in inked if not any(other is part for part in parts)]
        if parts:
            inside = page.boxes[share_inside(page.boxes, box) > 0.7]
            found.append(Found(around([*parts, *inside]), score))
    found += [Found(box, None) for box in inked]
    whole = [Found(_with_labels(f.box, page, letter_px, sizes), f.score) for f in found]
    boxes = [box for box in merged([f.box for f in whole], 0.3) if not _is_paper(box, page)]
    scores = [max((f.score for f in whole if f.score and common(f.box, b) > 0), default=None) for b in boxes]
    return [Found(box, score) for box, score in zip(boxes, scores, strict=True)]


def _is_paper(box: Box, page: Straight) -> bool:
    """Whether a box is the ground that a page's text stands on, as a tinted slip or the rim of a sheet makes it."""
    text = area(page.boxes[share_inside(page.boxes, box) > 0.7]).sum()
    return bool(text > _MOST_TEXT * area(page.boxes).sum() and text > _FILLED_BY_TEXT * area(box))


def _is_same(box: Box, other: Box) -> bool:
    return bool(common(box, other) > 0.5 * min(float(area(box)), float(area(other))))


def _ink_boxes(page: Straight, taken: Sequence[Box], letter_px: float) -> list[Box]:
    scale = page.scale
    ink = page.ink.copy()
    for box in [*page.level, *page.upright]:
        left, top, right, bottom = pixels(box, scale, ink.shape)
        ink[top : max(bottom, top + 1), left : max(right, left + 1)] = 1
    for box in page.boxes:
        margin = 0.12 * (box[3] - box[1])
        left, top, right, bottom = pixels(grown(box, margin), scale, ink.shape)
        ink[top:bottom, left:right] = 0
    for box in taken:
        left, top, right, bottom = pixels(grown(box, 2), scale, ink.shape)
        ink[top:bottom, left:right] = 0
    reach = max(3, round(2 * _REACH * letter_px * scale)) | 1
    joined = cv2.morphologyEx(
        cv2.copyMakeBorder(ink, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0),
        cv2.MORPH_CLOSE,
        cv2.getStructuringElement(cv2.MORPH_RECT, (reach, reach)),
    )[reach:-reach, reach:-reach]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found = []
    for label, (x, y, width, height, _) in list(enumerate(stats))[1:]:
        part = ink[y : y + height, x : x + width]
        own = part & (labels[y : y + height, x : x + width] == label)
        box = np.array([x, y, x + width, y + height], np.float64) / scale
        sides = box[2:] - box[:2]
        fills = own.sum() / max(width * height, 1)
        is_rim = width > 0.97 * ink.shape[1] or height > 0.97 * ink.shape[0]
        if sides.min() < _SMALLEST * letter_px or is_rim or fills < 0.01:
            continue
        if sides.prod() >= _LEAST_AREA * page.size_wh[0] * page.size_wh[1]:
            found.append(box)
    return merged(found, 0.5)


def _with_labels(box: Box, page: Straight, letter_px: float, sizes: NDArray[np.float64]) -> Box:
    """A figure with the short lines of text at its rim, such as an axis's numbers."""
    reach = _LABEL_REACH * letter_px
    # A legend stands farther away, in smaller letters, beside the figure.
    middle = (page.boxes[:, 1] + page.boxes[:, 3]) / 2
    level = (middle > box[1]) & (middle < box[3])
    for distance in (box[0] - page.boxes[:, 2], page.boxes[:, 0] - box[2]):
        beside = level & (distance > 0) & (distance < 0.5 * (box[2] - box[0]))
        if beside.any() and (sizes[beside] < _LEGEND_SIZE * letter_px).all():
            box = around([box, *page.boxes[beside]])
    for _ in range(2):
        near = grown(box, reach)
        touching = (common(page.boxes, near) > 0) & (page.boxes[:, 2] - page.boxes[:, 0] < 0.4 * (box[2] - box[0]))
        touching &= (page.boxes[:, 0] > box[0] - 4 * letter_px) & (page.boxes[:, 2] < box[2] + 4 * letter_px)
        if not touching.any():
            break
        box = around([box, *page.boxes[touching]])
        reach *= 0.5
    return box

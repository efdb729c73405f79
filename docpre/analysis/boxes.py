"""Upright boxes: (4,) or (N, 4) float64, left, top, right, bottom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Box = NDArray[np.float64]


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all of some boxes."""
    stacked = np.stack(list(boxes))
    return np.concatenate([stacked[:, :2].min(0), stacked[:, 2:].max(0)])


def area(boxes: Box) -> NDArray[np.float64]:
    """The area of each box."""
    return np.asarray((boxes[..., 2:] - boxes[..., :2]).clip(0).prod(-1), np.float64)


def common(boxes: Box, other: Box) -> NDArray[np.float64]:
    """The area that each box shares with another one."""
    low, high = np.maximum(boxes[..., :2], other[..., :2]), np.minimum(boxes[..., 2:], other[..., 2:])
    return np.asarray((high - low).clip(0).prod(-1), np.float64)


def share_inside(boxes: Box, other: Box) -> NDArray[np.float64]:
    """The share of each box's area that lies in another one."""
    return np.asarray(common(boxes, other) / np.maximum(area(boxes), 1e-9), np.float64)


def grown(box: Box, margin: float) -> Box:
    """A box with a margin all around."""
    return np.asarray(box + np.array([-margin, -margin, margin, margin]), np.float64)


def overlap_x(first: Box, second: Box) -> float:
    """How long the part of the x axis is that both boxes cover; negative: how far they are apart."""
    return float(min(first[2], second[2]) - max(first[0], second[0]))


def overlap_y(first: Box, second: Box) -> float:
    """How long the part of the y axis is that both boxes cover; negative: how far they are apart."""
    return float(min(first[3], second[3]) - max(first[1], second[1]))


def merged(boxes: Sequence[Box], share: float) -> list[Box]:
    """Boxes, those run together that lie in each other by a share of the smaller one."""
    remaining = [box.copy() for box in boxes]
    found: list[Box] = []
    while remaining:
        box = remaining.pop()
        for index, other in enumerate(remaining):
            if common(box, other) >= share * max(min(float(area(box)), float(area(other))), 1e-9):
                remaining[index] = around([box, other])
                break
        else:
            found.append(box)
    return found


def rows_of(indices: Iterable[int], boxes: Box) -> list[list[int]]:
    """Lines that stand beside each other, row by row from the top down, each from left to right.

    Args:
        indices: of the lines to put in rows.
        boxes: (N, 4) of all lines.
    """
    rows: list[list[int]] = []
    spans: list[tuple[float, float]] = []
    for index in sorted(indices, key=lambda i: (boxes[i, 1] + boxes[i, 3], boxes[i, 0], i)):
        top, bottom = float(boxes[index, 1]), float(boxes[index, 3])
        placed = False
        for back in range(1, min(4, len(rows)) + 1):
            low, high = spans[-back]
            shared = min(bottom, high) - max(top, low)
            beside = all(
                min(boxes[index, 2], boxes[i, 2]) - max(boxes[index, 0], boxes[i, 0]) < 0.3 * (bottom - top)
                for i in rows[-back]
            )
            if shared > 0.5 * min(bottom - top, high - low) and beside:
                rows[-back].append(index)
                # The taller of the two decides: a dash beside letters says little about where the row is.
                if bottom - top > high - low:
                    spans[-back] = (top, bottom)
                placed = True
                break
        if not placed:
            rows.append([index])
            spans.append((top, bottom))
    return [sorted(row, key=lambda i: (boxes[i, 0], i)) for row in rows]


def pieces_apart(members: Iterable[int], boxes: Box, gap_px: float) -> list[list[int]]:
    """Lines in rows, each row parted at gaps that are wider than a length."""
    found: list[list[int]] = []
    for row in rows_of(members, boxes):
        for place, index in enumerate(row):
            if place == 0 or boxes[index, 0] - boxes[row[place - 1], 2] > gap_px:
                found.append([])
            found[-1].append(index)
    return found

"""The columns of a page, from its white space: bands from the top down, each with columns side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docpre.analysis.boxes import Box, around

_STEP = 0.25  # of a letter's size: how finely the page is looked through
_NARROWEST_GUTTER = 0.7  # of a letter's size
_LEAST_RUN = 5.0  # letters: gutters are at least so long
_BLANK = 5.0  # letters: white through all columns that parts them
_NARROWEST_COLUMN = 0.12  # of the body's width
_NEAR = 3.0  # letters: what is so near to a gutter shows how wide its column is
_FULL = 0.72  # of a column's width: a line is full
_LEAST_FULL = 0.3  # of a column's lines are


def bands(boxes: Box, letter_px: float, solid: NDArray[np.bool_]) -> list[list[list[int]]]:
    """Put what a page has into columns.

    Args:
        boxes: (N, 4), of lines, tables and figures.
        letter_px: the size of the body's letters.
        solid: (N,), what is no line: it needs not fill a column as lines do.

    Returns:
        Bands from the top down; of each the columns from left to right; of each the indices, in no order.
    """
    if not len(boxes):
        return []
    step = max(1.0, _STEP * letter_px)
    whole = around(boxes)
    columns = max(1, int(np.ceil((whole[2] - whole[0]) / step)))
    height = max(1, int(np.ceil((whole[3] - whole[1]) / step)))
    cells = np.concatenate([(boxes[:, :2] - whole[:2]), (boxes[:, 2:] - whole[:2])], 1) / step
    used = np.zeros((height, columns), bool)
    for left, top, right, bottom in cells:
        used[
            int(top) : max(int(np.ceil(bottom)), int(top) + 1), int(np.ceil(left)) : max(int(right), int(left) + 1)
        ] = 1
    gutters = _gutters(used, boxes, cells, whole, step, letter_px, solid)
    return [part for band in _in_bands(boxes, gutters) for part in _at_blanks(band, boxes, _BLANK * letter_px)]


def _gutters(
    used: NDArray[np.bool_],
    boxes: Box,
    cells: Box,
    whole: Box,
    step: float,
    letter_px: float,
    solid: NDArray[np.bool_],
) -> list[Box]:
    """Upright white strips with text on both sides, each (left, top, right, bottom)."""
    width = used.shape[1]
    to_left, to_right = np.cumsum(used, 1) > 0, np.cumsum(used[:, ::-1], 1)[:, ::-1] > 0
    between = ~used & _started(to_left) & _started(to_right)
    found: list[Box] = []
    least = round(_LEAST_RUN * letter_px / step)
    candidates: list[tuple[int, int, int]] = []  # column, first row, last row
    for column in range(width):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], between[:, column].astype(np.int8), [0]])))
        candidates += [(column, int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= least]
    candidates.sort(key=lambda c: c[1] - c[2])
    taken = np.zeros_like(used)
    for column, first, last in candidates:
        if taken[first:last, column].mean() > 0.5:
            continue
        left = right = column
        while left > 0 and between[first:last, left - 1].mean() > 0.97:
            left -= 1
        while right < width - 1 and between[first:last, right + 1].mean() > 0.97:
            right += 1
        margin = max(1, round(0.1 * width))
        taken[first:last, max(0, left - margin) : right + 1 + margin] = True
        if (right - left + 1) * step < _NARROWEST_GUTTER * letter_px:
            continue
        strip = np.array([left, first, right + 1, last], np.float64) * step + np.tile(whole[:2], 2)
        strip = _lengthened(strip, boxes, letter_px)
        if not _is_apart(strip, found, boxes):
            continue
        if _divides(strip, boxes, whole, solid, letter_px):
            found.append(strip)
    return found


def _divides(strip: Box, boxes: Box, whole: Box, solid: NDArray[np.bool_], letter_px: float) -> bool:
    """Whether there are columns of text at both sides of a strip, rather than cells, names and figures, or numerals."""
    middle_y = (boxes[:, 1] + boxes[:, 3]) / 2
    beside = (middle_y > strip[1]) & (middle_y < strip[3])
    for is_left in (True, False):
        # The nearest to the strip in each row make up its column; farther ones may be columns of their own.
        distance = strip[0] - boxes[:, 2] if is_left else boxes[:, 0] - strip[2]
        side: NDArray[np.intp] = np.flatnonzero(beside & (distance > -0.6 * letter_px))
        nearest = [i for i in side if not _is_hidden(i, side, boxes, distance)]
        if not nearest:
            return False
        near = [i for i in nearest if distance[i] <= _NEAR * letter_px]
        if not near:
            return False
        column = around(boxes[near])
        inside = np.minimum(boxes[nearest, 2], column[2]) - np.maximum(boxes[nearest, 0], column[0])
        nearest = [i for i, x in zip(nearest, inside, strict=True) if x > 0.6 * (boxes[i, 2] - boxes[i, 0])]
        if not nearest:  # lines without any width
            return False
        own = boxes[nearest]
        reach = strip[0] - own[:, 0] if is_left else own[:, 2] - strip[2]
        width = float(np.quantile(reach, 0.9))
        if width < max(_NARROWEST_COLUMN * (whole[2] - whole[0]), 6 * letter_px):
            return False
        is_solid = solid[nearest]
        solid_height = float((own[is_solid, 3] - own[is_solid, 1]).sum())
        text = own[~is_solid]
        if len(text) < 3 and solid_height < 0.4 * (strip[3] - strip[1]):
            return False
        is_full = (text[:, 2] - text[:, 0]) >= _FULL * width
        if len(text) >= 3 and is_full.mean() < _LEAST_FULL and solid_height < 0.5 * (strip[3] - strip[1]):
            return False
    return True


def _lengthened(strip: Box, boxes: Box, letter_px: float) -> Box:
    """A strip drawn up along lines of the columns beside it that begin above the other side's."""
    strip = strip.copy()
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    quarter = (strip[2] - strip[0]) / 4  # a strip's sides are as ragged as the lines beside it
    crossing = (boxes[:, 0] < strip[2] - quarter) & (boxes[:, 2] > strip[0] + quarter) & (middle < strip[1])
    ceiling = max([float(bottom) for bottom in boxes[crossing, 3]], default=-np.inf)
    right = (boxes[:, 0] >= strip[2] - letter_px) & (middle < strip[1]) & (boxes[:, 1] >= ceiling)
    left = (boxes[:, 2] <= strip[0] + letter_px) & (middle < strip[1]) & (boxes[:, 1] >= ceiling)
    if right.any():
        strip[1] = min(strip[1], float(boxes[right, 1].min()))
    for index in np.flatnonzero(left)[np.argsort(-boxes[left, 3])]:
        if strip[1] - boxes[index, 3] < letter_px:
            strip[1] = min(strip[1], float(boxes[index, 1]))
    return strip


def _is_apart(strip: Box, others: Sequence[Box], boxes: Box) -> bool:
    """Whether there is a column between a strip and each gutter beside it, rather than the ends of ragged lines."""
    for other in others:
        top, bottom = max(strip[1], other[1]), min(strip[3], other[3])
        if bottom - top < 0.3 * (strip[3] - strip[1]):
            continue
        low, high = min(strip[2], other[2]), max(strip[0], other[0])
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
        between = (x > low) & (x < high) & (y > top) & (y < bottom)
        if between.sum() < 2:
            return False
    return True


def _is_hidden(index: np.integer[Any], side: NDArray[np.intp], boxes: Box, distance: NDArray[np.float64]) -> bool:
    """Whether another box of the same side stands between a box and the strip."""
    box = boxes[index]
    others = side[distance[side] < distance[index] - 1]
    shared = np.minimum(boxes[others, 3], box[3]) - np.maximum(boxes[others, 1], box[1])
    return bool((shared > 0.3 * np.minimum(box[3] - box[1], boxes[others, 3] - boxes[others, 1])).any())


def _started(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is set, and all below: beside a column's empty end its gutter goes on, as far as the longer one's text."""
    return np.asarray(np.cumsum(mask, 0) > 0, bool)


def _in_bands(boxes: Box, gutters: Sequence[Box]) -> list[list[list[int]]]:
    """Each box by the gutters that it stands beside: bands begin where the gutters change."""
    keys: list[tuple[int, ...]] = []
    for box in boxes:
        middle = (box[1] + box[3]) / 2
        keys.append(tuple(k for k, gutter in enumerate(gutters) if gutter[1] <= middle <= gutter[3]))
    order = sorted(range(len(boxes)), key=lambda i: (boxes[i, 1] + boxes[i, 3], boxes[i, 0]))
    found: list[tuple[tuple[int, ...], list[int]]] = []
    for index in order:
        if found and found[-1][0] == keys[index]:
            found[-1][1].append(index)
        else:
            found.append((keys[index], [index]))
    result = []
    for key, members in found:
        edges = sorted((gutters[k][0] + gutters[k][2]) / 2 for k in key)
        places: list[list[int]] = [[] for _ in range(len(edges) + 1)]
        for index in members:
            middle = (boxes[index, 0] + boxes[index, 2]) / 2
            places[int(np.searchsorted(edges, middle))].append(index)
        result.append([place for place in places if place])
    return result


def _at_blanks(band: list[list[int]], boxes: Box, blank_px: float) -> list[list[list[int]]]:
    """A band of several columns, parted where white as high as a length runs through all of them."""
    if len(band) < 2:
        return [band]
    members = sorted((i for column in band for i in column), key=lambda i: float(boxes[i, 1]))
    cuts, bottom = [], float(boxes[members[0], 3])
    for index in members[1:]:
        if boxes[index, 1] - bottom > blank_px:
            cuts.append((bottom + float(boxes[index, 1])) / 2)
        bottom = max(bottom, float(boxes[index, 3]))
    found = []
    for low, high in pairwise([-np.inf, *cuts, np.inf]):
        part = [[i for i in column if low < boxes[i, 1] < high] for column in band]
        found.append([column for column in part if column])
    return found

"""The columns of a page, from its white space: bands from the top down, each with columns side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from docpre.analysis.boxes import Box, around

_STEP = 0.25  # of a letter's size: how finely the page is looked through
_NARROWEST_GUTTER = 0.7  # of a letter's size
_LEAST_RUN = 5.0  # letters: gutters are at least so long
_NARROWEST_COLUMN = 0.12  # of the body's width
_BESIDE = 4.0  # letters up or down: what is beside a gutter
_FULL = 0.72  # of a column's width: a line is full
_LEAST_FULL = 0.34  # of a column's lines are


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
    return _in_bands(boxes, gutters)


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
    height, width = used.shape
    reach = max(1, round(_BESIDE * letter_px / step))
    to_left, to_right = np.cumsum(used, 1) > 0, np.cumsum(used[:, ::-1], 1)[:, ::-1] > 0
    between = ~used & _spread(to_left, reach) & _spread(to_right, reach)
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
        if _divides(strip, boxes, whole, solid, letter_px, found):
            found.append(strip)
    return found


def _divides(
    strip: Box, boxes: Box, whole: Box, solid: NDArray[np.bool_], letter_px: float, others: Sequence[Box]
) -> bool:
    """Whether there are columns of text at both sides of a strip, rather than cells, names and figures, or numerals."""
    middle_y = (boxes[:, 1] + boxes[:, 3]) / 2
    beside = (middle_y > strip[1]) & (middle_y < strip[3])
    low = max([whole[0], *(o[2] for o in others if o[2] <= strip[0] and _shares(o, strip))])
    high = min([whole[2], *(o[0] for o in others if o[0] >= strip[2] and _shares(o, strip))])
    tolerance = 0.6 * letter_px
    for is_left in (True, False):
        if is_left:
            chosen = beside & (boxes[:, 2] <= strip[0] + tolerance) & (boxes[:, 0] >= low - tolerance)
        else:
            chosen = beside & (boxes[:, 0] >= strip[2] - tolerance) & (boxes[:, 2] <= high + tolerance)
        if not chosen.any():
            return False
        side = boxes[chosen]
        width = side[:, 2].max() - side[:, 0].min()
        if width < max(_NARROWEST_COLUMN * (whole[2] - whole[0]), 5 * letter_px):
            return False
        text = side[~solid[chosen]]
        covered = boxes[chosen & solid]
        solid_height = float((covered[:, 3] - covered[:, 1]).sum())
        if len(text) < 3 and solid_height < 0.4 * (strip[3] - strip[1]):
            return False
        if len(text) >= 3:
            full = (text[:, 2] - text[:, 0]) >= _FULL * width
            if full.mean() < _LEAST_FULL and solid_height < 0.5 * (strip[3] - strip[1]):
                return False
    return True


def _shares(first: Box, second: Box) -> bool:
    shared = min(first[3], second[3]) - max(first[1], second[1])
    return bool(shared > 0.5 * min(first[3] - first[1], second[3] - second[1]))


def _spread(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """A mask, each cell set that has a set one in its column within a reach upwards and one downwards, or is set."""
    total = np.concatenate([np.zeros((1, mask.shape[1]), int), np.cumsum(mask, 0)])
    rows = np.arange(mask.shape[0])
    above = total[rows + 1] - total[np.maximum(rows - reach, 0)] > 0
    # Below the last line of a short column its gutter goes on, as far as the longer one beside it.
    started = np.cumsum(mask, 0) > 0
    return np.asarray(above | started, bool)


def _in_bands(boxes: Box, gutters: Sequence[Box]) -> list[list[list[int]]]:
    """Each box by the gutters that it stands beside: boxes in the order of their rows, bands where the gutters change."""
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

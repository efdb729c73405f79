"""Where tables are: what the layout network sees, grids of rules, and rules one below the other with cells between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from docpre.analysis.boxes import Box, area, around, common, grown, merged, rows_of, share_inside
from docpre.analysis.layout_network import Block
from docpre.analysis.straight import Straight

_SURE = 0.5
_FEWEST_LINES = 3
_ENDS_ALIKE = 0.03  # of a rule's length: rules of one table end together
_MOST_COVERED = 0.8  # of a row by its cells: columns of text cover more
_ROWS_OF_TEXT = 6  # for each rule across: more are no cells
_FARTHEST_RULES = 30.0  # letters between two rules of a table


@dataclass(frozen=True, eq=False)
class Found:
    """A table or figure.

    Attributes:
        box: in pixels of the straight page.
        score: the layout network's; None where rules or ink tell.
    """

    box: Box
    score: float | None


def tables(page: Straight, taken: Sequence[Box], blocks: Sequence[Block], letter_px: float) -> list[Found]:
    """The tables of a page.

    Args:
        page: as its lines run level.
        taken: tables of contents, whose leaders look like rules.
        blocks: what the layout network sees, on the straight page.
        letter_px: the size of the body's letters.
    """
    ruled = [*_grids(page, letter_px), *_between_rules(page, letter_px)]
    ruled = [box for box in ruled if _has_cells(box, page) and not _is_columns(box, page)]
    ruled = [box for box in ruled if not any(share_inside(box, t) > 0.3 for t in taken)]
    seen = [(b.box, b.score) for b in blocks if b.label == "table" and b.score >= _SURE]
    seen = [(box, score) for box, score in seen if not any(share_inside(t, box) > 0.3 for t in taken)]
    found = [Found(box, None) for box in merged(ruled, 0.5)]
    for box, score in seen:
        alike = [f for f in found if common(f.box, box) > 0.5 * min(float(area(f.box)), float(area(box)))]
        if alike:
            # Rules say where a table ends better than the network does, where there are rules all around.
            for f in alike:
                found.remove(f)
            found.append(Found(around(f.box for f in alike), score))
        elif (own := _snapped(box, page)) is not None and _is_cells_only(own, page):
            found.append(Found(own, score))
    return found


def _has_cells(box: Box, page: Straight) -> bool:
    """Whether there are rows with cells side by side."""
    inside = np.flatnonzero(share_inside(page.boxes, box) > 0.6)
    if len(inside) < _FEWEST_LINES:
        return False
    rows = rows_of(inside.tolist(), page.boxes)
    return sum(len(row) > 1 for row in rows) >= max(2, 0.4 * len(rows))


def _is_columns(box: Box, page: Straight) -> bool:
    """Whether columns of running text stand in a box, with rules between them but hardly any between their rows."""
    rows = rows_of(np.flatnonzero(share_inside(page.boxes, box) > 0.6).tolist(), page.boxes)
    width = float(box[2] - box[0])
    rules = [rule for rule in page.level if share_inside(grown(rule, 1), box) > 0.8 and rule[2] - rule[0] > 0.5 * width]
    return len(rows) >= _ROWS_OF_TEXT * (1 + len(rules)) and not _is_cells_only(box, page)


def _snapped(box: Box, page: Straight) -> Box | None:
    """A box around what lies in it for the most part: lines and rules."""
    inside = share_inside(page.boxes, box) > 0.5
    if inside.sum() < _FEWEST_LINES:
        return None
    parts = [*page.boxes[inside]]
    for rules in (page.level, page.upright):
        parts += [rule for rule in rules if float(share_inside(grown(rule, 1), box)) > 0.8]
    return around(parts)


def _grids(page: Straight, letter_px: float) -> list[Box]:
    """Boxes around level and upright rules that meet, where they make at least two cells."""
    level, upright = page.level, page.upright
    if not len(level) or not len(upright):
        return []
    reach = max(4.0, 0.4 * letter_px)
    owner = list(range(len(level) + len(upright)))

    def root(index: int) -> int:
        while owner[index] != index:
            index = owner[index]
        return index

    for a, flat in enumerate(level):
        for b, tall in enumerate(upright):
            meets_x = flat[0] - reach <= tall[0] <= flat[2] + reach or flat[0] - reach <= tall[2] <= flat[2] + reach
            if meets_x and tall[1] - reach <= flat[1] <= tall[3] + reach:
                owner[root(len(level) + b)] = root(a)
    groups: dict[int, list[int]] = {}
    for index in range(len(owner)):
        groups.setdefault(root(index), []).append(index)
    found = []
    for group in groups.values():
        flats = [level[i] for i in group if i < len(level)]
        talls = [upright[i - len(level)] for i in group if i >= len(level)]
        heights, places = _distinct([f[1] for f in flats], reach), _distinct([t[0] for t in talls], reach)
        if heights >= 2 and places >= 1 and heights + places >= 5:
            found.append(around([*flats, *talls]))
    return found


def _distinct(places: Sequence[float], reach: float) -> int:
    ordered = np.sort(np.array(places))
    return int(1 + (np.diff(ordered) > reach).sum()) if len(ordered) else 0


def _between_rules(page: Straight, letter_px: float) -> list[Box]:
    """Boxes between level rules of the same ends, one below the other."""
    rules = page.level[np.argsort(page.level[:, 1], kind="stable")]
    used: set[int] = set()
    found = []
    for first in range(len(rules)):
        if first in used:
            continue
        group = [first]
        for other in range(first + 1, len(rules)):
            tolerance = max(letter_px, _ENDS_ALIKE * (rules[first][2] - rules[first][0]))
            alike = abs(rules[other][0] - rules[first][0]) < tolerance
            alike = alike and abs(rules[other][2] - rules[first][2]) < tolerance
            near = rules[other][1] - rules[group[-1]][3] < _FARTHEST_RULES * letter_px
            between = around([rules[group[-1]], rules[other]])
            if alike and near and _is_cells_only(between, page) and not _is_run_through(between, page, letter_px):
                group.append(other)
        if len(group) >= 2:
            used.update(group)
            found.append(around(rules[k] for k in group))
    return found


def _is_run_through(box: Box, page: Straight, letter_px: float) -> bool:
    """Whether a line of text fills most of a box's width and goes on beside it."""
    boxes = page.boxes
    middles = (boxes[:, 1] + boxes[:, 3]) / 2
    inner = np.minimum(boxes[:, 2], box[2]) - np.maximum(boxes[:, 0], box[0])
    beyond = np.maximum(box[0] - boxes[:, 0], boxes[:, 2] - box[2])
    runs = (middles > box[1]) & (middles < box[3]) & (inner > 0.5 * (box[2] - box[0])) & (beyond > 2 * letter_px)
    return bool(runs.any())


def _is_cells_only(box: Box, page: Straight) -> bool:
    """Whether what stands between two rules is short pieces side by side, rather than lines of text."""
    inside = np.flatnonzero(share_inside(page.boxes, box) > 0.6)
    if not len(inside):
        return False
    rows = rows_of(inside.tolist(), page.boxes)
    covered = [float((page.boxes[row, 2] - page.boxes[row, 0]).sum()) for row in rows if len(row) > 1]
    if len(covered) < max(1, 0.5 * len(rows)):
        return False
    return float(np.median(covered)) <= _MOST_COVERED * float(box[2] - box[0])

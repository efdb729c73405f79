"""Footnotes: smaller lines at the end of a column, below a short rule or begun by a mark."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from docpre.analysis.boxes import Box, around, rows_of
from docpre.analysis.elements import TextLine

#: How the text of a footnote begins.
NOTE_MARK = re.compile(
    r"\s*(?:[*†‡§¶※#]|[①-⑳]|[¹²³⁴-⁹]|[\[(（【〔]?\d{1,2}[\])）】〕.、]?|注\s*[:：\d]?|[Nn]otes?\b)\s*\S"
)
_CAPTION = re.compile(r"\s*(?:[Tt]able|TABLE|[Ff]ig(?:ure|\.)|FIG(?:URE|\.)|表|图)\s*[\dA-Z一二三四五六七八九十]")
_SMALLER = 0.93
_CLEARLY_SMALLER = 0.88
_NOT_LARGER = 0.97
_MOST_ROWS = 14
_LOWEST = 0.5  # of the body's height: footnotes begin below
_MOST_RULE = 0.75  # of the column's width: longer rules end tables


def footnote_lines(
    members: Sequence[int],
    lines: Sequence[TextLine],
    boxes: Box,
    sizes: NDArray[np.float64],
    body_size: float,
    rules: Box,
    body: Box,
    solid: Sequence[Box],
) -> list[int]:
    """The lines of the footnotes at the end of a column; none where there are none.

    Args:
        members: indices of the column's lines.
        lines: of the page.
        boxes: (N, 4), of the lines.
        sizes: (N,), of the lines' letters.
        body_size: of the body's letters.
        rules: (M, 4), horizontal.
        body: what the body covers.
        solid: tables and figures, below which footnotes begin.
    """
    rows = rows_of(members, boxes)
    if len(rows) < 2:
        return []
    column = around(boxes[i] for i in members)
    lowest_solid = max([box[3] for box in solid if box[0] < column[2] and box[2] > column[0]], default=-np.inf)
    best = 0
    for count in range(1, min(_MOST_ROWS, len(rows) - 1) + 1):
        group = rows[-count:]
        top = min(boxes[i, 1] for i in group[0])
        if top < body[1] + _LOWEST * (body[3] - body[1]) or top < lowest_solid - 0.3 * body_size:
            break
        above = max(boxes[i, 3] for i in rows[-count - 1])
        text = lines[group[0][0]].text
        size = float(np.median([sizes[i] for row in group for i in row]))
        size_above = float(np.median([sizes[i] for i in rows[-count - 1]]))
        if _CAPTION.match(text):
            continue
        marked = NOTE_MARK.match(text) is not None
        smaller = size <= _SMALLER * body_size
        steps_down = float(np.median([sizes[i] for i in group[0]])) <= _SMALLER * size_above
        ruled = any(
            above - 3 <= (rule[1] + rule[3]) / 2 <= top + 3
            and rule[2] - rule[0] <= max(_MOST_RULE * (column[2] - column[0]), 3)
            and abs(rule[0] - column[0]) < 3 * body_size
            for rule in rules
        )
        if (ruled and size <= _NOT_LARGER * body_size and (marked or smaller)) or (
            marked and smaller and (steps_down or top - above > body_size)
        ):
            best = count
            if ruled:
                break
        elif (
            size <= _CLEARLY_SMALLER * body_size
            and size_above > _SMALLER * body_size
            and top - above > body_size
            and boxes[group[0][0], 0] - column[0] < 2 * body_size
        ):
            # A mark may be too small to be read.
            best = count
            break
    return [i for row in rows[len(rows) - best :] for i in row] if best else []


def notes_apart(members: Sequence[int], lines: Sequence[TextLine], boxes: Box) -> list[list[int]]:
    """The lines of footnotes, each note by itself: one begins with a mark."""
    found: list[list[int]] = []
    for row in rows_of(members, boxes):
        if not found or NOTE_MARK.match(" ".join(lines[i].text for i in row)):
            found.append([])
        found[-1].extend(row)
    return found

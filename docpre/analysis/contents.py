"""Tables of contents: rows that end in page numbers which rise, most of them behind leaders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from docpre.analysis.boxes import Box, overlap_x, rows_of
from docpre.analysis.elements import TextLine
from docpre.analysis.straight import Straight

_LEADERS = re.compile(r"(?:[.·…‥•⋯・。_]\s*){3,}|…+|(?:-\s*){4,}|(?:\.\s){2,}")
_LAST_NUMBER = re.compile(r"(?:^|[^\d.,+A-Za-z])[(（]?(\d{1,4}|[ivxlc]{1,6})[)）]?\s*$")
_MOST_COUNTED = 0.6  # of the steps from one page to the next
_FEWEST_ROWS = 3
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_MOST_BETWEEN = 2  # rows without a number: wrapped titles, parts


def contents(members: Sequence[int], lines: Sequence[TextLine], page: Straight, letter_px: float) -> list[list[int]]:
    """The tables of contents among some lines.

    Args:
        members: indices of the lines to look at.
        lines: of the page.
        page: as its lines run level.
        letter_px: the size of the body's letters.

    Returns:
        Of each its lines, row by row.
    """
    boxes = page.boxes
    rows = rows_of(members, boxes)
    entries: list[tuple[int, int, bool, float]] = []  # row, page, has leaders, right end
    for place, row in enumerate(rows):
        text = " ".join(lines[i].text for i in row).strip()
        number = _LAST_NUMBER.search(text)
        has_leaders = _LEADERS.search(text) is not None
        letters = sum(c.isalpha() for c in text)
        gap = boxes[row[-1], 0] - boxes[row[-2], 2] if len(row) > 1 else 0.0
        if gap > 1.5 * letter_px and not has_leaders:
            has_leaders = _is_dotted(np.concatenate([boxes[row[-2], 2:3], boxes[row[-1], [1, 0, 3]]]), page)
        if number and letters >= 2 and (has_leaders or gap > 1.5 * letter_px):
            entries.append((place, _value(number[1]), has_leaders, float(boxes[row[-1], 2])))
    found = []
    run: list[tuple[int, int, bool, float]] = []
    for entry in [*entries, None]:
        if entry is not None and (
            not run
            or (
                entry[0] - run[-1][0] <= _MOST_BETWEEN + 1
                and abs(entry[3] - run[-1][3]) < 1.5 * letter_px
                and (entry[1] >= run[-1][1] or (entry[2] and run[-1][2]))
            )
        ):
            run.append(entry)
            continue
        if len(run) >= _FEWEST_ROWS and _rises(run):
            first = _first_row(rows, [entry[0] for entry in run], page, letter_px)
            found.append([i for row in rows[first : run[-1][0] + 1] for i in row])
        run = [entry] if entry is not None else []
    return found


def _first_row(rows: Sequence[Sequence[int]], entries: Sequence[int], page: Straight, letter_px: float) -> int:
    """The place of the first row: rows above the entries belong to them if there is ink where the numbers stand.

    Args:
        rows: indices of lines.
        entries: places of the rows whose numbers were read.
        page: as its lines run level.
        letter_px: the size of the body's letters.
    """
    right = float(np.median([page.boxes[rows[place][-1], 2] for place in entries]))
    left = right - 2 * letter_px
    first = entries[0]
    while first > 0:
        above, below = (page.boxes[list(rows[place])] for place in (first - 1, first))
        top, bottom = above[:, 1].min(), above[:, 3].max()
        is_near = below[:, 1].min() - bottom < letter_px
        is_short = above[:, 2].max() < left
        if not (is_near and is_short and page.ink_in(np.array([left, top, right, bottom])).any()):
            break
        first -= 1
    return first


def _is_dotted(gap: Box, page: Straight) -> bool:
    """Whether a row of dots, or a rule, fills most of a gap."""
    for rule in page.level:
        if gap[1] <= rule[1] <= gap[3] + 2 and overlap_x(rule, gap) > 0.5 * (gap[2] - gap[0]):
            return True
    inked = page.ink_in(gap).any(0)
    return bool(inked.size) and len(np.flatnonzero(np.diff(inked.astype(np.int8)) == 1)) >= 5 and inked.mean() > 0.15


def _rises(run: Sequence[tuple[int, int, bool, float]]) -> bool:
    pages = [entry[1] for entry in run]
    falls = sum(b < a for a, b in pairwise(pages))
    with_leaders = sum(entry[2] for entry in run)
    if with_leaders >= 0.5 * len(run):
        return falls <= 0.2 * len(run)
    # Without leaders any table's last column could be meant: there the numbers have to rise without a break; those that
    # count the rows are the numbers of lines.
    if sum(b - a == 1 for a, b in pairwise(pages)) > _MOST_COUNTED * (len(pages) - 1):
        return False
    return falls == 0 and pages[-1] > pages[0] and len(run) >= _FEWEST_ROWS + 1


def _value(text: str) -> int:
    if text.isdigit():
        return int(text)
    values = [_ROMAN[c] for c in text]
    return sum(-v if later > v else v for v, later in zip(values, [*values[1:], 0], strict=True)) - 10_000

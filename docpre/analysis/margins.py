"""What stands around the body of a page: header, footer and page numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from docpre.analysis.boxes import Box, around, rows_of, share_inside
from docpre.analysis.elements import TextLine
from docpre.analysis.footnotes import NOTE_MARK
from docpre.analysis.layout_network import Block

_TOP, _BOTTOM = 0.14, 0.86  # of what is written on: margins lie beyond
_MOST_ROWS = 2
_MOST_APART = 1.5  # letters: rows of a header, or of a footer, are closer to each other
_LARGEST = 1.2  # of the body's letters: what is larger is a title
# Of old-style or small figures, 1 and 0 are often read as letters.
_NUMBER = (
    r"(?:\d{1,4}|[IlO]{0,3}\d[\dIlO]{0,3}|[ivxlcdmIVXLCDM]{1,7}"
    r"|[A-Z]-?\d{1,3}|\d{1,3}[-.–]\d{1,3}|[一二三四五六七八九十百〇零]{1,4})"
)
_PAGE_NUMBER = re.compile(
    r"[-–—·•.~\[(（<|/〔【\s]*"
    r"(?:第\s*" + _NUMBER + r"\s*[页頁](?:\s*[,，/]?\s*共\s*" + _NUMBER + r"\s*[页頁])?"
    r"|[Pp](?:age|AGE|\.)?\s*" + _NUMBER + r"(?:\s*(?:of|OF|/)\s*" + _NUMBER + r")?"
    r"|" + _NUMBER + r"(?:\s*(?:/|of|OF)\s*" + _NUMBER + r")?(?:\s*[页頁])?)"
    r"[-–—·•.~\])）>|/〕】\s]*"
)
_FOLIO = re.compile(r"\d{1,4}")


@dataclass
class Margins:
    """Indices of the lines that stand around the body.

    Attributes:
        header, footer: from the top down, in rows from left to right.
        numbers: page numbers, each by itself.
    """

    header: list[int] = field(default_factory=list)
    footer: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    @property
    def lines(self) -> set[int]:
        """All of them."""
        return {*self.header, *self.footer, *self.numbers}


def is_page_number(text: str) -> bool:
    """Whether a text is nothing but a page's number, in one of the usual forms."""
    return _PAGE_NUMBER.fullmatch(text.strip()) is not None


def margins_of(
    lines: Sequence[TextLine],
    boxes: Box,
    sizes: Box,
    body_size: float,
    spacing: float,
    taken: Sequence[Box],
    rules: Box,
    blocks: Sequence[Block],
    page_height: float,
) -> Margins:
    """Tell apart what stands around the body.

    Args:
        lines: of the page.
        boxes: (N, 4), of the lines.
        sizes: (N,), of the lines' letters.
        body_size: of the body's letters.
        spacing: usual white between two lines.
        taken: tables and figures, which belong to the body.
        rules: (M, 4), horizontal.
        blocks: what the layout network sees.
        page_height: of the picture.
    """
    margins = Margins()
    free = [i for i in range(len(lines)) if lines[i].text and not any(share_inside(boxes[i], t) > 0.5 for t in taken)]
    rows = rows_of(free, boxes)
    if not rows:
        return margins
    everything = around([*(boxes[i] for i in free), *taken])
    for is_top in (True, False):
        ordered = rows if is_top else rows[::-1]
        label = "header" if is_top else "footer"
        found: list[list[int]] = []
        for count in range(1, min(_MOST_ROWS, len(rows) - 1) + 1):
            group, rest = ordered[:count], ordered[count]
            edge = around(boxes[i] for row in group for i in row)
            inner = boxes[rest][:, 1].min() if is_top else boxes[rest][:, 3].max()
            for box in taken:
                inner = min(inner, box[1]) if is_top else max(inner, box[3])
            gap = inner - edge[3] if is_top else edge[1] - inner
            if not _is_outside(edge, everything, page_height, is_top) or gap <= 0:
                break
            if count > 1:
                last = around(boxes[i] for i in group[-1])
                near = around(boxes[i] for i in group[-2])
                if found and max(last[1] - near[3], near[1] - last[3]) > _MOST_APART * body_size:
                    break
            words = [i for row in group for i in row if not is_page_number(lines[i].text)]
            if max((sizes[i] for i in words), default=0.0) > _LARGEST * body_size:
                break
            if not is_top and any(row[0] in words and NOTE_MARK.match(lines[row[0]].text) for row in group):
                break
            numbered = any(is_page_number(lines[i].text) for row in group for i in row)
            ruled = _is_ruled_off(edge, inner, rules, is_top)
            seen = any(b.label == label and share_inside(edge, b.box) > 0.4 for b in blocks)
            if not (ruled or seen) and _is_running_text(group if is_top else group[::-1], boxes, everything, body_size):
                continue
            wide = gap >= max(1.6 * spacing, spacing + 0.5 * body_size, 0.8 * body_size)
            if (
                ruled
                or (wide and (numbered or seen))
                or gap >= max(2.2 * spacing, spacing + body_size, 1.3 * body_size)
            ):
                found = group
        members = [i for row in found for i in row]
        numbers = _numbers(found, lines)
        margins.numbers += numbers
        others = [i for i in members if i not in numbers]
        if is_top:
            margins.header = others
        else:
            margins.footer = [i for row in found[::-1] for i in row if i in others]
    return margins


def _is_outside(edge: Box, everything: Box, page_height: float, is_top: bool) -> bool:
    height = everything[3] - everything[1]
    if is_top:
        return bool(edge[3] <= everything[1] + _TOP * height and edge[3] < 0.25 * page_height)
    return bool(edge[1] >= everything[1] + _BOTTOM * height and edge[1] > 0.75 * page_height)


def _is_running_text(rows: Sequence[Sequence[int]], boxes: Box, everything: Box, letter_px: float) -> bool:
    """Whether two rows are the end of a paragraph: a full line, and under its beginning a shorter one."""
    if len(rows) != 2 or any(len(row) > 1 for row in rows):
        return False
    first, second = (boxes[row[0]] for row in rows)
    is_full = first[2] >= everything[2] - letter_px and first[2] - first[0] > 0.5 * (everything[2] - everything[0])
    return bool(is_full and second[2] < first[2] and abs(first[0] - second[0]) < letter_px)


def _is_ruled_off(edge: Box, inner: float, rules: Box, is_top: bool) -> bool:
    """Whether a rule runs along the margin's inner side."""
    low, high = (edge[3] - 2, inner) if is_top else (inner, edge[1] + 2)
    for rule in rules:
        is_between = low <= (rule[1] + rule[3]) / 2 <= high
        if is_between and rule[2] - rule[0] >= 0.5 * (edge[2] - edge[0]):
            return True
    return False


def _numbers(rows: list[list[int]], lines: Sequence[TextLine]) -> list[int]:
    """The page's number: the outermost that reads as one, at an end of its row."""
    for row in rows:
        ends = [i for i in (row[-1], row[0]) if is_page_number(lines[i].text)]
        ends += [i for i in row[1:-1] if is_page_number(lines[i].text)]
        if ends:
            return [max(ends, key=lambda i: (_FOLIO.search(lines[i].text) is not None, ends.index(i) == 0))]
    return []

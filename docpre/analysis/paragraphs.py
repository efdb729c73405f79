"""Lines of a column put together to paragraphs and titles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docpre.analysis.boxes import Box, around, rows_of
from docpre.analysis.elements import LayoutKind, TextLine
from docpre.analysis.letters import is_wide

_LARGER = 1.18  # titles than the body
_HEAVIER = 1.22
_OTHER_SIZE = 1.14  # lines of one block are nearer to each other
_WIDER_GAP = 1.45
_MOST_TITLE_ROWS = 4
_NUMBERED = re.compile(
    r"(?:\d{1,2}(?:\.\d{1,2}){0,4}\.?\s+\D|\d{1,2}(?:\.\d{1,2}){1,4}\D|第\s*[一二三四五六七八九十百\d]+\s*[章节節部篇]"
    r"|[一二三四五六七八九十]{1,3}\s*、|（[一二三四五六七八九十]{1,3}）|(?:Chapter|CHAPTER|Section|Part|Appendix)\s+\w)"
)
_BULLET = re.compile(r"\s*(?:[•·●○◦▪■□◆➢*–—-]\s*\S|[(（]?\d{1,2}[.)、）]\s*\D|[(（]?[a-zA-Z][)）]\s|[①-⑳])")
_ENDS = tuple('.。!！?？:：;；”"」')


@dataclass(frozen=True, eq=False)
class Paragraph:
    """Lines that belong together.

    Attributes:
        kind: title or text.
        rows: indices of lines, row by row.
    """

    kind: LayoutKind
    rows: tuple[tuple[int, ...], ...]

    @property
    def lines(self) -> tuple[int, ...]:
        """In reading order."""
        return tuple(index for row in self.rows for index in row)


@dataclass(frozen=True, eq=False)
class Look:
    """What the lines of a page look like.

    Attributes:
        lines: of the page.
        boxes: (N, 4).
        sizes: (N,), the em of their letters.
        weights: (N,), the thickness of their strokes.
        body_size, body_weight: of most of the page.
        spacing: usual white between two rows of a paragraph.
        seen_titles: (M, 4), where the layout network sees titles.
    """

    lines: Sequence[TextLine]
    boxes: Box
    sizes: NDArray[np.float64]
    weights: NDArray[np.float64]
    body_size: float
    body_weight: float
    spacing: float
    seen_titles: Box


def usual_spacing(boxes: Box, sizes: NDArray[np.float64], size: float) -> float:
    """The white between the rows of most paragraphs: the lower quartile of the gaps below lines of the body."""
    gaps = []
    for index in np.flatnonzero((sizes > 0.8 * size) & (sizes < 1.25 * size)):
        box = boxes[index]
        below = (boxes[:, 1] > box[1] + 0.5 * size) & (boxes[:, 0] < box[2]) & (boxes[:, 2] > box[0])
        below[index] = False
        if below.any():
            gap = float(boxes[below, 1].min() - box[3])
            if -0.3 * size < gap < 3 * size:
                gaps.append(gap)
    return float(np.quantile(gaps, 0.3)) if gaps else 0.6 * size


def paragraphs(members: Sequence[int], look: Look) -> list[Paragraph]:
    """The paragraphs and titles of a column, from the top down.

    Args:
        members: indices of its lines.
        look: of the page's lines.
    """
    rows = rows_of(members, look.boxes)
    if not rows:
        return []
    spans = [around(look.boxes[i] for i in row) for row in rows]
    left, right = _edges(spans)
    groups: list[list[int]] = [[0]]
    for index in range(1, len(rows)):
        if _parts(index, rows, spans, left, right, look, groups[-1]):
            groups.append([index])
        else:
            groups[-1].append(index)
    found = []
    for group in groups:
        own = tuple(tuple(rows[k]) for k in group)
        is_title = _looks_like_title([i for row in own for i in row], [spans[k] for k in group], right - left, look)
        found.append(Paragraph(LayoutKind.TITLE if is_title else LayoutKind.TEXT, own))
    return found


def _edges(spans: Sequence[Box]) -> tuple[float, float]:
    """Where the rows of a column begin and end: most of them, not those that are indented or stand out."""
    stacked = np.stack(spans)
    return float(np.quantile(stacked[:, 0], 0.25)), float(np.quantile(stacked[:, 2], 0.85))


def _size(row: Sequence[int], look: Look) -> float:
    widths = look.boxes[row, 2] - look.boxes[row, 0]
    return float(np.average(look.sizes[row], weights=widths.clip(1)))


def _weight(row: Sequence[int], look: Look) -> float:
    widths = look.boxes[row, 2] - look.boxes[row, 0]
    return float(np.average(look.weights[row], weights=widths.clip(1)))


def _looks_like_title(members: Sequence[int], spans: Sequence[Box], column_width: float, look: Look) -> bool:
    text = " ".join(look.lines[i].text for i in members).strip()
    letters = sum(c.isalpha() for c in text)
    if letters < 2 or letters < 0.3 * len(text.replace(" ", "")) or len(spans) > _MOST_TITLE_ROWS:
        return False
    larger = _size(members, look) / max(look.body_size, 1e-9)
    heavier = _weight(members, look) / max(look.body_weight, 1e-9)
    seen = look.seen_titles
    middle = (spans[0][:2] + spans[0][2:]) / 2
    is_seen = bool(len(seen)) and bool(((seen[:, :2] <= middle) & (middle <= seen[:, 2:])).all(1).any())
    score = 0.0
    score += 1.0 * min(max((larger - 1) / (_LARGER - 1), 0), 2)
    score += 0.6 * min(max((heavier - 1) / (_HEAVIER - 1), 0), 1.5)
    score += 0.6 * is_seen
    score += 0.3 * (_NUMBERED.match(text) is not None)
    score -= 0.6 * text.endswith(_ENDS)
    score -= 0.4 * (spans[0][2] - spans[0][0] > 0.92 * column_width and larger < _LARGER)
    score -= 0.3 * (len(spans) > 2)
    return score >= 1.0


def _parts(
    index: int,
    rows: Sequence[Sequence[int]],
    spans: Sequence[Box],
    left: float,
    right: float,
    look: Look,
    group: Sequence[int],
) -> bool:
    """Whether a new block begins at a row."""
    above, below = spans[index - 1], spans[index]
    sizes = _size(rows[index - 1], look), _size(rows[index], look)
    size = min(sizes)
    gap = below[1] - above[3]
    usual = look.spacing * max(size / max(look.body_size, 1e-9), 0.5)
    if gap > max(_WIDER_GAP * usual, usual + 0.35 * size):
        return True
    if max(sizes) / max(size, 1e-9) > _OTHER_SIZE and gap > 0.6 * usual and _is_own_size(index, rows, look):
        return True
    first = rows[group[0]][0]
    indent, above_indent = below[0] - left, above[0] - left
    ended = right - above[2] > _first_word(_text(rows[index], look)) * size + 0.5 * size
    if _BULLET.match(_text(rows[index], look)) and (_BULLET.match(_text(rows[group[0]], look)) or ended):
        return True
    if _BULLET.match(_text(rows[group[0]], look)):
        # What goes on below an item's first words belongs to it.
        return bool(below[0] < look.boxes[first, 0] + 0.5 * size and ended and len(group) > 1)
    if 1.0 * size < indent < 4 * size and indent - above_indent > 0.8 * size:
        return bool(ended or above_indent < 0.5 * size)
    if ended and above_indent > 0.8 * size and abs(indent - above_indent) < 0.4 * size and len(group) == 1:
        # Two paragraphs of a line each, both indented.
        return bool(1.0 * size < indent < 4 * size)
    return bool(ended)


def _first_word(text: str) -> float:
    """How many ems a text's first word and the space before it take: a line that had room for it has ended before."""
    word = text.split(maxsplit=1)[0] if text.split() else ""
    narrow = next((k for k, c in enumerate(word) if is_wide(c)), len(word))
    return 2.0 if narrow == 0 else 0.55 * (narrow + 1)


def _text(row: Sequence[int], look: Look) -> str:
    return " ".join(look.lines[i].text for i in row)


def _is_own_size(index: int, rows: Sequence[Sequence[int]], look: Look) -> bool:
    """Whether two neighbouring rows differ in weight or clearly in size, rather than by the letters that they have."""
    sizes = _size(rows[index - 1], look), _size(rows[index], look)
    weights = _weight(rows[index - 1], look), _weight(rows[index], look)
    return max(sizes) / min(sizes) > 1.25 or max(weights) / max(min(weights), 1e-9) > _HEAVIER

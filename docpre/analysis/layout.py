"""How a page is built up: its blocks, its columns and what stands around them, and in which order it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from docpre.analysis.boxes import Box, area, around, common, pieces_apart, rows_of, share_inside
from docpre.analysis.columns import bands
from docpre.analysis.contents import contents
from docpre.analysis.elements import Layout, LayoutKind, Section, SectionKind, Structure, TextLine
from docpre.analysis.figures import figures
from docpre.analysis.footnotes import footnote_lines, notes_apart
from docpre.analysis.formulas import displayed, formulas_of
from docpre.analysis.layout_network import Block, LayoutDetector
from docpre.analysis.letters import sizes_of, usual, weights_of
from docpre.analysis.margins import Margins, margins_of
from docpre.analysis.paragraphs import Look, paragraphs, usual_spacing
from docpre.analysis.straight import Straight, straightened
from docpre.analysis.tables import tables
from docpre.analysis.vertical import laid_level, runs_down, stood_up
from docpre.loading import ImageArray

__all__ = ["LayoutDetector", "page_structure", "structure_of"]

_APART = 2.0  # letters: pieces of a header that are farther apart are blocks of their own


@dataclass(frozen=True, eq=False)
class _Piece:
    """A block on the straight page."""

    kind: LayoutKind
    box: Box
    lines: tuple[int, ...]
    score: float | None = None


def page_structure(image_rgb: ImageArray, lines: Sequence[TextLine], detector: LayoutDetector) -> Structure:
    """How a page is built up.

    Args:
        image_rgb: (H, W, 3) uint8, upright.
        lines: of the page, in any order.
        detector: sees blocks.

    Raises:
        EngineError: the layout network failed.
    """
    return structure_of(image_rgb, lines, detector.find(image_rgb))


def structure_of(image_rgb: ImageArray, lines: Sequence[TextLine], blocks: Sequence[Block]) -> Structure:
    """How a page is built up, where the layout network's blocks are known; see ``page_structure``."""
    if runs_down(lines):
        return stood_up(_structure(*laid_level(image_rgb, lines, blocks)), image_rgb.shape[1])
    return _structure(image_rgb, lines, blocks)


def _structure(image_rgb: ImageArray, lines: Sequence[TextLine], blocks: Sequence[Block]) -> Structure:
    """How a page is built up whose lines run level."""
    page = straightened(image_rgb, lines)
    boxes = page.boxes
    sizes = sizes_of(lines, boxes)
    letter = usual(lines, boxes, sizes) or 0.015 * max(page.size_wh)
    seen = _straight(blocks, page)
    listed = contents(range(len(lines)), lines, page, letter)
    solid = [_Piece(LayoutKind.CONTENTS, around(boxes[i] for i in group), tuple(group)) for group in listed]
    ruled = tables(page, [piece.box for piece in solid], seen, letter)
    solid += [_Piece(LayoutKind.TABLE, found.box, (), found.score) for found in ruled]
    drawn = figures(page, [piece.box for piece in solid], seen, letter, sizes)
    solid += [_Piece(LayoutKind.FIGURE, found.box, (), found.score) for found in drawn]
    solid = _with_lines(solid, boxes)
    in_solid = {i for piece in solid for i in piece.lines}
    free = [i for i in range(len(lines)) if i not in in_solid]
    spacing = usual_spacing(boxes, sizes, letter)
    apart = [piece.box for piece in solid]
    margins = margins_of(lines, boxes, sizes, letter, spacing, apart, page.level, seen, page.size_wh[1])
    body = [i for i in free if i not in margins.lines]

    placed = _placed(body, solid, boxes, letter)
    notes = _footnotes(placed, body, solid, lines, page, sizes, letter)
    body = [i for i in body if not any(i in group for group in notes)]
    if notes:
        placed = _placed(body, solid, boxes, letter)

    seen_titles = [b.box for b in seen if b.label == "title" and b.score >= 0.4]
    weights = weights_of(page, sizes)
    look = Look(
        lines,
        boxes,
        sizes,
        weights,
        letter,
        usual(lines, boxes, weights) or 1.0,
        usual_spacing(boxes[body], sizes[body], letter),
        np.array(seen_titles, np.float64).reshape(-1, 4),
    )
    equations = displayed(lines, body, page, seen)
    return _put_together(page, lines, margins, placed, notes, solid, look, equations)


def _straight(blocks: Sequence[Block], page: Straight) -> list[Block]:
    return [Block(block.label, page.straightened(block.box), block.score) for block in blocks]


def _with_lines(solid: Sequence[_Piece], boxes: Box) -> list[_Piece]:
    """Tables and figures with the lines in them; of two that share much of their place, the surer one."""
    ordered = sorted(
        solid,
        key=lambda p: (p.kind != LayoutKind.CONTENTS, -(p.score if p.score is not None else 0.6), -float(area(p.box))),
    )
    kept: list[_Piece] = []
    taken: set[int] = set()
    for piece in ordered:
        if any(common(piece.box, o.box) > 0.5 * min(float(area(piece.box)), float(area(o.box))) for o in kept):
            continue
        inside = [int(i) for i in np.flatnonzero(share_inside(boxes, piece.box) > 0.5) if int(i) not in taken]
        if piece.kind == LayoutKind.CONTENTS:
            inside = [i for i in piece.lines if i not in taken]
        taken.update(inside)
        lines = tuple(i for row in rows_of(inside, boxes) for i in row)
        box = around([piece.box, *(boxes[i] for i in inside)])
        kept.append(_Piece(piece.kind, box, lines, piece.score))
    return kept


def _placed(body: Sequence[int], solid: Sequence[_Piece], boxes: Box, letter: float) -> list[list[list[int]]]:
    """Bands of columns of items: lines by their indices, and what is solid by -1, -2 and so on."""
    items = [*body, *(-1 - k for k in range(len(solid)))]
    stacked = np.array([boxes[i] if i >= 0 else solid[-1 - i].box for i in items], np.float64).reshape(-1, 4)
    is_solid = np.array([i < 0 for i in items], bool)
    return [[[items[k] for k in column] for column in band] for band in bands(stacked, letter, is_solid)]


def _footnotes(
    placed: Sequence[Sequence[Sequence[int]]],
    body: Sequence[int],
    solid: Sequence[_Piece],
    lines: Sequence[TextLine],
    page: Straight,
    sizes: Box,
    letter: float,
) -> list[list[int]]:
    """The footnotes of each column of the lowest bands."""
    if not body:
        return []
    boxes = page.boxes
    whole = around([*(boxes[i] for i in body), *(piece.box for piece in solid)])
    found = []
    for band in placed[::-1]:
        for column in band:
            members = [i for i in column if i >= 0]
            notes = footnote_lines(
                members, lines, boxes, sizes, letter, page.level, whole, [piece.box for piece in solid]
            )
            if notes:
                found.append(notes)
        if len(band) > 1 or any(len(column) > 6 for column in band):
            break
    return found


def _put_together(
    page: Straight,
    lines: Sequence[TextLine],
    margins: Margins,
    placed: Sequence[Sequence[Sequence[int]]],
    notes: Sequence[Sequence[int]],
    solid: Sequence[_Piece],
    look: Look,
    equations: Sequence[Sequence[int]],
) -> Structure:
    boxes = page.boxes
    layouts: list[Layout] = []
    sections: list[Section] = []
    order: list[int] = []

    def add(kind: SectionKind, pieces: Sequence[_Piece], row: int | None = None, column: int | None = None) -> None:
        numbers = []
        for piece in pieces:
            numbers.append(len(layouts))
            layouts.append(Layout(piece.kind, page.quad(piece.box), piece.score, piece.lines))
            order.extend(piece.lines)
        outline = page.quad(around(piece.box for piece in pieces))
        sections.append(Section(kind, outline, tuple(numbers), row, column))

    def add_groups(kind: SectionKind, groups: Sequence[Sequence[int]]) -> None:
        if groups:
            add(kind, [_Piece(LayoutKind.TEXT, around(boxes[i] for i in group), tuple(group)) for group in groups])

    wide = _APART * look.body_size
    add_groups(SectionKind.HEADER, pieces_apart(margins.header, boxes, wide))
    for row, band in enumerate(placed):
        for column, members in enumerate(band):
            add(SectionKind.COLUMN, _pieces(members, solid, look, equations), row, column)
    for group in notes:
        add_groups(SectionKind.FOOTNOTE, notes_apart(group, lines, boxes))
    add_groups(SectionKind.FOOTER, pieces_apart(margins.footer, boxes, wide))
    for number in margins.numbers:
        add_groups(SectionKind.PAGE_NUMBER, [[number]])
    return Structure(
        tuple(layouts),
        tuple(sections),
        len(placed),
        max((len(band) for band in placed), default=0),
        formulas_of(lines, equations, page, order),
        tuple(order),
    )


def _pieces(
    members: Sequence[int], solid: Sequence[_Piece], look: Look, equations: Sequence[Sequence[int]]
) -> list[_Piece]:
    """The blocks of a column, from the top down: its lines between what is solid, put together."""
    apart = [solid[-1 - k] for k in members if k < 0]
    for group in equations:
        if own := [i for i in group if i in members]:
            apart.append(_Piece(LayoutKind.TEXT, around(look.boxes[i] for i in own), tuple(own)))
    apart.sort(key=lambda piece: float(piece.box[1] + piece.box[3]))
    taken = {i for piece in apart for i in piece.lines}
    free = sorted((i for i in members if i >= 0 and i not in taken), key=lambda i: float(look.boxes[i, [1, 3]].sum()))
    found: list[_Piece] = []
    start = 0
    for piece in [*apart, None]:
        end = start
        while end < len(free) and (piece is None or look.boxes[free[end], [1, 3]].sum() < piece.box[1] + piece.box[3]):
            end += 1
        for paragraph in paragraphs(free[start:end], look):
            box = around(look.boxes[i] for i in paragraph.lines)
            found.append(_Piece(paragraph.kind, box, paragraph.lines))
        start = end
        if piece is not None:
            found.append(piece)
    return found

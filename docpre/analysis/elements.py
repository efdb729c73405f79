"""What is found on a page. All points are pixels of the analysed picture, x then y, from its top left corner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

#: (4, 2) float32: the corners, clockwise, from the one at the top left of what is written.
Quad = NDArray[np.float32]


class WordsType(StrEnum):
    """How a line was written."""

    PRINT = "print"
    HANDWRITING = "handwriting"


class LayoutKind(StrEnum):
    """What a block is."""

    TEXT = "text"
    TITLE = "title"
    TABLE = "table"
    FIGURE = "figure"
    CONTENTS = "contents"


class SectionKind(StrEnum):
    """What part of the page a section is."""

    COLUMN = "section"
    HEADER = "header"
    FOOTER = "footer"
    PAGE_NUMBER = "number"
    FOOTNOTE = "footnote"


class FormulaKind(StrEnum):
    """Where a formula stands."""

    DISPLAY = "display"
    INLINE = "inline"


@dataclass(frozen=True)
class Char:
    """A character and where it is."""

    text: str
    quad: Quad
    score: float


@dataclass(frozen=True)
class TextLine:
    """A line of text (or the part of one that was written in one way).

    Attributes:
        text: with the spaces that the page shows.
        quad: its outline.
        average, least: mean and lowest score of its characters, 0 to 1.
        words_type: None where it was not asked for.
        chars: in reading order, spaces left out.
    """

    text: str
    quad: Quad
    average: float
    least: float
    words_type: WordsType | None = None
    chars: tuple[Char, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A block of the page.

    Attributes:
        kind: what it is.
        quad: its outline, an upright rectangle.
        score: 0 to 1; None where it follows from the lines rather than from the layout network.
        lines: indices into the page's lines, in reading order.
    """

    kind: LayoutKind
    quad: Quad
    score: float | None
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Section:
    """A column of the page, or what stands around the columns.

    Attributes:
        kind: what it is.
        quad: its outline, an upright rectangle.
        layouts: indices into the page's layouts, in reading order.
        row, column: its place in the grid of columns, from 0; None unless ``kind`` is COLUMN. Where lines run down,
            columns are counted from the right.
    """

    kind: SectionKind
    quad: Quad
    layouts: tuple[int, ...]
    row: int | None = None
    column: int | None = None


@dataclass(frozen=True)
class Formula:
    """Where a formula is; ``latex`` stays None until a reader of formulas is there."""

    kind: FormulaKind
    quad: Quad
    score: float | None
    latex: str | None = None


@dataclass(frozen=True)
class Structure:
    """How a page is built up: what ``docpre.analysis.layout`` makes of a picture and its lines.

    Attributes:
        layouts: in reading order.
        sections: headers first, then the columns in reading order, then footnotes, footers and page numbers.
        rows, columns: the size of the grid of columns.
        formulas: from the top down.
        reading_order: a permutation of the indices of all lines.
    """

    layouts: tuple[Layout, ...]
    sections: tuple[Section, ...]
    rows: int
    columns: int
    formulas: tuple[Formula, ...]
    reading_order: tuple[int, ...]

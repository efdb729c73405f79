"""Pages whose lines run down, from right to left."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from docpre.analysis.elements import (
    Char,
    Formula,
    FormulaKind,
    Layout,
    LayoutKind,
    Section,
    SectionKind,
    Structure,
    TextLine,
)
from docpre.analysis.layout import structure_of
from docpre.analysis.layout_network import Block
from docpre.analysis.text_output import plain_text
from docpre.analysis.vertical import laid_level, runs_down, stood_up
from tests.analysis.drawing import line, page


def down(text: str, box: tuple[float, float, float, float]) -> TextLine:
    """A line that runs down: its quad begins at the top right."""
    left, top, right, bottom = box
    quad = np.array([[right, top], [right, bottom], [left, bottom], [left, top]], np.float32)
    return TextLine(text, quad, 0.99, 0.9)


def tier(top: float, bottom: float, text: str) -> list[TextLine]:
    """Lines from left to right, which is not how they are read; the last one is short."""
    boxes = [(200 + 30 * k, top, 218 + 30 * k, bottom) for k in range(14)]
    boxes[0] = (200, top, 218, (top + bottom) / 2)
    return [down(f"{text}{'甲乙丙丁戊己庚辛壬癸子丑寅卯'[13 - k]}", box) for k, box in enumerate(boxes)]


def standing(lines: list[TextLine]) -> np.ndarray:
    """A page with something like letters where the lines are."""
    nothing = np.zeros((1200, 900, 3), np.uint8)
    return np.ascontiguousarray(np.rot90(page(laid_level(nothing, lines, [])[1], (900, 1200)), -1))


def test_columns_of_vertical_text_are_read_from_the_right() -> None:
    lines = tier(120, 900, "縦書きの行が続く")
    structure = structure_of(standing(lines), lines, [])
    assert structure.reading_order == tuple(range(13, -1, -1))
    assert plain_text(lines, structure, structure.reading_order).startswith("縦書きの行が続く甲")
    assert (structure.rows, structure.columns) == (1, 1)
    (section,) = structure.sections
    np.testing.assert_allclose(section.quad, [[200, 120], [608, 120], [608, 900], [200, 900]], atol=6)


def test_the_upper_of_two_tiers_is_read_first() -> None:
    lines = [*tier(640, 1080, "下の段の行が続く"), *tier(120, 560, "上の段の行が続く")]
    structure = structure_of(standing(lines), lines, [])
    assert structure.reading_order == (*range(27, 13, -1), *range(13, -1, -1))
    assert (structure.rows, structure.columns) == (2, 1)
    assert [(section.row, section.column) for section in structure.sections] == [(0, 0), (1, 0)]


def test_a_label_that_runs_down_beside_level_text_changes_nothing() -> None:
    lines = [line("word word word", (100, 100 + 26 * k, 440, 116 + 26 * k)) for k in range(12)]
    assert not runs_down([*lines, down("縦書き", (40, 100, 60, 300))])
    assert not runs_down([])
    assert runs_down([line("13", (300, 20, 330, 40)), down("縦書き", (40, 100, 60, 300))])


@settings(max_examples=25, deadline=None)
@given(st.tuples(st.floats(0, 300), st.floats(0, 200), st.floats(1, 90), st.floats(1, 90)))
def test_what_is_laid_level_and_stood_up_is_where_it_was(box: tuple[float, float, float, float]) -> None:
    x, y, width, height = box
    own = down("字", (x, y, x + width, y + height))
    own = TextLine(own.text, own.quad, 0.9, 0.9, chars=(Char("字", own.quad, 0.9),))
    image = np.zeros((300, 400, 3), np.uint8)
    turned, (level,), (block,) = laid_level(image, [own], [Block("text", np.array([x, y, x + width, y + height]), 0.9)])
    assert turned.shape == (400, 300, 3)
    left, top, right, bottom = block.box
    outline = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    np.testing.assert_allclose(level.quad, outline, atol=1e-3)
    np.testing.assert_array_equal(level.chars[0].quad, level.quad)
    structure = Structure(
        (Layout(LayoutKind.TEXT, outline, None, (0,)),),
        (Section(SectionKind.COLUMN, outline, (0,), 0, 1),),
        1,
        2,
        (Formula(FormulaKind.DISPLAY, outline, None),),
        (0,),
    )
    back = stood_up(structure, 400)
    before = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
    for part in (*back.layouts, *back.sections, *back.formulas):
        np.testing.assert_allclose(part.quad, before, atol=1e-3)
    assert (back.rows, back.columns, back.sections[0].row, back.sections[0].column) == (2, 1, 1, 0)

"""The structure of pages that are drawn in code."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docpre.analysis.elements import LayoutKind, SectionKind, Structure, TextLine
from docpre.analysis.layout import page_structure, structure_of
from docpre.analysis.layout_network import Block, LayoutDetector, decoded, unlike
from docpre.analysis.margins import is_page_number
from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.errors import EngineError
from tests.analysis.drawing import line, page, paragraph

SIDE = st.floats(0, 380)


def kinds(structure: Structure) -> list[SectionKind]:
    return [section.kind for section in structure.sections]


def two_columns() -> list[TextLine]:
    return [*paragraph(80, 200, 340, 14), *paragraph(480, 200, 340, 14)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(SIDE, SIDE, st.floats(0, 200), st.floats(0, 40)), max_size=14), st.sampled_from(["", "a 1"]))
def test_reading_order_is_a_permutation(boxes: list[tuple[float, float, float, float]], text: str) -> None:
    lines = [line(text, (x, y, x + width, y + height)) for x, y, width, height in boxes]
    structure = structure_of(np.full((400, 400, 3), 255, np.uint8), lines, [])
    assert sorted(structure.reading_order) == list(range(len(lines)))
    assert sorted(i for layout in structure.layouts for i in layout.lines) == list(range(len(lines)))
    assert sorted(k for section in structure.sections for k in section.layouts) == list(range(len(structure.layouts)))


def test_lines_without_width_are_no_column() -> None:
    boxes = [(x, y, 0, 10) for x in (50, 300) for y in range(20, 380, 20)]
    lines = [line("", (x, y, x + width, y + height)) for x, y, width, height in boxes]
    structure = structure_of(np.full((400, 400, 3), 255, np.uint8), lines, [])
    assert sorted(structure.reading_order) == list(range(len(lines)))


def test_an_empty_page_has_no_structure() -> None:
    structure = structure_of(np.full((60, 40, 3), 255, np.uint8), [], [])
    assert structure == Structure((), (), 0, 0, (), ())


def test_a_page_of_one_line_is_one_column() -> None:
    lines = [line("A line", (20, 100, 200, 120))]
    structure = structure_of(page(lines, (400, 300)), lines, [])
    assert (structure.rows, structure.columns) == (1, 1)
    assert kinds(structure) == [SectionKind.COLUMN]


def test_two_columns_are_read_one_after_the_other() -> None:
    lines = two_columns()
    shuffled = [lines[k] for k in np.random.default_rng(3).permutation(len(lines))]
    structure = structure_of(page(shuffled), shuffled, [])
    assert (structure.rows, structure.columns) == (1, 2)
    lefts = [shuffled[k].quad[0, 0] for k in structure.reading_order]
    assert lefts == sorted(lefts)
    assert [(s.row, s.column) for s in structure.sections] == [(0, 0), (0, 1)]


@pytest.mark.parametrize("skew_deg", [-1.0, 0.7])
def test_columns_are_found_on_a_page_that_is_askew(skew_deg: float) -> None:
    lines = two_columns()
    matrix = cv2.getRotationMatrix2D((450, 600), skew_deg, 1.0)
    image = cv2.warpAffine(page(lines), matrix, (900, 1200), borderValue=(255, 255, 255))
    turned = [
        TextLine(own.text, (own.quad @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32), 0.9, 0.9) for own in lines
    ]
    structure = structure_of(np.asarray(image, np.uint8), turned, [])
    assert (structure.rows, structure.columns) == (1, 2)
    assert structure.reading_order == tuple(range(len(lines)))


def test_a_heading_across_both_columns_is_a_row_of_the_grid() -> None:
    lines = [line("A heading across the page", (80, 120, 820, 150)), *two_columns()]
    structure = structure_of(page(lines), lines, [])
    assert (structure.rows, structure.columns) == (2, 2)
    assert structure.layouts[0].kind == LayoutKind.TITLE


def test_header_footer_and_number_stand_around_the_body() -> None:
    head = [line("A running head", (80, 40, 240, 54)), line("of two pieces", (700, 40, 820, 54))]
    foot = [line("A footer", (80, 1150, 180, 1164)), line("- 12 -", (430, 1150, 480, 1164))]
    lines = [*head, *paragraph(80, 160, 740, 20), *foot]
    structure = structure_of(page(lines), lines, [])
    assert kinds(structure) == [SectionKind.HEADER, SectionKind.COLUMN, SectionKind.FOOTER, SectionKind.PAGE_NUMBER]
    assert [len(section.layouts) for section in structure.sections] == [2, 1, 1, 1]
    assert structure.layouts[structure.sections[-1].layouts[0]].lines == (len(lines) - 1,)


def test_small_lines_below_a_short_rule_are_footnotes() -> None:
    body = paragraph(80, 160, 740, 26)
    notes = [line(f"{k} a note in small letters", (80, 940 + 20 * k, 500, 951 + 20 * k)) for k in (1, 2)]
    lines = [*body, *notes]
    image = page(lines)
    cv2.line(image, (80, 945), (280, 945), (0, 0, 0), 1)
    structure = structure_of(image, lines, [])
    assert kinds(structure) == [SectionKind.COLUMN, SectionKind.FOOTNOTE]
    assert len(structure.sections[1].layouts) == 2


def test_rows_with_leaders_and_rising_numbers_are_contents() -> None:
    lines = [line(f"Chapter {k} ........ {3 * k}", (80, 200 + 30 * k, 820, 216 + 30 * k)) for k in range(8)]
    structure = structure_of(page(lines), lines, [])
    assert [layout.kind for layout in structure.layouts] == [LayoutKind.CONTENTS]


def test_a_row_of_contents_whose_number_was_not_read_belongs_to_them() -> None:
    seen = [line("1 A first chapter", (80, 170, 400, 186)), line("2", (800, 170, 820, 186))]
    rows = [line(f"1.{k} Section ........ {3 * k}", (80, 170 + 30 * k, 820, 186 + 30 * k)) for k in range(1, 8)]
    lines = [line("A heading above", (80, 60, 400, 76)), seen[0], *rows]
    structure = structure_of(page([*lines, seen[1]]), lines, [])
    (contents,) = (layout for layout in structure.layouts if layout.kind == LayoutKind.CONTENTS)
    assert sorted(contents.lines) == list(range(1, 9))


@pytest.mark.parametrize(("prefix", "step", "is_contents"), [("", 1, False), ("", 3, True), ("U+2", 3, False)])
def test_numbers_of_lines_and_codes_make_no_contents(prefix: str, step: int, is_contents: bool) -> None:
    rows = [line("Words of a line", (80, 200 + 30 * k, 700, 216 + 30 * k)) for k in range(12)]
    numbers = [line(f"{prefix}{364 + step * k}", (780, 200 + 30 * k, 820, 216 + 30 * k)) for k in range(12)]
    lines = [one for pair in zip(rows, numbers, strict=True) for one in pair]
    structure = structure_of(page(lines), lines, [])
    assert (LayoutKind.CONTENTS in [layout.kind for layout in structure.layouts]) == is_contents


@pytest.mark.parametrize(
    ("text", "is_formula"),
    [("lim x = 0 (3)", True), ("sin(ax) + 2cos x = 1", True), ("the two men who had gone out", False)],
)
def test_words_are_no_formula_whatever_the_network_sees(text: str, is_formula: bool) -> None:
    lines = [*paragraph(80, 160, 740, 8), line(text, (300, 460, 600, 476)), *paragraph(80, 560, 740, 8)]
    block = Block("equation", np.array([290.0, 450, 610, 490]), 0.9)
    assert bool(structure_of(page(lines), lines, [block]).formulas) == is_formula


def test_columns_with_rules_between_them_are_no_table() -> None:
    lines = [one for left in (80, 340, 600) for one in paragraph(left, 200, 230, 26)]
    image = page(lines)
    for x in (70, 325, 585, 840):
        cv2.line(image, (x, 180), (x, 890), (0, 0, 0), 2)
    for y in (180, 890):
        cv2.line(image, (70, y), (840, y), (0, 0, 0), 2)
    structure = structure_of(image, lines, [])
    assert LayoutKind.TABLE not in [layout.kind for layout in structure.layouts]
    assert structure.columns == 3
    assert structure.reading_order == tuple(range(len(lines)))


def test_text_that_runs_through_between_frames_is_in_no_table() -> None:
    prose = [paragraph(80, top, 740, 4) for top in (120, 420, 720)]
    frames = [(400, top, 820, top + 120) for top in (260, 560)]
    words = [line("cell", (x, top + 50, x + 60, top + 66)) for _, top, _, _ in frames for x in (500, 700)]
    lines = [*prose[0], *words[:2], *prose[1], *words[2:], *prose[2]]
    image = page(lines)
    for left, top, right, bottom in frames:
        for y in (top, bottom):
            cv2.line(image, (left, y), (right, y), (0, 0, 0), 2)
    structure = structure_of(image, lines, [])
    inside = [i for layout in structure.layouts if layout.kind == LayoutKind.TABLE for i in layout.lines]
    assert all(lines[i].text == "cell" for i in inside)


def test_the_end_of_a_paragraph_is_no_header() -> None:
    lines = [*paragraph(80, 40, 740, 2), *paragraph(80, 140, 740, 20)]
    assert kinds(structure_of(page(lines), lines, [])) == [SectionKind.COLUMN]


def test_the_ground_that_text_stands_on_is_no_figure() -> None:
    lines = paragraph(200, 200, 500, 24)
    image = page(lines)
    cv2.rectangle(image, (150, 150), (750, 900), (0, 0, 0), 8)
    ground = Block("figure", np.array([150.0, 150, 750, 900]), 0.9)
    structure = structure_of(image, lines, [ground])
    assert LayoutKind.FIGURE not in [layout.kind for layout in structure.layouts]


def test_a_grid_of_rules_with_cells_is_a_table() -> None:
    cells = [
        line("cell", (110 + 200 * c, 310 + 40 * r, 180 + 200 * c, 326 + 40 * r)) for r in range(5) for c in range(3)
    ]
    lines = [*paragraph(80, 100, 740, 6), *cells, *paragraph(80, 600, 740, 10)]
    image = page(lines)
    for k in range(6):
        cv2.line(image, (100, 300 + 40 * k), (700, 300 + 40 * k), (0, 0, 0), 2)
    for k in range(4):
        cv2.line(image, (100 + 200 * k, 300), (100 + 200 * k, 500), (0, 0, 0), 2)
    structure = structure_of(image, lines, [])
    tables = [layout for layout in structure.layouts if layout.kind == LayoutKind.TABLE]
    assert len(tables) == 1
    assert np.abs(tables[0].quad - np.array([[100, 300], [700, 300], [700, 500], [100, 500]])).max() < 6
    assert len(tables[0].lines) == len(cells)


def test_ink_without_text_is_a_figure() -> None:
    lines = [*paragraph(80, 100, 740, 8), *paragraph(80, 700, 740, 8)]
    image = page(lines)
    cv2.circle(image, (450, 500), 120, (200, 40, 40), -1)
    structure = structure_of(image, lines, [])
    figures = [layout for layout in structure.layouts if layout.kind == LayoutKind.FIGURE]
    assert len(figures) == 1
    assert np.abs(figures[0].quad - np.array([[330, 380], [570, 380], [570, 620], [330, 620]])).max() < 6


@pytest.mark.parametrize(
    "text", ["12", "- 3 -", "第 7 页", "Page 3 of 10", "3 / 10", "xii", "第3页 共9页", "· 5 ·", "[4]", "— II2 —"]
)
def test_page_numbers_are_known_in_their_usual_forms(text: str) -> None:
    assert is_page_number(text)


@pytest.mark.parametrize("text", ["", "Chapter 3", "12345678", "3 apples", "第三章", "1.2.3 Foo"])
def test_other_texts_are_no_page_numbers(text: str) -> None:
    assert not is_page_number(text)


def test_boxes_in_each_other_are_one_whatever_their_class() -> None:
    boxes = np.array([[0, 0, 100, 100], [10, 10, 60, 60], [0, 0, 100, 90], [200, 0, 300, 100]], np.float64)
    assert unlike(boxes, np.array([0.5, 0.4, 0.9, 0.3], np.float32)) == [2, 3]


def test_distances_are_decoded_around_each_cell_of_the_network() -> None:
    size_hw = (64, 64)
    scores = [np.zeros((1, (64 // s) ** 2, 2), np.float32) for s in (8, 16, 32, 64)]
    logits = [np.full((1, (64 // s) ** 2, 32), -50, np.float32) for s in (8, 16, 32, 64)]
    scores[1][0, 5, 1] = 0.9  # second row, second column
    logits[1][0, 5].reshape(4, 8)[[0, 1, 2, 3], [1, 0, 2, 1]] = 50
    boxes, found = decoded((*scores, *logits), size_hw)
    assert boxes.round(4).tolist() == [[8, 24, 56, 40]]
    assert found.shape == (1, 2)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_the_network_sees_blocks_of_text(engine: str) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino")
    detector = LayoutDetector(EnginePool("layout", None, None, RuntimeOptions(engine=engine)))
    lines = two_columns()
    blocks = detector.find(page(lines))
    assert all(isinstance(block, Block) and 0 < block.score <= 1 for block in blocks)
    assert page_structure(page(lines), lines, detector).columns == 2


def test_an_engine_of_one_answer_says_so() -> None:
    pytest.importorskip("torch")
    from docpre.engines.base import only_the_answer
    from docpre.registry import DEFAULT_MODEL, MODELS

    error = only_the_answer("torch", MODELS[DEFAULT_MODEL["layout"]])
    assert isinstance(error, EngineError)
    assert "onnxruntime" in str(error)

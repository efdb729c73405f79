"""What was found on a page, in the fields of Baidu's ``doc_analysis``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docpre.analysis.elements import Quad, SectionKind, Structure, TextLine
from docpre.analysis.results import AnalysisResult
from docpre.geometry import Transform
from docpre.service.baidu_schemas import (
    Character,
    DocAnalysisAnswer,
    DocAnalysisRequest,
    LayoutBlock,
    LineProbability,
    LineResult,
    Location,
    PageSection,
    Point,
    SectionIndex,
    SectionLocation,
    Words,
)
from docpre.service.reading import ReadPage

_DECIMALS = 4
_POINTS_AN_EDGE = 8


def doc_analysis_answer(
    log_id: int, page: ReadPage, found: AnalysisResult, request: DocAnalysisRequest, total_pages: int | None
) -> DocAnalysisAnswer:
    """The answer for a page.

    Args:
        log_id: of the request.
        page: as it was read.
        found: what is on it.
        request: says what is wanted.
        total_pages: of the PDF; None: it is a picture.
    """
    assert page.transform is not None
    # A PDF's page is measured in points; its client has asked for pixels.
    transform = found.transform if page.dpi is not None else page.transform.then(found.transform)
    boxes = _Boxes(transform)
    order = found.reading_order
    answer = DocAnalysisAnswer(
        log_id=log_id,
        results_num=len(order),
        results=[_line(found.lines[index], boxes, request) for index in order],
        pdf_file_size=None if total_pages is None else str(total_pages),
    )
    if request.detect_direction == "true":
        shown = 0 if page.dpi is not None else _quarters_clockwise(page.transform)
        answer.img_direction = -(shown + max(found["angle"], 0) // 90) % 4
    if found.structure is not None:
        _add_structure(answer, found.structure, {index: place for place, index in enumerate(order)}, boxes)
    return answer


class _Boxes:
    """From quads on the clean page to whole pixels of the picture that was sent."""

    def __init__(self, transform: Transform) -> None:
        self._transform = transform
        unit_is_pixel = transform.original_unit == "pixel"
        height, width = transform.original_size_hw if unit_is_pixel else transform.output_size_hw
        self._most = np.array([width, height])

    def corners(self, quad: Quad) -> list[Point]:
        """The four corners, from the one at the top left of what is written."""
        return [Point(x=x, y=y) for x, y in self._pixels(quad).tolist()]

    def location(self, quad: Quad) -> Location:
        """The upright rectangle around a line, which may be bent in the picture."""
        along = np.linspace(quad, np.roll(quad, -1, 0), _POINTS_AN_EDGE, endpoint=False).reshape(-1, 2)
        return _around(self._pixels(along))

    def locations(self, quads: Sequence[Quad]) -> list[Location]:
        """The upright rectangles around small quads."""
        return [_around(corners) for corners in self._pixels(np.stack(quads))] if quads else []

    def _pixels(self, points: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        return self._transform.to_original(points).round().clip(0, self._most).astype(np.int64)


def _around(points: NDArray[np.int64]) -> Location:
    left, top = points.min(0).tolist()
    right, bottom = points.max(0).tolist()
    return Location(left=left, top=top, width=right - left, height=bottom - top)


def _quarters_clockwise(transform: Transform) -> int:
    """By how many quarters a picture is turned clockwise in its file before its EXIF orientation turns it back."""
    height, width = transform.output_size_hw
    start, end = transform.to_original([[width / 2, height / 2], [width / 2 + 1, height / 2]])
    right, down = (end - start).tolist()
    return round(math.atan2(down, right) / (math.pi / 2)) % 4


def _line(line: TextLine, boxes: _Boxes, request: DocAnalysisRequest) -> LineResult:
    words = Words(word=line.text, words_location=boxes.location(line.quad))
    if request.disp_line_poly == "true":
        words.poly_location = boxes.corners(line.quad)
    if request.line_probability == "true":
        words.line_probability = LineProbability(
            average=round(line.average, _DECIMALS), min=round(line.least, _DECIMALS)
        )
    assert line.words_type is not None
    result = LineResult(words_type=line.words_type.value, words=words)
    if request.result_type == "small":
        locations = boxes.locations([char.quad for char in line.chars])
        result.chars = [
            Character(char=char.text, chars_location=location)
            for char, location in zip(line.chars, locations, strict=True)
        ]
    return result


def _add_structure(answer: DocAnalysisAnswer, structure: Structure, places: dict[int, int], boxes: _Boxes) -> None:
    answer.layouts_num = len(structure.layouts)
    answer.layouts = [
        LayoutBlock(
            layout=layout.kind.value,
            layout_location=boxes.corners(layout.quad),
            layout_idx=_places(layout.lines, places),
        )
        for layout in structure.layouts
    ]
    answer.sec_rows, answer.sec_cols = structure.rows, structure.columns
    answer.sections = []
    for section in structure.sections:
        lines = [line for layout in section.layouts for line in structure.layouts[layout].lines]
        index = SectionIndex(idx=_places(lines, places))
        if section.kind is SectionKind.COLUMN:
            assert section.row is not None
            assert section.column is not None
            index.para_idx = list(section.layouts)
            index.row_idx, index.col_idx = [section.row], [section.column]
        answer.sections.append(
            PageSection(
                attribute=section.kind.value,
                attri_location=SectionLocation(points=boxes.corners(section.quad)),
                sec_idx=index,
            )
        )


def _places(lines: Sequence[int], places: dict[int, int]) -> list[int]:
    return sorted(places[line] for line in lines)

"""What a page became when it was analysed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from docpre.analysis.elements import Formula, Layout, Section, Structure, TextLine
from docpre.geometry import Transform
from docpre.pdf_output import PdfPage
from docpre.results import DocPreprocessorResult, Result

_DECIMALS = 2
Element = TypeVar("Element", TextLine, Structure, Layout, Section, Formula)


class AnalysisResult(Result):
    """What is on a page.

    Keys: ``input_path``, ``page_index``, ``model_settings``, ``engines``, ``angle``, ``orientation``, ``unwarping``,
    ``elapsed_ms`` (milliseconds of each step), ``lines``, ``structure`` (None where no layout was asked for) and
    ``reading_order``, as plain lists and mappings; and the picture ``output_img``, the clean page, whose pixels all
    points are of.

    Args:
        page: the clean page.
        lines: its lines of text.
        structure: how it is built up; None: not asked for.
        reading_order: the lines' indices.
        settings: what was asked for.
        engines: what ran the steps of the analysis.
        elapsed_ms: milliseconds of each of them.
    """

    json_suffix = "_doc_analysis_res"
    img_suffix = "_doc_analysis_res_img"

    def __init__(
        self,
        page: DocPreprocessorResult,
        lines: Sequence[TextLine] = (),
        structure: Structure | None = None,
        reading_order: Sequence[int] = (),
        settings: Mapping[str, Any] | None = None,
        engines: Mapping[str, Any] | None = None,
        elapsed_ms: Mapping[str, float] | None = None,
    ) -> None:
        values = dict(page._values)
        values["model_settings"] = {**values.get("model_settings", {}), **(settings or {})}
        if page.error is None:
            values["engines"] = {**values["engines"], **(engines or {})}
            values["elapsed_ms"] = {**values["elapsed_ms"], **(elapsed_ms or {})}
            values["lines"] = [as_json(line) for line in lines]
            values["structure"] = None if structure is None else as_json(structure)
            values["reading_order"] = list(reading_order)
        super().__init__(page._page, values, page._output, page.transform)
        #: What clean-up made of the page.
        self.preprocessed = page
        #: The lines of text, from the top down; all points are pixels of ``output_img``.
        self.lines = tuple(lines)
        #: How the page is built up, or None where no layout was asked for.
        self.structure = structure
        #: Indices of the lines in the order in which they are read.
        self.reading_order = tuple(reading_order)

    @property
    def elapsed_ms(self) -> dict[str, float]:
        """Milliseconds of each step."""
        return self._values["elapsed_ms"]

    @property
    def lines_in_original(self) -> tuple[TextLine, ...]:
        """The lines with all points in pixels of the original file (points of a PDF page)."""
        return tuple(in_original(line, self.transform) for line in self.lines)

    @property
    def structure_in_original(self) -> Structure | None:
        """The structure with all points in pixels of the original file (points of a PDF page)."""
        return None if self.structure is None else in_original(self.structure, self.transform)

    @property
    def json(self) -> dict[str, Any]:
        """``{"res": {...}}``, what ``save_to_json`` writes: all values, with characters, and the transform."""
        content = super().json
        if self.error is None:
            content["res"]["lines"] = self._values["lines"]
        return content

    def pdf_page(self) -> PdfPage:
        """How the clean page goes into a PDF, without a layer of text; see ``docpre.save_pdf``."""
        return self.preprocessed.pdf_page()

    def _pixels(self) -> Mapping[str, str]:
        return {} if self.error is not None else {"input_img": "input_image", "output_img": "output_image"}

    def _summary(self) -> dict[str, Any]:
        """What is printed: lines without their characters."""
        summary = super()._summary()
        for line in summary.get("lines", ()):
            del line["chars"]
        return summary

    def _pictures(self) -> dict[str, Image.Image]:
        from docpre.analysis.overlay import drawn

        return {"doc_analysis_img": drawn(self._output_image(), self.lines, self.structure, self.reading_order)}


def as_json(element: Any) -> Any:
    """An element of a page as plain mappings, lists, texts and numbers, points rounded to hundredths of a pixel."""
    if is_dataclass(element):
        return {field.name: as_json(getattr(element, field.name)) for field in fields(element)}
    if isinstance(element, np.ndarray):
        return np.round(element.astype(float), _DECIMALS).tolist()
    if isinstance(element, StrEnum):
        return element.value
    if isinstance(element, (list, tuple)):
        return [as_json(item) for item in element]
    return round(element, 6) if isinstance(element, float) else element


def in_original(element: Element, transform: Transform) -> Element:
    """An element of the output page with its points, and those of its parts, in the original file."""
    return _mapped(element, transform)


def _mapped(element: Any, transform: Transform) -> Any:
    if is_dataclass(element) and not isinstance(element, type):
        return replace(
            element, **{field.name: _mapped(getattr(element, field.name), transform) for field in fields(element)}
        )
    if isinstance(element, np.ndarray):
        return transform.to_original(element).astype(np.float32)
    if isinstance(element, tuple):
        return tuple(_mapped(item, transform) for item in element)
    return element

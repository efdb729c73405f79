"""What a page became when it was analysed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from docpre.analysis.elements import Formula, Layout, Section, Structure, TextLine
from docpre.analysis.hocr import hocr
from docpre.analysis.searchable_pdf import write_text
from docpre.analysis.text_output import markdown, plain_text
from docpre.errors import InputError
from docpre.geometry import Transform
from docpre.pdf_output import PdfPage, save_pdf_pages
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

    @property
    def text(self) -> str:
        """The page's text in reading order, an empty line between blocks."""
        return plain_text(self.lines, self.structure, self.reading_order)

    @property
    def markdown(self) -> str:
        """The page as Markdown: headings, paragraphs, lists of contents, tables."""
        return markdown(self.lines, self.structure, self.reading_order)

    @property
    def hocr(self) -> str:
        """The page as hOCR 1.2."""
        size_hw = self.transform.output_size_hw
        return hocr(self.lines, self.structure, self.reading_order, size_hw, self._page.input_path or self._page.stem)

    def save_to_text(self, save_path: str | Path) -> Path:
        """Write ``.text`` to a ``.txt`` file, or under a name of docpre's choice into a directory."""
        return self._write(self.text, save_path, ".txt")

    def save_to_markdown(self, save_path: str | Path) -> Path:
        """Write ``.markdown`` to a ``.md`` file, or under a name of docpre's choice into a directory."""
        return self._write(self.markdown, save_path, ".md")

    def save_to_hocr(self, save_path: str | Path) -> Path:
        """Write ``.hocr`` to a ``.hocr`` file, or under a name of docpre's choice into a directory."""
        return self._write(self.hocr, save_path, ".hocr")

    def save_to_pdf(self, save_path: str | Path) -> Path:
        """Write the clean page with its text, unseen, over it to a ``.pdf`` file, or into a directory.

        For several pages in one PDF, see ``docpre.save_pdf``.
        """
        return save_pdf_pages([self.pdf_page()], self._file(save_path, ".pdf"))

    def pdf_page(self) -> PdfPage:
        """How the clean page goes into a PDF: its picture, and its text, unseen, over it; see ``docpre.save_pdf``.

        A page that failed is copied if it comes from a PDF.
        """
        if self.error is not None:
            return self.preprocessed.pdf_page()
        return PdfPage(None, None, 0, self._output_image(), self._page.dpi, self._write_over)

    def _write_over(self, page: Any, points_per_pixel: float) -> None:
        write_text(page, self.lines, self.reading_order, points_per_pixel)

    def _write(self, content: str, save_path: str | Path, suffix: str) -> Path:
        path = self._file(save_path, suffix)
        path.write_text(content, "utf-8")
        return path

    def _file(self, save_path: str | Path, suffix: str) -> Path:
        if self.error is not None:
            raise InputError(f"There is no {suffix} to save: {self.error}")
        return self._target(save_path, f"{self.json_suffix}{suffix}", lambda path: path.suffix.lower() == suffix)

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

"""What is written to the output folder: files of each page, and one clean PDF for each PDF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docpre.pdf_output import PdfWriter
    from docpre.results import Result


def save_result(result: Result, folder: Path) -> None:
    """Write the JSON and, unless the page failed, the picture."""
    result.save_to_json(folder)
    if result.error is None:
        result.save_to_img(folder)


def save_with_page(result: Result, folder: Path) -> None:
    """Write the clean page too, unless it is a PDF's: those go into one PDF."""
    save_result(result, folder)
    if result.error is None and result.transform.original_unit != "point":
        result.save_page(folder)


def goes_into_one_pdf(result: Result) -> bool:
    """Whether a page is one of a PDF's, which become one PDF."""
    is_pdf = result.transform.original_unit == "point" or str(result["input_path"]).lower().endswith(".pdf")
    return result["page_index"] is not None and is_pdf


class PdfOutputs:
    """One clean PDF for each PDF that comes in, grown page by page; none is left half written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._source: str | None = None
        self._writer: PdfWriter | None = None
        self._names: set[str] = set()

    def __enter__(self) -> PdfOutputs:
        return self

    def add(self, result: Result) -> None:
        source = str(result["input_path"])
        if not goes_into_one_pdf(result):
            return
        if self._writer is None or self._source != source:
            self.__exit__(None, None, None)
            self._source, self._writer = source, self._open(source)
        self._writer.add(result.pdf_page())

    def _open(self, source: str) -> PdfWriter:
        from docpre.pdf_output import PdfWriter

        stem = Path(source.split("?")[0]).stem
        name, number = stem, 2
        while name.casefold() in self._names:
            name, number = f"{stem}-{number}", number + 1
        self._names.add(name.casefold())
        return PdfWriter(self._folder / f"{name}_pages.pdf").__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.__exit__(kind, error, trace)

"""Upright pages: a folder of pictures and PDFs (or one PDF, or one picture)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from docpre.errors import InputError
from docpre.loading import IMAGE_SUFFIXES, PDF_SUFFIXES, ImageArray, count_pages, iter_pages
from docpre.mupdf import PDF_LOCK
from train.data.source import PageSource


def page_files(path: Path, suffixes: tuple[str, ...] = (*IMAGE_SUFFIXES, *PDF_SUFFIXES)) -> list[Path]:
    """The files of the given kinds in a folder and its folders, by name; hidden ones are left out.

    Raises:
        InputError: there is no such folder, or no such file in it.
    """
    if path.is_file() and path.suffix.lower() in suffixes:
        return [path]
    if not path.is_dir():
        raise InputError(f"{path}: there is no such folder of pages.")
    files = [
        file
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() in suffixes
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not files:
        raise InputError(f"{path}: no pages in it. Readable are files that end in {', '.join(suffixes)}.")
    return files


def read_page(path: Path, page_index: int | None = None, dpi: float = 150) -> ImageArray:
    """One page of a file, upright as its EXIF says, (H, W, 3) RGB uint8.

    Raises:
        InputError: it can't be read.
    """
    pages = None if page_index is None else str(page_index + 1)
    with PDF_LOCK:
        page = next(iter_pages(path, dpi=dpi, pages=pages, on_error="raise"))
    assert page.image is not None
    return page.image


class Pages(PageSource):
    """Upright pages. A PDF is one document, however many pages it has.

    Args:
        path: a folder (with all its folders) of pictures and PDFs, or one file.
        dpi: at which PDF pages are rendered.
        document: what is one document among pictures: each ``file``, or each ``folder`` (scans named page by page).
    """

    def __init__(self, path: Path, dpi: float = 150, document: Literal["file", "folder"] = "file") -> None:
        self.path, self.dpi = Path(path).expanduser(), dpi
        self._pages: list[tuple[Path, int | None]] = []
        self.documents = []
        for file in page_files(self.path):
            is_pdf = file.suffix.lower() in PDF_SUFFIXES
            indices: list[int | None] = list(range(count_pages(file) or 1)) if is_pdf else [None]
            self._pages += [(file, index) for index in indices]
            by_folder = document == "folder" and not is_pdf
            self.documents += [str(file.parent if by_folder else file)] * len(indices)
        self.angles_cw_deg = [0] * len(self._pages)

    def read(self, index: int) -> ImageArray:
        file, page_index = self._pages[index]
        return read_page(file, page_index, self.dpi)

    def describe(self) -> dict[str, Any]:
        return self._described(path=str(self.path), dpi=self.dpi)

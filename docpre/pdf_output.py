"""Clean pages back into a PDF. A page that needed no unwarping is copied as it was, text and vectors and all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docpre import jpeg
from docpre.errors import InputError
from docpre.loading import ImageArray
from docpre.mupdf import PDF_LOCK, mupdf

if TYPE_CHECKING:
    from docpre.results import Result

_DEFAULT_DPI = 200
_JPEG_QUALITY = 90
_POINTS_PER_INCH = 72
# Pages are kept in memory between two saves; so few of them that a long document needs no more than a short one.
_PAGES_BETWEEN_SAVES = 25


@dataclass(frozen=True, eq=False)
class PdfPage:
    """A page on its way into a PDF.

    Args:
        source_path: the PDF to copy the page from, if it is one and the page needed no unwarping.
        page_index: of the page there, from 0.
        angle_cw_deg: how far it is turned clockwise; copied pages are turned back.
        image: (H, W, 3) RGB uint8, the clean page, for pages that are not copied.
        dpi: of ``image``.
        write_over: writes more onto a page that is not copied, given pymupdf's page and points a pixel; called under
            ``PDF_LOCK``.
    """

    source_path: str | None
    page_index: int | None
    angle_cw_deg: int
    image: ImageArray | None
    dpi: float | None
    write_over: Callable[[Any, float], None] | None = None


def save_pdf(results: Iterable[Result], path: str | Path) -> Path:
    """Write the clean pages of results into one PDF.

    Pages of PDFs that needed no unwarping are copied from their file, turned if need be. Unwarped pages go in as JPEG
    at the resolution of their rendering (200 dpi for pictures). Pages that failed are copied as they were if they come
    from a PDF, and left out otherwise. The results may be a generator; few pages are held at a time.

    Args:
        results: of ``DocPreprocessor`` or ``TextImageUnwarping``.
        path: of the PDF.

    Raises:
        InputError: the PDF can't be written, or would have no pages.
    """
    return save_pdf_pages((result.pdf_page() for result in results), Path(path))


def save_pdf_pages(pages: Iterable[PdfPage], path: Path) -> Path:
    """Write pages into one PDF; see ``save_pdf``."""
    writer = PdfWriter(path)
    with writer:
        for page in pages:
            writer.add(page)
    return path


class PdfWriter:
    """A PDF that grows page by page, with little in memory. It takes its name when it is complete.

    Raises:
        InputError: the PDF can't be written, or is closed without pages.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = path.with_name(f".{path.name}.part")
        self._document: Any = None
        self._unsaved = 0
        self._source: tuple[str, Any] | None = None

    def __enter__(self) -> PdfWriter:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._unfinished.unlink(missing_ok=True)
        with PDF_LOCK:
            self._document = mupdf().open()
        return self

    def add(self, page: PdfPage) -> None:
        """Append a page. One that has neither a PDF to be copied from nor an image is left out."""
        with PDF_LOCK, _translated(self._path):
            source = self._opened(page.source_path) if page.page_index is not None else None
            if source is not None:
                self._document.insert_pdf(source, from_page=page.page_index, to_page=page.page_index)
                copied = self._document[-1]
                copied.set_rotation((copied.rotation - page.angle_cw_deg) % 360)
        if source is None:
            if page.image is None:
                return
            content = jpeg.encoded(page.image, _JPEG_QUALITY)  # while others may use MuPDF
            height, width = page.image.shape[:2]
            scale = _POINTS_PER_INCH / (page.dpi or _DEFAULT_DPI)
            with PDF_LOCK, _translated(self._path):
                new_page = self._document.new_page(width=width * scale, height=height * scale)
                new_page.insert_image(new_page.rect, stream=content)
                if page.write_over is not None:
                    page.write_over(new_page, scale)
        with PDF_LOCK, _translated(self._path):
            self._unsaved += 1
            if self._unsaved >= _PAGES_BETWEEN_SAVES:
                self._save()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        with PDF_LOCK:
            try:
                if error is None:
                    with _translated(self._path):
                        if self._document.page_count == 0:
                            raise InputError(f"{self._path} was not written: none of the pages could be processed.")
                        self._save()
            finally:
                self._document.close()
                if self._source is not None:
                    self._source[1].close()
        if error is None:
            self._unfinished.replace(self._path)
        else:
            self._unfinished.unlink(missing_ok=True)

    def _save(self) -> None:
        if self._unfinished.exists():
            self._document.saveIncr()
        else:
            self._document.save(self._unfinished, deflate=True, no_new_id=True)  # a new one is random
        self._document.close()  # opened again, pages are read from disk when they are needed
        self._document = mupdf().open(self._unfinished, filetype="pdf")
        self._unsaved = 0

    def _opened(self, path: str | None) -> Any:
        if path is None or not path.lower().endswith(".pdf") or not Path(path).expanduser().is_file():
            return None
        if self._source is None or self._source[0] != path:
            if self._source is not None:
                self._source[1].close()
            self._source = (path, mupdf().open(Path(path).expanduser()))
        return self._source[1]


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # pymupdf raises a dozen kinds
        raise InputError(f"{path} can't be written: {error}.") from error

"""Files of PDFs, each page rendered when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from docpre.errors import InputError
from docpre.geometry import Homography, Transform
from docpre.loading.page import Decoded
from docpre.mupdf import PDF_LOCK, mupdf

_POINTS_PER_INCH = 72
# What MuPDF paints as pictures, scanned pages as masks among them; from this share on a PDF's page may be a photo.
_PICTURES, _PICTURE_SHARE = ("fill-image", "fill-imgmask"), 0.5


class PdfFile:
    """A PDF.

    Args:
        document: of pymupdf, open.
        page_count: how many pages it has.
        dpi: at which they are rendered.
        max_pixels: of a page, which is rendered at fewer dpi rather than with more pixels; None: no limit.
    """

    def __init__(self, document: Any, page_count: int, dpi: float, max_pixels: int | None) -> None:
        self._document = document
        self.page_count = page_count
        self._dpi = dpi
        self._max_pixels = max_pixels

    def page(self, index: int) -> Decoded:
        """One page, counted from 0.

        Raises:
            InputError: it can't be rendered.
        """
        notes: list[str] = []
        with PDF_LOCK:
            try:
                page = self._document[index]
                width, height = page.rect.width, page.rect.height
                if min(width, height) <= 0:
                    raise InputError("the page has no area")
                dpi = self._capped_dpi(width, height, notes)
                zoom = dpi / _POINTS_PER_INCH
                pixmap = page.get_pixmap(matrix=mupdf().Matrix(zoom, zoom), alpha=False, colorspace=mupdf().csRGB)
                rows = np.frombuffer(pixmap.samples_mv, np.uint8).reshape(pixmap.height, pixmap.stride)
                rgb = rows[:, : 3 * pixmap.width].reshape(pixmap.height, pixmap.width, 3).copy()
                derotation = tuple(page.derotation_matrix)
                is_drawn = _picture_share(page) < _PICTURE_SHARE
            except InputError:
                raise
            except Exception as error:
                raise InputError(f"the page can't be rendered ({error})") from error
        # Pixel centres to points: pixel (0, 0) covers the points from 0 to 1/zoom.
        to_points = np.array([[1 / zoom, 0, 0.5 / zoom], [0, 1 / zoom, 0.5 / zoom], [0, 0, 1]])
        a, b, c, d, e, f = derotation
        derotate = np.array([[a, c, e], [b, d, f], [0, 0, 1]])
        unrotated_size = (height, width) if abs(a) > 0.5 else (width, height)
        step = Homography(derotate @ to_points)
        transform = Transform(unrotated_size, (rgb.shape[0], rgb.shape[1]), (step,), "point")
        return Decoded(rgb, transform, dpi=dpi, notes=tuple(notes), is_drawn=is_drawn)

    def _capped_dpi(self, width: float, height: float, notes: list[str]) -> float:
        limit = self._max_pixels
        pixels = width * height * (self._dpi / _POINTS_PER_INCH) ** 2
        if limit is None or pixels <= limit:
            return self._dpi
        dpi = self._dpi * (limit / pixels) ** 0.5
        notes.append(f"rendered at {dpi:.1f} instead of {self._dpi:g} dpi to stay within {limit:,} pixels")
        return dpi


@contextmanager
def opened_pdf(content: bytes, dpi: float, max_pixels: int | None) -> Iterator[PdfFile]:
    """A PDF, to be read from until the context ends; for the arguments see ``PdfFile``.

    Raises:
        InputError: it is broken, encrypted, or has no pages.
    """
    with PDF_LOCK:
        try:
            document = mupdf().open(stream=content, filetype="pdf")
        except Exception as error:  # pymupdf raises a dozen kinds
            raise InputError(f"it is a broken PDF ({error})") from error
        needs_password, count = bool(document.needs_pass), document.page_count
    try:
        if needs_password:
            raise InputError("the PDF is encrypted; remove its password first")
        if count == 0:
            raise InputError("the PDF has no pages, or is broken")
        yield PdfFile(document, count, dpi, max_pixels)
    finally:
        with PDF_LOCK:
            document.close()


def _picture_share(page: Any) -> float:
    """How much of a PDF's page its pictures cover, as a share of its area; where they overlap it counts twice."""
    paper = page.rect * page.derotation_matrix  # the places are those before /Rotate
    places = [mupdf().Rect(place) for kind, place in page.get_bboxlog() if kind in _PICTURES]
    return float(sum((place & paper).get_area() for place in places) / paper.get_area())

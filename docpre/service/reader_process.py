"""The process that decodes strangers' files. A file that breaks the decoder, or eats time or memory, breaks no more
than this process; the service starts another (``docpre.service.reading``)."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pymupdf

from docpre.errors import InputError, LimitError
from docpre.loading import Limits, Page, iter_pages
from docpre.pdf_output import PdfPage, PdfWriter
from docpre.service.blob import receive_blob, send_blob

_POINTS_PER_INCH = 72
_SECONDS_PER_MEGAPIXEL = 0.05
# What decoding a page and its copies take at most: bytes at rest, and for each pixel.
_PDF_BYTES, _PDF_BYTES_PER_PIXEL = 140_000_000, 8
_PICTURE_BYTES, _PICTURE_BYTES_PER_PIXEL = 100_000_000, 32
# Each scan of a progressive JPEG goes over all of its pixels. Ten are usual, encoders that optimise use a few more;
# libjpeg itself would follow a forged file through tens of thousands.
_MAX_JPEG_SCANS = 64
# A TIFF's pages are counted by walking through them; a PDF says how many it has.
_MAX_TIFF_PAGES = 1000


@dataclass(frozen=True)
class ReadingLimits:
    """What one page may cost; see ``ServiceSettings``."""

    dpi: float
    max_pixels: int
    max_read_s: float
    max_bytes: int


def serve_reader(connection: Connection, parent_pid: int, limits: ReadingLimits) -> None:
    """Answer the parent until it closes the connection. Requests and answers are JSON, some with a blob behind."""
    # The parent decides when to end: it finishes what is under way first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    cv2.setNumThreads(1)
    document: _Document | None = None
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        blob = receive_blob(connection) if request.get("has_blob") else None
        answer: dict[str, Any]
        pixels: Any = None
        try:
            if request["do"] == "open":
                assert blob is not None
                document = _Document(bytes(blob), request["is_pdf"], request["first_page"], limits)
                answer = {"total_pages": document.total_pages}
            elif request["do"] == "next":
                assert document is not None
                answer, pixels = document.next_page()
            elif request["do"] == "pdf_page":
                assert document is not None
                answer = document.write_page(request, blob)
            else:
                assert document is not None
                answer, pixels = {}, document.finished_pdf()
        except MemoryError:
            answer = {"error": "it needs more memory to be read than a page may", "is_limit": True}
        except InputError as error:
            answer = {"error": _sentence(error), "is_limit": isinstance(error, LimitError)}
        signal.setitimer(signal.ITIMER_PROF, 0)
        answer["has_blob"] = pixels is not None
        connection.send_bytes(json.dumps(answer).encode())
        if pixels is not None:
            send_blob(connection, pixels, parent_pid)


class _Document:
    """The file that is being read, and the clean PDF that is made of it."""

    def __init__(self, content: bytes, is_pdf: bool, first_page: int, limits: ReadingLimits) -> None:
        self._content = content
        self._is_pdf = is_pdf
        self._limits = limits
        self._position = first_page
        self._writer: PdfWriter | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._sizes: list[int] = []
        self._set_limits(0 if is_pdf else limits.max_pixels)
        self.total_pages = self._counted_pdf_pages() if is_pdf else None
        if not is_pdf:
            _check_scans(content)
        self._pages: Iterator[Page] | None = None

    def next_page(self) -> tuple[dict[str, Any], np.ndarray[Any, Any] | None]:
        """The next page and its pixels; ``{"end": true}`` behind the last one."""
        if self.total_pages is not None and self._position < self.total_pages:
            pixels = self._rendered_pixels(self._position)
            self._set_limits(min(pixels, self._limits.max_pixels))
            if pixels > self._limits.max_pixels:
                self._position, self._pages = self._position + 1, None
                return {
                    "page_index": self._position - 1,
                    "is_limit": True,
                    "page_error": f"The page has {pixels:,} pixels at {self._limits.dpi:g} dpi, over the limit of "
                    f"{self._limits.max_pixels:,}.",
                }, None
        elif not self._is_pdf:
            self._set_limits(self._limits.max_pixels)
        elif self._position:
            return {"end": True}, None
        if self._pages is None:
            self._pages = self._read_pages(f"{self._position + 1}-" if self._is_pdf else None)
        self._position += 1
        page = next(self._pages, None)
        if page is None:
            return {"end": True}, None
        if page.image is None:
            is_limit = isinstance(page.error, LimitError)
            error = _sentence(page.error) if page.error else "the page can't be read"
            return {"page_index": page.page_index, "page_error": error, "is_limit": is_limit}, None
        return {
            "page_index": page.page_index,
            "size_hw": page.image.shape[:2],
            "transform": page.transform.to_json(),
            "exif_orientation": page.exif_orientation,
            "dpi": page.dpi,
            "notes": page.notes,
            "is_drawn": page.is_drawn,
        }, cv2.cvtColor(page.image, cv2.COLOR_RGB2BGR)

    def write_page(self, request: dict[str, Any], blob: memoryview | None) -> dict[str, Any]:
        """Append a page to the clean PDF: pixels (RGB), or the file's own page, turned."""
        self._set_limits(self._limits.max_pixels)
        if self._writer is None:
            self._folder = tempfile.TemporaryDirectory(prefix="docpre-")
            if self._is_pdf:
                self._in_folder("source.pdf").write_bytes(self._content)
            self._writer = PdfWriter(self._in_folder("clean.pdf")).__enter__()
        image = None if blob is None else np.frombuffer(blob, np.uint8).reshape(*request["size_hw"], 3)
        source = str(self._in_folder("source.pdf")) if self._is_pdf and image is None else None
        self._writer.add(PdfPage(source, request["page_index"], request["angle_cw_deg"], image, request["dpi"]))
        return {}

    def finished_pdf(self) -> bytes:
        """The clean PDF."""
        assert self._writer is not None
        assert self._folder is not None
        writer, self._writer = self._writer, None
        with self._folder:
            writer.__exit__(None, None, None)
            return self._in_folder("clean.pdf").read_bytes()

    def _in_folder(self, name: str) -> Path:
        assert self._folder is not None
        return Path(self._folder.name, name)

    def _read_pages(self, ranges: str | None = None) -> Iterator[Page]:
        limits = Limits(self._limits.max_bytes, self._limits.max_pixels, None if self._is_pdf else _MAX_TIFF_PAGES)
        return iter_pages(self._content, dpi=self._limits.dpi, pages=ranges, limits=limits)

    def _set_limits(self, pixels: int) -> None:
        """Give this process time and memory for a page of so many pixels. Beyond the time it is ended by SIGPROF, in
        the middle of whatever the decoder does; beyond the memory the decoder's allocations fail."""
        seconds = self._limits.max_read_s + _SECONDS_PER_MEGAPIXEL * pixels / 1e6
        signal.setitimer(signal.ITIMER_PROF, seconds)
        at_rest, per_pixel = (
            (_PDF_BYTES, _PDF_BYTES_PER_PIXEL) if self._is_pdf else (_PICTURE_BYTES, _PICTURE_BYTES_PER_PIXEL)
        )
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if (used := _address_space_bytes()) is not None:
            resource.setrlimit(resource.RLIMIT_AS, (used + at_rest + per_pixel * pixels, hard))

    def _counted_pdf_pages(self) -> int:
        try:
            self._pdf = pymupdf.open(stream=self._content, filetype="pdf")
            if self._pdf.needs_pass:
                raise InputError("the PDF is encrypted; remove its password first")
            count = int(self._pdf.page_count)
        except InputError:
            raise
        except Exception as error:  # pymupdf raises a dozen kinds
            raise InputError(f"it is a broken PDF ({error})") from error
        if count < 1:
            raise InputError("the PDF has no pages, or is broken")
        return count

    def _rendered_pixels(self, index: int) -> int:
        try:
            rect = self._pdf[index].rect
        except Exception:  # what is wrong with the page is said when it is read
            return 0
        return int(rect.width * rect.height * (self._limits.dpi / _POINTS_PER_INCH) ** 2)


def _check_scans(content: bytes) -> None:
    # In a JPEG's data the byte FF is followed by 00, so these two can only be a marker.
    if content[:3] == b"\xff\xd8\xff" and content.count(b"\xff\xda") > _MAX_JPEG_SCANS:
        raise LimitError(f"the JPEG has more than {_MAX_JPEG_SCANS} scans")


def _address_space_bytes() -> int | None:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # not Linux: there is no limit on memory then
        return None


def _sentence(error: Exception) -> str:
    """An error of loading, without the name that it gave to the bytes."""
    return re.sub(r"^The bytes at position 0(, page \d+)?: ", "", str(error)).rstrip(".")

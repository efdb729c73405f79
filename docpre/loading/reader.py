"""How an input becomes pages: its items one by one, of each its content, of that its pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

import numpy as np
from PIL import Image

from docpre.errors import DocpreError, InputError
from docpre.loading.content import content_of
from docpre.loading.folders import as_directory, files_to_read
from docpre.loading.formats import is_pdf
from docpre.loading.in_memory import decoded_array, decoded_picture
from docpre.loading.limits import Limits
from docpre.loading.page import Decoded, Page
from docpre.loading.page_ranges import PageRanges, chosen_pages
from docpre.loading.pdf_file import PdfFile, opened_pdf
from docpre.loading.picture_file import PictureFile, opened_picture
from docpre.loading.source import Source

OnError = Literal["result", "raise"]


class Reader:
    """One run over an input; keeps the names of output files apart. For the arguments see ``iter_pages``."""

    def __init__(
        self, dpi: float, ranges: PageRanges | None, limits: Limits, on_error: OnError, preview_side: int | None
    ) -> None:
        self._dpi = dpi
        self._ranges = ranges
        self._limits = limits
        self._on_error = on_error
        self._preview_side = preview_side
        self._stems: set[str] = set()

    def read(self, input: Any) -> Iterator[Page]:
        """The pages of whatever ``iter_pages`` takes."""
        if isinstance(input, (list, tuple)):
            yield from self._list_pages(input)
        elif (directory := as_directory(input)) is not None:
            yield from self._list_pages(files_to_read(directory))
        else:
            yield from self._item_pages(input, 0)

    def _list_pages(self, items: Sequence[Any]) -> Iterator[Page]:
        for position, item in enumerate(items):
            try:
                if isinstance(item, (list, tuple)):
                    raise InputError(f"Item {position} is a list inside a list; give one flat list.")
                if as_directory(item) is not None:
                    yield from self.read(item)
                else:
                    yield from self._item_pages(item, position)
            except DocpreError as error:
                if self._on_error == "raise":
                    raise
                yield self._failed(Source.of(item, position), None, error)

    def _item_pages(self, item: Any, position: int) -> Iterator[Page]:
        if isinstance(item, Page):
            yield item
            return
        source = Source.of(item, position)
        try:
            if isinstance(item, np.ndarray):
                yield self._page(source, None, decoded_array(item, self._limits, self._preview_side))
            elif isinstance(item, Image.Image):
                self._limits.check_pixels(*item.size)
                yield self._page(source, None, decoded_picture(item))
            else:
                yield from self._document_pages(source, content_of(item, self._limits))
        except InputError as error:
            if str(error).startswith(source.label):
                raise
            raise source.labelled(error) from error

    def _document_pages(self, source: Source, content: bytes) -> Iterator[Page]:
        with self._opened(content) as document:
            for index in self._chosen(source, document.page_count):
                page_index = None if document.page_count is None else index
                try:
                    page = self._page(source, page_index, document.page(index))
                except InputError as error:
                    labelled = source.labelled(error, page_index)
                    if page_index is None or self._on_error == "raise":
                        raise labelled from error
                    page = self._failed(source, page_index, labelled)
                yield page

    def _opened(self, content: bytes) -> AbstractContextManager[PdfFile | PictureFile]:
        if is_pdf(content):
            return opened_pdf(content, self._dpi, self._limits.max_pixels)
        return opened_picture(content, self._limits, self._preview_side)

    def _chosen(self, source: Source, page_count: int | None) -> Sequence[int]:
        if page_count is None:
            return [0]
        chosen = chosen_pages(self._ranges, page_count, source.label)
        self._limits.check_pages(len(chosen))
        return chosen

    def _page(self, source: Source, page_index: int | None, decoded: Decoded) -> Page:
        return Page(
            pixels=decoded.pixels,
            input_path=source.input_path,
            page_index=page_index,
            stem=self._unique_stem(source, page_index),
            suffix=".png" if decoded.transform.original_unit == "point" else source.suffix,
            transform=decoded.transform,
            exif_orientation=decoded.exif_orientation,
            dpi=decoded.dpi,
            notes=decoded.notes,
            preview=decoded.preview,
            is_drawn=decoded.is_drawn,
        )

    def _failed(self, source: Source, page_index: int | None, error: DocpreError) -> Page:
        stem = self._unique_stem(source, page_index)
        return Page(None, source.input_path, page_index, stem, source.suffix, error=error)

    def _unique_stem(self, source: Source, page_index: int | None) -> str:
        stem = source.stem if page_index is None else f"{source.stem}_{page_index}"
        candidate, number = stem, 2
        while candidate.casefold() in self._stems:
            candidate, number = f"{stem}-{number}", number + 1
        self._stems.add(candidate.casefold())
        return candidate

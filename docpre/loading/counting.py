"""How many pages an input has, as far as that can be told without reading it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from PIL import Image

from docpre.loading.content import NamedContent, is_url
from docpre.loading.folders import files_in
from docpre.loading.formats import PDF_SUFFIXES, is_pdf
from docpre.loading.page_ranges import chosen_pages, parse_page_ranges
from docpre.mupdf import PDF_LOCK, mupdf


def count_pages(input: Any, *, pages: str | None = None) -> int | None:
    """How many pages an input will give, for progress bars; None where that is not known without reading it all."""
    ranges = parse_page_ranges(pages)
    try:
        if isinstance(input, (list, tuple)):
            counts = [count_pages(item, pages=pages) for item in input]
            return None if None in counts else sum(count for count in counts if count is not None)
        if isinstance(input, NamedContent) and is_pdf(input.content):
            with PDF_LOCK, mupdf().open(stream=input.content, filetype="pdf") as document:
                return len(chosen_pages(ranges, document.page_count, input.name))
        if isinstance(input, (str, os.PathLike)) and not is_url(input):
            path = Path(input).expanduser()
            if path.is_dir():
                return count_pages(files_in(path)[0], pages=pages)
            if path.suffix.lower() in PDF_SUFFIXES:
                with PDF_LOCK, mupdf().open(path) as document:
                    return len(chosen_pages(ranges, document.page_count, str(path)))
            if path.suffix.lower() in (".tif", ".tiff"):
                with Image.open(path) as image:
                    return len(chosen_pages(ranges, getattr(image, "n_frames", 1), str(path)))
        return None if is_url(input) or isinstance(input, (bytes, bytearray, memoryview, NamedContent)) else 1
    except Exception:  # a count is a courtesy; what is wrong with the input is said when it is read
        return 1

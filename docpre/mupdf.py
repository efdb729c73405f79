"""MuPDF, imported when the first PDF comes: it takes a tenth of a second, which pictures need not wait for."""

from __future__ import annotations

import functools
import threading
from types import ModuleType

#: MuPDF keeps global state: only one thread at a time may be inside it.
PDF_LOCK = threading.RLock()


@functools.cache
def mupdf() -> ModuleType:
    """The package pymupdf, which is to be used under ``PDF_LOCK`` alone; it would also print its own complaints."""
    with PDF_LOCK:
        import pymupdf

        pymupdf.TOOLS.mupdf_display_errors(False)
        pymupdf.TOOLS.mupdf_display_warnings(False)
    return pymupdf

"""What one visitor may ask of the page, so that one processor serves them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_BYTES = 50 * 1024**2  # of a file
MAX_PIXELS = 100_000_000  # of a page
MAX_PAGES = 500  # of a document
MAX_BATCH_FILES = 30
MAX_BATCH_PAGES = 20  # of each file
MAX_WAITING = 24  # runs in the queue
PAGES_AT_ONCE = 2  # runs under way
KEPT_S = 3600  # how long files are kept
SWEPT_EVERY_S = 600  # how often it is seen to

#: For ``DocPreprocessor.predict_iter``.
READING: Mapping[str, Any] = {"max_bytes": MAX_BYTES, "max_pixels": MAX_PIXELS, "max_pages": MAX_PAGES}

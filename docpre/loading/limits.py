"""What an input may cost."""

from __future__ import annotations

from dataclasses import dataclass

from docpre.errors import ConfigError, LimitError


@dataclass(frozen=True)
class Limits:
    """What an input may cost. None lifts a limit.

    Args:
        max_bytes: of a file, a download, or bytes.
        max_pixels: of one page, looked at before it is decoded. PDF pages are rendered at a lower resolution instead
            of being refused.
        max_pages: of one document.
        url_timeout_s: seconds without an answer from a server.
    """

    max_bytes: int | None = 512 * 1024**2
    max_pixels: int | None = 200_000_000
    max_pages: int | None = 10_000
    url_timeout_s: float = 30.0

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pixels", "max_pages"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigError(f"{name} is a whole number of at least 1, or None for no limit, not {value!r}.")

    def check_bytes(self, count: int) -> None:
        """Raises LimitError where an input has more bytes than it may."""
        if self.max_bytes is not None and count > self.max_bytes:
            raise LimitError(f"it is over the limit of {self.max_bytes:,} bytes (max_bytes)")

    def check_pixels(self, width: int, height: int) -> None:
        """Raises LimitError where a page has more pixels than it may."""
        if self.max_pixels is not None and width * height > self.max_pixels:
            raise LimitError(f"its {width}x{height} pixels are over the limit of {self.max_pixels:,} (max_pixels)")

    def check_pages(self, count: int) -> None:
        """Raises LimitError where more pages of a document are to be read than may be."""
        if self.max_pages is not None and count > self.max_pages:
            raise LimitError(
                f"it has {count} pages, over the limit of {self.max_pages}; choose some (pages) "
                "or raise the limit (max_pages)"
            )

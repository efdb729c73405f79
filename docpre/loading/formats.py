"""Which files can be read, and how they are told."""

from __future__ import annotations

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".tif", ".tiff", ".webp")
PDF_SUFFIXES = (".pdf",)
READABLE = "Readable are JPEG, PNG, BMP, TIFF, WebP and PDF."


def is_pdf(content: bytes) -> bool:
    """Whether a file is a PDF, by its content; its header may come a little late."""
    return b"%PDF-" in content[:1024]

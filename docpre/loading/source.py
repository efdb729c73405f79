"""What an item of an input is called: in messages, and in the names of output files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from docpre.errors import InputError
from docpre.loading.content import NamedContent, is_url, path_of_url
from docpre.loading.formats import IMAGE_SUFFIXES


@dataclass(frozen=True)
class Source:
    """Where a document comes from.

    Args:
        label: what messages call it.
        input_path: what the user named, as text; None for what has no name.
        stem: what the names of its output files begin with.
        suffix: extension of its output pictures, with its dot.
    """

    label: str
    input_path: str | None
    stem: str
    suffix: str

    @classmethod
    def of(cls, item: Any, position: int) -> Source:
        """That of an item of an input, at its position in a list or 0."""
        if isinstance(item, (str, os.PathLike, NamedContent)):
            path = item.name if isinstance(item, NamedContent) else str(item)
            name = path_of_url(path) if is_url(item) else path
            stem = re.sub(r"[^\w.()+@ -]", "_", Path(name).stem)[:150].strip() or "page"
            suffix = Path(name).suffix.lower()
            return cls(path, path, stem, suffix if suffix in IMAGE_SUFFIXES else ".png")
        label = f"The array at position {position}" if isinstance(item, np.ndarray) else f"The input at {position}"
        if isinstance(item, (bytes, bytearray, memoryview, Image.Image)):
            label = f"The {'picture' if isinstance(item, Image.Image) else 'bytes'} at position {position}"
        return cls(label, None, f"array_{position}", ".png")

    def labelled(self, error: InputError, page_index: int | None = None) -> InputError:
        """An error that says where it happened."""
        page = "" if page_index is None else f", page {page_index + 1}"
        return type(error)(f"{self.label}{page}: {str(error).removesuffix('.')}.")

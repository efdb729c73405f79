"""Files written in memory, and what is read from them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from docpre.loading import iter_pages


def encoded(image: np.ndarray, format: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, format, **options)
    return file.getvalue()


def pages_of(input, **options):
    return list(iter_pages(input, **options))

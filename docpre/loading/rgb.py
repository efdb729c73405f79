"""Arrays and Pillow images of any kind to RGB."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from docpre.errors import InputError
from docpre.loading.page import ImageArray


def to_rgb(image: Image.Image) -> ImageArray:
    """A Pillow image of any mode as (H, W, 3) RGB uint8; what is transparent becomes white, 16 bits become 8.

    Raises:
        InputError: its values have no stated range (32-bit integers or floats).
    """
    if image.mode in ("I;16", "I;16L", "I;16B", "I;16N"):
        gray = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return np.repeat(gray[..., None], 3, -1)
    if image.mode in ("I", "F"):
        raise InputError(
            f"its pixels are 32-bit {'integers' if image.mode == 'I' else 'floats'}, whose range is not stated; "
            "convert it to 8 or 16 bits a channel"
        )
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))


def array_to_rgb(array: NDArray[Any]) -> ImageArray:
    """A user's array, BGR as OpenCV reads it (or gray, or BGRA over white), as (H, W, 3) RGB uint8, contiguous.

    Raises:
        InputError: it is not uint8, not of such a shape, or empty.
    """
    check_array(array)
    array = np.ascontiguousarray(array)
    channels = array.shape[2] if array.ndim == 3 else 1
    if channels == 1:
        return cv2.cvtColor(array.reshape(array.shape[:2]), cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    if channels == 3:
        return cv2.cvtColor(array, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
    return to_rgb(Image.fromarray(cv2.cvtColor(array, cv2.COLOR_BGRA2RGBA)))


def check_array(array: NDArray[Any]) -> None:
    """Raises InputError where ``array_to_rgb`` won't take an array."""
    if array.dtype != np.uint8:
        raise InputError(f"the array is {array.dtype}; docpre takes uint8, 0 to 255")
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise InputError(
            f"the array's shape is {array.shape}; docpre takes (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA"
        )
    if 0 in array.shape:
        raise InputError(f"the array of shape {array.shape} is empty")

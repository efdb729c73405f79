"""How a camera was held: EXIF's orientation, and the picture that it makes of a file's pixels."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from docpre.geometry import Angle, Homography, Transform, turned_back
from docpre.loading.page import ImageArray

_ORIENTATION = 0x0112
_LOG = logging.getLogger("docpre")


def exif_orientation(image: Image.Image) -> int | None:
    """2 to 8 where the picture's EXIF says so; None where it says nothing that changes anything, or is damaged."""
    try:
        value = image.getexif().get(_ORIENTATION)
    except Exception as error:  # EXIF is parsed by hand in Pillow and breaks in many ways
        _LOG.warning("The picture's EXIF can't be read and was ignored: %s", error)
        return None
    return value if isinstance(value, int) and 2 <= value <= 8 else None


def upright(rgb: ImageArray, orientation: int | None) -> ImageArray:
    """A picture (H, W, 3) as its EXIF orientation says that it is to be shown."""
    if orientation in (5, 7):
        rgb = np.ascontiguousarray(rgb.transpose(1, 0, 2))
    if orientation in (2, 4):
        rgb = np.ascontiguousarray(rgb[:, ::-1] if orientation == 2 else rgb[::-1])
    angles_cw_deg: Mapping[int | None, Angle] = {3: 180, 6: 270, 7: 180, 8: 90}
    return turned_back(rgb, angles_cw_deg.get(orientation, 0))


def exif_transform(orientation: int | None, size_hw: tuple[int, int]) -> Transform:
    """From the pixels of a file to those of the picture that its EXIF orientation makes of them."""
    if orientation is None:
        return Transform.identity(size_hw)
    upright_hw = size_hw[::-1] if orientation >= 5 else size_hw
    return Transform(size_hw, upright_hw, (Homography(_matrix(orientation, size_hw[1], size_hw[0])),))


def _matrix(orientation: int, width: int, height: int) -> NDArray[np.float64]:
    """(3, 3): pixels of the upright picture to pixels of the file, for the EXIF orientations 2 to 8."""
    x, y = width - 1, height - 1
    rows = {
        2: ((-1, 0, x), (0, 1, 0)),
        3: ((-1, 0, x), (0, -1, y)),
        4: ((1, 0, 0), (0, -1, y)),
        5: ((0, 1, 0), (1, 0, 0)),
        6: ((0, 1, 0), (-1, 0, y)),
        7: ((0, -1, x), (-1, 0, y)),
        8: ((0, -1, x), (1, 0, 0)),
    }[orientation]
    return np.array([*rows, (0, 0, 1)], np.float64)

"""Pictures that are in memory already become pages: arrays and Pillow images."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from PIL import Image

from docpre.errors import InputError
from docpre.geometry import Transform
from docpre.loading.exif import exif_orientation, exif_transform, upright
from docpre.loading.limits import Limits
from docpre.loading.page import Decoded, Pixels
from docpre.loading.rgb import array_to_rgb, check_array, to_rgb


def decoded_array(array: NDArray[Any], limits: Limits, preview_side: int | None) -> Decoded:
    """A user's array as a page; for its arguments see ``iter_pages``.

    Raises:
        InputError: it is not such an array, or is beyond a limit.
    """
    if array.ndim >= 2:
        limits.check_pixels(array.shape[1], array.shape[0])
    check_array(array)
    transform = Transform.identity((array.shape[0], array.shape[1]))
    if preview_side is None:
        return Decoded(array_to_rgb(array), transform)
    return Decoded(lambda: array_to_rgb(array), transform, preview=Pixels(array, array_to_rgb))


def decoded_picture(image: Image.Image, notes: tuple[str, ...] = ()) -> Decoded:
    """A Pillow image as a page, as its EXIF orientation says that it is to be shown.

    Raises:
        InputError: it has no pixels, or can't be decoded.
    """
    size_hw = (image.size[1], image.size[0])
    if 0 in size_hw:
        raise InputError("the picture has no pixels")
    orientation = exif_orientation(image)
    try:
        rgb = upright(to_rgb(image), orientation)
    except InputError:
        raise
    except Exception as error:  # Pillow's plug-ins raise whatever they meet
        raise InputError(f"it can't be decoded ({error})") from error
    return Decoded(rgb, exif_transform(orientation, size_hw), exif_orientation=orientation, notes=notes)

"""Photos cut to the page, as UVDoc's training does it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docpre.errors import InputError
from docpre.loading import ImageArray


def crop_to_grid(
    image: ImageArray, nodes_xy_px: NDArray[np.float64], margins_px: tuple[int, int, int, int]
) -> tuple[ImageArray, NDArray[np.float32]]:
    """Cut a photo around its page.

    Args:
        image: (H, W, 3).
        nodes_xy_px: (rows, columns, 2) nodes of the page in pixels, centres at whole numbers.
        margins_px: left, top, right, bottom: what is kept beyond the outermost nodes, as far as the photo goes.

    Returns:
        The cut, and the grid (2, rows, columns) in [-1, 1] of it, corners aligned.

    Raises:
        InputError: the page lies outside the photo.
    """
    height, width = image.shape[:2]
    low, high = nodes_xy_px.min((0, 1)), nodes_xy_px.max((0, 1))
    left, top = np.clip(np.floor(low - margins_px[:2]), 0, None).astype(int)
    right, bottom = np.ceil(high + margins_px[2:]).astype(int) + 1
    right, bottom = min(right, width), min(bottom, height)
    if right - left < 2 or bottom - top < 2:
        raise InputError(f"The page's grid lies outside the photo of {width}x{height} pixels.")
    return image[top:bottom, left:right], normalised_grid(nodes_xy_px - (left, top), (bottom - top, right - left))


def normalised_grid(nodes_xy_px: NDArray[np.float64], size_hw: tuple[int, int]) -> NDArray[np.float32]:
    """Nodes (rows, columns, 2) in pixels to a grid (2, rows, columns) in [-1, 1], corners aligned."""
    last_xy = np.array(size_hw[::-1], np.float64) - 1
    return np.moveaxis(nodes_xy_px / last_xy * 2 - 1, -1, 0).astype(np.float32)


def drawn_margins(margin_px: tuple[int, int], number: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom margins, each uniform between the two given, by the sample's number."""
    left, top, right, bottom = np.random.default_rng([1931, number]).integers(margin_px[0], margin_px[1] + 1, 4)
    return int(left), int(top), int(right), int(bottom)

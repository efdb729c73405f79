"""A page seen from near: four windows on it, where there is most to read, laid side by side as one picture.

Of a whole page at a network's size letters are two or three pixels high, too few to tell an alphabet's upside from its
underside; here they are three to four times as large. Which windows are taken hardly depends on how a page is turned.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.loading import ImageArray
from docpre.shrinking import quickly_shrunk

#: A page is looked at in this size: ten-point letters of an A4 page are then five or six pixels high without ascenders.
LONG_SIDE = 1120
_ACROSS = 2  # windows a row and a column
_CELL = 8  # where there is how much to read is told in squares of so many pixels
_EDGE_SHARE, _LEAST_EDGE = 0.2, 8.0  # of the page's contrast, and grey levels: what counts as the edge of a stroke
_LITTLE = 0.04  # of what the fullest window shows, not worth a window
_MIDST = 0.5  # what the windows around one count beside it
_FULL = 0.3  # share of edges in dense print; foliage, grain and screens have more, and nothing to read


def closer_look(image: ImageArray, size_hw: tuple[int, int]) -> ImageArray:
    """Four windows of a page as one picture.

    Args:
        image: (H, W, 3) RGB uint8; or in other channels, if need be (H, W), and so is the result.
        size_hw: of the result, even.

    Returns:
        (*size_hw, 3) uint8: windows of half its height and width, at the scale at which the page's longer side has
        ``LONG_SIDE`` pixels, or that of the page if it is smaller; those with more to read come first.
    """
    scale = LONG_SIDE / max(image.shape[:2])
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        image = quickly_shrunk(image, (height, width))
        if image.shape[:2] != (height, width):
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    window_hw = size_hw[0] // _ACROSS, size_hw[1] // _ACROSS
    windows = [_window(image, place, window_hw) for place in _places(image, window_hw, _ACROSS**2)]
    rows = [np.concatenate(windows[start : start + _ACROSS], axis=1) for start in range(0, len(windows), _ACROSS)]
    return np.concatenate(rows)


def _places(image: ImageArray, window_hw: tuple[int, int], count: int) -> list[tuple[int, int]]:
    """Tops and lefts, in pixels, of the windows with most to read; what one shows counts for no other.

    Where there is hardly anything left to read, windows that were taken already are taken again.
    """
    cells = _print_density(image)
    size = [min(len_cells, max(1, side // _CELL)) for len_cells, side in zip(cells.shape, window_hw, strict=True)]
    places: list[tuple[int, int]] = []
    most = 0.0
    while len(places) < count:
        sums = cv2.boxFilter(cells, cv2.CV_32F, (size[1], size[0]), anchor=(0, 0), normalize=False)
        inside = sums[: cells.shape[0] - size[0] + 1, : cells.shape[1] - size[1] + 1]
        most = max(most, float(inside.max()))
        if places and inside.max() <= _LITTLE * most:
            return [places[index % len(places)] for index in range(count)]
        # Of windows that show as much, one in the midst of them, so that nothing lies at its rim.
        wide = cv2.blur(inside, (size[1] // 2 | 1, size[0] // 2 | 1), borderType=cv2.BORDER_REPLICATE)
        top, left = np.unravel_index(int(np.argmax(inside + _MIDST * wide)), inside.shape)
        cells[top : top + size[0], left : left + size[1]] = 0
        places.append((int(top) * _CELL, int(left) * _CELL))
    return places


def _print_density(image: ImageArray) -> NDArray[np.float32]:
    """How much of each cell of a page is edges of strokes, (H // 8, W // 8), at least (1, 1), capped."""
    darkest, lightest = np.percentile(image[::4, ::4], (1, 99), axis=(0, 1))
    edges = cv2.morphologyEx(image, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
    strongest = np.maximum.reduce(cv2.split(edges))  # of any channel: there may be text in colour or opacity alone
    contrast = float(np.max(lightest - darkest))
    is_edge = (strongest > max(_LEAST_EDGE, _EDGE_SHARE * contrast)).astype(np.float32)
    rows, columns = (max(1, side // _CELL) for side in is_edge.shape)
    shares = cv2.resize(is_edge[: rows * _CELL, : columns * _CELL], (columns, rows), interpolation=cv2.INTER_AREA)
    return np.minimum(shares, _FULL).astype(np.float32, copy=False)


def _window(image: ImageArray, place: tuple[int, int], window_hw: tuple[int, int]) -> ImageArray:
    """A window (*window_hw, 3) at a place; of a page that is smaller than it, all of that side, stretched."""
    top = min(place[0], max(0, image.shape[0] - window_hw[0]))
    left = min(place[1], max(0, image.shape[1] - window_hw[1]))
    window = image[top : top + window_hw[0], left : left + window_hw[1]]
    if window.shape[:2] == window_hw:
        return window
    return cv2.resize(window, window_hw[::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)

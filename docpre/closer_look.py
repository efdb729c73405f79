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
_SOUGHT_IN = LONG_SIDE // 2  # where there is something to read can be told at half of that size
_CELL = 4  # where there is how much to read is told in squares of so many pixels
_EDGE_SHARE, _LEAST_EDGE = 0.2, 8.0  # of the page's contrast, and grey levels: what counts as the edge of a stroke
_LITTLE = 0.04  # of what the fullest window shows, not worth a window
_MIDST = 0.5  # what the windows around one count beside it
_FULL = 0.3  # share of edges that print has; more, as in foliage, grain and screens, counts for no more


def closer_look(image: ImageArray, size_hw: tuple[int, int]) -> ImageArray:
    """Four windows of a page as one picture.

    Args:
        image: (H, W, 3) RGB uint8; or in other channels, if need be (H, W), and so is the result.
        size_hw: of the result, even.

    Returns:
        (*size_hw, 3) uint8: windows of half its height and width, at the scale at which the page's longer side has
        ``LONG_SIDE`` pixels, or that of the page if it is smaller; those with more to read come first.
    """
    longest = max(image.shape[:2])
    scale = min(1.0, LONG_SIDE / longest)
    # Where to look is told by a few pixels of a large page; the windows alone are read in whole.
    seen_at = min(1.0, _SOUGHT_IN / longest)
    height, width = (max(1, round(side * seen_at)) for side in image.shape[:2])
    sampled = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR) if seen_at < 1 else image
    window_hw = size_hw[0] // _ACROSS, size_hw[1] // _ACROSS
    sought_hw = tuple(max(1, round(side * seen_at / scale)) for side in window_hw)
    windows = [
        _window(image, (top / seen_at, left / seen_at), window_hw, scale)
        for top, left in _places(sampled.astype(np.uint8, copy=False), sought_hw, _ACROSS**2)
    ]
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
    is_edge = np.maximum.reduce([_edges(shade) for shade in _shades(image)])
    rows, columns = (max(1, side // _CELL) for side in is_edge.shape)
    shares = cv2.resize(is_edge[: rows * _CELL, : columns * _CELL], (columns, rows), interpolation=cv2.INTER_AREA)
    return np.minimum(shares.astype(np.float32) / 255, _FULL)


def _shades(image: ImageArray) -> list[NDArray[np.uint8]]:
    """What may show text, each (H, W): grey levels, and opacity, which may be all that shows it."""
    if image.ndim == 2 or image.shape[2] < 3:
        return [channel.astype(np.uint8, copy=False) for channel in cv2.split(image)]
    if image.shape[2] == 3:
        return [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)]
    shades = cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY), cv2.extractChannel(image, 3)
    return [shade.astype(np.uint8, copy=False) for shade in shades]


def _edges(shade: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Where there are edges of strokes, (H, W): 255, elsewhere 0."""
    counts = np.cumsum(cv2.calcHist([np.ascontiguousarray(shade[::4, ::4])], [0], None, [256], [0, 256]))
    darkest, lightest = np.searchsorted(counts, np.array([0.01, 0.99]) * counts[-1])
    strengths = cv2.morphologyEx(shade, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
    least = max(_LEAST_EDGE, _EDGE_SHARE * float(lightest - darkest))
    return cv2.threshold(strengths, least, 255, cv2.THRESH_BINARY)[1].astype(np.uint8, copy=False)


def _window(image: ImageArray, place: tuple[float, float], window_hw: tuple[int, int], scale: float) -> ImageArray:
    """A window (*window_hw, 3) at a place; of a page that is smaller than it, all of that side, stretched."""
    parts = []
    for start, side, length in zip(place, window_hw, image.shape[:2], strict=True):
        taken = min(round(side / scale), length)
        first = min(round(start), length - taken)
        parts.append(slice(first, first + taken))
    window = quickly_shrunk(image[parts[0], parts[1]], window_hw)
    if window.shape[:2] == window_hw:
        return window
    return cv2.resize(window, window_hw[::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)

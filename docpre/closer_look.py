"""A page seen from near: four windows on it, where there is most to read, laid side by side as one picture.

Of a whole page at a network's size letters are two or three pixels high, too few to tell an alphabet's upside from its
underside; here they are three to four times as large. Which windows are taken hardly depends on how a page is turned.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.loading import ImageArray
from docpre.shrinking import halved, linearly_shrunk

#: A page is looked at in this size: ten-point letters of an A4 page are then five or six pixels high without ascenders.
LONG_SIDE = 1120
_ACROSS = 2  # windows a row and a column
_SOUGHT_IN = LONG_SIDE // 2  # where there is something to read can be told at half of that size
_CELL = 4  # where there is how much to read is told in squares of so many pixels
_EDGE_SHARE, _LEAST_EDGE = 0.2, 8.0  # of the page's contrast, and grey levels: what counts as the edge of a stroke
_LITTLE = 0.04  # of what the fullest window shows, not worth a window
_MIDST = 0.5  # what the windows around one count beside it
_IS_EDGE = 240  # marks an edge; halving twice leaves no remainder
_FULL = 72  # share of edges that print has, in 240ths; more, as in foliage, grain and screens, counts for no more
# Letters are large where closing gaps of so many squares lets what is print grow by this, and no window of so many
# squares across holds more than this. (That is so of 12 of 953 pages of print, and of all 60 parts of written ones.)
_GAP, _LARGE = 9, 1.28
_WINDOW_SIDE, _SPARSE = 19, 36  # 240ths


@dataclass(frozen=True, eq=False)
class PrintMap:
    """Where on a page there is how much to read.

    Attributes:
        density: (rows, columns) uint8, the share of each square of 4 x 4 pixels that is edges of strokes, in 240ths and
            capped.
        seen_at: the scale at which the page was seen for it.
        has_large_letters: whether letters are so large that windows would show a word or two: most lines of writing by
            hand.
    """

    density: NDArray[np.uint8]
    seen_at: float
    has_large_letters: bool

    def at_scale(self, scale: float) -> PrintMap:
        """The map of the page shrunk by a factor."""
        return replace(self, seen_at=self.seen_at / scale)


def print_map(image: ImageArray) -> PrintMap:
    """Look where on a page (H, W, 3) RGB uint8, or in other channels, there is how much to read."""
    # That is told by a few pixels of a large page.
    seen_at = min(1.0, _SOUGHT_IN / max(image.shape[:2]))
    height, width = (max(1, round(side * seen_at)) for side in image.shape[:2])
    if seen_at < 0.5:
        image = _sampled(image, (height, width))  # else one channel of grey is quicker to shrink than three
    shades = [_sampled(shade, (height, width)) for shade in _shades(image)]
    density = _print_density(functools.reduce(np.maximum, map(_edges, shades)))
    return PrintMap(density, seen_at, _has_large_letters(density))


def closer_look(image: ImageArray, size_hw: tuple[int, int], seen: PrintMap | None = None) -> ImageArray:
    """Four windows of a page as one picture.

    Args:
        image: (H, W, 3) RGB uint8; or in other channels, if need be (H, W), and so is the result.
        size_hw: of the result, even.
        seen: where there is how much to read, if that was looked for already.

    Returns:
        (*size_hw, 3) uint8: windows of half its height and width, at the scale at which the page's longer side has
        ``LONG_SIDE`` pixels, or that of the page if it is smaller; those with more to read come first.
    """
    seen = seen or print_map(image)
    scale = min(1.0, LONG_SIDE / max(image.shape[:2]))
    window_hw = size_hw[0] // _ACROSS, size_hw[1] // _ACROSS
    sought_hw = tuple(max(1, round(side * seen.seen_at / scale)) for side in window_hw)
    windows = [
        _window(image, (top / seen.seen_at, left / seen.seen_at), window_hw, scale)
        for top, left in _places(seen.density.copy(), sought_hw, _ACROSS**2)
    ]
    rows = [np.concatenate(windows[start : start + _ACROSS], axis=1) for start in range(0, len(windows), _ACROSS)]
    return np.concatenate(rows)


def _places(cells: NDArray[np.uint8], window_hw: tuple[int, int], count: int) -> list[tuple[int, int]]:
    """Tops and lefts, in pixels, of the windows with most to read; what one shows counts for no other, and is cleared.

    Where there is hardly anything left to read, windows that were taken already are taken again.
    """
    size = [min(len_cells, max(1, side // _CELL)) for len_cells, side in zip(cells.shape, window_hw, strict=True)]
    places: list[tuple[int, int]] = []
    most = 0.0
    while len(places) < count:
        sums = cv2.boxFilter(cells, cv2.CV_32F, (size[1], size[0]), anchor=(0, 0), normalize=False)
        inside = sums[: cells.shape[0] - size[0] + 1, : cells.shape[1] - size[1] + 1]
        fullest = cv2.minMaxLoc(inside)[1]
        most = max(most, fullest)
        if places and fullest <= _LITTLE * most:
            return [places[index % len(places)] for index in range(count)]
        # Of windows that show as much, one in the midst of them, so that nothing lies at its rim.
        wide = cv2.blur(inside, (size[1] // 2 | 1, size[0] // 2 | 1), borderType=cv2.BORDER_REPLICATE)
        left, top = cv2.minMaxLoc(cv2.scaleAdd(wide, _MIDST, inside))[3]
        cells[top : top + size[0], left : left + size[1]] = 0
        places.append((top * _CELL, left * _CELL))
    return places


def _sampled(image: NDArray[np.uint8], size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture (H, W) or (H, W, C) at a size, each pixel from four at most; the same where it has that size."""
    if image.shape[:2] == size_hw:
        return image
    return cv2.resize(image, size_hw[::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _print_density(edges: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How much of each square of a page (H, W) is edges of strokes, (H // 4, W // 4), at least (1, 1), capped."""
    rows, columns = (max(1, side // _CELL) for side in edges.shape)
    shares = halved(edges[: rows * _CELL, : columns * _CELL], (rows, columns))
    if shares.shape != (rows, columns):  # of a page that is no higher or wider than a square
        shares = cv2.resize(shares, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return np.minimum(shares, np.uint8(_FULL))


def _has_large_letters(density: NDArray[np.uint8]) -> bool:
    """See ``PrintMap``.

    Such letters leave gaps between their strokes, along lines and across. Letters of print do not, and gaps between
    lines run one way alone. Nor is any window full of them.
    """
    is_print = (density > 0).astype(np.uint8)
    padded = cv2.copyMakeBorder(is_print, _GAP, _GAP, _GAP, _GAP, cv2.BORDER_CONSTANT, value=0)
    ways = [np.ones(shape, np.uint8) for shape in ((1, _GAP), (_GAP, 1))]
    closed = [cv2.countNonZero(cv2.morphologyEx(padded, cv2.MORPH_CLOSE, way)) for way in ways]
    if min(closed) <= _LARGE * cv2.countNonZero(is_print):  # so is a blank page's
        return False
    rows, columns = (min(_WINDOW_SIDE, cells) for cells in density.shape)
    shares = cv2.boxFilter(density, cv2.CV_32F, (columns, rows), borderType=cv2.BORDER_REPLICATE)
    return float(shares.max()) <= _SPARSE


def _shades(image: ImageArray) -> list[NDArray[np.uint8]]:
    """What may show text, each (H, W): grey levels, and opacity, which may be all that shows it."""
    if image.ndim == 2 or image.shape[2] < 3:
        return [channel.astype(np.uint8, copy=False) for channel in cv2.split(image)]
    if image.shape[2] == 3:
        return [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)]
    shades = cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY), cv2.extractChannel(image, 3)
    return [shade.astype(np.uint8, copy=False) for shade in shades]


def _edges(shade: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Where there are edges of strokes, (H, W): ``_IS_EDGE``, elsewhere 0."""
    sample = shade[::4, ::4].ravel()
    dark, light = len(sample) // 100, len(sample) - 1 - len(sample) // 100
    levels = np.partition(sample, (dark, light))
    strengths = cv2.morphologyEx(shade, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
    least = max(_LEAST_EDGE, _EDGE_SHARE * (int(levels[light]) - int(levels[dark])))
    return cv2.threshold(strengths, least, _IS_EDGE, cv2.THRESH_BINARY)[1].astype(np.uint8, copy=False)


def _window(image: ImageArray, place: tuple[float, float], window_hw: tuple[int, int], scale: float) -> ImageArray:
    """A window (*window_hw, 3) at a place; of a page that is smaller than it, all of that side, stretched."""
    parts, fold = [], 1 << int(np.log2(1 / scale))  # halved as often as can be, the rest is less than a half
    for start, side, length in zip(place, window_hw, image.shape[:2], strict=True):
        taken = min(round(side / scale / fold) * fold, length)
        first = min(round(start), length - taken)
        parts.append(slice(first, first + taken))
    return linearly_shrunk(image[parts[0], parts[1]], window_hw)

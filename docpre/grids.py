"""Arithmetic of backward maps: (2, rows, columns) in [-1, 1], corners aligned, as unwarping networks give them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docpre.geometry import Grid, Transform

#: (2, rows, columns), x then y.
GridXY = NDArray[np.float64]
ImageArray = NDArray[np.uint8]

# A grid over pixels -1, 0 and 1 of each axis: its units are then those of [-1, 1].
_UNIT_HW = (3, 3)


def identity_grid(shape: tuple[int, ...]) -> GridXY:
    """(2, rows, columns): the grid that leaves a page as it is."""
    rows, columns = shape
    return np.stack(np.meshgrid(np.linspace(-1, 1, columns), np.linspace(-1, 1, rows)))


def composed(first: NDArray[np.floating], following: NDArray[np.floating]) -> GridXY:
    """The grid that does what two do one after the other.

    Args:
        first: from the flattened page that the second one starts from, to the picture.
        following: (2, rows, columns), from the final page to that flattened page; beyond [-1, 1] the first grid goes
            on linearly.

    Returns:
        A grid of the following one's shape; exact at its nodes.
    """
    nodes = np.moveaxis(np.asarray(following, np.float64), 0, -1)
    unit = Grid(np.asarray(first, np.float32), _UNIT_HW, _UNIT_HW)
    return np.moveaxis((unit.backward(nodes.reshape(-1, 2) + 1) - 1).reshape(nodes.shape), -1, 0)


def extended(grid_xy: NDArray[np.floating], left_right: tuple[float, float], top_bottom: tuple[float, float]) -> GridXY:
    """A grid over a larger page, continued linearly: 0.1 adds a tenth of the page on that side."""
    x, y = identity_grid(grid_xy.shape[1:])
    wider = np.stack([_stretched(x, *left_right), _stretched(y, *top_bottom)])
    return composed(grid_xy, wider)


def rim_of(grid_xy: NDArray[np.floating]) -> GridXY:
    """The page's outline (K, 2), clockwise from its top left node."""
    nodes = np.moveaxis(np.asarray(grid_xy, np.float64), 0, -1)
    return np.concatenate([nodes[0], nodes[1:, -1], nodes[-1, -2::-1], nodes[-2:0:-1, 0]])


def beyond(grid_xy: NDArray[np.floating], picture_hw: tuple[int, int], most: float = 0.5) -> NDArray[np.float64]:
    """How much of a picture lies beyond a page, for ``extended``: ((left, right), (top, bottom)) in parts of the page.

    Args:
        grid_xy: from the page to the picture.
        picture_hw: the picture's size in pixels.
        most: at most this on each side.
    """
    height, width = picture_hw
    # The page as one of 3 x 3 pixels about (1, 1): the grid's own inverse gives places in [-1, 1] from the picture's.
    unit = Grid(np.asarray(grid_xy, np.float32), picture_hw, _UNIT_HW)
    along = np.linspace(0, 1, 25)
    rim = [(x, y) for t in along for x, y in ((t, 0.0), (t, 1.0), (0.0, t), (1.0, t))]
    places = unit.forward(np.array(rim) * (width - 1, height - 1)) - 1
    low, high = places.min(0), places.max(0)
    return np.clip(np.stack([-1 - low, high - 1], -1) / 2, 0, most)


def seen_through(picture: ImageArray, grid_xy: NDArray[np.floating], size_hw: tuple[int, int]) -> ImageArray:
    """A quick look at a page through a grid, for the networks and the scores; beyond the picture its rim goes on.

    Args:
        picture: (H, W, 3) uint8, not much finer than the view.
        grid_xy: where each node of the view lies in the picture.
        size_hw: of the view.
    """
    transform = Transform.identity((picture.shape[0], picture.shape[1]))
    return transform.unwarped(np.asarray(grid_xy, np.float32), size_hw).sample(picture, "linear")


def _stretched(axis: NDArray[np.float64], before: float, after: float) -> NDArray[np.float64]:
    return -1 - 2 * before + (axis + 1) * (1 + before + after)

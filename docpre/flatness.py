"""Do no harm: is a page flat already, so that unwarping could only bend it?

The size of the predicted warp alone does not tell flat pages from photographed ones; the two overlap. A second cue
does: around a photographed page there is a table, a floor, a hand; a scan or a born-digital page ends in paper.
The bounds below were set on scans, born-digital pages and photographs, and lean towards leaving a page alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.grids import identity_grid
from docpre.loading import ImageArray

_THUMBNAIL_HW = (356, 244)
_RIM_PX = 5
_INNER_HW = (40, 30)  # left out on each side where the paper's colour is looked for
_SHADOW_PX = 12  # around a sheet, where its shadow and its corners are
_MOST_PRINT = 0.004  # of the ground may be of another colour
_BRIGHTEST_SHARE = 0.4  # paper is the commonest colour among the brightest pixels of a page

# Colour distances (largest of the three channels, in levels) and the share of the rim that must lie within.
_SAME_LEVELS, _LIKE_LEVELS = 12, 40
_EVEN_SHARE, _PAPER_SHARE = 0.9, 0.5

# Every so many rows are looked at for equal neighbours, and such a share of them no camera gives.
_EQUAL_EVERY = 7
DRAWN_SHARE = 0.65

# Warps in per cent of the page.
_MAX_MOVE_EVEN = 18.0
_MAX_MOVE_PAPER, _MAX_BEND_PAPER = 12.0, 2.0
_MAX_MOVE_BACKGROUND, _MAX_BEND_BACKGROUND = 4.5, 0.7


@dataclass(frozen=True)
class Flatness:
    """What speaks for and against unwarping a page.

    Args:
        is_flat: the page should be left as it is.
        reason: why, in words.
        bend_percent: root mean square distance of the grid's nodes from their best affine fit, in per cent of the page.
        move_percent: root mean square distance of the grid's nodes from where they would lie on an untouched page.
        rim_paper_share: share of the picture's rim that has the paper's colour, 0 to 1.
        rim_even_share: share of the rim that has the rim's commonest colour, 0 to 1.
    """

    is_flat: bool
    reason: str
    bend_percent: float
    move_percent: float
    rim_paper_share: float
    rim_even_share: float


def judge(image: ImageArray, grid_xy: NDArray[np.float32]) -> Flatness:
    """Judge whether a page is flat already.

    Args:
        image: (H, W, 3) RGB uint8, the page upright, at any size.
        grid_xy: (2, rows, columns), the network's answer for it, in [-1, 1].
    """
    bend, move = bend_percent(grid_xy), move_percent(grid_xy)
    paper_share, even_share = rim_shares(image)
    if even_share >= _EVEN_SHARE and paper_share >= _EVEN_SHARE and move <= _MAX_MOVE_EVEN:
        is_flat, reason = True, "the page fills the picture and its rim is of one colour, as in a scan or a PDF"
    elif paper_share >= _PAPER_SHARE and move <= _MAX_MOVE_PAPER and bend <= _MAX_BEND_PAPER:
        is_flat, reason = True, "the page fills the picture and the predicted warp is small"
    elif move <= _MAX_MOVE_BACKGROUND and bend <= _MAX_BEND_BACKGROUND:
        is_flat, reason = True, "the predicted warp is too small to matter"
    elif paper_share >= _PAPER_SHARE:
        is_flat, reason = False, "the predicted warp is large"
    else:
        is_flat, reason = False, "there is background around the page"
    return Flatness(is_flat, reason, bend, move, paper_share, even_share)


def bend_percent(grid_xy: NDArray[np.float32]) -> float:
    """How far a grid (2, rows, columns) is from an affine map: root mean square, in per cent of the page."""
    identity = identity_grid(grid_xy.shape[1:])
    design = np.concatenate([np.ones((1, identity[0].size)), identity.reshape(2, -1)]).T
    nodes = grid_xy.reshape(2, -1).T.astype(np.float64)
    residual = nodes - design @ np.linalg.lstsq(design, nodes, rcond=None)[0]
    return _rms_percent(residual)


def move_percent(grid_xy: NDArray[np.float32]) -> float:
    """How far the nodes of a grid (2, rows, columns) are from the identity: root mean square, in per cent."""
    return _rms_percent((grid_xy.astype(np.float64) - identity_grid(grid_xy.shape[1:])).reshape(2, -1).T)


def rim_shares(image: ImageArray) -> tuple[float, float]:
    """Shares of the picture's outermost 2 % that have the colour of the paper, and the colour commonest in the rim.

    Args:
        image: (H, W, 3) RGB uint8.

    Returns:
        Two numbers from 0 to 1.
    """
    small, is_rim = _thumbnail(image)
    rim = small[is_rim]
    top, left = _INNER_HW
    inner = small[top:-top:2, left:-left:2].reshape(-1, 3)  # enough to tell its commonest colour by
    like_paper = np.abs(rim - _paper(inner)).max(1) <= _LIKE_LEVELS
    like_itself = np.abs(rim - np.median(rim, axis=0)).max(1) <= _SAME_LEVELS
    return float(like_paper.mean()), float(like_itself.mean())


def has_even_rim(image: ImageArray) -> bool:
    """Whether nearly all of the picture's rim, see ``rim_shares``, is of one colour."""
    return rim_shares(image)[1] >= _EVEN_SHARE


def has_paper_rim(image: ImageArray) -> bool:
    """Whether most of the picture's rim, see ``rim_shares``, has the colour of the paper."""
    return rim_shares(image)[0] >= _PAPER_SHARE


def is_on_plain_ground(image: ImageArray, corners_xy: NDArray[np.float64]) -> bool:
    """Whether what is around an outline is darker than the paper within it, and of one colour: a sheet lies on such a
    ground; around a panel that is printed on a dark page there is print, too.

    Args:
        image: (H, W, 3) RGB uint8.
        corners_xy: (4, 2), the outline's corners in parts of the picture's width and height.
    """
    small, is_rim = _thumbnail(image)
    inside = np.zeros(_THUMBNAIL_HW, np.uint8)
    cv2.fillPoly(inside, [(corners_xy * _THUMBNAIL_HW[::-1] - 0.5).round().astype(np.int32)], 1)
    within = small[inside.astype(bool) & ~is_rim]
    if not len(within):
        return False
    ground = np.median(small[is_rim], axis=0)
    beyond = small[cv2.dilate(inside, np.ones((2 * _SHADOW_PX + 1,) * 2, np.uint8)) == 0]
    is_print = np.abs(beyond - ground).max(1) > _LIKE_LEVELS
    is_darker = _paper(within).mean() - ground.mean() > _LIKE_LEVELS
    return bool(is_darker and is_print.sum() <= _MOST_PRINT * len(beyond))


def equal_share(image: ImageArray) -> float:
    """Share of neighbouring pixels that are equal to the last bit, 0 to 1.

    A camera's noise leaves few: a third at most on real photographs, where pages that were drawn by a program have
    more than a half, mostly nine in ten.

    Args:
        image: (H, W, 3) uint8, as it came, not resized.
    """
    if image.shape[1] < 2:
        return 0.0
    rows = image[::_EQUAL_EVERY]
    red, green, blue = np.moveaxis(rows[:, 1:] == rows[:, :-1], 2, 0)
    return float((red & green & blue).mean())  # a seventh of the time that all(2) takes


def _thumbnail(image: ImageArray) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A small copy of a picture, and which of its pixels belong to the rim."""
    height, width = _THUMBNAIL_HW
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    is_rim = np.ones((height, width), bool)
    is_rim[_RIM_PX:-_RIM_PX, _RIM_PX:-_RIM_PX] = False
    return small, is_rim


def _paper(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The colour of the paper among pixels (N, 3): the commonest of the brightest."""
    brightness = pixels.mean(1)
    brightest = pixels[brightness >= np.quantile(brightness, 1 - _BRIGHTEST_SHARE)]
    return np.asarray(np.median(brightest, axis=0), np.float32)


def _rms_percent(offsets: NDArray[np.float64]) -> float:
    return float(np.sqrt((offsets**2).sum(1).mean()) / 2 * 100)

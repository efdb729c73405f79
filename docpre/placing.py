"""Where in a photo is the page, and how does it lie? Seen from its lines of text, for pages that lie askew or far off.

An unwarping network expects a page that is about upright and fills most of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docpre.geometry import Homography, Transform
from docpre.line_directions import WINDOW_PX, LineDirections

_AGREEMENT_DEG = 10.0  # windows that belong to the page run within this of its lines, or across them
_LEAST_EVIDENCE = 0.15
_LEAST_SHARE = 0.4  # of all evidence that agrees
_OUTLYING = 0.02  # share of the evidence that may lie outside the box on each side
_MARGIN = 0.2  # of the box of text, on each side: paper beyond the text, and some of the table
_SMALLEST_TURN_DEG = 8.0
_LARGEST_SHARE = 0.45  # of the picture: a larger box is no reason to look closer


@dataclass(frozen=True, eq=False)
class Placement:
    """An upright rectangle of the page in a photo.

    Attributes:
        turn_cw_deg: how far the lines are turned clockwise, above -45 and at most 45.
        centre_xy, size_wh: of the rectangle, in parts of the picture's width and height, and of its width.
    """

    turn_cw_deg: float
    centre_xy: tuple[float, float]
    size_wh: tuple[float, float]

    def transform(self, picture_hw: tuple[int, int]) -> Transform:
        """From a picture, of any resolution, to the rectangle of it, at that resolution."""
        height, width = picture_hw
        view_w, view_h = (max(2, round(side * width)) for side in self.size_wh)
        angle = np.deg2rad(self.turn_cw_deg)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = np.array(self.centre_xy) * (width, height) - 0.5
        matrix = np.eye(3)
        matrix[:2, :2] = turn
        matrix[:2, 2] = centre - turn @ ((view_w - 1) / 2, (view_h - 1) / 2)
        return Transform(picture_hw, (view_h, view_w), (Homography(matrix),))


def find_page(directions: LineDirections, picture_hw: tuple[int, int]) -> Placement | None:
    """The page's place, by where there are lines that run one way, or None where a closer look is not called for.

    Args:
        directions: of the photo's lines, any turn.
        picture_hw: size of the picture that they were found in.
    """
    if directions.evidence < _LEAST_EVIDENCE:
        return None
    folded = (directions.angles_deg + 45) % 90 - 45
    turn = _commonest(folded, directions.weights)
    off = np.abs((folded - turn + 45) % 90 - 45)
    agrees = (off <= _AGREEMENT_DEG) & (directions.weights > 0)
    weights = directions.weights[agrees]
    if weights.sum() < _LEAST_SHARE * directions.evidence:
        return None
    height, width = picture_hw
    angle = np.deg2rad(turn)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    along, down = axes @ directions.centres_xy[agrees].T
    (left, right), (top, bottom) = _range(along, weights), _range(down, weights)
    share = (right - left) * (bottom - top) / (height * width)
    if abs(turn) < _SMALLEST_TURN_DEG and share > _LARGEST_SHARE:
        return None
    margin = _MARGIN * max(right - left, bottom - top)
    centre = axes.T @ ((left + right) / 2, (top + bottom) / 2)
    return Placement(
        float(turn),
        (float(centre[0] + 0.5) / width, float(centre[1] + 0.5) / height),
        ((right - left + 2 * margin) / width, (bottom - top + 2 * margin) / width),
    )


def _commonest(angles_deg: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The angle, modulo 90, about which most of the weight lies."""
    tried = np.arange(-45.0, 45.0, 0.5)
    off = np.abs((angles_deg - tried[:, None] + 45) % 90 - 45)
    best = tried[(weights * np.maximum(0, 1 - off / _AGREEMENT_DEG)).sum(1).argmax()]
    near = (angles_deg - best + 45) % 90 - 45
    close = weights * (np.abs(near) <= _AGREEMENT_DEG)
    turn = best + (close * near).sum() / close.sum()
    return float(45 - (45 - turn) % 90)


def _range(places: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    """Between which places nearly all of the weight lies, with half a window on each side."""
    order = np.argsort(places)
    share = np.cumsum(weights[order]) / weights.sum()
    first = places[order][np.searchsorted(share, _OUTLYING)]
    last = places[order][np.searchsorted(share, 1 - _OUTLYING)]
    return float(first - WINDOW_PX / 2), float(last + WINDOW_PX / 2)

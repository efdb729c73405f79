"""What lines of text say of a page that may be flat: whether it is, whether it lies askew, and whether it was drawn."""

from __future__ import annotations

import cv2
import numpy as np

from docpre.flatness import DRAWN_SHARE, equal_share
from docpre.geometry import Angle, Homography, Transform
from docpre.line_directions import LineDirections, line_directions
from docpre.loading import ImageArray
from docpre.page_finding import Placement
from docpre.rectifying import picture_of
from docpre.refining import LOOK_SIDE

_WINDOWS = 48
_LEAST_EVIDENCE = 0.3
# Of a flat page's lines so many run within this of one direction: all but those of pictures, curves and logos on it.
# They do on 96 of 100 pages with text, as they come or scanned, nine in ten receipts, 7 of 145 photos of bent sheets.
_PARALLEL_DEG, _PARALLEL_SHARE = 0.3, 0.55
# Of a page that a program drew so many are as level as this, and where there may be a page within the picture so many.
_LEVEL_DEG, _DRAWN, _LEVEL_SHARE = 0.5, 0.6, 0.9
_SKEW_DEG, _LARGEST_SKEW_DEG = 2.0, 20.0  # a flat page is turned level where it lies this far askew
_SKEW_AGREEMENT_DEG, _SKEW_SHARE = 0.75, 0.6
_SKEW_WINDOWS = 0.5  # so many of the windows with ink in them say so, too: a drawing alone is not enough
_ALONG_DEG, _ALONG_SHARE = 10.0, 0.6  # by chance two in nine are
_BENT_DEG = 4.0  # lines of a flat page are no further off, unless all of them are


def flat_lines(picture: ImageArray) -> LineDirections:
    """Directions of some lines of a page that may be flat; see ``docpre.rectifying.picture_of``."""
    return line_directions(_halved(picture), most_windows=_WINDOWS)


def has_text(directions: LineDirections) -> bool:
    """Whether there are lines enough to go by."""
    return directions.evidence >= _LEAST_EVIDENCE


def is_without_text(image: ImageArray, directions: LineDirections) -> bool:
    """Whether there is no line of text on a picture that is large enough for them to be seen."""
    return max(image.shape[:2]) >= LOOK_SIDE and not has_text(directions)


def has_text_along(picture: ImageArray, placement: Placement) -> bool:
    """Whether most lines within a page's outline run along its sides, one way or the other; grain seldom does.

    Args:
        picture: see ``docpre.rectifying.picture_of``.
        placement: of the page in it.
    """
    half = _halved(picture)
    lines = line_directions(half, any_turn=True)
    outline = (placement.corners_xy * half.shape[1::-1]).astype(np.float32)
    is_within = [cv2.pointPolygonTest(outline, (float(x), float(y)), False) > 0 for x, y in lines.centres_xy]
    weights, angles = lines.weights[is_within], lines.angles_deg[is_within]
    off = np.abs((angles - placement.turn_cw_deg + 45) % 90 - 45)
    return bool(weights[off <= _ALONG_DEG].sum() >= max(_LEAST_EVIDENCE, _ALONG_SHARE * weights.sum()))


def are_straight(directions: LineDirections) -> bool:
    """Whether most lines run straight in one direction, level or as in a page that lies askew: flat pages' alone do."""
    middle = directions.median_deg()
    if not has_text(directions) or (abs(middle) > _SKEW_DEG and not skew_deg(directions)):
        return False
    return _share_near(directions, middle, _PARALLEL_DEG) >= _PARALLEL_SHARE


def are_level(directions: LineDirections) -> bool:
    """Whether nearly all lines are level, as they are on pages that were drawn, or lay well on a scanner."""
    return has_text(directions) and _share_near(directions, 0.0, _LEVEL_DEG) >= _LEVEL_SHARE


def skew_deg(directions: LineDirections) -> float:
    """How far a flat page is turned clockwise by its lines; 0 where it is little or they don't agree."""
    skew = directions.median_deg()
    if not has_text(directions) or not _SKEW_DEG <= abs(skew) <= _LARGEST_SKEW_DEG:
        return 0.0
    windows = float((np.abs(directions.angles_deg - skew) <= _SKEW_AGREEMENT_DEG).mean())
    share = _share_near(directions, skew, _SKEW_AGREEMENT_DEG)
    return skew if share >= _SKEW_SHARE and windows >= _SKEW_WINDOWS else 0.0


def is_bent(image: ImageArray, directions: LineDirections) -> bool:
    """Whether the lines of a photographed page run so far from level that it is no flat one, whatever else says so."""
    is_off = has_text(directions) and directions.tilt_deg > _BENT_DEG
    return is_off and equal_share(image) < DRAWN_SHARE


def is_drawn(image: ImageArray, angle_cw_deg: Angle = 0) -> bool:
    """Whether a page was drawn by a program and lies level: there is no camera's noise, and most lines are level.

    A page without text is one too, but not one whose lines are clear and run neither level nor upright.

    Args:
        image: the page as it came, not resized.
        angle_cw_deg: its quarter turn.
    """
    if equal_share(image) < DRAWN_SHARE:
        return False
    half = _halved(picture_of(image, angle_cw_deg))
    directions = line_directions(half)
    if has_text(directions):
        return _share_near(directions, 0.0, _LEVEL_DEG) >= _DRAWN
    directions = line_directions(half, any_turn=True)
    off = abs((directions.median_deg() + 45) % 90 - 45)
    return not has_text(directions) or off <= _SKEW_DEG


def level(upright: Transform, skew_cw_deg: float) -> Transform:
    """A page turned level, large enough that nothing is cut off; without a skew the transform is as it was."""
    if not skew_cw_deg:
        return upright
    height, width = upright.output_size_hw
    angle = np.deg2rad(skew_cw_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    size_wh = np.ceil(np.abs(turn) @ (width, height)).astype(int)
    matrix = np.eye(3)
    matrix[:2, :2] = turn
    matrix[:2, 2] = (np.array([width, height]) - 1) / 2 - turn @ ((size_wh - 1) / 2)
    return upright.then(Transform(upright.output_size_hw, (int(size_wh[1]), int(size_wh[0])), (Homography(matrix),)))


def _share_near(directions: LineDirections, angle_deg: float, within_deg: float) -> float:
    """The share of lines, 0 to 1, that run within some degrees of a direction."""
    near = np.abs(directions.angles_deg - angle_deg) <= within_deg
    return float(directions.weights[near].sum() / max(directions.evidence, 1e-9))


def _halved(picture: ImageArray) -> ImageArray:
    half = tuple(max(1, side // 2) for side in picture.shape[1::-1])
    # Every pixel counts in it, and where a side is odd it takes a tenth of the time of averaging areas.
    return cv2.resize(picture, half, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)

"""One page from its photo to a grid: the network's first answer, refined; a closer look where that is not enough.

There is one proposer, the place and turn of the text (``docpre.placing``), and one score, how level the lines of the
result are (``docpre.line_directions``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.flatness import DRAWN_SHARE, equal_share
from docpre.geometry import Angle, Homography, Transform
from docpre.grids import seen_through
from docpre.line_directions import LineDirections, line_directions
from docpre.loading import ImageArray
from docpre.orientation import Orientation
from docpre.placing import Placement, find_page
from docpre.refining import LOOK_SIDE, Look, look, refined, straightened

#: Tells the orientation of a picture (H, W, 3) RGB uint8.
Orient = Callable[[ImageArray], Orientation]

_SMALL_SHARE = 0.35  # lines that fill less of a page than this may belong to a page that is only a part of it
_MISSED_DEG = 3.5  # so far off, on the whole, are lines that the network did not get hold of
_SURER_BY_DEG = 0.3  # what a closer look must gain
# The classifier is asked about a flat page again if its lines are so level, and believed from this score on.
_READABLE_DEG, _SURE = 2.0, 0.9
_WORSE_BY_DEG = 0.5  # what unwarping may not lose
_LEVEL_ENOUGH_DEG = 1.0  # no worse than this is not looked into
# A flat page is turned where its lines agree that it lies this far askew.
_SKEW_DEG, _LARGEST_SKEW_DEG, _SKEW_AGREEMENT_DEG, _SKEW_SHARE = 2.0, 20.0, 0.75, 0.7
_SKEW_WINDOWS, _SKEW_EVIDENCE = 24, 0.3
_DRAWN_TILT_DEG = 0.5  # of a page that a program drew


@dataclass(frozen=True, eq=False)
class Found:
    """A page as it was found in a photo.

    Attributes:
        look: the grid, from the page to the upright view of the photo, and its score.
        angle_cw_deg: the page's quarter turn in that view.
        placement: the part of the photo that the view shows; None: all of it.
        orientation: what the classifier says of the view, or of the flat page.
    """

    look: Look
    angle_cw_deg: Angle
    placement: Placement | None = None
    orientation: Orientation | None = None

    @property
    def turn_cw_deg(self) -> float:
        return self.placement.turn_cw_deg if self.placement else 0.0

    def way(self, photo_hw: tuple[int, int]) -> Transform:
        """From the photo, at any resolution, to the upright view."""
        placed = self.placement.transform(photo_hw) if self.placement else Transform.identity(photo_hw)
        return placed.turned_back(self.angle_cw_deg)


@dataclass(frozen=True, eq=False)
class Rectifier:
    """What rectifies one page at a time.

    Args:
        network: from a picture of the network's size to a grid.
        network_hw: that size.
        most_passes: of the network, on each way.
        level_deg: lines that tilt no more than this need no further pass.
        orient: tells the orientation of a picture, if there is something that can.
    """

    network: Callable[[ImageArray], NDArray[np.float32]]
    network_hw: tuple[int, int]
    most_passes: int
    level_deg: float
    orient: Orient | None

    def rectified(
        self, image: ImageArray, orientation: Orientation | None, grid_xy: NDArray[np.float32]
    ) -> Found | None:
        """Make the most of a page that is not flat; None where nothing makes its lines more level than they are.

        Args:
            image: (H, W, 3) RGB uint8, the photo as it came.
            orientation: what the classifier says of it, if it was asked.
            grid_xy: the network's answer for the whole photo, turned upright by that.
        """
        photo = picture_of(image)
        angle: Angle = orientation.applied_angle_cw_deg if orientation else 0
        found = self._refined(photo, Found(look(_upright(photo, angle), grid_xy, 1), angle, orientation=orientation))
        if self._may_be_missed(photo, found):
            found = self._looked_for(photo, found) or found
        found = self._turned(photo, found)
        if self._is_worse(photo, found):
            return None
        return found

    def _refined(self, photo: ImageArray, found: Found) -> Found:
        view = found.way((photo.shape[0], photo.shape[1])).sample(photo, "linear")
        seen = refined(view, found.look.grid_xy, self.network, self.network_hw, self.most_passes, self.level_deg)
        return replace(found, look=straightened(view, seen))

    def _may_be_missed(self, photo: ImageArray, found: Found) -> bool:
        """Whether a closer look is called for; lines far from level are seen where the first answer was rough."""
        seen = found.look
        if not seen.has_evidence or seen.tilt_deg > self.level_deg or _text_share(seen) < _SMALL_SHARE:
            return True
        return seen.passes > 1 and self._any_tilt(photo, found) > _MISSED_DEG

    def _looked_for(self, photo: ImageArray, found: Found) -> Found | None:
        """Look for the page by its lines; what comes of it if that is better."""
        photo_hw = (photo.shape[0], photo.shape[1])
        placement = find_page(line_directions(photo, any_turn=True), photo_hw)
        if placement is None:
            return None
        view = placement.transform(photo_hw).sample(photo, "linear")
        orientation = self.orient(view) if self.orient else None
        angle = orientation.applied_angle_cw_deg if orientation else found.angle_cw_deg
        upright = _upright(view, angle)
        first = self.network(cv2.resize(upright, self.network_hw[::-1], interpolation=cv2.INTER_AREA))  # type: ignore[arg-type]
        closer = self._refined(photo, Found(look(upright, first, 1), angle, placement, orientation))
        gain = self._any_tilt(photo, found) - self._any_tilt(photo, closer)
        is_small = _text_share(found.look) < _SMALL_SHARE
        return closer if gain > (-_SURER_BY_DEG if is_small else _SURER_BY_DEG) else None

    def _any_tilt(self, photo: ImageArray, found: Found) -> float:
        """How far the lines are from level when those that run far from level are seen too."""
        return self._directions(photo, found, any_turn=True).tilt_deg

    def _directions(self, photo: ImageArray, found: Found, any_turn: bool) -> LineDirections:
        return line_directions(self._flat(photo, found), any_turn)

    def _flat(self, photo: ImageArray, found: Found) -> ImageArray:
        view = found.way((photo.shape[0], photo.shape[1])).sample(photo, "linear")
        return seen_through(view, found.look.grid_xy, found.look.size_hw)

    def _turned(self, photo: ImageArray, found: Found) -> Found:
        """The page turned once more, if the classifier says so of the flat page, and is surer than it was before."""
        if self.orient is None or not found.look.has_evidence or found.look.tilt_deg > _READABLE_DEG:
            return found
        orientation = self.orient(self._flat(photo, found))
        extra = orientation.applied_angle_cw_deg
        before = max(found.orientation.scores.values()) if found.orientation else 0.0
        if extra == 0 or max(orientation.scores.values()) <= max(before, _SURE):
            return found
        angle = cast(Angle, (found.angle_cw_deg + extra) % 360)
        turned = Found(found.look, angle, found.placement, orientation)
        view = turned.way((photo.shape[0], photo.shape[1])).sample(photo, "linear")
        if extra == 180:
            grid = -found.look.grid_xy[:, ::-1, ::-1]
            seen = look(view, grid, found.look.passes, found.look.is_straightened)
            return replace(turned, look=seen)
        first = self.network(cv2.resize(view, self.network_hw[::-1], interpolation=cv2.INTER_AREA))  # type: ignore[arg-type]
        return self._refined(photo, replace(turned, look=look(view, first, 1)))

    def _is_worse(self, photo: ImageArray, found: Found) -> bool:
        """Whether the lines of the photo, turned upright, are more level than those of the result."""
        if found.placement or not found.look.has_evidence or found.look.tilt_deg <= _LEVEL_ENOUGH_DEG:
            return False
        before = line_directions(_upright(photo, found.angle_cw_deg))
        return before.evidence >= found.look.directions.evidence and (
            before.tilt_deg < found.look.tilt_deg - _WORSE_BY_DEG
        )


def picture_of(image: ImageArray, angle_cw_deg: Angle = 0) -> ImageArray:
    """A page at the scale at which lines are looked for in it, twice that of a look, turned upright."""
    scale = 2 * LOOK_SIDE / max(image.shape[:2])
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return _upright(image, angle_cw_deg)


def skew_deg(picture: ImageArray) -> float:
    """How far a flat page is turned clockwise by its lines; 0 where it is little or they don't agree.

    Args:
        picture: see ``picture_of``.
    """
    directions = line_directions(_halved(picture), most_windows=_SKEW_WINDOWS)
    skew = directions.median_deg()
    if directions.evidence < _SKEW_EVIDENCE or not _SKEW_DEG <= abs(skew) <= _LARGEST_SKEW_DEG:
        return 0.0
    agree = directions.weights[np.abs(directions.angles_deg - skew) <= _SKEW_AGREEMENT_DEG].sum()
    return skew if agree >= _SKEW_SHARE * directions.evidence else 0.0


def is_drawn(image: ImageArray, picture: ImageArray) -> bool:
    """Whether a page was drawn by a program and lies level: no camera's noise is on it, and no line is askew.

    Args:
        image: the page as it came, not resized.
        picture: see ``picture_of``.
    """
    if equal_share(image) < DRAWN_SHARE:
        return False
    directions = line_directions(_halved(picture))
    return directions.evidence < _SKEW_EVIDENCE or directions.tilt_deg <= _DRAWN_TILT_DEG


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


def _halved(picture: ImageArray) -> ImageArray:
    half = tuple(max(1, side // 2) for side in picture.shape[1::-1])
    return cv2.resize(picture, half, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _upright(picture: ImageArray, angle_cw_deg: Angle) -> ImageArray:
    return Transform.identity((picture.shape[0], picture.shape[1])).turned_back(angle_cw_deg).sample(picture)


def _text_share(seen: Look) -> float:
    """The part of a page that its lines take up, roughly: between the outermost tenths of the evidence each way."""
    weights = seen.directions.weights
    if not weights.sum():
        return 0.0
    share = 1.0
    for axis, side in ((0, seen.size_hw[1]), (1, seen.size_hw[0])):
        places = seen.directions.centres_xy[:, axis]
        order = np.argsort(places)
        total = np.cumsum(weights[order]) / weights.sum()
        first, last = (places[order][np.searchsorted(total, part)] for part in (0.05, 0.95))
        share *= (last - first) / side
    return float(share)

"""One page from its photo to a grid: the network's first answer, refined; a closer look where that is not enough.

There is one proposer, the page's place and turn (``docpre.page_finding``), and one score, how level the lines of the
result are (``docpre.line_directions``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.closer_look import LONG_SIDE
from docpre.geometry import Angle, page_size_hw, turned_back
from docpre.grids import composed, identity_grid, rim_of, seen_through
from docpre.line_directions import LineDirections, line_directions
from docpre.loading import ImageArray
from docpre.orientation import Orientation
from docpre.page_finding import GRID_HW, Placement
from docpre.refining import LOOK_SIDE, Look, look, refined
from docpre.shrinking import halved

#: Tells the orientation of a picture (H, W, 3) RGB uint8.
Orient = Callable[[ImageArray], Orientation]
#: Gives the network's answer for a whole photo, (2, rows, columns).
First = Callable[[], NDArray[np.float32]]

# What the network takes for the page and what the page finder does, as their overlap: one page, and surely another one.
_AGREE, _DIFFER = 0.88, 0.7
_SURER_BY_DEG = 0.3  # by so much more level are lines that speak against a closer look
_LEFT_OUT = 0.25  # of a page's lines; then the page finder's outline is only a part of it: the lit one, say
_TEXT_TILT_DEG, _TEXT_RATIO = 1.5, 2.0  # what is text beyond it: as level as this, as strong as on it up to this factor
# The classifier is asked about a flat page again if its lines are so level, and believed from this score on.
_READABLE_DEG, _SURE = 2.0, 0.9
_LIKELY = 0.5  # of a page that lies askew: a best score that is right more often than not
_LEVEL_DEG = 4.0  # lines further off are none of text on a page that came out well
_WORSE_BY_DEG = 0.5  # what unwarping may not lose
_WORSE_WINDOWS = 128  # of the photo, at twice a look's scale: about as many as a look has
_LEVEL_ENOUGH_DEG = 1.0  # no worse than this is not looked into


@dataclass(frozen=True, eq=False)
class Found:
    """A page as it was found in a photo.

    Attributes:
        picture: the photo, upright and no finer than is needed.
        look: the grid, from the page to that picture, and its score.
        angle_cw_deg: the page's quarter turn in the photo.
        placement: in the upright photo, where the page was looked at alone; None: the whole photo was.
        orientation: what the classifier says of the view, or of the flat page.
        is_first_look: whether the grid starts from the answer for the whole photo that was there before.
    """

    picture: ImageArray
    look: Look
    angle_cw_deg: Angle
    placement: Placement | None = None
    orientation: Orientation | None = None
    is_first_look: bool = False

    @property
    def turn_cw_deg(self) -> float:
        return self.placement.turn_cw_deg if self.placement else 0.0

    def flat(self) -> ImageArray:
        return seen_through(self.picture, self.look.grid_xy, self.look.size_hw)


@dataclass(frozen=True, eq=False)
class Rectifier:
    """What rectifies one page at a time.

    Args:
        network: from a picture of the network's size to a grid: what looks at a page once more, or alone.
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
        self, image: ImageArray, orientation: Orientation | None, first: First, placement: Placement | None
    ) -> Found | None:
        """Make the most of a page that is not flat; None where nothing makes its lines more level than they are.

        Args:
            image: (H, W, 3) RGB uint8, the photo as it came.
            orientation: what the classifier says of it, if it was asked.
            first: the network's answer for the whole photo, turned upright by that; it is asked for where it is needed.
            placement: the page's place in the photo, turned upright so, if it was found.
        """
        photo = picture_of(image)
        angle: Angle = orientation.applied_angle_cw_deg if orientation else 0
        placed_at = placement.turned_back(cast(Angle, (360 - angle) % 360)) if placement else None
        if placed_at is not None and (placed_at.is_part or placed_at.is_askew):
            found = self._looked_for(image, photo, placed_at, orientation, first)
        else:
            found = self._whole(photo, orientation, first())
            if placed_at and placed_at.turned_back(found.angle_cw_deg).agreement(found.look.grid_xy) < _AGREE:
                placed = self._placed(image, placed_at, orientation)
                found = placed if _is_as_good(placed, found) else found
        found = self._turned(found)
        if _is_worse(found):
            return None
        return found

    def _looked_for(
        self,
        image: ImageArray,
        photo: ImageArray,
        placement: Placement,
        orientation: Orientation | None,
        first: First,
    ) -> Found:
        """The page where it was found; or the whole photo, if that is the better one where lines don't get level."""
        placed = self._placed(image, placement, orientation)
        # The whole photo's lines must be so much more level to be preferred; from level ones there is nothing to gain.
        if placed.look.has_evidence and placed.look.tilt_deg <= self.level_deg + _SURER_BY_DEG:
            return placed
        whole = self._whole(photo, orientation, first())
        turned = placement.turned_back(whole.angle_cw_deg)
        if turned.agreement(whole.look.grid_xy) < _DIFFER:  # what was found may be the lit part of a page alone
            return whole if whole.look.has_evidence and _left_out(placed, whole) > _LEFT_OUT else placed
        return whole if _is_more_level(whole, placed) else placed

    def _whole(self, photo: ImageArray, orientation: Orientation | None, grid_xy: NDArray[np.float32]) -> Found:
        """The whole photo, turned upright by what the classifier says of it."""
        angle: Angle = orientation.applied_angle_cw_deg if orientation else 0
        upright = turned_back(photo, angle)
        return Found(upright, self._refined(upright, grid_xy), angle, None, orientation, is_first_look=True)

    def _refined(
        self, picture: ImageArray, grid_xy: NDArray[np.floating], start_xy: NDArray[np.floating] | None = None
    ) -> Look:
        return refined(picture, grid_xy, self.network, self.network_hw, self.most_passes, self.level_deg, start_xy)

    def _placed(self, image: ImageArray, placement: Placement, told: Orientation | None) -> Found:
        """The page where it was found, turned by what the classifier says of it there."""
        picture = _picture_with(image, placement)
        orientation = None
        angle: Angle = told.applied_angle_cw_deg if told else 0
        if self.orient is not None:
            orientation = self.orient(_readable(picture, placement.grid((picture.shape[0], picture.shape[1]))))
            if placement.is_askew:  # there is no turn that it could be left in
                orientation = orientation.sure_from(_LIKELY)
            angle = orientation.applied_angle_cw_deg
        return self._seen_at(turned_back(picture, angle), placement.turned_back(angle), angle, orientation)

    def _seen_at(
        self, upright: ImageArray, placement: Placement | None, angle: Angle, orientation: Orientation | None
    ) -> Found:
        """The page at its place in the upright photo, or all of that."""
        start = placement.grid((upright.shape[0], upright.shape[1])) if placement else identity_grid(GRID_HW)
        answer = self.network(seen_through(upright, start, self.network_hw))
        return Found(upright, self._refined(upright, answer, start), angle, placement, orientation)

    def _turned(self, found: Found) -> Found:
        """The page turned once more, if the classifier says so of the flat page, and is surer than it was before."""
        if self.orient is None or not found.look.has_evidence or found.look.tilt_deg > _READABLE_DEG:
            return found
        orientation = self.orient(_readable(found.picture, found.look.grid_xy))
        extra = orientation.applied_angle_cw_deg
        before = max(found.orientation.scores.values()) if found.orientation else 0.0
        if extra == 0 or max(orientation.scores.values()) <= max(before, _SURE):
            return found
        angle = cast(Angle, (found.angle_cw_deg + extra) % 360)
        upright = turned_back(found.picture, extra)
        placement = found.placement.turned_back(extra) if found.placement else None
        if extra != 180:
            return self._seen_at(upright, placement, angle, orientation)
        seen = look(upright, -found.look.grid_xy[:, ::-1, ::-1], found.look.passes, found.look.is_straightened)
        return Found(upright, seen, angle, placement, orientation, found.is_first_look)


def _is_more_level(whole: Found, placed: Found) -> bool:
    """Whether a page has clearly more level lines where the whole photo was looked at than where it was looked for."""
    if not placed.look.has_evidence or not whole.look.has_evidence:
        return False
    tilts = [line_directions(found.flat(), any_turn=True).tilt_deg for found in (whole, placed)]
    return tilts[0] < tilts[1] - _SURER_BY_DEG


def _is_as_good(placed: Found, whole: Found) -> bool:
    """Whether a page's lines are as level where it was looked for, so that the page finder's outline decides; but not
    an unsure one that leaves out lines that are level too."""
    if not whole.look.has_evidence:
        return True
    if not placed.look.has_evidence or placed.look.tilt_deg > whole.look.tilt_deg + _SURER_BY_DEG:
        return False
    is_sure = placed.placement is not None and placed.placement.is_sure
    return is_sure or _left_out(placed, whole) <= _LEFT_OUT


def _left_out(placed: Found, whole: Found) -> float:
    """The share of level lines of text, where the whole photo was looked at, that lies beyond what was looked for.

    Joints of tiles, weave and grain look like lines, too: where those beyond are not level, or much paler or darker
    than those on the page, none counts.
    """
    lines = whole.look.directions
    height, width = whole.look.size_hw
    on_page = lines.centres_xy.T / np.array([[width - 1], [height - 1]]) * 2 - 1
    x, y = composed(whole.look.grid_xy, on_page[:, None])[:, 0]
    turned = {0: (x, y), 90: (y, -x), 180: (-x, -y), 270: (-y, x)}
    points = np.stack(turned[(placed.angle_cw_deg - whole.angle_cw_deg) % 360], -1)
    rim = rim_of(placed.look.grid_xy).astype(np.float32)
    is_out = np.array([cv2.pointPolygonTest(rim, (float(u), float(v)), False) < 0 for u, v in points], bool)
    beyond = LineDirections(lines.centres_xy[is_out], lines.angles_deg[is_out], lines.weights[is_out])
    if not beyond.evidence or beyond.tilt_deg > _TEXT_TILT_DEG:
        return 0.0
    if not is_out.all():
        ratio = beyond.weights.mean() / max(lines.weights[~is_out].mean(), 1e-9)
        if not 1 / _TEXT_RATIO <= ratio <= _TEXT_RATIO:
            return 0.0
    return float(beyond.weights[np.abs(beyond.angles_deg) <= _LEVEL_DEG].sum() / lines.evidence)


def _is_worse(found: Found) -> bool:
    """Whether the lines of the photo, turned upright, are more level than those of the result."""
    if found.placement or not found.look.has_evidence or found.look.tilt_deg <= _LEVEL_ENOUGH_DEG:
        return False
    before = line_directions(found.picture, most_windows=_WORSE_WINDOWS)
    return before.evidence >= found.look.directions.evidence and (before.tilt_deg < found.look.tilt_deg - _WORSE_BY_DEG)


def _readable(picture: ImageArray, grid_xy: NDArray[np.floating]) -> ImageArray:
    """A page as large as the classifier of orientations sees pages best, and about as large as it is in its picture."""
    page_hw = page_size_hw(np.asarray(grid_xy, np.float32), (picture.shape[0], picture.shape[1]))
    longest = min(max(*page_hw, LOOK_SIDE), LONG_SIDE)
    height, width = (max(1, round(side * longest / max(page_hw))) for side in page_hw)
    return seen_through(picture, grid_xy, (height, width))


def _picture_with(image: ImageArray, placement: Placement) -> ImageArray:
    """A photo at the scale at which lines are looked for on the page in it."""
    corners = placement.corners_xy * image.shape[1::-1]
    longest = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1).max()
    return _shrunk(image, 2 * LOOK_SIDE / longest)


def picture_of(image: ImageArray, angle_cw_deg: Angle = 0) -> ImageArray:
    """A page at the scale at which lines are looked for in it, twice that of a look, turned upright."""
    return turned_back(_shrunk(image, 2 * LOOK_SIDE / max(image.shape[:2])), angle_cw_deg)


def _shrunk(image: ImageArray, scale: float) -> ImageArray:
    if scale >= 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.shape[1::-1])
    image = halved(image, (height, width))
    # Down to a half every pixel counts in a linear one too, which takes an eighth of the time.
    is_near = image.shape[0] <= 2 * height and image.shape[1] <= 2 * width
    way = cv2.INTER_LINEAR if is_near else cv2.INTER_AREA
    return cv2.resize(image, (width, height), interpolation=way).astype(np.uint8, copy=False)

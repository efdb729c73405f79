"""What was seen of a page that may be bent, and what of it says that the page is flat."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from docpre.flat_lines import (
    are_level,
    are_straight,
    flat_lines,
    has_text,
    has_text_along,
    is_bent,
    is_without_text,
    skew_deg,
)
from docpre.flatness import Flatness, has_even_rim, has_paper_rim, is_on_plain_ground, judge
from docpre.geometry import Angle
from docpre.line_directions import LineDirections
from docpre.loading import ImageArray
from docpre.orientation import Orientation
from docpre.page_finding import Placement
from docpre.rectifying import picture_of
from docpre.refining import Look

IS_A_PART = "the page is only a part of the picture"
_IS_STRAIGHT = "the page fills the picture and its lines are straight"
_IS_LEVEL = "its lines are level, and the picture's rim is of one colour"
_IS_NO_PAGE = "neither a page's outline nor lines of text are seen"
_IS_BENT = "its lines are far from level"
_STAYS = 0.6  # of how far lines are from level: where more is left, it was not the page's bend


@dataclass(frozen=True, eq=False)
class SeenPage:
    """A page that may be bent, and what was seen of it.

    Attributes:
        image: as it came.
        orientation: what the classifier says of it, if it was asked.
        picture: what the network sees of it, upright.
        placement: in that picture, if the page is told from what is around it.
        is_outlined: whether its place is sure: by itself, or because it lies askew and text runs along its sides.
        lines: of the page, where they may show that it is flat; None: they were not looked for.
        grid_xy: the network's answer; None: it was not asked yet.
    """

    image: ImageArray
    orientation: Orientation | None
    picture: ImageArray
    placement: Placement | None
    is_outlined: bool = False
    lines: LineDirections | None = None
    grid_xy: NDArray[np.float32] | None = None

    @classmethod
    def placed(
        cls, image: ImageArray, orientation: Orientation | None, picture: ImageArray, placement: Placement | None
    ) -> SeenPage:
        """A page of which nothing else was seen yet."""
        page = cls(image, orientation, picture, placement)
        if placement is None:
            return page
        # What lies around a page among others shows at the picture's rim; a text on paper has paper around it alone.
        may_be_outlined = placement.is_askew and not (placement.is_among_others and has_even_rim(picture))
        is_outlined = placement.is_sure or (
            may_be_outlined and has_text_along(picture_of(image, page.angle_cw_deg), placement)
        )
        return replace(page, is_outlined=is_outlined)

    @property
    def angle_cw_deg(self) -> Angle:
        return self.orientation.applied_angle_cw_deg if self.orientation else 0

    @property
    def is_told(self) -> bool:
        """Whether the page is surely told from what is around it."""
        return self.is_outlined and self.placement is not None and not self.placement.is_whole

    @property
    def is_alone(self) -> bool:
        """Whether the page surely is a part of the picture that had better be seen alone."""
        if not self.is_outlined or self.placement is None or not self.placement.is_part:
            return False
        # What covers more may be a flat page without its margins, or with a picture beside it: paper at the rim.
        return self.placement.is_small_part or not has_paper_rim(self.picture)

    def with_lines(self) -> SeenPage:
        """The page with its lines, if they may show that it is flat."""
        if self.is_told and not self._lies_in_paper():
            return self
        return replace(self, lines=self._flat_lines())

    def straight_lines(self) -> LineDirections | None:
        """The lines of a page that is flat by them; None: they don't say so.

        What looks like a page within a picture may be a panel or a frame that is printed on it: it is where the lines
        are level as they are in no photo.
        """
        are_flat = are_level if self.is_told else are_straight
        return self.lines if self.lines is not None and are_flat(self.lines) else None

    @property
    def why_straight(self) -> str:
        """Why a page is flat by its lines."""
        return _IS_LEVEL if self.is_told else _IS_STRAIGHT

    def judged(self, grid_xy: NDArray[np.float32], is_skew_wanted: bool) -> tuple[Flatness, float]:
        """What speaks for and against unwarping a page of which the network saw all of the picture.

        Args:
            grid_xy: (2, rows, columns), the network's answer.
            is_skew_wanted: whether a flat page is to be turned level.

        Returns:
            That, and how far clockwise a flat page lies askew; 0 where it is bent or its skew is not wanted.
        """
        flatness = judge(self.picture, grid_xy)
        if not flatness.is_flat:
            if not self.is_outlined and self.lines is not None and is_without_text(self.image, self.lines):
                flatness = replace(flatness, is_flat=True, reason=_IS_NO_PAGE)
            return flatness, 0.0
        # The table may be as pale as the paper: then the page's own outline tells.
        if self.placement is not None and self.is_outlined and self.placement.is_part_with(grid_xy):
            return replace(flatness, is_flat=False, reason=IS_A_PART), 0.0
        if not is_skew_wanted:
            return flatness, 0.0
        lines = self.lines or self._flat_lines()
        skew = skew_deg(lines)
        if not skew and is_bent(self.image, lines):
            flatness = replace(flatness, is_flat=False, reason=_IS_BENT)
        return flatness, skew

    def stays_askew(self, seen: Look) -> bool:
        """Whether the lines of a page that isn't told from what is around it are hardly more level once unwarped."""
        if self.lines is None or self.is_told or not has_text(self.lines):
            return False
        return seen.tilt_deg > _STAYS * self.lines.tilt_deg

    def _lies_in_paper(self) -> bool:
        """Whether what looks like a page has paper around it, and so may be a panel or a frame printed on that."""
        assert self.placement is not None
        return has_even_rim(self.picture) and not is_on_plain_ground(self.picture, self.placement.corners_xy)

    def _flat_lines(self) -> LineDirections:
        return flat_lines(picture_of(self.image, self.angle_cw_deg))

"""Where in a photo is the page, and how does it lie? A small network marks the page; its outline gives the place.

An unwarping network expects a page that is about upright and fills most of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.geometry import Angle
from docpre.grids import GridXY, identity_grid, rim_of
from docpre.loading import ImageArray
from docpre.network_input import normalised, resized

GRID_HW = (45, 31)

_MASK_SIDE = 384  # at which the outline is followed
_SPUR = 0.02  # of that: what is thinner belongs to no page
_LEAST_SHARE = 0.008  # of the picture
_LEAST_SURE, _SURE = 0.9, 0.95  # the mean probability within the outline
# Where what is marked from the first of these on outlines no page, as where pieces of other pages touch it, what is
# marked more surely may.
_MARKED = (0.5, 0.9, 0.97)
_CLEAR = 0.975  # one look is enough from here on: others change hardly anything
_CONVEX = 0.75  # share of its outline's quadrilateral that a page covers at least
_MARGIN = 0.07  # of the page's longer side, around it
_SMALLEST_TURN_DEG = 8.0
# What is around a page that covers no more of the picture leads an unwarping network astray. Of 96 synthetic photos
# whose page covers 0.6 to 0.8, nodes are off by 1.15 % of the page after one pass over the page alone, by 1.59 and
# 1.24 % after one and two over the whole picture; beyond 0.8 nothing is gained.
_SMALL, _LARGEST_PART = 0.6, 0.8
_WHOLE = 0.9
_PART_AGREEMENT = 0.8  # of a page that an unwarping network takes for a part of the picture too


@dataclass(frozen=True, eq=False)
class Placement:
    """A page in a photo.

    Attributes:
        corners_xy: (4, 2) in parts of the picture's width and height: top left, top right, bottom right, bottom left
            of the page as it lies when it is turned back by ``turn_cw_deg``.
        turn_cw_deg: how far its sides are turned clockwise, above -45 and at most 45.
        share: of the picture that the page covers.
        sureness: the mean probability of the page within its outline.
        is_among_others: whether what is around it was marked as a page's too, if less surely.
    """

    corners_xy: NDArray[np.float64]
    turn_cw_deg: float
    share: float
    sureness: float = 1.0
    is_among_others: bool = False

    @property
    def is_sure(self) -> bool:
        """Whether the page is told from what is around it so clearly that nothing else need be asked."""
        return self.sureness >= _SURE and not self.is_among_others

    @property
    def is_small_part(self) -> bool:
        """Whether the page covers so little of the picture, for how it lies, that it had better be seen alone."""
        return self.share <= _SMALL or (self.share <= _LARGEST_PART and self.is_askew)

    @property
    def is_part(self) -> bool:
        """Whether it had, for that or because what is around it is surely none of it."""
        return self.is_small_part or (self.share <= _LARGEST_PART and self.is_sure)

    @property
    def is_whole(self) -> bool:
        """Whether there is hardly anything around the page."""
        return self.share > _WHOLE

    @property
    def is_askew(self) -> bool:
        """Whether the page had better be turned upright before an unwarping network sees it."""
        return abs(self.turn_cw_deg) >= _SMALLEST_TURN_DEG

    def is_part_with(self, grid_xy: NDArray[np.floating]) -> bool:
        """Whether the page is a part of the picture: by itself, or as the part that a network's grid shows.

        Args:
            grid_xy: see ``agreement``.
        """
        return self.is_small_part or (self.share <= _LARGEST_PART and self.agreement(grid_xy) >= _PART_AGREEMENT)

    def agreement(self, grid_xy: NDArray[np.floating]) -> float:
        """How well a grid (2, rows, columns) shows the same page, 0 to 1: what both cover in parts of what one does.

        Args:
            grid_xy: from a page to the picture, in [-1, 1], corners aligned.
        """
        own, other = (_covered(outline) for outline in (self.corners_xy, (rim_of(grid_xy) + 1) / 2))
        return float((own & other).sum() / max((own | other).sum(), 1))

    def turned_back(self, angle_cw_deg: Angle) -> Placement:
        """The page's place in the picture that is turned back by a quarter turn, if the page is turned by it."""
        x, y = self.corners_xy.T
        turned = {0: (x, y), 90: (y, 1 - x), 180: (1 - x, 1 - y), 270: (1 - y, x)}[angle_cw_deg]
        corners = np.roll(np.stack(turned, -1), -(angle_cw_deg // 90), axis=0)
        return replace(self, corners_xy=corners)

    def grid(self, picture_hw: tuple[int, int]) -> GridXY:
        """From the page as if seen from above, with a margin, to the picture: (2, rows, columns) in [-1, 1]."""
        size_wh = np.array(picture_hw[::-1])
        corners = self.corners_xy * size_wh - 0.5
        sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
        page_wh = np.array([sides[0] + sides[2], sides[1] + sides[3]]) / 2
        margin = _MARGIN * page_wh.max() / page_wh
        unit = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
        matrix = cv2.getPerspectiveTransform(unit, corners.astype(np.float32))
        nodes = identity_grid(GRID_HW) * (1 + 2 * margin)[:, None, None]
        nodes_xy = cv2.perspectiveTransform(np.moveaxis(nodes, 0, -1).astype(np.float64), matrix)
        return np.moveaxis(nodes_xy / np.maximum(size_wh - 1, 1) * 2 - 1, -1, 0)


def _covered(outline_xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """What an outline (K, 2) in parts of a picture covers of it, the picture squeezed into a square."""
    inside = np.zeros((_MASK_SIDE, _MASK_SIDE), np.uint8)
    corners = np.clip(outline_xy, -1, 2) * _MASK_SIDE - 0.5
    cv2.fillPoly(inside, [corners.round().astype(np.int32)], 1)
    return inside.astype(bool)


class PageFinder:
    """The network and what goes before and after it. It runs on one core of the CPU: it takes a few milliseconds."""

    def __init__(self) -> None:
        self.pool = EnginePool("page_finding", None, None, RuntimeOptions(device="cpu", cpu_threads=1))

    def mask(self, picture: ImageArray) -> NDArray[np.float32]:
        """The probability that the page is seen, at each place of a picture that is squeezed into a square.

        A picture in which the page isn't clear is looked at in all four turns: their mean is right more often, and the
        same however the picture lies.

        Args:
            picture: (H, W, 3) RGB uint8.

        Returns:
            (rows, columns), 0 to 1.
        """
        spec = self.pool.spec
        square = resized(picture, spec)
        logits = self.pool.run(normalised([square], spec))[0, 0]
        if _is_unclear(logits):
            turned = [np.ascontiguousarray(np.rot90(square, turns)) for turns in (1, 2, 3)]
            others = self.pool.run(normalised(turned, spec))[:, 0]
            logits = (logits + sum(np.rot90(other, -turns) for turns, other in enumerate(others, 1))) / 4
        return _probability(logits)

    def __call__(self, picture: ImageArray, photo_hw: tuple[int, int] | None = None) -> Placement | None:
        """The page's place, or None where no page is told from what is around it.

        Args:
            picture: (H, W, 3) RGB uint8.
            photo_hw: the photo's own size, whose proportions decide; None: those of the picture, which isn't squeezed.
        """
        return placement_of(self.mask(picture), photo_hw or (picture.shape[0], picture.shape[1]))


def _is_unclear(logits: NDArray[np.float32]) -> bool:
    """Whether a page is seen, but not clearly."""
    shown = logits[logits > 0]
    return bool(shown.size) and float(_probability(shown).mean()) < _CLEAR


def _probability(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def placement_of(mask: NDArray[np.float32], picture_hw: tuple[int, int]) -> Placement | None:
    """The quadrilateral around what a mask shows, or None where that is not the outline of a page.

    Args:
        mask: (rows, columns), probabilities; the picture squeezed into a square.
        picture_hw: the picture's size.
    """
    fine = cv2.resize(mask, (_MASK_SIDE, _MASK_SIDE), interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)
    for least in _MARKED:
        if (found := _outlined(fine, least, picture_hw)) is not None:
            return replace(found, is_among_others=least > _MARKED[0])
    return None


def _outlined(fine: NDArray[np.float32], least: float, picture_hw: tuple[int, int]) -> Placement | None:
    """The quadrilateral around a mask's largest piece of such probabilities, if it is the outline of a page."""
    spur = max(3, round(_SPUR * _MASK_SIDE)) | 1
    shown = cv2.morphologyEx((fine > least).astype(np.uint8), cv2.MORPH_OPEN, np.ones((spur, spur), np.uint8))
    _, labels, figures, _ = cv2.connectedComponentsWithStats(shown)
    if len(figures) < 2:
        return None
    largest = 1 + int(figures[1:, cv2.CC_STAT_AREA].argmax())
    area = figures[largest, cv2.CC_STAT_AREA]
    own = labels == largest
    sureness = float(fine[own].mean())
    if area < _LEAST_SHARE * _MASK_SIDE**2 or sureness < _LEAST_SURE:
        return None
    outlines, _ = cv2.findContours(own.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea)).astype(np.float32)
    # In the picture's own proportions, so that the smallest quadrilateral is that of the picture.
    height, width = picture_hw
    hull = (hull.reshape(-1, 2) + 0.5) / _MASK_SIDE * (width, height) * (1000 / max(width, height))
    corners = quadrilateral(hull.astype(np.float32))
    if corners is None:
        return None
    covered = area / _MASK_SIDE**2 * width * height * (1000 / max(width, height)) ** 2
    if covered < _CONVEX * cv2.contourArea(corners.astype(np.float32)):
        return None
    corners, turn = _from_top_left(corners)
    share = float(area / _MASK_SIDE**2)
    return Placement(corners / (width, height) * max(width, height) / 1000, turn, share, sureness)


def quadrilateral(hull: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """A small quadrilateral (4, 2) around a convex outline (K, 2), in order; None where there is none."""
    if len(hull) < 4:
        return None
    found = cv2.approxPolyN(hull[:, None], 4, ensure_convex=True)
    corners = np.asarray(found, np.float64).reshape(-1, 2)
    box = cv2.boxPoints(cv2.minAreaRect(hull)).astype(np.float64)
    if len(corners) != 4 or not np.isfinite(corners).all() or not cv2.isContourConvex(corners.astype(np.float32)):
        return box
    return corners if cv2.contourArea(corners.astype(np.float32)) <= cv2.contourArea(box.astype(np.float32)) else box


def _from_top_left(corners: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Corners clockwise from that which is the top left one after the smallest turn, and that turn."""
    x, y = corners.T
    if (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() < 0:  # y runs down: clockwise has a positive area
        corners = corners[::-1]
    # All four sides say how the page is turned, modulo 90 degrees; longer ones more surely.
    sides = np.roll(corners, -1, axis=0) - corners
    angles = np.arctan2(sides[:, 1], sides[:, 0])
    lengths = np.linalg.norm(sides, axis=1)
    turn = np.angle((lengths * np.exp(4j * angles)).sum()) / 4
    off = np.abs(np.angle(np.exp(1j * (angles - turn))))
    corners = np.roll(corners, -int(off.argmin()), axis=0)
    return corners, float(np.rad2deg(turn))

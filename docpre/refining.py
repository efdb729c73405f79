"""An unwarped page is looked at again: the network sees its own result, and lines that still wave are straightened.

All grids are composed into one, so that the original is still sampled once. How level the lines of text are is the
score by which a step is kept or not; it needs no truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docpre.flatness import move_percent
from docpre.geometry import page_size_hw
from docpre.grids import composed, extended, seen_through
from docpre.line_directions import LineDirections, line_directions
from docpre.loading import ImageArray
from docpre.straightening import straightening_grid

#: Long side of the picture of a page in which lines are looked for: those of small print are 6 to 10 pixels apart.
LOOK_SIDE = 712
_LEAST_SIDE = 192
#: Evidence below which the score says nothing.
LEAST_EVIDENCE = 0.3
#: A further pass of the network is made while lines are further off than this; pictures on a page count for 1 to 2.
LEVEL_DEG = 2.0
# What the second pass sees beyond the page that the first one found, on each side: it may have cut something off.
_RIM = 0.025
# A page whose grid lies this far from the rim of the whole photo is small in it, turned or seen from the side; what the
# network says of such a page is rough, and a second pass pays even if the lines look level.
_FAR_PERCENT, _NO_WORSE_DEG = 10.0, 0.3
# Lines this many times as far off as they may be tell of more than waves, as of a page that keeps its outline's shape:
# made straight they would only hide it.
_FAR_OFF = 1.5
_SETTLED_PERCENT = 1.0  # a pass that moves the nodes less than this will not be followed by a better one
_BETTER = 0.9  # a step is kept if it leaves less than this of the tilt


@dataclass(frozen=True, eq=False)
class Look:
    """A page as a grid shows it, and how its lines run there.

    Attributes:
        grid_xy: (2, rows, columns), from the page to the picture.
        directions: of its lines.
        size_hw: of the view that they were found in.
        passes: of the network, so far.
        is_straightened: whether lines were made straight without the network.
    """

    grid_xy: NDArray[np.floating]
    directions: LineDirections
    size_hw: tuple[int, int]
    passes: int
    is_straightened: bool = False

    @property
    def has_evidence(self) -> bool:
        return self.directions.evidence >= LEAST_EVIDENCE

    @property
    def tilt_deg(self) -> float:
        return self.directions.tilt_deg


def look(picture: ImageArray, grid_xy: NDArray[np.floating], passes: int, is_straightened: bool = False) -> Look:
    """See a page through a grid.

    Args:
        picture: (H, W, 3) RGB uint8, the photo at about twice ``LOOK_SIDE``.
        grid_xy: (2, rows, columns) in [-1, 1].
        passes: how often the network was run for it.
        is_straightened: whether it ends with ``docpre.straightening``.
    """
    page_hw = np.array(page_size_hw(np.asarray(grid_xy, np.float32), (picture.shape[0], picture.shape[1])))
    height, width = (max(_LEAST_SIDE, round(side * LOOK_SIDE / page_hw.max())) for side in page_hw)
    view = seen_through(picture, grid_xy, (height, width))
    return Look(grid_xy, line_directions(view), (height, width), passes, is_straightened)


def refined(
    picture: ImageArray,
    grid_xy: NDArray[np.floating],
    network: Callable[[ImageArray], NDArray[np.float32]],
    network_hw: tuple[int, int],
    most_passes: int,
    level_deg: float = LEVEL_DEG,
    start_xy: NDArray[np.floating] | None = None,
) -> Look:
    """Straighten lines that still wave, and repeat the network on what it made as long as the lines get more level.

    A page that was seen alone gains little by a second pass: on 317 synthetic photographs its nodes are off by 1.7 % of
    the page after one pass and after two.

    Args:
        picture: (H, W, 3) RGB uint8, the upright photo.
        grid_xy: the network's answer for what it saw of it.
        network: from a picture of the network's size to a grid.
        network_hw: that size.
        most_passes: of the network, the first one included.
        level_deg: lines that tilt no more than this need no further pass, nor do those that are so once straightened,
            unless they were far off before.
        start_xy: the part of the picture that the network saw; None: all of it.
    """
    is_far = start_xy is None and move_percent(np.asarray(grid_xy, np.float32)) > _FAR_PERCENT
    best = last = look(picture, grid_xy if start_xy is None else composed(start_xy, grid_xy), passes=1)
    found = straightened(picture, best)
    while last.passes < most_passes:
        is_rough = is_far and last.passes == 1
        is_off = found.tilt_deg > level_deg or best.tilt_deg > _FAR_OFF * level_deg
        if not is_rough and not (best.has_evidence and is_off):
            break
        wider = extended(last.grid_xy, (_RIM, _RIM), (_RIM, _RIM))
        answer = network(seen_through(picture, wider, network_hw))
        following = look(picture, composed(wider, answer), last.passes + 1)
        moved = _distance_percent(last.grid_xy, following.grid_xy)
        last = following
        allowed = _NO_WORSE_DEG if is_rough else 0.0
        if not best.has_evidence or (last.has_evidence and last.tilt_deg < best.tilt_deg + allowed):
            best, found = last, straightened(picture, last)
        if moved < _SETTLED_PERCENT:
            break
    return found


def straightened(picture: ImageArray, seen: Look) -> Look:
    """Make the lines straight by their directions, if there are enough of them and they get more level by it."""
    if not seen.has_evidence:
        return seen
    grid = straightening_grid(seen.directions, seen.size_hw, seen.grid_xy.shape[1:])
    following = look(picture, composed(seen.grid_xy, grid), seen.passes, is_straightened=True)
    if following.has_evidence and following.tilt_deg < _BETTER * seen.tilt_deg:
        return following
    return seen


def _distance_percent(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Mean distance between the nodes of two grids, in per cent of the picture."""
    return float(np.sqrt(((np.asarray(first, np.float64) - second) ** 2).sum(0)).mean() / 2 * 100)

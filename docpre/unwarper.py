"""What is to be done with each page: leave it as it is, turn it level, or unwarp it by the network's grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.errors import ModelError
from docpre.flat_lines import is_drawn, level, skew_deg
from docpre.flatness import Flatness, judge
from docpre.geometry import Angle, Transform, page_size_hw
from docpre.grids import beyond, extended
from docpre.loading import ImageArray
from docpre.network_input import normalised, resized
from docpre.orientation import Orientation
from docpre.page_finding import PageFinder
from docpre.rectifying import Found, Orient, Rectifier
from docpre.registry import find_weights
from docpre.seen_page import IS_A_PART, SeenPage
from docpre.unwarping_options import UnwarpingOptions

_FLATNESS_FIGURES = ("bend_percent", "move_percent", "rim_paper_share")
_STAYS_ASKEW = "unwarping would hardly make its lines more level"


@dataclass(frozen=True, eq=False)
class Unwarping:
    """What is to be done with a page.

    Args:
        transform: from the picture as it came to the flat page, turns included.
        is_applied: whether the page is unwarped.
        reason: why, or why not.
        flatness: what speaks for and against it; None where the network was not asked about the whole picture: a
            program drew the page, its lines are straight, or it surely is a part of the picture.
        angle_cw_deg: quarter turn of the page in the picture, as far as it was told.
        turn_cw_deg: how far the page is turned clockwise beyond that, where that was seen from its lines; else 0.
        orientation: what the classifier said when it saw the page flat, if that counts more than what it said before.
        passes: how often the network was run on what became the result.
        is_straightened: whether lines were made straight without the network.
        tilt_deg: how far the lines of the result are from level; None where it was not looked at or there is no text.
        models: names of the networks that the grid is of, in order; none where nothing is unwarped.
    """

    transform: Transform
    is_applied: bool
    reason: str
    flatness: Flatness | None
    angle_cw_deg: Angle = 0
    turn_cw_deg: float = 0.0
    orientation: Orientation | None = None
    passes: int = 1
    is_straightened: bool = False
    tilt_deg: float | None = None
    models: tuple[str, ...] = ()

    def values(self) -> dict[str, Any]:
        """For a result."""
        return {
            "applied": self.is_applied,
            "reason": self.reason,
            "turn": round(self.turn_cw_deg, 2),
            "passes": self.passes,
            "models": list(self.models),
            "straightened": self.is_straightened,
            "line_tilt": None if self.tilt_deg is None else round(self.tilt_deg, 2),
            **{name: round(getattr(self.flatness, name), 3) if self.flatness else None for name in _FLATNESS_FIGURES},
        }


class Unwarper:
    """The network and what goes before and after it, without any reading of files.

    Args:
        pool: the network that sees each page first.
        options: how pages are unwarped.
        again: the network that sees what is looked at again, started when it is first wanted; None: the same.
    """

    def __init__(
        self, pool: EnginePool, options: UnwarpingOptions = UnwarpingOptions(), again: EnginePool | None = None
    ) -> None:
        self.pool = pool
        self.again = again or pool
        self.options = options
        self._find = PageFinder() if options.refine else None

    @classmethod
    def of(
        cls, model_name: str | None, model_dir: str | None, running: RuntimeOptions, options: UnwarpingOptions
    ) -> Unwarper:
        """The model of a name or directory; of two names, ``FIRST+AGAIN``, each for its own looks.

        Raises:
            ConfigError, EngineError, ModelError: see ``EnginePool``; there are no weights of one of them.
        """
        first, _, second = (model_name or "").partition("+")
        pool = EnginePool("unwarping", first or None, model_dir, running)
        again = EnginePool("unwarping", second, None, running) if second else None
        pool.engine()
        if again is None or not options.refine:
            return cls(pool, options)
        find_weights(again.spec)
        if running.enable_hpi:
            again.engine()  # which may be measured first
        return cls(pool, options, again)

    def described(self, device: str | None = None) -> dict[str, str]:
        """See ``EnginePool.described``; ``again`` is the model that looks again, where that is another one."""
        again = {} if self.again is self.pool else {"again": self.again.spec.name}
        return {**self.pool.described(device), **again}

    def grids(self, images: list[ImageArray], device: str | None = None) -> NDArray[np.float32]:
        """Upright pages (H, W, 3) RGB uint8, of any sizes, to backward maps (N, 2, rows, columns) in [-1, 1].

        Raises:
            ModelError: the network's answer is not a grid.
        """
        return _grids(self.pool, [resized(image, self.pool.spec) for image in images], device)

    def plan(
        self,
        images: list[ImageArray],
        orientations: Sequence[Orientation | None] | None = None,
        device: str | None = None,
        orient: Orient | None = None,
        are_drawn: Sequence[bool] | None = None,
    ) -> list[Unwarping]:
        """Decide what is to be done with each page.

        Pages that a program drew are flat; the network is not asked about them.

        Args:
            images: pages (H, W, 3) RGB uint8, of any sizes, as they came.
            orientations: how far each page is turned; None: they are upright. The pages are not turned for it, only
                the small pictures of them that the network sees.
            device: another device than the pool's.
            orient: tells the orientation of one more picture, where a page had to be looked for or comes out turned;
                None: pages are taken to be as ``orientations`` says.
            are_drawn: pages of which it is known that a program drew them; None: none.

        Raises:
            ModelError: the network's answer is not a grid.
        """
        told = [None] * len(images) if orientations is None else orientations
        known = [False] * len(images) if are_drawn is None else are_drawn
        plans = [self._left_alone(*page) for page in zip(images, told, known, strict=True)]
        bent = [index for index, plan in enumerate(plans) if plan is None]
        seen = ([images[index] for index in bent], [told[index] for index in bent])
        found = iter(self._looked_at(*seen, device, orient) if bent else ())
        return [next(found) if plan is None else plan for plan in plans]

    def _left_alone(self, image: ImageArray, orientation: Orientation | None, is_known: bool) -> Unwarping | None:
        """What is done with a page that a program drew; None: it may be bent."""
        angle: Angle = orientation.applied_angle_cw_deg if orientation else 0
        if not self.options.leave_flat_pages or not (is_known or is_drawn(image, angle)):
            return None
        reason = (
            "it is a PDF's own text and lines" if is_known else "no camera's noise is on it, and its lines are level"
        )
        return Unwarping(_upright(image, angle), False, reason, None, angle, passes=0)

    def _looked_at(
        self,
        images: list[ImageArray],
        told: Sequence[Orientation | None],
        device: str | None,
        orient: Orient | None,
    ) -> list[Unwarping]:
        """What is to be done with pages that may be bent."""
        angles = [cast(Angle, orientation.applied_angle_cw_deg if orientation else 0) for orientation in told]
        spec = self.pool.spec
        pictures = [resized(image, spec, angle) for image, angle in zip(images, angles, strict=True)]
        sizes = [_upright(image, angle).output_size_hw for image, angle in zip(images, angles, strict=True)]
        placements = [self._find(*page) if self._find else None for page in zip(pictures, sizes, strict=True)]
        pages = [SeenPage.placed(*page) for page in zip(images, told, pictures, placements, strict=True)]
        if self._find is not None and self.options.leave_flat_pages:
            pages = [page.with_lines() for page in pages]
        # Of a page with straight lines, and of one that surely is a part of the picture, all of that need not be seen.
        whole = [index for index, page in enumerate(pages) if page.straight_lines() is None and not page.is_alone]
        answers = _grids(self.pool, [pictures[index] for index in whole], device) if whole else ()
        for index, grid_xy in zip(whole, answers, strict=True):
            pages[index] = replace(pages[index], grid_xy=grid_xy)

        def network(picture: ImageArray) -> NDArray[np.float32]:
            return _grids(self.again, [picture], device)[0]

        rectifier = None
        if self._find is not None:
            options, size_hw = self.options, self.again.spec.size_hw
            rectifier = Rectifier(network, size_hw, options.most_passes, options.level_deg, orient)
        return [self._plan(page, rectifier, device) for page in pages]

    def _plan(self, page: SeenPage, rectifier: Rectifier | None, device: str | None) -> Unwarping:
        image, angle = page.image, page.angle_cw_deg
        turned = _upright(image, angle)
        straight = page.straight_lines()
        if straight is not None:
            skew = skew_deg(straight)
            reason = f"{page.why_straight}; it lies askew" if skew else page.why_straight
            return Unwarping(level(turned, skew), False, reason, None, angle, skew, passes=0)
        flatness, skew, reason = None, 0.0, IS_A_PART
        if page.grid_xy is not None:
            flatness, skew = self._judged(page, page.grid_xy)
            reason = flatness.reason
        if flatness is not None and flatness.is_flat:
            if self.options.leave_flat_pages:
                reason = f"{reason}; it lies askew" if skew else reason
                return Unwarping(level(turned, skew), False, reason, flatness, angle, skew)
            reason = "flat pages are not to be left alone"

        def first() -> NDArray[np.float32]:
            return _grids(self.pool, [page.picture], device)[0] if page.grid_xy is None else page.grid_xy

        if rectifier is None:
            models = (self.pool.spec.name,)
            return Unwarping(self._flattened(turned, first()), True, reason, flatness, angle, models=models)
        found = rectifier.rectified(image, page.orientation, first, page.placement)
        if found is None:
            return Unwarping(turned, False, "unwarping would make its lines less level", flatness, angle)
        seen = found.look
        if page.stays_askew(seen):
            return Unwarping(turned, False, _STAYS_ASKEW, flatness, angle)
        return Unwarping(
            self._flattened(_upright(image, found.angle_cw_deg), seen.grid_xy),
            True,
            reason,
            flatness,
            found.angle_cw_deg,
            found.turn_cw_deg,
            found.orientation,
            seen.passes,
            seen.is_straightened,
            seen.tilt_deg if seen.has_evidence else None,
            self._models(found),
        )

    def _judged(self, page: SeenPage, grid_xy: NDArray[np.float32]) -> tuple[Flatness, float]:
        """See ``SeenPage.judged``."""
        if self._find is None:
            return judge(page.picture, grid_xy), 0.0
        return page.judged(grid_xy, self.options.leave_flat_pages)

    def _models(self, found: Found) -> tuple[str, ...]:
        """Whose answers a page's grid is made of."""
        first, again = self.pool.spec.name, self.again.spec.name
        if found.is_first_look:
            return (first,) if found.look.passes == 1 or first == again else (first, again)
        return (again,)

    def _flattened(self, way: Transform, grid_xy: NDArray[np.floating]) -> Transform:
        """The way to an upright page, and the page flat with all that is to be kept around it."""
        size_hw = way.output_size_hw
        sides = np.zeros((2, 2))
        if self.options.keep_all:
            sides = beyond(grid_xy, size_hw)
        if self.options.margin:
            height, width = page_size_hw(np.asarray(grid_xy, np.float32), size_hw)
            sides = np.maximum(sides, np.array([[1.0], [width / height]]) * self.options.margin)
        if sides.any():
            grid_xy = extended(grid_xy, *sides)
        grid = np.asarray(grid_xy, np.float32)
        output_size_hw = page_size_hw(grid, size_hw) if self.options.output_size == "page" else size_hw
        return way.unwarped(grid, output_size_hw)


def _grids(pool: EnginePool, pictures: list[ImageArray], device: str | None) -> NDArray[np.float32]:
    spec = pool.spec
    grids = pool.run(normalised(pictures, spec), device)
    if grids.ndim != 4 or grids.shape[1] != 2 or min(grids.shape[2:]) < 2 or not np.isfinite(grids).all():
        raise ModelError(f"{spec.name} gave no grid, but an array of shape {grids.shape} or without finite values.")
    return grids


def _upright(image: ImageArray, angle_cw_deg: Angle) -> Transform:
    return Transform.identity((image.shape[0], image.shape[1])).turned_back(angle_cw_deg)

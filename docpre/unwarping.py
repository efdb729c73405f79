"""A bent page becomes flat: the network's grid, the decision whether to use it, and the transform that it gives."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.errors import ConfigError, ModelError
from docpre.flat_lines import (
    are_level,
    are_straight,
    flat_lines,
    has_text,
    is_bent,
    is_drawn,
    is_without_text,
    level,
    skew_deg,
)
from docpre.flatness import Flatness, has_even_rim, judge
from docpre.geometry import Angle, Interpolation, Transform, page_size_hw
from docpre.grids import beyond, extended
from docpre.line_directions import LineDirections
from docpre.loading import ImageArray, Page
from docpre.network_input import normalised, resized
from docpre.orientation import Orientation
from docpre.page_finding import PageFinder, Placement
from docpre.page_module import PageModule
from docpre.rectifying import Found, Orient, Rectifier, picture_of
from docpre.refining import LEVEL_DEG, Look
from docpre.registry import find_weights
from docpre.results import UnwarpingResult

OutputSize = Literal["page", "input"]
_FLATNESS_FIGURES = ("bend_percent", "move_percent", "rim_paper_share")


@dataclass(frozen=True)
class UnwarpingOptions:
    """How pages are unwarped.

    Args:
        leave_flat_pages: a page that is judged flat already is left as it is, or only turned where it is askew. False:
            every page is unwarped, as PaddleOCR does.
        output_size: ``page``: as large as the page appears in the picture, at the picture's resolution. ``input``: the
            picture's size, as PaddleOCR does.
        interpolation: ``nearest``, ``linear`` (as PaddleOCR does) or ``cubic``.
        refine: look at the result again: find pages that lie askew or far off, repeat the network on its own result,
            straighten lines that still wave, and keep what makes the lines more level; see ``docpre.rectifying``.
            False: one pass of the network, as PaddleOCR does.
        most_passes: of the network on a page (on each of two ways, where a page had to be looked for).
        level_deg: a further pass is made while the lines are off by more than this; 0 gives the best quality.
        margin: how much of what is around the page is kept on each side, in parts of its width, 0 to 1.
        keep_all: keep all that the picture shows, also around the page (up to half a page on each side).
    """

    leave_flat_pages: bool = True
    output_size: OutputSize = "page"
    interpolation: Interpolation = "cubic"
    refine: bool = True
    most_passes: int = 3
    level_deg: float = LEVEL_DEG
    margin: float = 0.0
    keep_all: bool = False

    def __post_init__(self) -> None:
        for name in ("leave_flat_pages", "refine", "keep_all"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} is True or False, not {getattr(self, name)!r}.")
        if self.output_size not in ("page", "input"):
            raise ConfigError(f"output_size is 'page' or 'input', not {self.output_size!r}.")
        if self.interpolation not in ("nearest", "linear", "cubic"):
            raise ConfigError(f"interpolation is 'nearest', 'linear' or 'cubic', not {self.interpolation!r}.")
        if isinstance(self.most_passes, bool) or not isinstance(self.most_passes, int) or self.most_passes < 1:
            raise ConfigError(f"most_passes is a whole number from 1 on, not {self.most_passes!r}.")
        if isinstance(self.level_deg, bool) or not isinstance(self.level_deg, (int, float)) or self.level_deg < 0:
            raise ConfigError(f"level_deg is 0 degrees or more, not {self.level_deg!r}.")
        if isinstance(self.margin, bool) or not isinstance(self.margin, (int, float)) or not 0 <= self.margin <= 1:
            raise ConfigError(f"margin is from 0 to 1 of the page's width, not {self.margin!r}.")


_IS_A_PART = "the page is only a part of the picture"
_IS_STRAIGHT = "the page fills the picture and its lines are straight"
_IS_LEVEL = "its lines are level, and the picture's rim is of one colour"
_STAYS_ASKEW = "unwarping would hardly make its lines more level"
_STAYS = 0.6  # of how far lines are from level: where more is left, it was not the page's bend
_IS_NO_PAGE = "neither a page's outline nor lines of text are seen"


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


@dataclass(frozen=True, eq=False)
class _Seen:
    """A page that may be bent, and what was seen of it.

    Attributes:
        image: as it came.
        orientation: what the classifier says of it, if it was asked.
        picture: what the network sees of it, upright.
        placement: in that picture, if the page is told from what is around it.
        lines: of the page, where they may show that it is flat; None: they were not looked for.
        grid_xy: the network's answer; None: it was not asked yet.
    """

    image: ImageArray
    orientation: Orientation | None
    picture: ImageArray
    placement: Placement | None
    lines: LineDirections | None = None
    grid_xy: NDArray[np.float32] | None = None

    @property
    def angle_cw_deg(self) -> Angle:
        return self.orientation.applied_angle_cw_deg if self.orientation else 0

    @property
    def is_outlined(self) -> bool:
        """Whether the page finder is sure of its place."""
        return self.placement is not None and self.placement.is_sure

    @property
    def is_told(self) -> bool:
        """Whether the page is surely told from what is around it."""
        return self.is_outlined and self.placement is not None and not self.placement.is_whole

    @property
    def is_alone(self) -> bool:
        """Whether the page surely is a part of the picture that had better be seen alone."""
        return self.is_outlined and self.placement is not None and self.placement.is_part

    def straight_lines(self) -> LineDirections | None:
        """The lines of a page that is flat by them; None: they don't say so.

        What looks like a page within a picture may be a panel or a frame that is printed on it: it is where the lines
        are level as they are in no photo.
        """
        are_flat = are_level if self.is_told else are_straight
        return self.lines if self.lines is not None and are_flat(self.lines) else None


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
        pages = [self._with_lines(_Seen(*page)) for page in zip(images, told, pictures, placements, strict=True)]
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

    def _with_lines(self, page: _Seen) -> _Seen:
        """A page with lines that may show that it is flat."""
        is_off = self._find is None or not self.options.leave_flat_pages
        if is_off or (page.is_told and not has_even_rim(page.picture)):
            return page
        return replace(page, lines=flat_lines(picture_of(page.image, page.angle_cw_deg)))

    def _plan(self, page: _Seen, rectifier: Rectifier | None, device: str | None) -> Unwarping:
        image, angle = page.image, page.angle_cw_deg
        turned = _upright(image, angle)
        straight = page.straight_lines()
        if straight is not None:
            skew = skew_deg(straight)
            reason = _IS_LEVEL if page.is_told else _IS_STRAIGHT
            reason = f"{reason}; it lies askew" if skew else reason
            return Unwarping(level(turned, skew), False, reason, None, angle, skew, passes=0)
        flatness, skew, reason = None, 0.0, _IS_A_PART
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
        if page.lines is not None and _stay_askew(page.lines, seen) and not page.is_told:
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

    def _judged(self, page: _Seen, grid_xy: NDArray[np.float32]) -> tuple[Flatness, float]:
        """What speaks for and against unwarping a page of which the network saw all of the picture, and how far
        clockwise it lies askew if it is flat."""
        flatness = judge(page.picture, grid_xy)
        if self._find is None:
            return flatness, 0.0
        if not flatness.is_flat:
            if not page.is_outlined and page.lines is not None and is_without_text(page.image, page.lines):
                flatness = replace(flatness, is_flat=True, reason=_IS_NO_PAGE)
            return flatness, 0.0
        # The table may be as pale as the paper: then the page's own outline tells.
        placement = page.placement
        if placement is not None and placement.is_sure and placement.is_part_with(grid_xy):
            return replace(flatness, is_flat=False, reason=_IS_A_PART), 0.0
        if not self.options.leave_flat_pages:
            return flatness, 0.0
        lines = page.lines or flat_lines(picture_of(page.image, page.angle_cw_deg))
        skew = skew_deg(lines)
        if not skew and is_bent(page.image, lines):
            flatness = replace(flatness, is_flat=False, reason="its lines are far from level")
        return flatness, skew

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


def _stay_askew(lines: LineDirections, seen: Look) -> bool:
    """Whether a page's lines are hardly more level after unwarping than before."""
    return has_text(lines) and seen.tilt_deg > _STAYS * lines.tilt_deg


def _grids(pool: EnginePool, pictures: list[ImageArray], device: str | None) -> NDArray[np.float32]:
    spec = pool.spec
    grids = pool.run(normalised(pictures, spec), device)
    if grids.ndim != 4 or grids.shape[1] != 2 or min(grids.shape[2:]) < 2 or not np.isfinite(grids).all():
        raise ModelError(f"{spec.name} gave no grid, but an array of shape {grids.shape} or without finite values.")
    return grids


def _upright(image: ImageArray, angle_cw_deg: Angle) -> Transform:
    return Transform.identity((image.shape[0], image.shape[1])).turned_back(angle_cw_deg)


class TextImageUnwarping(PageModule[UnwarpingResult]):
    """The unwarping module, with the interface of PaddleOCR's. Its pages should be upright.

    Args:
        model_name: as ``docpre models`` lists them; None: the default model. Two with a plus between them: the first
            sees each page first, the second, loaded when it is wanted, what is looked at again.
        model_dir: a directory with the weights.
        device: ``cpu``, ``gpu:0`` and the like; see ``RuntimeOptions``.
        leave_flat_pages, output_size, interpolation, refine, most_passes, level_deg, margin, keep_all: see
            ``UnwarpingOptions``.
        **runtime: the other fields of ``RuntimeOptions``.

    Raises:
        ConfigError: an argument is unknown or wrong.
        EngineError: the engine or device can't run here.
        ModelError: there are no weights.
    """

    def __init__(
        self,
        model_name: str | None = None,
        model_dir: str | None = None,
        device: str | None = None,
        *,
        leave_flat_pages: bool = True,
        output_size: OutputSize = "page",
        interpolation: Interpolation = "cubic",
        refine: bool = True,
        most_passes: int = 3,
        level_deg: float = LEVEL_DEG,
        margin: float = 0.0,
        keep_all: bool = False,
        **runtime: Any,
    ) -> None:
        options = UnwarpingOptions(
            leave_flat_pages, output_size, interpolation, refine, most_passes, level_deg, margin, keep_all
        )
        running = RuntimeOptions.from_arguments(device, runtime)
        self._unwarper = Unwarper.of(model_name, model_dir, running, options)

    def _results(self, batch: list[Page], device: str | None) -> Iterator[UnwarpingResult]:
        started = time.perf_counter()
        images = [page.image for page in batch if page.image is not None]
        are_drawn = [page.is_drawn for page in batch if page.image is not None]
        plans = iter(self._unwarper.plan(images, device=device, are_drawn=are_drawn))
        elapsed_ms = 1000 * (time.perf_counter() - started) / max(len(images), 1)
        for page in batch:
            values: dict[str, Any] = {"input_path": page.input_path, "page_index": page.page_index}
            if page.image is None:
                yield UnwarpingResult(page, values, None, page.transform)
                continue
            plan = next(plans)
            started = time.perf_counter()
            output = plan.transform.sample(page.image, self._unwarper.options.interpolation)
            sampling_ms = 1000 * (time.perf_counter() - started)
            values |= {"unwarping": plan.values()}
            values |= {"elapsed_ms": {"unwarping": elapsed_ms, "sampling": sampling_ms}}
            yield UnwarpingResult(page, values, output, page.transform.then(plan.transform))

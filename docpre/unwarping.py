"""A bent page becomes flat: the network's grid, the decision whether to use it, and the transform that it gives."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.errors import ConfigError, ModelError
from docpre.flatness import Flatness, judge
from docpre.geometry import Angle, Interpolation, Transform, page_size_hw
from docpre.loading import ImageArray, Page
from docpre.network_input import normalised, resized
from docpre.page_module import PageModule
from docpre.results import UnwarpingResult

OutputSize = Literal["page", "input"]


@dataclass(frozen=True)
class UnwarpingOptions:
    """How pages are unwarped.

    Args:
        leave_flat_pages: a page that is judged flat already is left as it is. False: every page is unwarped, as
            PaddleOCR does.
        output_size: ``page``: as large as the page appears in the picture, at the picture's resolution. ``input``: the
            picture's size, as PaddleOCR does.
        interpolation: ``nearest``, ``linear`` (as PaddleOCR does) or ``cubic``.
    """

    leave_flat_pages: bool = True
    output_size: OutputSize = "page"
    interpolation: Interpolation = "cubic"

    def __post_init__(self) -> None:
        if not isinstance(self.leave_flat_pages, bool):
            raise ConfigError(f"leave_flat_pages is True or False, not {self.leave_flat_pages!r}.")
        if self.output_size not in ("page", "input"):
            raise ConfigError(f"output_size is 'page' or 'input', not {self.output_size!r}.")
        if self.interpolation not in ("nearest", "linear", "cubic"):
            raise ConfigError(f"interpolation is 'nearest', 'linear' or 'cubic', not {self.interpolation!r}.")


@dataclass(frozen=True, eq=False)
class Unwarping:
    """What is to be done with a page.

    Args:
        transform: from the upright page to the flat one; the identity if it is left alone.
        is_applied: whether the page is unwarped.
        reason: why, or why not.
        flatness: what speaks for and against it.
    """

    transform: Transform
    is_applied: bool
    reason: str
    flatness: Flatness

    def values(self) -> dict[str, Any]:
        """For a result."""
        return {
            "applied": self.is_applied,
            "reason": self.reason,
            "bend_percent": round(self.flatness.bend_percent, 3),
            "move_percent": round(self.flatness.move_percent, 3),
            "rim_paper_share": round(self.flatness.rim_paper_share, 3),
        }


class Unwarper:
    """The network and what goes before and after it, without any reading of files."""

    def __init__(self, pool: EnginePool, options: UnwarpingOptions = UnwarpingOptions()) -> None:
        self.pool = pool
        self.options = options

    def grids(self, images: list[ImageArray], device: str | None = None) -> NDArray[np.float32]:
        """Upright pages (H, W, 3) RGB uint8, of any sizes, to backward maps (N, 2, rows, columns) in [-1, 1].

        Raises:
            ModelError: the network's answer is not a grid.
        """
        return self._grids([resized(image, self.pool.spec) for image in images], device)

    def plan(
        self, images: list[ImageArray], angles_cw_deg: Sequence[Angle] | None = None, device: str | None = None
    ) -> list[Unwarping]:
        """Decide what is to be done with each page once it is upright.

        Args:
            images: pages (H, W, 3) RGB uint8, of any sizes.
            angles_cw_deg: how far each page is turned clockwise; None: they are upright. The pages are not turned
                for it, only the small pictures of them that the network sees.
            device: another device than the pool's.

        Raises:
            ModelError: the network's answer is not a grid.
        """
        angles = [0] * len(images) if angles_cw_deg is None else angles_cw_deg
        spec = self.pool.spec
        pictures = [resized(image, spec, cast(Angle, angle)) for image, angle in zip(images, angles, strict=True)]
        sizes_hw = [
            (image.shape[0], image.shape[1]) if angle in (0, 180) else (image.shape[1], image.shape[0])
            for image, angle in zip(images, angles, strict=True)
        ]
        grids = self._grids(pictures, device)
        return [self._plan(*page) for page in zip(sizes_hw, pictures, grids, strict=True)]

    def _grids(self, pictures: list[ImageArray], device: str | None) -> NDArray[np.float32]:
        spec = self.pool.spec
        grids = self.pool.run(normalised(pictures, spec), device)
        if grids.ndim != 4 or grids.shape[1] != 2 or min(grids.shape[2:]) < 2 or not np.isfinite(grids).all():
            raise ModelError(f"{spec.name} gave no grid, but an array of shape {grids.shape} or without finite values.")
        return grids

    def _plan(self, size_hw: tuple[int, int], picture: ImageArray, grid_xy: NDArray[np.float32]) -> Unwarping:
        flatness = judge(picture, grid_xy)
        identity = Transform.identity(size_hw)
        if flatness.is_flat and self.options.leave_flat_pages:
            return Unwarping(identity, False, flatness.reason, flatness)
        reason = flatness.reason if not flatness.is_flat else "flat pages are not to be left alone"
        output_size_hw = page_size_hw(grid_xy, size_hw) if self.options.output_size == "page" else size_hw
        return Unwarping(identity.unwarped(grid_xy, output_size_hw), True, reason, flatness)


class TextImageUnwarping(PageModule[UnwarpingResult]):
    """The unwarping module, with the interface of PaddleOCR's. Its pages should be upright.

    Args:
        model_name: as ``docpre models`` lists them; None: the default model.
        model_dir: a directory with the weights.
        device: ``cpu``, ``gpu:0`` and the like; see ``RuntimeOptions``.
        leave_flat_pages, output_size, interpolation: see ``UnwarpingOptions``.
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
        **runtime: Any,
    ) -> None:
        options = UnwarpingOptions(leave_flat_pages, output_size, interpolation)
        running = RuntimeOptions.from_arguments(device, runtime)
        self._unwarper = Unwarper(EnginePool("unwarping", model_name, model_dir, running), options)
        self._unwarper.pool.engine()

    def _results(self, batch: list[Page], device: str | None) -> Iterator[UnwarpingResult]:
        started = time.perf_counter()
        images = [page.image for page in batch if page.image is not None]
        plans = iter(self._unwarper.plan(images, device=device) if images else ())
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

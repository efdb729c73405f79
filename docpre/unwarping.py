"""A bent page becomes flat: the unwarping module."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from docpre.engines import RuntimeOptions
from docpre.geometry import Interpolation
from docpre.loading import Page
from docpre.page_module import PageModule
from docpre.refining import LEVEL_DEG
from docpre.results import UnwarpingResult
from docpre.unwarper import Unwarper
from docpre.unwarping_options import OutputSize, UnwarpingOptions


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

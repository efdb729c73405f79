"""The main job: each page of an input is turned upright and unwarped, and the original is sampled once."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from docpre.config import ModuleConfig, PipelineConfig, check_switch
from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.geometry import Interpolation, Transform
from docpre.light import evened
from docpre.loading import ImageArray, Page, batches, pages_from_arguments
from docpre.orientation import Orientation, OrientationClassifier
from docpre.overlap import default_workers, in_order
from docpre.rectifying import Orient
from docpre.refining import LEVEL_DEG
from docpre.results import DocPreprocessorResult
from docpre.unwarper import Unwarper, Unwarping
from docpre.unwarping_options import OutputSize, UnwarpingOptions


class DocPreprocessor:
    """Orientation classification, the turn back, and unwarping, with the interface of PaddleOCR 3's.

    Args:
        doc_orientation_classify_model_name, doc_unwarping_model_name: as ``docpre models`` lists them; None: the
            default model. For unwarping also two, ``docpre_unwarp+UVDoc``: the first sees each page first, the
            second, loaded when it is wanted, what is looked at again.
        doc_orientation_classify_model_dir, doc_unwarping_model_dir: directories with weights.
        use_doc_orientation_classify, use_doc_unwarping: which steps are on; None: as the configuration says, which
            is True without one.
        device: ``cpu``, ``gpu``, ``gpu:0`` and the like. None: GPU 0 if there is one that an installed engine can use,
            else the CPU.
        paddlex_config: a PaddleX pipeline YAML, as a path or a dict.
        doc_orientation_min_score: pages whose best orientation score is lower are left as they are; None: as the
            model's specification says (the official model has no bound, as in PaddleOCR). Pages that are found lying
            askew in a photo, which lie in none of the four turns, are turned by the best from a score of 0.5 on.
        leave_flat_pages, output_size, interpolation, refine, most_passes, level_deg, margin, keep_all: see
            ``docpre.unwarping_options.UnwarpingOptions``.
        even_light: take uneven light, soft shadows and the colour of paper and lamp off the clean page; see
            ``docpre.light``.
        **runtime: the other fields of ``docpre.engines.RuntimeOptions``: engine, engine_config, enable_hpi,
            use_tensorrt, min_subgraph_size, precision, enable_mkldnn, mkldnn_cache_capacity, cpu_threads, enable_cinn.

    Raises:
        ConfigError: an argument is unknown or wrong.
        EngineError: the engine or device can't run here.
        ModelError: there are no weights.

    One object may be shared by threads.
    """

    def __init__(
        self,
        doc_orientation_classify_model_name: str | None = None,
        doc_orientation_classify_model_dir: str | None = None,
        doc_unwarping_model_name: str | None = None,
        doc_unwarping_model_dir: str | None = None,
        use_doc_orientation_classify: bool | None = None,
        use_doc_unwarping: bool | None = None,
        *,
        device: str | None = None,
        paddlex_config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        doc_orientation_min_score: float | None = None,
        leave_flat_pages: bool = True,
        output_size: OutputSize = "page",
        interpolation: Interpolation = "cubic",
        refine: bool = True,
        most_passes: int = 3,
        level_deg: float = LEVEL_DEG,
        margin: float = 0.0,
        keep_all: bool = False,
        even_light: bool = False,
        **runtime: Any,
    ) -> None:
        config = PipelineConfig() if paddlex_config is None else PipelineConfig.read(paddlex_config)
        self._config = config.with_arguments(
            orientation=ModuleConfig(doc_orientation_classify_model_name, doc_orientation_classify_model_dir),
            unwarping=ModuleConfig(doc_unwarping_model_name, doc_unwarping_model_dir),
            use_doc_orientation_classify=use_doc_orientation_classify,
            use_doc_unwarping=use_doc_unwarping,
        )
        for key in config.without_effect:
            warnings.warn(f"docpre: {key} of the configuration has no effect here.", UserWarning, stacklevel=2)
        self._runtime = {
            "orientation": self._running("orientation", device, runtime),
            "unwarping": self._running("unwarping", device, runtime),
        }
        self._min_score = doc_orientation_min_score
        self._unwarping_options = UnwarpingOptions(
            leave_flat_pages, output_size, interpolation, refine, most_passes, level_deg, margin, keep_all
        )
        self._even_light = bool(check_switch("even_light", even_light))
        self._lock = threading.Lock()
        self._classifier: OrientationClassifier | None = None
        self._unwarper: Unwarper | None = None
        if self._config.use_doc_orientation_classify:
            self._orientation_classifier().pool.engine()
        if self._config.use_doc_unwarping:
            self._page_unwarper()

    def _running(
        self, step: Literal["orientation", "unwarping"], device: str | None, runtime: Mapping[str, Any]
    ) -> RuntimeOptions:
        plan = self._config.runtime(step, runtime)
        for key in plan.without_effect:
            warnings.warn(f"docpre: {key} of the configuration has no effect here.", UserWarning, stacklevel=3)
        return RuntimeOptions.from_arguments(device, plan.arguments)

    def predict(
        self,
        input: Any,
        *,
        device: str | None = None,
        use_doc_orientation_classify: bool | None = None,
        use_doc_unwarping: bool | None = None,
        batch_size: int = 1,
        num_workers: int | None = None,
        **reading: Any,
    ) -> list[DocPreprocessorResult]:
        """Process every page of an input and keep all results in memory; see ``predict_iter``."""
        return list(
            self.predict_iter(
                input,
                device=device,
                use_doc_orientation_classify=use_doc_orientation_classify,
                use_doc_unwarping=use_doc_unwarping,
                batch_size=batch_size,
                num_workers=num_workers,
                **reading,
            )
        )

    def predict_iter(
        self,
        input: Any,
        *,
        device: str | None = None,
        use_doc_orientation_classify: bool | None = None,
        use_doc_unwarping: bool | None = None,
        batch_size: int = 1,
        num_workers: int | None = None,
        **reading: Any,
    ) -> Iterator[DocPreprocessorResult]:
        """Process the pages of an input, a few at a time.

        Args:
            input: ndarray (H, W, 3) BGR uint8 (gray and BGRA too), PIL image, bytes of a file, path of a picture or
                PDF, URL, directory, or a list of these.
            device: another device than the constructor's.
            use_doc_orientation_classify, use_doc_unwarping: other switches than the constructor's.
            batch_size: pages that go through the networks together; more than 1 pays on GPUs.
            num_workers: threads that work on pages while the next ones are read and the last ones are used; 0: none,
                each page is read when it is asked for. None: see ``docpre.overlap.default_workers``. At most
                ``(num_workers + 2) * batch_size`` pages are in memory.
            **reading: dpi, pages, on_error, max_bytes, max_pixels, max_pages, url_timeout_s; see
                ``docpre.loading.iter_pages`` and ``docpre.loading.Limits``.

        Yields:
            A result for each page, in order. Where there are several pages, one that fails is a result with
            ``error`` set.

        Raises:
            ConfigError: an argument is unknown or wrong.
            InputError: a single input can't be processed.
        """
        orientation_on = check_switch("use_doc_orientation_classify", use_doc_orientation_classify)
        unwarping_on = check_switch("use_doc_unwarping", use_doc_unwarping)
        settings = {
            "use_doc_orientation_classify": (
                self._config.use_doc_orientation_classify if orientation_on is None else orientation_on
            ),
            "use_doc_unwarping": self._config.use_doc_unwarping if unwarping_on is None else unwarping_on,
        }
        pages = batches(_timed(pages_from_arguments(input, reading)), batch_size)
        workers = default_workers(input) if num_workers is None else num_workers
        results = in_order(lambda batch: self._results(batch, settings, device), pages, workers)
        return (result for batch in results for result in batch)

    @property
    def engines(self) -> dict[str, dict[str, str]]:
        """What runs each step that has been started: model, engine, precision and device."""
        with self._lock:
            classifier, unwarper = self._classifier, self._unwarper
        started = {} if classifier is None else {"orientation": classifier.pool.described()}
        return started if unwarper is None else {**started, "unwarping": unwarper.described()}

    def export_paddlex_config_to_yaml(self, yaml_path: str | os.PathLike[str]) -> None:
        """Write this pipeline's configuration as a PaddleX pipeline YAML."""
        self._config.write(yaml_path)

    def close(self) -> None:
        """Let go of the engines; they are started again when they are needed."""
        with self._lock:
            self._classifier = self._unwarper = None

    def _orientation_classifier(self) -> OrientationClassifier:
        with self._lock:
            if self._classifier is None:
                model = self._config.orientation
                pool = EnginePool("orientation", model.model_name, model.model_dir, self._runtime["orientation"])
                self._classifier = OrientationClassifier(pool, self._min_score)
            return self._classifier

    def _page_unwarper(self) -> Unwarper:
        with self._lock:
            if self._unwarper is None:
                model = self._config.unwarping
                runtime, options = self._runtime["unwarping"], self._unwarping_options
                self._unwarper = Unwarper.of(model.model_name, model.model_dir, runtime, options)
            return self._unwarper

    def _results(
        self, batch: list[tuple[Page, float]], settings: dict[str, bool], device: str | None
    ) -> list[DocPreprocessorResult]:
        """The results of a batch of pages, each of which comes with the milliseconds that its reading took."""
        images = [page.image for page, _ in batch if page.image is not None]
        orientations: Sequence[Orientation | None] = [None] * len(images)
        unwarpings: Sequence[Unwarping | None] = [None] * len(images)
        elapsed_ms, engines = {}, {}
        if images and settings["use_doc_orientation_classify"]:
            started = time.perf_counter()
            orientations = self._orientation_classifier().classify(images, device)
            engines["orientation"] = self._orientation_classifier().pool.described(device)
            elapsed_ms["orientation"] = _ms_since(started, len(images))
        if images and settings["use_doc_unwarping"]:
            started = time.perf_counter()
            orient = self._orient(device) if settings["use_doc_orientation_classify"] else None
            are_drawn = [page.is_drawn for page, _ in batch if page.image is not None]
            unwarpings = self._page_unwarper().plan(images, orientations, device, orient, are_drawn)
            engines["unwarping"] = self._page_unwarper().described(device)
            elapsed_ms["unwarping"] = _ms_since(started, len(images))
        decisions = iter(zip(orientations, unwarpings, strict=True))
        results = []
        for page, loading_ms in batch:
            values: dict[str, Any] = {
                "input_path": page.input_path,
                "page_index": page.page_index,
                "model_settings": dict(settings),
            }
            if page.image is None:
                results.append(DocPreprocessorResult(page, values, None, page.transform))
            else:
                how = {"engines": engines, "elapsed_ms": {"loading": loading_ms, **elapsed_ms}}
                results.append(self._rectified(page, page.image, values, how, *next(decisions)))
        return results

    def _orient(self, device: str | None) -> Orient:
        """What tells the orientation of one picture."""
        classifier = self._orientation_classifier()
        return lambda picture: classifier.classify([picture], device)[0]

    def _rectified(
        self,
        page: Page,
        image: ImageArray,
        values: dict[str, Any],
        how: dict[str, Any],
        orientation: Orientation | None,
        unwarping: Unwarping | None,
    ) -> DocPreprocessorResult:
        """Do with a page what was decided; ``how`` are the values that say what ran, and how long it took."""
        started = time.perf_counter()
        rectify = Transform.identity((image.shape[0], image.shape[1]))
        angle = -1 if orientation is None else orientation.applied_angle_cw_deg
        if unwarping is not None:
            rectify = unwarping.transform
            if orientation is not None:
                orientation, angle = unwarping.orientation or orientation, unwarping.angle_cw_deg
        elif orientation is not None:
            rectify = rectify.turned_back(orientation.applied_angle_cw_deg)
        output = rectify.sample(image, self._unwarping_options.interpolation)
        values |= {
            "angle": angle,
            "orientation": _orientation_values(orientation),
            "unwarping": _unwarping_values(unwarping),
            "light": {"applied": True} if self._even_light else {"applied": False, "reason": "the step is off"},
            **how,
        }
        values["elapsed_ms"]["sampling"] = _ms_since(started)
        if self._even_light:
            started = time.perf_counter()
            output = evened(output)
            values["elapsed_ms"]["light"] = _ms_since(started)
        return DocPreprocessorResult(page, values, output, page.transform.then(rectify))


def _timed(pages: Iterator[Page]) -> Iterator[tuple[Page, float]]:
    """Each page, with the milliseconds of its reading."""
    while True:
        started = time.perf_counter()
        page = next(pages, None)
        if page is None:
            return
        yield page, _ms_since(started)


def _ms_since(started: float, pages: int = 1) -> float:
    """Milliseconds since a moment, for each of some pages."""
    return round(1000 * (time.perf_counter() - started) / max(pages, 1), 3)


def _orientation_values(orientation: Orientation | None) -> dict[str, Any]:
    if orientation is None:
        return {"applied": False, "reason": "the step is off"}
    return {
        "applied": orientation.is_sure,
        "reason": orientation.reason,
        "label": orientation.label,
        "scores": orientation.scores,
    }


def _unwarping_values(unwarping: Unwarping | None) -> dict[str, Any]:
    return {"applied": False, "reason": "the step is off"} if unwarping is None else unwarping.values()

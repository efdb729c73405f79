"""Which way up is a page? Classification into 0, 90, 180 and 270 degrees clockwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from docpre.closer_look import LONG_SIDE, PrintMap, print_map
from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.errors import ConfigError
from docpre.folding import is_strip
from docpre.geometry import Angle, turned_back
from docpre.loading import ImageArray, Page, Pixels
from docpre.network_input import has_second_look, normalised, resized
from docpre.page_module import PageModule
from docpre.results import OrientationResult
from docpre.shrinking import linearly_shrunk

# Pictures are read at a scale that leaves the network's picture so much finer; areas are averaged from there.
_PREVIEW_SCALE = 2
# Two looks that together are as sure as this are enough: more changed no answer on validation, at twice the time.
_SURE_OF_TWO = 0.9
# Looks at the page turned as well are enough from here on; from 0.9 on, two turns of validation's real pages would be
# answered wrongly; none is.
_SURE_OF_TURNS = 0.95
# Hardly surer than chance after any turn, a page is left at that: on validation more never answers one. So pages
# without text take four looks, not eight. (From 0.5 on as many are answered there; but pages that lie askew in a photo
# are turned by the best from that score on, and one of a few pictures then keeps a wrong quarter more often.)
_IN_VAIN = 0.3
_OTHER_TURNS: tuple[Angle, ...] = (180, 90, 270)  # most doubts are whether a page stands on its head
# Scores of looks in several turns, and of a page and its four parts: their geometric mean to a power, that of turns the
# root of their number. They see much of the same, so they count for less than as many pages would.
_POOLING_OF_PARTS, _LEAST_SCORE = 2.5, 1e-5
_PART_SHARE = 0.6  # of the page's height and width


@dataclass(frozen=True)
class _View:
    """A page, where on it there is how much to read (if that matters), and whether it is seen in the other way."""

    page: Pixels
    seen: PrintMap | None
    is_second: bool = False

    def at_most(self, long_side: int) -> _View:
        """The same of a page whose longer side has at most so many pixels."""
        image = self.page.array
        scale = long_side / max(image.shape[:2])
        if scale >= 1:
            return self
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        shrunk = Pixels(linearly_shrunk(image, (height, width)), self.page.to_rgb)
        return replace(self, page=shrunk, seen=self.seen and self.seen.at_scale(scale))

    def turned_back(self, angle_cw_deg: Angle) -> _View:
        """The same of the page turned counter-clockwise, looked over anew."""
        turned = Pixels(turned_back(self.page.array, angle_cw_deg), self.page.to_rgb)
        return replace(self, page=turned, seen=self.seen and print_map(turned.array))


@dataclass(frozen=True)
class Orientation:
    """What the classifier says of a page.

    Args:
        angle_cw_deg: how far the page is turned clockwise, by the best label.
        scores: label -> score, summing to 1.
        is_sure: the best score reaches the bound.
        reason: why the page is left alone if it is not sure, else None.
    """

    angle_cw_deg: Angle
    scores: dict[str, float]
    is_sure: bool
    reason: str | None

    @property
    def label(self) -> str:
        """The best label."""
        return max(self.scores, key=lambda label: self.scores[label])

    @property
    def applied_angle_cw_deg(self) -> Angle:
        """The angle by which the page is turned back: 0 where the classifier is not sure."""
        return self.angle_cw_deg if self.is_sure else 0

    def sure_from(self, min_score: float) -> Orientation:
        """The same, and sure if the best score reaches this bound, too."""
        if self.is_sure or self.scores[self.label] < min_score:
            return self
        return replace(self, is_sure=True, reason=None)


class OrientationClassifier:
    """The network and what goes before and after it, without any reading of files.

    Args:
        pool: of the model.
        min_score: pages whose best score is lower are left alone; None: as the model's specification says.
    """

    def __init__(self, pool: EnginePool, min_score: float | None = None) -> None:
        if min_score is not None and not (isinstance(min_score, (int, float)) and 0 <= min_score <= 1):
            raise ConfigError(f"A smallest score lies between 0 and 1; {min_score!r} does not.")
        self.pool = pool
        self._min_score = pool.spec.min_score if min_score is None else min_score

    def scores(self, images: Sequence[ImageArray], device: str | None = None) -> NDArray[np.float32]:
        """Pages (H, W, 3) RGB uint8, of any sizes, to scores (N, classes); unsure ones are looked at again."""
        return self._scores([Pixels(image) for image in images], device, is_glimpse=False)

    def glimpsed_scores(self, pages: Sequence[Pixels], device: str | None = None) -> NDArray[np.float32]:
        """As ``scores``, but of large pages a few pixels alone are read, and those alone are converted to RGB."""
        return self._scores(pages, device, is_glimpse=True)

    def _scores(self, pages: Sequence[Pixels], device: str | None, is_glimpse: bool) -> NDArray[np.float32]:
        spec = self.pool.spec

        def looks(views: Iterable[_View]) -> NDArray[np.float32]:
            pictures = [
                view.page.to_rgb(
                    resized(view.page.array, spec, is_glimpse=is_glimpse, is_second=view.is_second, seen=view.seen)
                )
                for view in views
            ]
            return self.pool.run(normalised(pictures, spec), device)

        first = [_View(page, print_map(page.array) if has_second_look(page.array, spec) else None) for page in pages]
        scores = looks(first)
        if spec.look_again_below is not None:
            for index in np.flatnonzero(scores.max(1) < spec.look_again_below).tolist():
                scores[index] = self._of_more_looks(first[index], scores[index], looks)
        return scores

    def _of_more_looks(
        self, view: _View, first: NDArray[np.float32], looks: Callable[[Iterable[_View]], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Scores (classes,) of a page whose first look's are unsure.

        Where pages are seen whole, it is seen in four parts too (PP-LCNet_x1_0_doc_ori is then right on 97.1 % of 260
        pages of validation in four turns; turned by each quarter on 95.6 %, at one look on 95.4 %). Where they are seen
        from near, it is seen in the other way, if there is one; and if that is not enough, turned by one quarter after
        the other until it is. (On validation's real pages in four turns as many are answered, and right, as with all
        turns always, at 1.10 looks instead of 1.12.)

        The page is turned, not the network's picture of it, and looked over anew: which windows are seen from near, and
        where in them text begins, hangs a little on how the page lies, and this speaks for each turn alike then. (With
        the same windows in all turns, 99.0 % of validation's pages in print are right instead of 99.7.)
        """
        spec, found = self.pool.spec, [first[np.newaxis]]
        if not spec.near:
            if is_strip(view.page.array, spec.fold_aspect):  # folded it was seen well already
                return first
            found.append(looks(_View(part, None) for part in _parts(view.page)))
            return _pooled(np.vstack(found), _POOLING_OF_PARTS)
        ways = [False] if view.seen is None else [False, True]
        if view.seen is not None:
            found.append(looks([replace(view, is_second=True)]))
            if (pooled := _pooled(np.vstack(found))).max() >= _SURE_OF_TWO:
                return pooled
        small = view.at_most(LONG_SIDE)  # to turn a large page takes as long as a look
        for count, turn in enumerate(_OTHER_TURNS, 2):
            turned = small.turned_back(turn)
            # A page at A degrees, turned back by T, is one at A - T.
            order = [spec.classes.index(str((int(label) - turn) % 360)) for label in spec.classes]
            found.append(looks(replace(turned, is_second=is_second) for is_second in ways)[:, order])
            pooled = _pooled(np.vstack(found), count**0.5)
            if pooled.max() >= _SURE_OF_TURNS or pooled.max() < _IN_VAIN:
                break
        return pooled

    def classify(self, images: list[ImageArray], device: str | None = None) -> list[Orientation]:
        """Decide for each page (H, W, 3) RGB uint8."""
        return [self._decide(scores) for scores in self.scores(images, device)]

    def _decide(self, scores: NDArray[np.float32]) -> Orientation:
        classes = self.pool.spec.classes
        best = int(scores.argmax())
        is_sure = self._min_score is None or bool(scores[best] >= self._min_score)
        reason = None if is_sure else f"the best score, {scores[best]:.2f}, is under the bound of {self._min_score}"
        by_label = {label: float(score) for label, score in zip(classes, scores, strict=True)}
        return Orientation(cast(Angle, int(classes[best])), by_label, is_sure, reason)


def _parts(page: Pixels) -> list[Pixels]:
    """The four corners of a page, each of more than a half of its height and width."""
    height, width = (max(1, round(_PART_SHARE * side)) for side in page.array.shape[:2])
    down, across = (slice(height), slice(-height, None)), (slice(width), slice(-width, None))
    return [Pixels(page.array[rows, columns], page.to_rgb) for rows in down for columns in across]


def _pooled(scores: NDArray[np.float32], power: float = 1.0) -> NDArray[np.float32]:
    """Scores (looks, classes) of one page to one row, summing to 1: their geometric mean to a power."""
    logs = np.log(np.maximum(scores, _LEAST_SCORE)).mean(0) * power
    pooled = np.exp(logs - logs.max())
    return np.asarray(pooled / pooled.sum(), np.float32)


class DocImgOrientationClassification(PageModule[OrientationResult]):
    """The orientation module, with the interface of PaddleOCR's.

    Args:
        model_name: as ``docpre models`` lists them; None: the default model.
        model_dir: a directory with the weights.
        device: ``cpu``, ``gpu:0`` and the like; see ``RuntimeOptions``.
        **runtime: the other fields of ``RuntimeOptions``: engine, enable_hpi, use_tensorrt, min_subgraph_size,
            precision, enable_mkldnn, mkldnn_cache_capacity, cpu_threads, enable_cinn.

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
        **runtime: Any,
    ) -> None:
        options = RuntimeOptions.from_arguments(device, runtime)
        self._classifier = OrientationClassifier(EnginePool("orientation", model_name, model_dir, options))
        self._classifier.pool.engine()
        spec = self._classifier.pool.spec
        self._preview_side = _PREVIEW_SCALE * max(spec.resize_short or 0, *spec.size_hw)
        if spec.near:
            self._preview_side = max(self._preview_side, round(LONG_SIDE / 2**0.5))  # an A4 page's shorter side

    def _results(self, batch: list[Page], device: str | None) -> Iterator[OrientationResult]:
        started = time.perf_counter()
        glances = [glance for page in batch if (glance := page.glance) is not None]
        scores = iter(self._classifier.glimpsed_scores(glances, device) if glances else ())
        elapsed_ms = 1000 * (time.perf_counter() - started) / max(len(glances), 1)
        for page in batch:
            values: dict[str, Any] = {"input_path": page.input_path, "page_index": page.page_index}
            if page.error is None:
                values |= self._values(next(scores)) | {"elapsed_ms": {"orientation": elapsed_ms}}
            yield OrientationResult(page, values, None, page.transform)

    def _values(self, scores: NDArray[np.float32]) -> dict[str, Any]:
        classes, best = self._classifier.pool.spec.classes, int(scores.argmax())
        return {
            "class_ids": np.array([best], np.int32),
            "scores": np.array([scores[best]], np.float32),
            "label_names": [classes[best]],
            "all_scores": {label: float(score) for label, score in zip(classes, scores, strict=True)},
        }

"""Which models, engines and precisions can be chosen here, and the pipelines that run them."""

from __future__ import annotations

import importlib.util
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from docpre import DocAnalyzer, DocPreprocessor
from docpre.engines.base import precisions_on
from docpre.errors import ModelError
from docpre.registry import DEFAULT_MODEL, MODELS, SPEC_FILE, find_model

#: Pages whose best orientation score is lower are left as they are.
MIN_SCORE = 0.5
_NAMES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "torch": "PyTorch"}
_READERS = ("onnxruntime", "openvino")
_MOST_KEPT = 3  # pipelines of a kind; the one that was used longest ago is let go


class Models:
    """What the page can run.

    Args:
        directories: with models, or with directories of models.

    Raises:
        ModelError: one of them has no model.
    """

    def __init__(self, directories: Sequence[Path] = ()) -> None:
        self.orientation = _by_task("orientation", directories)
        self.unwarping = _by_task("unwarping", directories)
        known = {path for choices in (self.orientation, self.unwarping) for path in choices.values()}
        for directory in directories:
            if not any(str(directory) == path or str(directory) == str(Path(path).parent) for path in known if path):
                raise ModelError(f"{directory} holds no model (a folder with {SPEC_FILE}), nor do the folders in it.")
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ...], Future[Any]] = OrderedDict()

    @property
    def engines(self) -> list[str]:
        """Engine and precision of what can clean up, such as ``openvino bf16``."""
        return [f"{name} {precision}" for name in _installed(_NAMES) for precision in precisions_on(name, "cpu")]

    @property
    def reading_engines(self) -> list[str]:
        """Engine and precision of what can read."""
        return [
            f"{name} {precision}"
            for name in _installed(_READERS)
            for precision in precisions_on(name, "cpu")
            if precision != "int8"
        ]

    def preprocessor(self, engine: str, orientation: str, unwarping: str) -> DocPreprocessor:
        """What turns and flattens; made when it is first asked for.

        Args:
            engine: one of ``engines``.
            orientation, unwarping: keys of the dictionaries of these names.

        Raises:
            DocpreError: it can't run here.
        """
        name, precision = engine.split()
        return self._made(
            (engine, orientation, unwarping),
            lambda: DocPreprocessor(
                **_named("doc_orientation_classify", orientation, self.orientation),
                **_named("doc_unwarping", unwarping, self.unwarping),
                doc_orientation_min_score=MIN_SCORE,
                device="cpu",
                engine=name,
                precision=precision,
            ),
        )

    def default_preprocessor(self) -> DocPreprocessor:
        """The one with the official models, on ONNX Runtime."""
        return self.preprocessor(self.engines[0], DEFAULT_MODEL["orientation"], DEFAULT_MODEL["unwarping"])

    def analyzer(self, engine: str) -> DocAnalyzer:
        """What reads pages that are clean; made when it is first asked for.

        Raises:
            DocpreError: it can't run here.
        """
        name, precision = engine.split()
        return self._made(
            (engine,),
            lambda: DocAnalyzer(
                preprocessor=self.default_preprocessor(), device="cpu", engine=name, precision=precision
            ),
        )

    def _made(self, key: tuple[str, ...], make: Callable[[], Any]) -> Any:
        """What was kept, or is made now; who wants the same waits for it, others don't."""
        with self._lock:
            is_new = key not in self._kept
            made: Future[Any] = self._kept.setdefault(key, Future())
            self._kept.move_to_end(key)
            same = [other for other in self._kept if len(other) == len(key)]
            for oldest in same[:-_MOST_KEPT]:
                del self._kept[oldest]
        if is_new:
            try:
                made.set_result(make())
            except BaseException as error:
                with self._lock:
                    self._kept.pop(key, None)
                made.set_exception(error)
        return made.result()


def engine_label(engine: str) -> str:
    """``openvino bf16`` as people write it."""
    name, precision = engine.split()
    return f"{_NAMES[name]} {precision}"


def _installed(engines: Sequence[str] | dict[str, str]) -> list[str]:
    return [name for name in engines if importlib.util.find_spec(name) is not None]


def _by_task(task: Any, directories: Sequence[Path]) -> dict[str, str | None]:
    """What is shown of each model, and its directory; None: docpre's own."""
    names = [DEFAULT_MODEL[task], *(spec.name for spec in MODELS.values() if spec.task == task)]
    choices: dict[str, str | None] = dict.fromkeys(names)
    for directory in directories:
        for folder in (directory, *sorted(path for path in directory.glob("*") if path.is_dir())):
            if (folder / SPEC_FILE).is_file():
                try:
                    find_model(task, None, folder)
                except ModelError:
                    continue  # of another task
                choices[folder.name if folder.name not in choices else str(folder)] = str(folder)
    return choices


def _named(step: str, choice: str, choices: dict[str, str | None]) -> dict[str, Any]:
    directory = choices[choice]
    return {f"{step}_model_name": choice} if directory is None else {f"{step}_model_dir": directory}

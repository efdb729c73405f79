"""The main job of the analysis: a page is cleaned up, its lines are read, and its structure is found."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, get_args

from docpre.analysis.elements import WordsType
from docpre.analysis.layout import page_structure
from docpre.analysis.layout_network import LayoutDetector
from docpre.analysis.ocr import TextReader
from docpre.analysis.results import AnalysisResult
from docpre.config import check_switch
from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.errors import ConfigError, EngineError
from docpre.overlap import default_workers, in_order
from docpre.pipeline import DocPreprocessor
from docpre.results import DocPreprocessorResult

LanguageType = Literal["CHN_ENG", "ENG"]
_ENGINES = ("onnxruntime", "openvino")
WordsTypeChoice = Literal["print", "handprint_mix", "handwriting_only"]


class DocAnalyzer:
    """What is on a page: lines of text and their characters, in print or by hand, layout and reading order.

    Args:
        language_type: ``CHN_ENG``: Chinese and Latin letters; ``ENG``: Latin letters alone.
        words_type: ``print``: all lines are taken for printed; ``handprint_mix``: each is told apart;
            ``handwriting_only``: those written by hand alone are given.
        layout_analysis: whether to find blocks, sections, formulas and the reading order across columns; without it,
            lines are in order from the top down.
        use_doc_orientation_classify, use_doc_unwarping: which steps of clean-up come first; None: as
            ``preprocessor`` says (both, by default).
        preprocessor: cleans up; None: a ``DocPreprocessor`` with its defaults, on the same engine and device.
        device: ``cpu``, ``gpu``, ``gpu:0`` and the like. None: GPU 0 if there is one that an installed engine can use,
            else the CPU.
        **runtime: the other fields of ``docpre.engines.RuntimeOptions``. ``enable_hpi`` is for clean-up alone.

    Raises:
        ConfigError: an argument is unknown or wrong.
        EngineError: the engine or device can't run here.
        ModelError: there are no weights.

    One object may be shared by threads.
    """

    def __init__(
        self,
        language_type: LanguageType = "CHN_ENG",
        words_type: WordsTypeChoice = "print",
        layout_analysis: bool = True,
        use_doc_orientation_classify: bool | None = None,
        use_doc_unwarping: bool | None = None,
        *,
        preprocessor: DocPreprocessor | None = None,
        device: str | None = None,
        **runtime: Any,
    ) -> None:
        self._settings = {
            "language_type": _choice("language_type", language_type, LanguageType),
            "words_type": _choice("words_type", words_type, WordsTypeChoice),
            "layout_analysis": bool(check_switch("layout_analysis", layout_analysis)),
        }
        self._clean_up: dict[str, Any] = {
            "use_doc_orientation_classify": check_switch("use_doc_orientation_classify", use_doc_orientation_classify),
            "use_doc_unwarping": check_switch("use_doc_unwarping", use_doc_unwarping),
        }
        options = _options(RuntimeOptions.from_arguments(device, runtime))
        self._preprocessor = preprocessor or DocPreprocessor(**self._clean_up, device=device, **runtime)
        self._reader = TextReader(options)
        self._layout_detector = LayoutDetector(EnginePool("layout", None, None, options))
        self._reader.start()
        if layout_analysis:
            self._layout_detector.pool.engine()

    def predict(self, input: Any, **options: Any) -> list[AnalysisResult]:
        """Analyse every page of an input and keep all results in memory; see ``predict_iter``."""
        return list(self.predict_iter(input, **options))

    def predict_iter(
        self,
        input: Any,
        *,
        language_type: LanguageType | None = None,
        words_type: WordsTypeChoice | None = None,
        layout_analysis: bool | None = None,
        use_doc_orientation_classify: bool | None = None,
        use_doc_unwarping: bool | None = None,
        device: str | None = None,
        num_workers: int | None = None,
        **reading: Any,
    ) -> Iterator[AnalysisResult]:
        """Analyse the pages of an input, a few at a time.

        Args:
            input: whatever ``DocPreprocessor.predict_iter`` takes; or what it gives, a result or several (a list or
                an iterator), which is analysed as it is.
            language_type, words_type, layout_analysis, use_doc_orientation_classify, use_doc_unwarping: in place of
                the constructor's; None: those.
            device: another device than the constructor's.
            num_workers: threads that work on pages while the next ones are read and the last ones are used; 0: none.
                None: see ``docpre.overlap.default_workers``. At most ``num_workers + 2`` pages are in memory.
            **reading: dpi, pages, on_error, max_bytes, max_pixels, max_pages, url_timeout_s; see
                ``docpre.loading.iter_pages`` and ``docpre.loading.Limits``.

        Yields:
            A result for each page, in order. Where there are several pages, one that fails is a result with
            ``error`` set.

        Raises:
            ConfigError: an argument is unknown or wrong.
            InputError: a single input can't be processed.
        """
        settings = dict(self._settings)
        if language_type is not None:
            settings["language_type"] = _choice("language_type", language_type, LanguageType)
        if words_type is not None:
            settings["words_type"] = _choice("words_type", words_type, WordsTypeChoice)
        if check_switch("layout_analysis", layout_analysis) is not None:
            settings["layout_analysis"] = layout_analysis
        workers = default_workers(input) if num_workers is None else num_workers
        pages = _results_in(input)
        if pages is None:
            switches = {
                "use_doc_orientation_classify": use_doc_orientation_classify,
                "use_doc_unwarping": use_doc_unwarping,
            }
            clean_up = self._clean_up | {name: value for name, value in switches.items() if value is not None}
            pages = self._preprocessor.predict_iter(input, device=device, num_workers=0, **clean_up, **reading)
        elif reading:
            raise ConfigError(f"{', '.join(sorted(reading))}: these pages are read already.")
        return in_order(lambda page: self._analysed(page, settings, device), pages, workers)

    @property
    def engines(self) -> dict[str, dict[str, str]]:
        """What runs each step that has been started: model, engine, precision and device."""
        pool = self._layout_detector.pool
        layout = {"layout": pool.described()} if pool.is_started else {}
        return {**self._preprocessor.engines, **self._reader.described(), **layout}

    def close(self) -> None:
        """Let go of threads and engines."""
        self._preprocessor.close()
        self._reader.close()

    def _analysed(self, page: DocPreprocessorResult, settings: Mapping[str, Any], device: str | None) -> AnalysisResult:
        if page.error is not None:
            return AnalysisResult(page, settings=settings)
        image = page.clean_page
        is_all_print = settings["words_type"] == "print"
        text = self._reader.read(image, settings["language_type"] == "ENG", not is_all_print, device)
        lines = text.lines
        if is_all_print:
            lines = tuple(replace(line, words_type=WordsType.PRINT) for line in lines)
        elif settings["words_type"] == "handwriting_only":
            lines = tuple(line for line in lines if line.words_type is WordsType.HANDWRITING)
        engines, elapsed_ms = self._reader.described(device), dict(text.elapsed_ms)
        if not settings["layout_analysis"]:
            return AnalysisResult(page, lines, None, tuple(range(len(lines))), settings, engines, elapsed_ms)
        started = time.perf_counter()
        structure = page_structure(image, lines, self._layout_detector)
        elapsed_ms["layout"] = round(1000 * (time.perf_counter() - started), 3)
        engines["layout"] = self._layout_detector.pool.described(device)
        return AnalysisResult(page, lines, structure, structure.reading_order, settings, engines, elapsed_ms)


def _options(options: RuntimeOptions) -> RuntimeOptions:
    """How the networks of the analysis are run.

    Raises:
        EngineError: they have no such engine or precision.
    """
    if options.engine not in (None, *_ENGINES):
        raise EngineError(f"Pages are analysed with the engines {' and '.join(_ENGINES)}, not {options.engine}.")
    if options.precision == "int8":
        raise EngineError("Pages are not analysed in int8: take precision='fp32', or 'bf16' or 'fp16' where it is had.")
    return replace(options, enable_hpi=False)


def _results_in(input: Any) -> Iterator[DocPreprocessorResult] | None:
    """The pages of an input that were cleaned up already; None: there are none."""
    if isinstance(input, DocPreprocessorResult):
        return iter((input,))
    if isinstance(input, Iterator):
        return input
    if isinstance(input, (list, tuple)) and any(isinstance(item, DocPreprocessorResult) for item in input):
        if not all(isinstance(item, DocPreprocessorResult) for item in input):
            raise ConfigError("A list holds either results of DocPreprocessor or other inputs, not both.")
        return iter(input)
    return None


def _choice(name: str, value: Any, choices: Any) -> Any:
    if value not in get_args(choices):
        raise ConfigError(f"{name} is one of {', '.join(get_args(choices))}, not {value!r}.")
    return value

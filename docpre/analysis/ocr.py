"""Lines of text and their characters, Chinese and Latin, in print and by hand."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from docpre.analysis.detection import TextDetector
from docpre.analysis.elements import TextLine
from docpre.analysis.handwriting import HandwritingClassifier
from docpre.analysis.recognition import LineRecogniser, in_lines
from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.loading import ImageArray

_LEAST_AVERAGE = 0.5


@dataclass(frozen=True)
class PageText:
    """What was read on a page.

    Attributes:
        lines: from the top down; side by side, from left to right.
        elapsed_ms: milliseconds of each step.
    """

    lines: tuple[TextLine, ...]
    elapsed_ms: dict[str, float]


class TextReader:
    """Finds lines of text and reads them, with PaddlePaddle's PP-OCRv6 (small).

    Args:
        options: engine, device and the like.

    One object may be shared by threads.
    """

    def __init__(self, options: RuntimeOptions) -> None:
        self.detector = TextDetector(EnginePool("text_detection", None, None, options))
        # A line is too little for several threads: each line has one, and several lines are read at a time.
        one_thread = replace(options, cpu_threads=1)
        self._threads = ThreadPoolExecutor(options.threads, "docpre-reader")
        self.recogniser = LineRecogniser(EnginePool("text_recognition", None, None, one_thread), self._threads)
        self._handwriting = HandwritingClassifier()

    def start(self) -> None:
        """Start the engines now rather than with the first page."""
        self.detector.pool.engine()
        self.recogniser.pool.engine()

    def read(
        self,
        image: ImageArray,
        latin_only: bool = False,
        tells_handwriting: bool = False,
        device: str | None = None,
    ) -> PageText:
        """The lines on a picture (H, W, 3) RGB uint8.

        Args:
            image: the picture.
            latin_only: read Latin letters, digits and signs only.
            tells_handwriting: give each line its type; mixed lines come in pieces.
            device: another one than the options'.
        """
        started = time.perf_counter()
        quads = in_lines(self.detector.find(image, device))
        found = time.perf_counter()
        read = self.recogniser.read(image, quads, latin_only, tells_handwriting, device)
        read = [one for one in read if one.line.text and one.line.average >= _LEAST_AVERAGE]
        recognised = time.perf_counter()
        elapsed_ms = {"detection": _ms(started, found), "recognition": _ms(found, recognised)}
        if not tells_handwriting:
            return PageText(tuple(one.line for one in read), elapsed_ms)
        lines = tuple(self._handwriting.told_apart(read))
        elapsed_ms["handwriting"] = _ms(recognised, time.perf_counter())
        return PageText(lines, elapsed_ms)

    def described(self, device: str | None = None) -> dict[str, dict[str, str]]:
        """What runs each network on a device: model, engine, precision and device."""
        pools = {"text_detection": self.detector.pool, "text_recognition": self.recogniser.pool}
        return {name: pool.described(device) for name, pool in pools.items()}

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown()


def _ms(start: float, end: float) -> float:
    return round(1000 * (end - start), 3)

"""The steps of a page, one after the other, so that each can be shown when it is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.limits import READING
from demo.models import Models
from docpre.analysis.analyzer import WordsTypeChoice
from docpre.analysis.results import AnalysisResult
from docpre.results import DocPreprocessorResult


@dataclass(frozen=True)
class Choices:
    """What a visitor has chosen.

    Args:
        turn, flatten, read, layout, handwriting: which steps are on.
        cleaning, reading: engine and precision of each part.
        orientation, unwarping: names of models.
    """

    turn: bool
    flatten: bool
    read: bool
    layout: bool
    handwriting: bool
    cleaning: str
    reading: str
    orientation: str
    unwarping: str

    @property
    def words_type(self) -> WordsTypeChoice:
        """As ``DocAnalyzer`` calls it."""
        return "handprint_mix" if self.handwriting else "print"


@dataclass(frozen=True, eq=False)
class Progress:
    """How far a page has come.

    Args:
        came: the page as it came; its transform leads from the file to the picture that is shown.
        turned, flattened: once they are done.
        read: once it is done, unless it is off.
    """

    came: DocPreprocessorResult
    turned: DocPreprocessorResult | None = None
    flattened: DocPreprocessorResult | None = None
    read: AnalysisResult | None = None


def steps(path: Path, page: int, choices: Choices, models: Models) -> Iterator[Progress]:
    """Clean up a page and read it.

    Args:
        path: of the file.
        page: from 1.
        choices: what is to be done.
        models: what does it.

    Yields:
        The page after each step.

    Raises:
        DocpreError: the page can't be processed.
    """
    preprocessor = models.preprocessor(choices.cleaning, choices.orientation, choices.unwarping)

    def result(turn: bool, flatten: bool) -> DocPreprocessorResult:
        switches: dict[str, Any] = {"use_doc_orientation_classify": turn, "use_doc_unwarping": flatten}
        return preprocessor.predict(str(path), pages=str(page), num_workers=0, on_error="raise", **switches, **READING)[
            0
        ]

    came = result(False, False)
    yield Progress(came)
    turned = result(True, False) if choices.turn else came
    yield Progress(came, turned)
    flattened = result(choices.turn, True) if choices.flatten else turned
    yield Progress(came, turned, flattened)
    if choices.read:
        analyzer = models.analyzer(choices.reading)
        (read,) = analyzer.predict(
            flattened, words_type=choices.words_type, layout_analysis=choices.layout, num_workers=0
        )
        yield Progress(came, turned, flattened, read)

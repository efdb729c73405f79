"""The figures of one page."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from docpre.loading import ImageArray
from docpre.metrics import cer, edit_distance, unwarping_metrics, word_f1
from docpre.metrics.matlab_image import Border
from train.evaluate.page import RESIZED_TO_PHOTO, EvaluationPage
from train.evaluate.picture_page import write_thumbnails
from train.evaluate.predictions import Predictor, read_picture, write_png
from train.evaluate.text_reading import OncePerReference, PaddleWords, Tesseract, at_size
from train.evaluate.true_grid import read_grid, true_figures


@dataclass
class Measuring:
    """What is measured, and by what.

    Args:
        predictor: where flattened pages come from.
        gradient_border: see ``docpre.metrics.unwarping_metrics``.
        tesseract: reads for CER and ED; None: they are not measured.
        paddle_words: reads for word F1; None: it is not measured.
        pictures: folder for small pictures; None: none are made.
        saved_predictions: folder for the flattened pages; None: they are not kept.
    """

    predictor: Predictor
    gradient_border: Border = "zero"
    tesseract: Tesseract | None = None
    paddle_words: PaddleWords | None = None
    pictures: Path | None = None
    saved_predictions: Path | None = None
    _tesseract_truths: OncePerReference | None = field(default=None, init=False)
    _paddle_truths: OncePerReference | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.tesseract is not None:
            self._tesseract_truths = OncePerReference(self.tesseract.read)
        if self.paddle_words is not None:
            self._paddle_truths = OncePerReference(self.paddle_words.read)

    def describe(self) -> dict[str, Any]:
        """What determines the figures, as plain values."""
        return {
            "prediction": self.predictor.describe(),
            "gradient_border": self.gradient_border,
            "tesseract": None if self.tesseract is None else self.tesseract.describe(),
            "word_f1": None if self.paddle_words is None else self.paddle_words.describe(),
        }

    def measure(self, page: EvaluationPage) -> dict[str, Any]:
        """All figures of a page that can be had.

        Returns:
            ``figures`` by name (``ms_ssim``, ``ld``, ``ad``, ``cer_uvdoc``, ``ed_uvdoc`` and so on, ``word_f1``,
            ``nodes_off``, ``lines_off``), ``texts`` as they were read, ``notes`` on what could not be measured, sizes
            and seconds.

        Raises:
            DocpreError: a picture can't be read, or the model or OCR fails.
        """
        started = time.perf_counter()
        photo = None if page.photo is None else read_picture(page.photo)
        prediction = self.predictor.predict(page, photo)
        reference = None if page.reference is None else read_picture(page.reference)
        record: dict[str, Any] = {
            "figures": {},
            "texts": {},
            "notes": [],
            "document": page.document,
            "prediction_hw": list(prediction.image.shape[:2]),
            "unwarping": prediction.unwarping,
        }
        if reference is not None:
            measured = unwarping_metrics(_bgr(prediction.image), _bgr(reference), self.gradient_border)
            for name, value in cast(dict[str, float], measured).items():
                if math.isfinite(value):
                    record["figures"][name] = value
                else:
                    record["notes"].append(f"{name} is not a number: the reference has no gradient")
        if page.grid is not None and prediction.transform is not None:
            record["figures"] |= true_figures(prediction.transform, read_grid(page.grid))
        if self.tesseract is not None and page.ocr:
            photo_hw = None if photo is None else (photo.shape[0], photo.shape[1])
            self._measure_characters(page, prediction.image, photo_hw, reference, record)
        if self.paddle_words is not None:
            self._measure_words(page, prediction.image, reference, record)
        if self.saved_predictions is not None:
            write_png(self.saved_predictions / f"{page.name}.png", prediction.image)
        if self.pictures is not None:
            write_thumbnails(self.pictures, page.name, photo, prediction.image, reference)
        record["seconds"] = round(time.perf_counter() - started, 3)
        return record

    def _measure_characters(
        self,
        page: EvaluationPage,
        image: ImageArray,
        photo_hw: tuple[int, int] | None,
        reference: ImageArray | None,
        record: dict[str, Any],
    ) -> None:
        assert self.tesseract is not None
        truth = self._truth(page, reference, self._tesseract_truths)
        record["texts"]["truth"] = truth
        if not truth:
            record["notes"].append("no text was read on the reference: no CER")
            return
        by_size: dict[tuple[int, int], str] = {}
        for setting in page.ocr:
            size_hw = photo_hw if RESIZED_TO_PHOTO[setting] else (image.shape[0], image.shape[1])
            if size_hw is None:
                record["notes"].append(f"no photo to take the size from: no CER of the setting {setting}")
                continue
            if size_hw not in by_size:
                by_size[size_hw] = self.tesseract.read(at_size(image, size_hw))
            text = by_size[size_hw]
            ending = "" if setting == "plain" else f"_{setting}"
            record["texts"][f"tesseract{ending}"] = text
            record["figures"][f"cer{ending}"] = cer(text, truth)
            record["figures"][f"ed{ending}"] = float(edit_distance(text, truth))

    def _measure_words(
        self, page: EvaluationPage, image: ImageArray, reference: ImageArray | None, record: dict[str, Any]
    ) -> None:
        assert self.paddle_words is not None
        truth = self._truth(page, reference, self._paddle_truths)
        if not truth:
            record["notes"].append("no words were read on the reference: no word F1")
            return
        text = self.paddle_words.read(image)
        record["texts"]["paddle"] = text
        record["figures"]["word_f1"] = word_f1(text, truth)

    @staticmethod
    def _truth(page: EvaluationPage, reference: ImageArray | None, read: OncePerReference | None) -> str:
        if page.text is not None:
            return page.text
        assert reference is not None
        assert page.reference is not None
        assert read is not None
        return read.text(page.reference, lambda: reference)


def _bgr(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(image[..., ::-1])

"""The benchmark of UVDoc (Verhoeven et al., 2023) in the layout in which it is published."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from docpre.errors import ConfigError, InputError
from docpre.metrics.docunet import OCR_DOCUMENTS_UVDOC_BENCHMARK
from train.evaluate.page import EvaluationPage, EvaluationSet, pictures_by_stem

SAMPLES = range(1, 51)


def uvdoc_benchmark(
    path: Path, drawn_from: Literal["texture", "photo"] = "texture", ocr: Collection[str] = ("uvdoc",)
) -> EvaluationSet:
    """UVDoc's benchmark: ``img/{00001}.png``, ``texture_sample/`` (flat) and ``warped_textures/`` alike.

    Args:
        path: the benchmark's folder.
        drawn_from: what a model's map is applied to: ``texture``, the bent page without light and shadow, as UVDoc's
            printed figures have it, or the ``photo`` itself. The model sees the photo in either case.
        ocr: ``uvdoc``, or nothing.

    Raises:
        ConfigError: an OCR setting is unknown.
        InputError: there is no such folder.
    """
    if not path.is_dir():
        raise InputError(f"{path}: there is no such folder.")
    if unknown := sorted(set(ocr) - {"uvdoc"}):
        raise ConfigError(f"The OCR setting of UVDoc's benchmark is uvdoc, not {', '.join(unknown)}.")
    photos, flat = pictures_by_stem(path / "img"), pictures_by_stem(path / "texture_sample")
    bent = pictures_by_stem(path / "warped_textures") if drawn_from == "texture" else {}
    pages = []
    for number in SAMPLES:
        name = f"{number:05d}"
        is_whole = drawn_from == "photo" or name in bent
        pages.append(
            EvaluationPage(
                name=name,
                document=name,
                photo=photos.get(name) if is_whole else None,
                drawn_from=bent.get(name),
                reference=flat.get(name),
                ocr=tuple(ocr) if number in OCR_DOCUMENTS_UVDOC_BENCHMARK else (),
            )
        )
    photo = "img/ID.png" + (" and warped_textures/ID.png" if drawn_from == "texture" else "")
    return EvaluationSet("uvdoc-benchmark", pages, {"photo": photo, "reference": "texture_sample/ID.png"})

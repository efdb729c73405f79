"""DIR300 (Feng et al., "DocGeoNet", ECCV 2022) in the layout in which it is published."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from docpre.errors import ConfigError, InputError
from train.evaluate.page import EvaluationPage, EvaluationSet, pictures_by_stem

SAMPLES = range(1, 301)


def dir300(path: Path, ocr: Collection[str] = ()) -> EvaluationSet:
    """DIR300: ``dist/{n}.png`` (photos) and ``gt/{n}.png`` (flat), n = 1..300.

    Args:
        path: the set's folder.
        ocr: ``plain`` reads every page; the papers print figures of lists of their own.

    Raises:
        ConfigError: an OCR setting is unknown.
        InputError: there is no such folder.
    """
    if not path.is_dir():
        raise InputError(f"{path}: there is no such folder.")
    if unknown := sorted(set(ocr) - {"plain"}):
        raise ConfigError(f"The OCR setting of DIR300 is plain, not {', '.join(unknown)}.")
    photos, flat = pictures_by_stem(path / "dist"), pictures_by_stem(path / "gt")
    pages = [
        EvaluationPage(name, name, photo=photos.get(name), reference=flat.get(name), ocr=tuple(ocr))
        for name in map(str, SAMPLES)
    ]
    return EvaluationSet("dir300", pages, {"photo": "dist/N.png", "reference": "gt/N.png"})

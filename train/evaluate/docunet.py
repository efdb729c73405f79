"""The DocUNet benchmark (Ma et al., CVPR 2018) in the layout in which it is published."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from docpre.errors import ConfigError, InputError
from docpre.metrics.docunet import DOCUMENTS, OCR_DOCUMENTS_DOCTR, OCR_DOCUMENTS_UVDOC, UPSIDE_DOWN_PHOTOS
from train.evaluate.page import EvaluationPage, EvaluationSet, pictures_by_stem

OCR_DOCUMENTS = {"uvdoc": OCR_DOCUMENTS_UVDOC, "doctr": OCR_DOCUMENTS_DOCTR}
KNOWN_UPSIDE_DOWN = tuple(f"{document}_{photo}" for document, photo in UPSIDE_DOWN_PHOTOS)


def docunet(
    path: Path,
    photos: str = "crop",
    ocr: Collection[str] = ("uvdoc", "doctr"),
    upside_down: Collection[str] = (),
    texts: Path | None = None,
) -> EvaluationSet:
    """DocUNet: ``crop/{k}_{1,2} copy.png`` (or ``original``), ``scan/{k}.png``, k = 1..65; much of it may be missing.

    Args:
        path: the benchmark's folder.
        photos: ``crop`` or ``original``.
        ocr: ``uvdoc`` and ``doctr``, whose documents are read by OCR.
        upside_down: photos that are turned by half first, as ``64_1``; most papers leave all as they are.
        texts: JSON of document -> text that takes the place of what is read on the scans.

    Raises:
        ConfigError: an OCR setting or a photo is unknown.
        InputError: there is no such folder, or the texts can't be read.
    """
    if not path.is_dir():
        raise InputError(f"{path}: there is no such folder.")
    if unknown := sorted(set(ocr) - set(OCR_DOCUMENTS)):
        raise ConfigError(f"DocUNet's OCR settings are {', '.join(OCR_DOCUMENTS)}, not {', '.join(unknown)}.")
    names = [(document, f"{document}_{photo}") for document in DOCUMENTS for photo in (1, 2)]
    if unknown := sorted(set(upside_down) - {name for _, name in names}):
        raise ConfigError(f"upside_down names photos as 64_1; there is no {', '.join(unknown)}.")
    text_by_document = {} if texts is None else texts_by_name(texts)
    photo_by_name, scan_by_document = pictures_by_stem(path / photos), pictures_by_stem(path / "scan")
    pages = [
        EvaluationPage(
            name=name,
            document=str(document),
            photo=photo_by_name.get(name),
            reference=scan_by_document.get(str(document)),
            text=text_by_document.get(str(document)),
            ocr=tuple(setting for setting in OCR_DOCUMENTS if setting in ocr and document in OCR_DOCUMENTS[setting]),
            is_upside_down=name in upside_down,
        )
        for document, name in names
    ]
    return EvaluationSet("docunet", pages, {"photo": f"{photos}/K_I copy.png", "reference": "scan/K.png"})


def texts_by_name(path: Path) -> dict[str, str]:
    """True texts: a JSON object of name -> text, or a folder of ``{name}.txt``.

    Raises:
        InputError: it is neither, or can't be read.
    """
    try:
        if path.is_dir():
            return {file.stem: file.read_text("utf-8").strip() for file in sorted(path.glob("*.txt"))}
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: the texts can't be read ({error}).") from error
    if not isinstance(content, dict) or not all(isinstance(text, str) for text in content.values()):
        raise InputError(f"{path}: texts are a JSON object of name to text, or a folder of .txt files.")
    return {name: text.strip() for name, text in content.items()}

"""One's own pages: folders of photos, predictions, flat references and texts, or a list of them."""

from __future__ import annotations

import csv
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from docpre.errors import ConfigError, InputError
from train.evaluate.docunet import texts_by_name
from train.evaluate.page import EvaluationPage, EvaluationSet, pictures_by_stem

COLUMNS = ("prediction", "photo", "reference", "text", "document")


def pairs(path: Path, ocr: Collection[str] | None = None, texts: Path | None = None) -> EvaluationSet:
    """Any pages.

    Args:
        path: a folder with ``prediction``, ``photo``, ``reference`` (pictures), ``text`` (.txt) and ``grid`` (true
            grids, .npy), or some of them, whose files are matched by name; or a CSV file with columns of these names
            but ``grid`` (and with ``document``), whose paths start from the file's folder.
        ocr: ``plain``, or nothing; None: plain on pages whose text is given.
        texts: a JSON of name -> text or a folder of .txt files in place of the texts in ``path``.

    Raises:
        ConfigError: an OCR setting is unknown.
        InputError: there is nothing of the kind, or it can't be read.
    """
    if unknown := sorted(set(ocr or ()) - {"plain"}):
        raise ConfigError(f"The OCR setting of pairs is plain, not {', '.join(unknown)}.")
    pages = _listed(path) if path.is_file() else _in_folders(path)
    text_by_name = {} if texts is None else texts_by_name(texts)
    read = []
    for page in pages:
        text = text_by_name.get(page.name, page.text)
        settings = tuple(ocr) if ocr is not None else ("plain",) if text is not None else ()
        read.append(replace(page, text=text, ocr=settings))
    places = {} if path.is_file() else {what: f"{what}/NAME.png" for what in ("photo", "prediction", "reference")}
    return EvaluationSet("pairs", read, places)


def _in_folders(path: Path) -> list[EvaluationPage]:
    if not path.is_dir():
        raise InputError(f"{path}: there is neither such a folder nor such a list.")
    photos, predictions, references = (pictures_by_stem(path / what) for what in ("photo", "prediction", "reference"))
    texts = texts_by_name(path / "text") if (path / "text").is_dir() else {}
    grids = {file.stem: file for file in sorted((path / "grid").glob("*.npy"))}
    names = sorted({*photos, *predictions, *references, *texts})
    if not names:
        raise InputError(f"{path}: it has no folders photo, prediction, reference or text with files in them.")
    return [
        EvaluationPage(
            name,
            name,
            photo=photos.get(name),
            prediction=predictions.get(name),
            reference=references.get(name),
            grid=grids.get(name),
            text=texts.get(name),
        )
        for name in names
    ]


def _listed(path: Path) -> list[EvaluationPage]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns, rows = set(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: the list can't be read ({error}).") from error
    if not columns & {"prediction", "photo"} or not columns & {"reference", "text"}:
        raise InputError(
            f"{path}: a list is a CSV with columns of {', '.join(COLUMNS)}: prediction or photo, reference or text."
        )
    pages: dict[str, EvaluationPage] = {}
    for number, row in enumerate(rows, start=2):
        files = {what: path.parent / row[what] for what in COLUMNS[:4] if row.get(what)}
        first = files.get("prediction") or files.get("photo")
        if first is None:
            raise InputError(f"{path}, line {number}: it names neither a prediction nor a photo.")
        name = first.stem
        if name in pages:
            raise InputError(f"{path}, line {number}: a second page is called {name}.")
        there = {what: file for what, file in files.items() if file.is_file()}
        text_path = there.pop("text", None)
        text = None if text_path is None else text_path.read_text("utf-8").strip()
        pages[name] = EvaluationPage(
            name,
            row.get("document") or name,
            photo=there.get("photo"),
            prediction=there.get("prediction"),
            reference=there.get("reference"),
            text=text,
        )
    return list(pages.values())

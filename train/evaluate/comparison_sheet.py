"""Sheets of pictures of two runs: each photo, what either run made of it, and the figures, to look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from docpre.errors import InputError
from docpre.loading import ImageArray

_CELL_WH = (112, 160)
_LABEL_PX = 26
_COLUMNS, _ROWS = 6, 6  # pages of evaluation a sheet
_SHOWN = {"nodes_off": "{:.1f}%", "ld": "LD{:.0f}"}


def write_sheets(
    output: Path, a: Path, b: Path, results_a: Mapping[str, Any], results_b: Mapping[str, Any], quality: int = 60
) -> list[Path]:
    """Write ``01.jpg`` and so on: for each page that both runs have, the photo and the two predictions.

    Args:
        output: folder for the sheets.
        a, b: folders of the runs, with their small pictures.
        results_a, results_b: of the runs.
        quality: of the JPEG files.

    Returns:
        The sheets' paths.

    Raises:
        InputError: a run has kept no pictures.
    """
    names = [name for name in sorted(results_a) if results_a[name].get("figures") and name in results_b]
    output.mkdir(parents=True, exist_ok=True)
    paths = []
    on_one = _COLUMNS * _ROWS
    for first in range(0, len(names), on_one):
        cells = [_cell(name, a, b, results_a[name], results_b[name]) for name in names[first : first + on_one]]
        cells += [np.full_like(cells[0], 255)] * (-len(cells) % _COLUMNS)
        rows = [np.hstack(cells[i : i + _COLUMNS]) for i in range(0, len(cells), _COLUMNS)]
        path = output / f"{first // on_one + 1:02d}.jpg"
        path.write_bytes(cv2.imencode(".jpg", np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())
        paths.append(path)
    return paths


def _cell(name: str, a: Path, b: Path, result_a: Mapping[str, Any], result_b: Mapping[str, Any]) -> ImageArray:
    width, height = _CELL_WH
    pictures = [
        cv2.resize(_read(run / "pictures" / f"{name}_{what}.jpg"), _CELL_WH, interpolation=cv2.INTER_AREA)
        for run, what in ((a, "photo"), (a, "prediction"), (b, "prediction"))
    ]
    cell = np.full((_LABEL_PX + height + 4, 3 * width + 8, 3), 255, np.uint8)
    cell[_LABEL_PX : _LABEL_PX + height, : 3 * width] = np.hstack(pictures)
    for column, text in enumerate((name, _figures(result_a), _figures(result_b))):
        place = (2 + column * width, _LABEL_PX - 8)
        cv2.putText(cell, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    return cell


def _read(path: Path) -> ImageArray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(f"{path}: a sheet needs the small pictures of both runs, and this one is not there.")
    return picture.astype(np.uint8, copy=False)


def _figures(result: Mapping[str, Any]) -> str:
    figures = result.get("figures", {})
    return " ".join(form.format(figures[name]) for name, form in _SHOWN.items() if name in figures)

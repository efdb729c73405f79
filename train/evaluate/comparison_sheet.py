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
_WORST, _WORST_COLUMNS = 20, 4
_SHOWN = {"nodes_off": "{:.1f}%", "ld": "LD{:.0f}"}


def write_sheets(
    output: Path, a: Path, b: Path, results_a: Mapping[str, Any], results_b: Mapping[str, Any], quality: int = 60
) -> list[Path]:
    """Write ``01.jpg`` and so on: for each page that both runs have, the photo and the two predictions.

    ``worst.jpg`` shows the twenty that are worst by B, by nodes off or LD, the worst first, and B's reasons.

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
        paths.append(_written(output / f"{first // on_one + 1:02d}.jpg", cells, _COLUMNS, quality))
    figure = next((name for name in _SHOWN if all(name in results_b[page].get("figures", {}) for page in names)), None)
    if names and figure:
        worst = sorted(names, key=lambda name: -results_b[name]["figures"][figure])[:_WORST]
        cells = [
            np.vstack([_cell(name, a, b, results_a[name], results_b[name]), _reason(results_b[name])]) for name in worst
        ]
        paths.append(_written(output / "worst.jpg", cells, _WORST_COLUMNS, quality))
    return paths


def _written(path: Path, cells: list[ImageArray], columns: int, quality: int) -> Path:
    cells = cells + [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    path.write_bytes(cv2.imencode(".jpg", np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())
    return path


def _reason(result: Mapping[str, Any]) -> ImageArray:
    """What docpre says of a page, as a strip below its cell; blank where it says nothing."""
    strip = np.full((_LABEL_PX, 3 * _CELL_WH[0] + 8, 3), 255, np.uint8)
    text = str((result.get("unwarping") or {}).get("reason") or "")
    cv2.putText(strip, text, (2, _LABEL_PX - 14), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (90, 90, 90), 1, cv2.LINE_AA)
    return strip


def _cell(name: str, a: Path, b: Path, result_a: Mapping[str, Any], result_b: Mapping[str, Any]) -> ImageArray:
    width, height = _CELL_WH
    pictures = [
        _fitted(_read(run / "pictures" / f"{name}_{what}.jpg"))
        for run, what in ((a, "photo"), (a, "prediction"), (b, "prediction"))
    ]
    cell = np.full((_LABEL_PX + height + 4, 3 * width + 8, 3), 255, np.uint8)
    cell[_LABEL_PX : _LABEL_PX + height, : 3 * width] = np.hstack(pictures)
    for column, text in enumerate((name, _figures(result_a), _figures(result_b))):
        place = (2 + column * width, _LABEL_PX - 8)
        cv2.putText(cell, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    return cell


def _fitted(picture: ImageArray) -> ImageArray:
    """A picture in a cell, in its own proportions, on grey."""
    width, height = _CELL_WH
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size_wh = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    cell = np.full((height, width, 3), 225, np.uint8)
    top, left = (height - size_wh[1]) // 2, (width - size_wh[0]) // 2
    cell[top : top + size_wh[1], left : left + size_wh[0]] = cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA)
    return cell


def _read(path: Path) -> ImageArray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(f"{path}: a sheet needs the small pictures of both runs, and this one is not there.")
    return picture.astype(np.uint8, copy=False)


def _figures(result: Mapping[str, Any]) -> str:
    figures = result.get("figures", {})
    return " ".join(form.format(figures[name]) for name, form in _SHOWN.items() if name in figures)

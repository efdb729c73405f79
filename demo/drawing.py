"""Pictures for the page: previews, the predicted grid, a pair of equal size for the slider."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.analysis.elements import WordsType
from docpre.analysis.results import AnalysisResult
from docpre.results import DocPreprocessorResult, Result

Picture = NDArray[np.uint8]

_NODES_XY = (13, 17)
_POINTS_A_LINE = 60
_GRID_RGB = (0, 168, 150)
_RIM_RGB = (230, 57, 70)
_BESIDE_GREY = 128
_PRINT_RGB, _HANDWRITING_RGB, _BLOCK_RGB = (31, 119, 180), (214, 39, 40), (44, 160, 44)


def preview(bgr: Picture, side: int) -> Picture:
    """A picture (H, W, 3) BGR as RGB, its longer side at most so many pixels."""
    scale = side / max(bgr.shape[:2])
    if scale < 1:
        size = max(1, round(bgr.shape[1] * scale)), max(1, round(bgr.shape[0] * scale))
        bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return np.ascontiguousarray(bgr[..., ::-1])


def shown_xy(points_xy: NDArray[np.float64], result: Result, came: DocPreprocessorResult) -> NDArray[np.float64]:
    """Pixels of the output page to pixels of the page as it is shown before any step: (..., 2) to (..., 2)."""
    return came.transform.to_output(result.transform.to_original(points_xy))


def with_grid(came: DocPreprocessorResult, result: Result, side: int) -> Picture:
    """The page as it came with the grid from which the clean page was taken, RGB.

    Args:
        came: before any step.
        result: after flattening.
        side: longest side of the picture.
    """
    picture = preview(came.output_image, side)
    scale = max(picture.shape[:2]) / max(came.output_image.shape[:2])
    height, width = result.transform.output_size_hw
    columns, rows = _NODES_XY
    along = np.linspace(0, 1, _POINTS_A_LINE)
    thick = max(1, round(side / 500))
    for share in np.linspace(0, 1, columns):
        _draw(picture, np.stack([np.full_like(along, share), along], -1), (width, height), result, came, scale, thick)
    for share in np.linspace(0, 1, rows):
        _draw(picture, np.stack([along, np.full_like(along, share)], -1), (width, height), result, came, scale, thick)
    rim = np.concatenate(
        [
            np.stack([along, along * 0], -1),
            np.stack([along * 0 + 1, along], -1),
            np.stack([1 - along, along * 0 + 1], -1),
            np.stack([along * 0, 1 - along], -1),
        ]
    )
    _draw(picture, rim, (width, height), result, came, scale, 2 * thick, _RIM_RGB)
    return picture


def _draw(
    picture: Picture,
    shares: NDArray[np.float64],
    size_wh: tuple[int, int],
    result: Result,
    came: DocPreprocessorResult,
    scale: float,
    thick: int,
    colour: tuple[int, int, int] = _GRID_RGB,
) -> None:
    points = shown_xy(shares * (np.array(size_wh) - 1), result, came) * scale
    cv2.polylines(picture, [np.round(points * 16).astype(np.int32)], False, colour, thick, cv2.LINE_AA, 4)


def pair(before_bgr: Picture, after_bgr: Picture, side: int) -> tuple[Picture, Picture]:
    """Two pictures of one size for a slider, RGB: each as large as it fits, with grey beside it."""
    before, after = preview(before_bgr, side), preview(after_bgr, side)
    height, width = after.shape[:2]
    scale = min(width / before.shape[1], height / before.shape[0])
    size = max(1, round(before.shape[1] * scale)), max(1, round(before.shape[0] * scale))
    fitted = cv2.resize(before, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    canvas = np.full_like(after, _BESIDE_GREY)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = fitted
    return canvas, after


def with_lines(read: AnalysisResult, side: int) -> Picture:
    """The clean page with its lines filled and its blocks outlined, RGB."""
    picture = preview(read.output_image, side)
    scale = max(picture.shape[:2]) / max(read.output_image.shape[:2])
    filled = picture.copy()
    for line in read.lines:
        colour = _HANDWRITING_RGB if line.words_type is WordsType.HANDWRITING else _PRINT_RGB
        cv2.fillPoly(filled, [np.round(line.quad * scale).astype(np.int32)], colour)
    picture = cv2.addWeighted(filled, 0.35, picture, 0.65, 0).astype(np.uint8, copy=False)
    for layout in () if read.structure is None else read.structure.layouts:
        cv2.polylines(picture, [np.round(layout.quad * scale).astype(np.int32)], True, _BLOCK_RGB, 2, cv2.LINE_AA)
    return picture

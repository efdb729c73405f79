"""Uneven light and soft shadows are taken off a page: every pixel is measured against the paper around it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.loading import ImageArray

_LOOK_SIDE = 640  # long side of the picture in which the paper's colour is looked for
_INK_SHARE = 1 / 22  # of that: wider than strokes and thin rules are
_SMOOTH_SHARE = 1 / 26
_WHITE = 245.0
# A dark picture on the page is not paper, however wide it is; nor is paper made brighter than this many times.
_MOST_GAIN = 3.0
_BAND_ROWS = 512


def evened(image: ImageArray) -> ImageArray:
    """A page as if it lay in even, white light. Ink keeps its contrast to the paper; pictures on it may turn paler.

    Args:
        image: (H, W, 3) RGB uint8, upright and flat.

    Returns:
        (H, W, 3) RGB uint8: each channel divided by the paper's, which becomes a white of 245.
    """
    height, width = image.shape[:2]
    gain = (_WHITE / np.maximum(_paper(image), _WHITE / _MOST_GAIN)).astype(np.float32)
    result = np.empty_like(image)
    scale = np.array([[gain.shape[1] / width, 0, 0], [0, gain.shape[0] / height, 0]], np.float64)
    scale[:, 2] = (np.diag(scale[:, :2]) - 1) / 2
    for top in range(0, height, _BAND_ROWS):
        rows = min(_BAND_ROWS, height - top)
        place = scale.copy()
        place[1, 2] += scale[1, 1] * top
        band = cv2.warpAffine(
            gain, place, (width, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        cv2.multiply(image[top : top + rows], band, dst=result[top : top + rows], dtype=cv2.CV_8U)
    return result


def _paper(image: ImageArray) -> NDArray[np.float32]:
    """The paper's colour behind the ink, (h, w, 3) in [0, 255], at a small scale."""
    scale = min(1.0, _LOOK_SIDE / max(image.shape[:2]))
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    side = max(small.shape[:2])
    ink = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, _odd(side * _INK_SHARE))
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, ink, borderType=cv2.BORDER_REPLICATE)
    smooth = cv2.medianBlur(closed, _odd(side * _SMOOTH_SHARE)[0])
    return cv2.GaussianBlur(smooth.astype(np.float32), _odd(side * _SMOOTH_SHARE), 0).astype(np.float32, copy=False)


def _odd(length: float) -> Sequence[int]:
    whole = max(3, round(length) | 1)
    return whole, whole

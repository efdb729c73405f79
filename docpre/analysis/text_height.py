"""How high the letters on a page are, from its dark or bright specks; no network."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.loading import ImageArray

_LONG_SIDE = 3200
_CONTRAST = 20  # of 255: what is darker than its surroundings by so much is ink
_LOWEST_PX, _WIDEST_TO_HIGH = 4, 6
_SPECK = 0.5  # of the median height: dots, commas and noise
_SMALL_SHARE = 0.15
_FEWEST = 5


def text_height_px(image: ImageArray) -> float | None:
    """The height of small letters (an x, not an h) on a picture (H, W, 3) RGB uint8, in pixels; None: there are none.

    Ink is what differs from the mean around it; of its connected parts that look like letters, the height that a small
    share of them stays below is given, so that a page's small print counts and its dust does not.
    """
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    shrink = min(1.0, _LONG_SIDE / max(gray.shape))
    if shrink < 1:
        gray = cv2.resize(gray, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    window = max(15, min(gray.shape) // 40) | 1
    around = cv2.blur(gray, (window, window))
    is_dark_on_bright = np.median(gray) >= gray.mean()  # most of a page is paper
    heights = _letter_heights(cv2.subtract(around, gray) if is_dark_on_bright else cv2.subtract(gray, around))
    if len(heights) < _FEWEST:
        return None
    letters = heights[heights >= _SPECK * np.median(heights)]
    return float(np.quantile(letters, _SMALL_SHARE)) / shrink


def _letter_heights(contrast: NDArray[Any]) -> NDArray[np.int32]:
    mask = (contrast > _CONTRAST).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    width, height, area = stats[1:, cv2.CC_STAT_WIDTH], stats[1:, cv2.CC_STAT_HEIGHT], stats[1:, cv2.CC_STAT_AREA]
    is_letter = (height >= _LOWEST_PX) & (height < contrast.shape[0] / 4) & (width < _WIDEST_TO_HIGH * height)
    is_letter &= (height < _WIDEST_TO_HIGH * width) & (area > 0.15 * width * height)
    return height[is_letter]

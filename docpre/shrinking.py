"""Pictures made smaller by averaging areas."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def halved(image: NDArray[np.uint8], least_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture halved as often as its sides are even and stay as long as asked for; else as it is.

    The mean of 2 x 2 pixels is an area's average too, at a tenth of the cost of any other scale.

    Args:
        image: (H, W) or (H, W, C) uint8.
        least_hw: what the sides must not fall below.
    """
    rows, columns = image.shape[:2]
    while rows >= 2 * least_hw[0] and columns >= 2 * least_hw[1] and rows % 2 == columns % 2 == 0:
        rows, columns = rows // 2, columns // 2
        image = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return image


def shrunk(image: NDArray[np.uint8], size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture reduced to a size; one that is not larger in both directions comes back as it is.

    Args:
        image: (H, W) or (H, W, C) uint8.
        size_hw: the size to reach.
    """
    height, width = size_hw
    if image.shape[0] < height or image.shape[1] < width:
        return image
    image = halved(image, (2 * height, 2 * width))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

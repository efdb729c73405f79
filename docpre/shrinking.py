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


def quickly_shrunk(image: NDArray[np.uint8], size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """As ``shrunk``, in a fraction of the time, for networks that look at a whole page.

    Pixels are one to three grey levels off on average. Where at most half of the sides is to go before the last
    halving, this is linear: each pixel is used, if not with the share that its area has.

    Args:
        image: (H, W) or (H, W, C) uint8.
        size_hw: the size to reach.
    """
    height, width = size_hw
    image = halved(image, (2 * height, 2 * width))
    if 2 * height <= image.shape[0] <= 4 * height and 2 * width <= image.shape[1] <= 4 * width:
        image = cv2.resize(image, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
    return shrunk(image, size_hw)


def linearly_shrunk(image: NDArray[np.uint8], size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """As ``quickly_shrunk``, but a side that is less than halved last is so by four pixels for each of the new ones.

    Between a half and the whole these are nearly an area's average, in a seventh of its time.

    Args:
        image: (H, W) or (H, W, C) uint8.
        size_hw: the size to reach, larger than the picture even.
    """
    height, width = size_hw
    image = halved(image, size_hw)
    if image.shape[0] > 2 * height or image.shape[1] > 2 * width:
        image = quickly_shrunk(image, size_hw)
    if image.shape[:2] == size_hw:
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def glimpsed(image: NDArray[np.uint8], size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """As ``quickly_shrunk``, but of a large picture at most 16 pixels are used for each of the new ones.

    Most of the time that a large picture takes goes into reading it, and a network that averages what it sees does not
    miss the rest.

    Args:
        image: (H, W) or (H, W, C) uint8; one whose sides are not four times as long is shrunk quickly.
        size_hw: the size to reach.
    """
    height, width = size_hw
    if image.shape[0] < 4 * height or image.shape[1] < 4 * width:
        return quickly_shrunk(image, size_hw)
    step = image.shape[0] // (2 * height)
    image = cv2.resize(image[step // 2 :: step], (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR).astype(
        np.uint8, copy=False
    )
    return shrunk(image, size_hw)

"""From a page to what a network sees, as its ModelSpec declares it. Training uses this too."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.loading import ImageArray
from docpre.registry import ModelSpec


def resized(image: ImageArray, spec: ModelSpec) -> ImageArray:
    """The page at the network's size.

    Args:
        image: (H, W, 3) RGB uint8 of any size.
        spec: says whether the page is squeezed into ``size_hw``, or its shorter side resized to ``resize_short`` and
            the centre cut out; how long a strip may be; and how it is interpolated.

    Returns:
        (*size_hw, 3) RGB uint8.
    """
    height, width = spec.size_hw
    if spec.resize_short is not None:
        # Cut first, then resize: the same picture at a fraction of the cost, whatever the page's proportions.
        scale = min(image.shape[:2]) / spec.resize_short
        image = _centre(image, max(1, round(height * scale)), max(1, round(width * scale)))
    if spec.max_aspect is not None:
        longest = max(1, round(min(image.shape[:2]) * spec.max_aspect))
        image = _centre(image, longest, longest)
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    method = cv2.INTER_AREA if shrinks and spec.interpolation == "area" else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=method).astype(np.uint8, copy=False)


def normalised(images: list[ImageArray], spec: ModelSpec) -> NDArray[np.float32]:
    """Pictures (H, W, 3) RGB uint8 of the network's size to one batch (N, 3, H, W) float32."""
    mean = np.array(spec.mean, np.float32) * 255
    scale = 1 / (np.array(spec.std, np.float32) * 255)
    batch = (np.stack(images).astype(np.float32) - mean) * scale
    if spec.channel_order == "BGR":
        batch = batch[..., ::-1]
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2))


def _centre(image: ImageArray, height: int, width: int) -> ImageArray:
    height, width = min(height, image.shape[0]), min(width, image.shape[1])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]

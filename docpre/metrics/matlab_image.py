"""The few MATLAB image functions that the DocUNet protocol is defined with, to MATLAB's rounding and borders.

Arrays are (h, w) or (h, w, c). uint8 gives uint8, rounded half away from zero and clipped; the rest gives float. (h, w)
is computed in float64, (h, w, c) in float32 (for descriptors of 128 channels, whose uint8 needs no more).
"""

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Border = Literal["zero", "replicate"]


def round_half_away(values: Array) -> Array:
    """MATLAB's round: to the nearest integer, halves away from zero (2.5 -> 3, -2.5 -> -3)."""
    return np.copysign(np.floor(np.abs(values) + 0.5), values)


def gray_from_bgr(image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """MATLAB's rgb2gray of (h, w, 3) BGR: 0.2989 R + 0.5870 G + 0.1140 B, rounded; (h, w)."""
    weighted = np.full(image_bgr.shape[:2], 5000, np.uint32)
    for channel, weight in enumerate((1140, 5870, 2989)):
        weighted += image_bgr[..., channel] * np.uint32(weight)
    return (weighted // 10000).astype(np.uint8)


def gaussian_kernel(length: int, sigma: float) -> NDArray[np.float64]:
    """One axis of MATLAB's fspecial('gaussian', length, sigma): (length,), sums to 1."""
    offset = np.arange(length) - (length - 1) / 2
    kernel = np.exp(-(offset**2) / (2 * sigma**2))
    return kernel / kernel.sum()


def imfilter_separable(image: Array, kernel: NDArray[np.float64]) -> Array:
    """MATLAB's imfilter(image, kernel' * kernel, 'same', 'replicate') for an odd, separable, square kernel."""
    depth = np.dtype(np.float64 if image.ndim == 2 else np.float32)
    depth_cv = cv2.CV_64F if depth == np.float64 else cv2.CV_32F
    filtered = cv2.sepFilter2D(image.astype(depth), depth_cv, kernel, kernel, borderType=cv2.BORDER_REPLICATE)
    return _as_type_of(image, filtered.reshape(image.shape))


def imresize(image: Array, size_hw: tuple[int, int], scale_yx: tuple[float, float] | None = None) -> Array:
    """MATLAB's imresize(image, ..., 'bicubic'): a = -0.5, borders mirrored, antialiased along axes that shrink.

    Args:
        image: (h, w) or (h, w, c), uint8 or float.
        size_hw: height and width of the result, pixels.
        scale_yx: the scale along y and x where it was given and the size follows from it (see `scaled_size`);
            by default the quotient of the sizes.
    """
    if scale_yx is None:
        scale_yx = (size_hw[0] / image.shape[0], size_hw[1] / image.shape[1])
    values = image
    for axis in (0, 1) if scale_yx[0] <= scale_yx[1] else (1, 0):
        values = _resize_axis(values, axis, size_hw[axis], scale_yx[axis])
    return _as_type_of(image, values)


def scaled_size(image: Array, scale: float) -> tuple[int, int]:
    """Height and width that MATLAB's imresize(image, scale) gives: the ceiling of size times scale."""
    return int(np.ceil(scale * image.shape[0])), int(np.ceil(scale * image.shape[1]))


def imresize_by(image: Array, scale: float) -> Array:
    """MATLAB's imresize(image, scale, 'bicubic')."""
    return imresize(image, scaled_size(image, scale), (scale, scale))


def impyramid_reduce(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """MATLAB's impyramid(image, 'reduce'): the kernel 1/16 1/4 3/8 1/4 1/16 about pixels 0, 2, 4, ... both ways.

    (h, w) uint8 gives half of each, rounded up. Borders are replicated.
    """
    kernel = np.array([0.0625, 0.25, 0.375, 0.25, 0.0625])
    values = cv2.sepFilter2D(image.astype(np.float64), cv2.CV_64F, kernel, kernel, borderType=cv2.BORDER_REPLICATE)
    return _as_type_of(image, values[::2, ::2])


def imgradient_sobel(image: NDArray[np.uint8], border: Border) -> NDArray[np.float64]:
    """The magnitude of the Sobel gradient, (h, w) in, (h, w) out.

    Beyond the border lies black (Octave's imgradient) or the border's own gray ("replicate", MATLAB's).
    """
    border_cv = cv2.BORDER_CONSTANT if border == "zero" else cv2.BORDER_REPLICATE
    padded = cv2.copyMakeBorder(image, 1, 1, 1, 1, border_cv, value=0)
    gradient_x = cv2.Sobel(padded, cv2.CV_64F, 1, 0)[1:-1, 1:-1]
    gradient_y = cv2.Sobel(padded, cv2.CV_64F, 0, 1)[1:-1, 1:-1]
    return np.hypot(gradient_x, gradient_y)


def _cubic(distance: Array) -> Array:
    d = np.abs(distance)
    near = 1.5 * d**3 - 2.5 * d**2 + 1
    far = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return np.where(d <= 1, near, np.where(d <= 2, far, 0.0))


def _resize_axis(image: Array, axis: int, size: int, scale: float) -> Array:
    source_size = image.shape[axis]
    stretch = min(scale, 1.0)
    centre = (np.arange(size) + 0.5) / scale - 0.5
    taps = np.arange(int(np.ceil(4 / stretch)) + 2)
    index = np.floor(centre - 2 / stretch).astype(np.int64)[:, None] + taps
    weight = _cubic((centre[:, None] - index) * stretch)
    weight /= weight.sum(axis=1, keepdims=True)

    mirrored = index % (2 * source_size)
    mirrored = np.minimum(mirrored, 2 * source_size - 1 - mirrored)
    work_type = np.float64 if image.ndim == 2 else np.float32
    source = np.moveaxis(image, axis, 0)
    result = np.zeros((size, *source.shape[1:]), work_type)
    broadcast = (size,) + (1,) * (source.ndim - 1)
    for tap in np.flatnonzero(weight.any(axis=0)):
        result += source[mirrored[:, tap]] * weight[:, tap].astype(work_type).reshape(broadcast)
    return np.moveaxis(result, 0, axis)


def _as_type_of(image: Array, values: Array) -> Array:
    if image.dtype == np.uint8:
        return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)
    return values

"""Dense SIFT descriptors as SIFT flow compares them (Liu, Yuen and Torralba, PAMI 2011)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.metrics.eval_extra import compiled

ORIENTATIONS = 8
CELLS = 4
DESCRIPTOR_SIZE = CELLS * CELLS * ORIENTATIONS
CELL_SIZE = 3

_DERIVATIVE = np.array([1, -8, 0, 8, -1]) / 12
# What the published descriptor weighs a cell with: not symmetric, and the DocUNet figures depend on it.
_CELL_WINDOW = np.array([0.25, 0, 1, 1, 1, 0, 0])


def dense_sift(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A SIFT descriptor at every pixel: 4x4 cells of 3 pixels, 8 orientations, unit length times 255.

    Args:
        image: (h, w) float in [0, 1].

    Returns:
        (h, w, 128) uint8; pixels without gradient around them are all zero.
    """
    return _descriptors(_orientation_bands(image))


def _orientation_bands(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gradient energy by orientation, summed over a cell: (h, w, 8)."""
    identity = np.ones(1)
    gradient_x = cv2.sepFilter2D(image, cv2.CV_64F, _DERIVATIVE, identity, borderType=cv2.BORDER_REPLICATE)
    gradient_y = cv2.sepFilter2D(image, cv2.CV_64F, identity, _DERIVATIVE, borderType=cv2.BORDER_REPLICATE)
    magnitude = np.hypot(gradient_x, gradient_y)
    divisor = np.where(magnitude == 0, 1.0, magnitude)
    bands = np.empty((*image.shape, ORIENTATIONS))
    for k in range(ORIENTATIONS):
        angle = 2 * np.pi * k / ORIENTATIONS
        cosine = np.maximum((gradient_x * np.cos(angle) + gradient_y * np.sin(angle)) / divisor, 0)
        power_8 = np.square(np.square(np.square(cosine)))
        bands[..., k] = power_8 * cosine * magnitude
    return np.asarray(
        cv2.sepFilter2D(bands, cv2.CV_64F, _CELL_WINDOW, _CELL_WINDOW, borderType=cv2.BORDER_REPLICATE), np.float64
    )


@compiled
def _descriptors(bands: NDArray[np.float64]) -> NDArray[np.uint8]:
    height, width, _ = bands.shape
    result = np.empty((height, width, DESCRIPTOR_SIZE), np.uint8)
    descriptor = np.empty(DESCRIPTOR_SIZE)
    for y in range(height):
        for x in range(width):
            n = 0
            squares = 0.0
            for cell_y in range(-1, CELLS - 1):
                source_y = min(max(y + cell_y * CELL_SIZE, 0), height - 1)
                for cell_x in range(-1, CELLS - 1):
                    source_x = min(max(x + cell_x * CELL_SIZE, 0), width - 1)
                    for k in range(ORIENTATIONS):
                        value = bands[source_y, source_x, k]
                        descriptor[n] = value
                        squares += value * value
                        n += 1
            norm = np.sqrt(squares) + 0.01
            for i in range(DESCRIPTOR_SIZE):
                result[y, x, i] = np.uint8(descriptor[i] / norm * 255)
    return result

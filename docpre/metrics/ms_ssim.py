"""MS-SSIM as the DocUNet protocol has it: a weighted sum over levels, not the product of Wang et al. (2003)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.metrics.matlab_image import gaussian_kernel, impyramid_reduce

LEVEL_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2


def ms_ssim(prediction: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float:
    """The weighted sum of SSIM on five levels of MATLAB's impyramid (Ma et al., "DocUNet", CVPR 2018).

    Args:
        prediction: (h, w) gray.
        reference: (h, w) gray, of the same size.

    Returns:
        1.0001 for equal images, as the weights add up to that.
    """
    total = 0.0
    for level, weight in enumerate(LEVEL_WEIGHTS):
        if level > 0:
            prediction, reference = impyramid_reduce(prediction), impyramid_reduce(reference)
        total += weight * ssim(prediction, reference)
    return total


def ssim(image_1: NDArray[np.uint8], image_2: NDArray[np.uint8]) -> float:
    """The mean of the SSIM map with MATLAB's defaults: Gaussian 11x11 of sigma 1.5, borders replicated, range 255.

    Args:
        image_1: (h, w) gray.
        image_2: (h, w) gray, of the same size.

    Returns:
        1 for equal images, at least -1.
    """
    x, y = image_1.astype(np.float64), image_2.astype(np.float64)
    mean_x, mean_y = _blur(x), _blur(y)
    variance_x = _blur(x * x) - mean_x**2
    variance_y = _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    numerator = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    denominator = (mean_x**2 + mean_y**2 + _C1) * (variance_x + variance_y + _C2)
    return float(np.mean(numerator / denominator))


def _blur(image: NDArray[np.float64]) -> NDArray[np.float64]:
    kernel = gaussian_kernel(11, 1.5)
    return np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, kernel, kernel, borderType=cv2.BORDER_REPLICATE), np.float64)

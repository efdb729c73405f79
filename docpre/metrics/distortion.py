"""LD and AD, the distortions that are read off a SIFT flow from the reference to the prediction."""

import numpy as np
from numpy.typing import NDArray

from docpre.metrics.matlab_image import Border, imgradient_sobel, imresize

_STRONG_GRADIENT = 0.5


def local_distortion(flow_xy: NDArray[np.int32]) -> float:
    """LD: the mean length of the flow, in its pixels (Ma et al., "DocUNet", CVPR 2018).

    Args:
        flow_xy: (2, h, w).
    """
    return float(np.mean(np.hypot(flow_xy[0], flow_xy[1])))


def aligned_distortion(
    reference: NDArray[np.uint8], flow_xy: NDArray[np.int32], gradient_border: Border = "zero"
) -> float:
    """AD: what a scaling and a shift leave of the flow, weighted by gradient (Ma et al., SIGGRAPH 2022).

    Args:
        reference: (h, w) gray, at any size; its gradient is resized to the flow's.
        flow_xy: (2, h, w), from the reference to the prediction.
        gradient_border: what the gradient sees beyond the border of the reference, see `unwarping_metrics`.

    Returns:
        The mean length in pixels of the flow; NaN for a reference without any gradient to weigh with.
    """
    gradient = imgradient_sobel(reference, gradient_border)
    steepest = gradient.max()
    if steepest == 0:
        return float("nan")
    height, width = flow_xy.shape[1:]
    weight = imresize(gradient / steepest, (height, width))
    strong = weight > _STRONG_GRADIENT
    rows, columns = np.mgrid[1.0 : height + 1, 1.0 : width + 1]
    left_x = _align(columns + flow_xy[0], columns, strong) - columns
    left_y = _align(rows + flow_xy[1], rows, strong) - rows
    return float(np.mean(np.hypot(weight * left_x, weight * left_y)))


def _align(ends: NDArray[np.float64], starts: NDArray[np.float64], strong: NDArray[np.bool_]) -> NDArray[np.float64]:
    """scale * ends + shift, where it comes closest to starts by least squares over the strong pixels.

    Pixels that don't tell the scale (none, or all in one row or column) leave it at 1.
    """
    if not strong.any():
        return ends
    end_mean, start_mean = ends[strong].mean(), starts[strong].mean()
    end_offset, start_offset = ends[strong] - end_mean, starts[strong] - start_mean
    variance = np.mean(end_offset**2)
    scale = np.mean(end_offset * start_offset) / variance if variance > 0 else 1.0
    return scale * (ends - end_mean) + start_mean

"""Wrinkles drawn into a photo: sharp and round bends of the picture itself, after "DocUNet: Document Image Unwarping
via a Stacked U-Net", Ma et al., CVPR 2018, section 3.

A sheet that was crumpled and smoothed out again has many small bends that its outline hardly shows; only its lines of
text tell of them. Folded paper, as the synthesiser bends it, has few.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.loading import ImageArray

Points = NDArray[np.float64]

_COUNT = (2, 9)  # wrinkles in a photo, the last excluded
_FOLD_SHARE = 0.6
_FOLD_WIDTH, _FOLD_SLOPE = (0.03, 0.2), 0.35  # of the picture's diagonal; tangent of the angle that lines turn by
_CURVE_POWER, _CURVE_HEIGHT = (1.2, 3.0), 0.04  # see the paper; of the diagonal
_SHADE = 0.12  # how much lighter and darker the sides of a fold are, at most
_STEP_PX = 8  # displacements are computed so far apart
_ROUNDS = 20  # in which points settle: slopes are hardly ever above a half, so that an error shrinks to a millionth


def wrinkled(image: ImageArray, nodes_xy: Points, random: np.random.Generator) -> tuple[ImageArray, Points]:
    """Wrinkle a photo, and the points in it.

    Args:
        image: (H, W, 3) RGB uint8.
        nodes_xy: (N, 2) in pixels; wrinkles start from some of them.
        random: source of chance.

    Returns:
        The photo in the same size, and where the points lie in it.
    """
    height, width = image.shape[:2]
    shift, shade = _field((height, width), nodes_xy, random)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    changed = cv2.remap(image, x + shift[..., 0], y + shift[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    changed = np.clip(changed * shade[..., None], 0, 255).astype(np.uint8)
    # What was at p is now at that q from which p was fetched: q + shift(q) = p.
    moved = nodes_xy.copy()
    for _ in range(_ROUNDS):
        where = moved.astype(np.float32)[None]
        fetched = cv2.remap(shift, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        moved = nodes_xy - fetched[0]
    return changed, moved


def _field(
    size_hw: tuple[int, int], nodes_xy: Points, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """From where each pixel is fetched, as shifts (H, W, 2) in pixels, and its factor of light (H, W)."""
    height, width = size_hw
    coarse_wh = (max(2, round(width / _STEP_PX)), max(2, round(height / _STEP_PX)))
    x, y = np.meshgrid((np.arange(coarse_wh[0]) + 0.5) * width / coarse_wh[0] - 0.5, np.arange(coarse_wh[1]) * 1.0)
    y = (y + 0.5) * height / coarse_wh[1] - 0.5
    diagonal = float(np.hypot(height, width))
    shift, shade = np.zeros((*x.shape, 2)), np.ones(x.shape)
    count = int(random.integers(*_COUNT))
    for _ in range(count):
        start = nodes_xy[random.integers(len(nodes_xy))]
        angle = random.uniform(0, 2 * np.pi)
        along = np.array([np.cos(angle), np.sin(angle)])
        across = ((y - start[1]) * along[0] - (x - start[0]) * along[1]) / diagonal
        if random.random() < _FOLD_SHARE:
            fold = random.uniform(*_FOLD_WIDTH)
            bend = fold / (fold + np.abs(across))
            height_px = random.uniform(0, _FOLD_SLOPE / np.sqrt(count)) * fold * diagonal
            shade *= 1 + random.uniform(-_SHADE, _SHADE) * np.tanh(60 * across) * bend
        else:
            bend = 1 - np.abs(across) ** random.uniform(*_CURVE_POWER)
            height_px = random.uniform(0, _CURVE_HEIGHT) * diagonal
        shift += (bend - bend.mean())[..., None] * along * height_px
    return _enlarged(shift, (width, height)), _enlarged(shade, (width, height))


def _enlarged(values: NDArray[np.float64], size_wh: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(values.astype(np.float32), size_wh, interpolation=cv2.INTER_LINEAR), np.float32)

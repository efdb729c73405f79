"""From a page to what a network sees, as its ModelSpec declares it. Training uses this too."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.closer_look import PrintMap, closer_look, print_map
from docpre.folding import folded, is_strip
from docpre.geometry import Angle, turned_back
from docpre.loading import ImageArray
from docpre.registry import ModelSpec
from docpre.shrinking import glimpsed, quickly_shrunk

# Strips so many times as long as those that are folded are lines of text, whose letters folding shows large: they are
# never seen from near. Shorter ones, as receipts are, have letters as small as pages have.
_LINE_FACTOR = 2.0
# From here on a side may lose up to 7 pixels, 0.7 %, where a centre is cut out.
_LONG_SIDE = 1024


def resized(
    image: ImageArray,
    spec: ModelSpec,
    angle_cw_deg: Angle = 0,
    *,
    is_glimpse: bool = False,
    is_second: bool = False,
    seen: PrintMap | None = None,
) -> ImageArray:
    """The page at the network's size.

    Args:
        image: (H, W, 3) RGB uint8 of any size; or in other channels, if need be (H, W), and so is the result.
        spec: says whether the page is seen from near, squeezed into ``size_hw``, or its shorter side resized to
            ``resize_short`` and the centre cut out; which strips are folded; how long a picture may be; and how it is
            interpolated.
        angle_cw_deg: how far the page is turned clockwise; the result is turned back (it alone, which is cheap).
        is_glimpse: of a large page read a few pixels alone; see ``glimpsed``.
        is_second: the other look, for a model that sees pages from near: whole; or, of letters too large to be seen
            from near first, from near.
        seen: where on the picture there is how much to read, if that was looked for already.

    Returns:
        (*size_hw, 3) RGB uint8.
    """
    shrink = glimpsed if is_glimpse else quickly_shrunk
    height, width = spec.size_hw if angle_cw_deg in (0, 180) else spec.size_hw[::-1]
    if has_second_look(image, spec):
        seen = seen or print_map(image)
        if seen.has_large_letters is is_second:
            return turned_back(closer_look(image, (height, width), seen), angle_cw_deg)
    if spec.fold_aspect is not None and is_strip(image, spec.fold_aspect):
        image = folded(_sampled(image, spec) if is_glimpse else image, spec.fold_aspect)
    if spec.resize_short is not None:
        # Cut first, then resize: the same picture at a fraction of the cost, whatever the page's proportions.
        scale = min(image.shape[:2]) / spec.resize_short
        image = _centre(image, _halvable(height * scale), _halvable(width * scale))
    if spec.max_aspect is not None:
        longest = max(1, round(min(image.shape[:2]) * spec.max_aspect))
        image = _centre(image, longest, longest)
    if spec.interpolation == "area":
        image = shrink(image, (height, width))
    if image.shape[:2] != (height, width):
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
    return turned_back(image, angle_cw_deg)


def has_second_look(image: ImageArray, spec: ModelSpec) -> bool:
    """Whether a picture (H, W, C) is seen in two ways, from near and whole (or folded), of which one comes first."""
    return spec.near and not (spec.fold_aspect is not None and is_strip(image, _LINE_FACTOR * spec.fold_aspect))


def normalised(images: list[ImageArray], spec: ModelSpec) -> NDArray[np.float32]:
    """Pictures (H, W, 3) RGB uint8 of the network's size to one batch (N, 3, H, W) float32."""
    batch = np.empty((len(images), 3, *spec.size_hw), np.float32)
    for image, planes in zip(images, batch, strict=True):
        channels = cv2.split(image)[:: 1 if spec.channel_order == "RGB" else -1]
        for channel, plane, levels in zip(channels, planes, _levels(spec.mean, spec.std), strict=True):
            cv2.LUT(channel, levels, plane)
    return batch


@functools.cache
def _levels(mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.float32]:
    """What the 256 levels of each channel (3, 256) become: looked up, they take half of the time of arithmetic."""
    means, stds = (np.array(values, np.float32)[:, np.newaxis] * 255 for values in (mean, std))
    return np.asarray((np.arange(256, dtype=np.float32) - means) * (1 / stds), np.float32)


def network_pictures(pages: Iterable[ImageArray], spec: ModelSpec) -> list[ImageArray]:
    """Upright pages of any sizes to all pictures of them that a network is made for: orientation sees all four turns.

    Returns:
        Pictures of the network's size: one a page, or four a page, turned by 0, 90, 180 and 270 degrees clockwise.
    """
    turns = range(4) if spec.task == "orientation" else (0,)
    return [resized(np.rot90(page, -turn), spec) for page in pages for turn in turns]


def _sampled(image: ImageArray, spec: ModelSpec) -> ImageArray:
    """A strip at a fraction of its size, all sides twice the network's at least: folding copies all it is given."""
    step = min(image.shape[:2]) // (2 * max(spec.size_hw))
    if step < 2:
        return image
    height, width = (side // step for side in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _halvable(side: float) -> int:
    """A length that ``quickly_shrunk`` can halve some times, a few pixels shorter than a long one need be."""
    whole = max(1, round(side))
    return whole - whole % 8 if whole >= _LONG_SIDE else whole


def _centre(image: ImageArray, height: int, width: int) -> ImageArray:
    height, width = min(height, image.shape[0]), min(width, image.shape[1])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]

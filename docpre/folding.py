"""A strip, a line of text say, cut into pieces that are laid below one another, as if it were a paragraph.

Squeezed into a square, a strip's letters are lost; of its middle alone a character or two are seen. Folded, all of it
is seen, nearly undistorted. Folding and turning by quarters can be done in either order.
"""

from __future__ import annotations

import numpy as np

from docpre.loading import ImageArray


def is_strip(image: ImageArray, least_aspect: float | None) -> bool:
    """Whether a picture (H, W, C) is at least so many times as long as its shorter side; None: nothing is."""
    height, width = image.shape[:2]
    return least_aspect is not None and max(height, width) >= least_aspect * min(height, width)


def folded(image: ImageArray, least_aspect: float) -> ImageArray:
    """A strip folded to about the proportions of a square; other pictures come back as they are.

    Args:
        image: (H, W, C) uint8.
        least_aspect: of the longer to the shorter side, from which on a picture is a strip.

    Returns:
        (H', W', C): pieces of equal length from left to right are laid from top to bottom; those of an upright strip,
        from top to bottom, from right to left, as if it had been turned, folded and turned back.
    """
    if not is_strip(image, least_aspect):
        return image
    if image.shape[0] > image.shape[1]:
        return np.rot90(_folded(np.rot90(image)), -1)
    return _folded(image)


def _folded(image: ImageArray) -> ImageArray:
    height, width = image.shape[:2]
    count = max(2, round((width / height) ** 0.5))
    length = -(-width // count)  # neighbours share a pixel or so where it does not divide
    starts = [(width - length) * index // (count - 1) for index in range(count)]
    return np.concatenate([image[:, start : start + length] for start in starts])

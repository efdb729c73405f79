"""Pictures and grids for the tests of training."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def draw_text_page(number: int, size_hw: tuple[int, int] = (240, 180)) -> NDArray[np.uint8]:
    """An upright page, (H, W, 3): a dark heading above lines that start at one margin and end raggedly."""
    height, width = size_hw
    random = np.random.default_rng([13, number])
    page = np.full((height, width, 3), 245, np.uint8)
    cv2.rectangle(page, (width // 10, height // 20), (width // 2, height // 9), (40, 30, 90), -1)
    for y in range(height // 6, height - height // 12, max(6, height // 22)):
        stop = int(width * random.uniform(0.5, 0.9))
        for x in range(width // 10, stop, 6):
            cv2.rectangle(page, (x, y), (x + 3, y + int(random.integers(2, 5))), (30, 30, 30), -1)
    return page


def smooth_grid_px(size_hw: tuple[int, int], nodes_hw: tuple[int, int], number: int) -> NDArray[np.float64]:
    """A gently bent page well inside a photo: (rows, columns, 2) in pixels."""
    height, width = size_hw
    v, u = np.mgrid[0 : 1 : nodes_hw[0] * 1j, 0 : 1 : nodes_hw[1] * 1j]
    bend = 0.03 * np.sin(np.pi * (u + 0.3 * number))
    x = width * (0.15 + 0.7 * u + 0.04 * v)
    y = height * (0.12 + 0.74 * v + bend)
    return np.stack([x, y], -1)

"""Pages drawn for the tests with NumPy alone, so that no library's fonts or fixed-point sampling enter."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
DrawPage = Callable[..., Gray]
WarpPage = Callable[..., Gray]


@pytest.fixture(scope="session")
def draw_page() -> DrawPage:
    """draw_page(size_hw, seed): white paper with lines of dark marks, as text looks from afar."""

    def draw(size_hw: tuple[int, int], seed: int) -> Gray:
        rng = np.random.default_rng(seed)
        height, width = size_hw
        page = np.full(size_hw, 245, np.uint8)
        for top in range(height // 12, height - height // 12, 18):
            x = width // 12
            while x < width - width // 12:
                mark = int(rng.integers(2, 9))
                bottom = top + int(rng.integers(5, 12))
                page[top:bottom, x : x + mark] = rng.integers(0, 110)
                x += mark + int(rng.integers(2, 12))
        return page

    return draw


@pytest.fixture(scope="session")
def warp_page() -> WarpPage:
    """warp_page(page, amplitude): the page sampled, bilinearly, along waves of so many pixels."""

    def warp(page: Gray, amplitude: float) -> Gray:
        height, width = page.shape
        rows, columns = np.mgrid[0.0:height, 0.0:width]
        x = np.clip(columns + amplitude * np.sin(2 * np.pi * rows / height), 0, width - 1.001)
        y = np.clip(rows + amplitude * np.cos(2 * np.pi * columns / width), 0, height - 1.001)
        left, top = x.astype(int), y.astype(int)
        right_share, bottom_share = x - left, y - top
        upper = page[top, left] * (1 - right_share) + page[top, left + 1] * right_share
        lower = page[top + 1, left] * (1 - right_share) + page[top + 1, left + 1] * right_share
        return np.round(upper * (1 - bottom_share) + lower * bottom_share).astype(np.uint8)

    return warp

"""Pictures made smaller, by areas and by less."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docpre.calibration_pages import draw_pages
from docpre.shrinking import glimpsed, quickly_shrunk, shrunk

sides = st.integers(1, 300)


@given(rows=sides, columns=sides, least=st.integers(1, 60))
def test_a_glimpse_is_as_small_as_it_may_be(rows, columns, least):
    image = np.zeros((rows, columns, 3), np.uint8)
    small = glimpsed(image, (least, least))
    if min(rows, columns) < 2 * least:
        assert small is image
    else:
        assert least <= min(small.shape[:2]) < 2 * least
        assert abs(small.shape[0] / small.shape[1] - rows / columns) <= 2 / least * max(1, rows / columns)


def test_a_glimpse_shows_the_same_page_in_the_same_place():
    y, x = np.mgrid[:800, :1200]
    image = np.stack([x / 5, y / 4, (x + y) / 10], -1).astype(np.uint8)
    small = glimpsed(image, (100, 100))
    assert small.shape == (100, 150, 3)
    np.testing.assert_allclose(small, shrunk(image, (100, 150)), atol=3)


@given(rows=sides, columns=sides, height=st.integers(1, 100), width=st.integers(1, 100))
def test_the_quick_way_has_the_size_that_the_other_has(rows, columns, height, width):
    image = np.full((rows, columns, 3), 77, np.uint8)
    small = quickly_shrunk(image, (height, width))
    assert small.shape == shrunk(image, (height, width)).shape
    assert (small == 77).all()


@pytest.mark.parametrize("size", [(304, 304), (224, 170), (300, 212)])
def test_the_quick_way_is_near_the_areas(size):
    (page,) = draw_pages(1, 5)
    off = np.abs(quickly_shrunk(page, size).astype(int) - shrunk(page, size))
    assert off.mean() < 4

"""Pictures made smaller, by areas and by less."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docpre.calibration_pages import draw_pages
from docpre.shrinking import glimpsed, linearly_shrunk, quickly_shrunk, shrunk

sides = st.integers(1, 300)


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


@given(rows=sides, columns=sides, height=st.integers(1, 100), width=st.integers(1, 100))
def test_of_four_pixels_each_a_picture_has_the_size_asked_for(rows, columns, height, width):
    small = linearly_shrunk(np.full((rows, columns, 3), 77, np.uint8), (height, width))
    assert small.shape == (height, width, 3)
    assert (small == 77).all()


@pytest.mark.parametrize("size", [(900, 700), (640, 480), (500, 380), (304, 304), (140, 90)])
def test_of_four_pixels_each_it_is_near_the_areas(size):
    (page,) = draw_pages(1, 5)
    off = np.abs(linearly_shrunk(page, size).astype(int) - shrunk(page, size))
    assert off.mean() < 5


@given(rows=sides, columns=sides, height=st.integers(1, 60), width=st.integers(1, 60), channels=st.sampled_from([0, 4]))
def test_a_glimpse_has_the_size_that_the_areas_have(rows, columns, height, width, channels):
    image = np.full((rows, columns, channels) if channels else (rows, columns), 77, np.uint8)
    small = glimpsed(image, (height, width))
    assert small.shape == shrunk(image, (height, width)).shape
    assert (small == 77).all()


@pytest.mark.parametrize("size", [(100, 150), (97, 131), (41, 203)])
def test_a_glimpse_shows_the_same_page_in_the_same_place(size):
    y, x = np.mgrid[:800, :1200]
    image = np.stack([x / 5, y / 4, (x + y) / 10], -1).astype(np.uint8)
    np.testing.assert_allclose(glimpsed(image, size), shrunk(image, size), atol=3)


@pytest.mark.parametrize("size", [(224, 224), (160, 120)])
def test_a_glimpse_is_near_the_areas(size):
    (page,) = draw_pages(1, 5)
    large = np.kron(page, np.ones((2, 2, 1), np.uint8))
    off = np.abs(glimpsed(large, size).astype(int) - shrunk(large, size))
    assert off.mean() < 5

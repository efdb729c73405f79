"""Arithmetic of backward maps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from docpre.geometry import Transform
from docpre.grids import beyond, composed, extended, identity_grid, seen_through

SHAPE = (9, 7)
amounts = st.floats(-0.3, 0.3)


def affine(scale_x: float, scale_y: float, shift_x: float, shift_y: float) -> np.ndarray:
    x, y = identity_grid(SHAPE)
    return np.stack([x * (1 + scale_x) + shift_x, y * (1 + scale_y) + shift_y])


@given(st.tuples(*[amounts] * 4))
def test_the_identity_changes_nothing(numbers):
    grid = affine(*numbers)
    assert_allclose(composed(grid, identity_grid(SHAPE)), grid, atol=1e-6)
    assert_allclose(composed(identity_grid(SHAPE), grid), grid, atol=1e-6)


@given(st.tuples(*[amounts] * 4), st.tuples(*[amounts] * 4))
def test_affine_grids_compose_as_matrices_do_also_beyond_the_rim(first, second):
    found = composed(affine(*first), affine(*second))
    x, y = affine(*second)
    assert_allclose(found, [x * (1 + first[0]) + first[2], y * (1 + first[1]) + first[3]], atol=1e-5)


@given(st.tuples(*[amounts] * 4), st.tuples(*[st.floats(0, 0.4)] * 4))
def test_extended_covers_the_page_and_what_is_asked_for_around_it(numbers, sides):
    left, right, top, bottom = sides
    grid = affine(*numbers)
    found = extended(grid, (left, right), (top, bottom))
    width, height = 2 * (1 + numbers[0]), 2 * (1 + numbers[1])
    assert_allclose(found[0, 0, 0], grid[0, 0, 0] - left * width, atol=1e-5)
    assert_allclose(found[0, -1, -1], grid[0, -1, -1] + right * width, atol=1e-5)
    assert_allclose(found[1, 0, 0], grid[1, 0, 0] - top * height, atol=1e-5)
    assert_allclose(found[1, -1, -1], grid[1, -1, -1] + bottom * height, atol=1e-5)


@given(st.tuples(*[st.floats(-0.45, -0.1)] * 2, *[st.floats(-0.05, 0.05)] * 2))
def test_what_is_beyond_a_page_brings_all_of_the_picture_back(numbers):
    grid = affine(*numbers)
    whole = extended(grid, *beyond(grid, (90, 60), most=2.0))
    assert_allclose([whole[:, 0, 0], whole[:, -1, -1]], [[-1, -1], [1, 1]], atol=1e-3)


def test_beyond_is_never_negative_and_never_more_than_asked_for():
    larger = affine(0.3, 0.3, 0, 0)
    assert_array_equal(beyond(larger, (50, 40)), 0)
    smaller = affine(-0.9, -0.9, 0, 0)
    assert_allclose(beyond(smaller, (50, 40), most=0.5), 0.5)


def test_a_look_through_a_grid_is_what_the_transform_samples():
    picture = np.random.default_rng(0).integers(0, 255, (80, 60, 3), np.uint8)
    assert_array_equal(seen_through(picture, identity_grid(SHAPE), (80, 60)), picture)
    grid = affine(-0.2, -0.1, 0.05, 0.02).astype(np.float32)
    expected = Transform.identity((80, 60)).unwarped(grid, (40, 30)).sample(picture, "linear")
    assert_array_equal(seen_through(picture, grid, (40, 30)), expected)

"""Wrinkles bend a photo, and its points go along."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.train.test_augment import PLAIN, coordinate_picture, sampled
from train.data.augment import Augment, Augmenter
from train.data.source import WarpedPage
from train.data.wrinkles import wrinkled

HEIGHT, WIDTH = 320, 240


def coordinates():
    """Dark enough that no light of a fold brings it to 255."""
    return (coordinate_picture(HEIGHT, WIDTH) * 0.4).round().astype(np.uint8)


def nodes():
    x, y = np.meshgrid(np.linspace(40, WIDTH - 41, 9), np.linspace(40, HEIGHT - 41, 11))
    return np.stack([x.ravel(), y.ravel()], -1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**40))
def test_points_show_what_they_showed(seed):
    points = nodes()
    changed, moved = wrinkled(coordinates(), points, np.random.default_rng(seed))
    assert changed.shape == (HEIGHT, WIDTH, 3)
    assert changed.dtype == np.uint8
    inside = ((moved > 0) & (moved < (WIDTH - 1, HEIGHT - 1))).all(1)
    seen = sampled(changed, moved[inside])
    found = seen[:, :2] / seen[:, 2:] * 128 * np.array([WIDTH - 1, HEIGHT - 1]) / 255  # blue is the light
    assert np.abs(found - points[inside]).max() < 0.025 * HEIGHT  # dark pixels of 8 bits, interpolated


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**40))
def test_wrinkles_are_small_and_there(seed):
    points = nodes()
    _, moved = wrinkled(coordinates(), points, np.random.default_rng(seed))
    distance = np.linalg.norm(moved - points, axis=1) / np.hypot(HEIGHT, WIDTH)
    assert 0 < distance.max() < 0.3
    again = wrinkled(coordinates(), points, np.random.default_rng(seed))[1]
    np.testing.assert_array_equal(moved, again)


def test_a_share_of_photos_is_wrinkled():
    x, y = np.meshgrid(np.linspace(-0.7, 0.7, 31), np.linspace(-0.7, 0.7, 45))
    page = WarpedPage(coordinates(), np.stack([x, y]).astype(np.float32))
    augmenter = Augmenter(Augment(wrinkle=0.5, **PLAIN))
    moved = [np.abs(augmenter.warped(page, number).grid_xy - page.grid_xy).max() > 1e-4 for number in range(40)]
    assert 8 < sum(moved) < 32
    assert not np.abs(Augmenter(Augment(**PLAIN)).warped(page, 0).grid_xy - page.grid_xy).max() > 1e-5

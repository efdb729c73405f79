"""Labels and grids go along exactly with whatever happens to a picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from docpre.errors import ConfigError
from tests.train.drawing import draw_text_page, smooth_grid_px
from train.data.augment import Augment, Augmenter, is_mirrored, upright_angle
from train.data.source import WarpedPage
from train.data.tight_crop import normalised_grid

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
PLAIN = {"colour": 0, "gray": 0, "blur": 0, "noise": 0, "jpeg": 0, "shadow": 0}
numbers = st.integers(0, 2**40)


def coordinate_picture(height=160, width=120):
    """A picture whose red and green say where a pixel is."""
    y, x = np.mgrid[:height, :width]
    picture = np.stack([x * 255 / (width - 1), y * 255 / (height - 1), 0 * x + 128], -1)
    return picture.round().astype(np.uint8)


def sampled(picture, points_xy):
    maps = points_xy.astype(np.float32)[None]
    return cv2.remap(picture, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR)[0].astype(float)


@SLOW
@given(
    numbers,
    st.floats(0, 45),
    st.floats(0, 0.12),
    st.floats(0, 0.15),
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([0.0, 1.0]),
)
def test_points_show_what_they_showed(number, tilt_deg, perspective, crop, flip, quarter_turns):
    augment = Augment(tilt_deg, perspective, crop, flip, quarter_turns, **PLAIN)
    picture = coordinate_picture()
    height, width = picture.shape[:2]
    x, y = np.meshgrid(np.linspace(8, width - 9, 9), np.linspace(8, height - 9, 9))
    points = np.stack([x.ravel(), y.ravel()], -1)
    changed, moved = Augmenter(augment)(picture, points, number)
    inside = ((moved > 1) & (moved < (changed.shape[1] - 2, changed.shape[0] - 2))).all(1)
    assume(inside.any())
    before = points / (width - 1, height - 1) * 255
    error_px = np.abs(sampled(changed, moved[inside])[:, :2] - before[inside]) * (width / 255, height / 255)
    assert error_px.max() < 1.0  # of the picture's 120x160; its 8 bits and its interpolation cost most of that


@SLOW
@given(numbers, st.sampled_from([0.0, 1.0]), st.floats(0, 30), st.floats(0, 0.08))
def test_grid_still_unwarps_its_photo_to_the_page(number, flip, tilt_deg, perspective):
    """A photo that is changed and then unwarped by its grid shows the page; the mirrored page where it was mirrored."""
    flat = coordinate_picture(45 * 4, 31 * 4)
    size_hw = (200, 150)
    nodes = smooth_grid_px(size_hw, (45, 31), 1)
    photo = warp(flat, nodes, size_hw)
    augment = Augment(tilt_deg, perspective, flip=flip, **PLAIN)
    mesh = np.stack([0 * nodes[..., 0], *np.mgrid[0:1:45j, 0:1:31j][::-1]]).astype(np.float32)
    page = WarpedPage(photo, normalised_grid(nodes, size_hw), mesh)
    changed = Augmenter(augment).warped(page, number)
    height, width = changed.image.shape[:2]
    where = (np.moveaxis(changed.grid_xy, 0, -1) + 1) / 2 * (width - 1, height - 1)
    back = sampled(changed.image, where.reshape(-1, 2).astype(np.float32)).reshape(45, 31, 3)
    truth = sampled(photo, nodes.reshape(-1, 2)).reshape(45, 31, 3)
    expected = truth[:, ::-1] if flip else truth
    inner = (slice(3, -3), slice(3, -3))
    assert np.abs(back - expected)[inner].mean() < 2.5
    assert not is_mirrored(changed.grid_xy)
    assert changed.mesh is not None
    assert (np.diff(changed.mesh[1], axis=1) > 0).all()  # whichever way, the mesh runs from left to right


def warp(flat, nodes, size_hw):
    """A photo of a flat page: each pixel of it looks up where it lies between the nodes, which don't fold."""
    from scipy.interpolate import griddata

    rows, columns = nodes.shape[:2]
    v, u = np.mgrid[0 : flat.shape[0] - 1 : rows * 1j, 0 : flat.shape[1] - 1 : columns * 1j]
    y, x = np.mgrid[: size_hw[0], : size_hw[1]]
    maps = griddata(nodes.reshape(-1, 2), np.stack([u.ravel(), v.ravel()], -1), (x, y), fill_value=-10)
    maps = maps.astype(np.float32)
    return cv2.remap(flat, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderValue=(128, 128, 128))


@SLOW
@given(numbers, st.sampled_from([0, 90, 180, 270]), st.floats(0, 30), st.sampled_from([0.0, 1.0]))
def test_label_is_where_the_heading_is(number, angle, tilt_deg, quarter_turns):
    """The dark heading at the page's top says which way the page is turned, whatever was done to it."""
    page = draw_text_page(0, (180, 180))
    page[:] = 255
    page[:60] = (200, 0, 0)
    augment = Augment(tilt_deg, 0.03, 0.02, quarter_turns=quarter_turns, **PLAIN)
    turned = np.ascontiguousarray(np.rot90(page, -angle // 90))
    changed, label = Augmenter(augment).page(turned, angle, number)
    weight = (changed[..., 0] > 150) & (changed[..., 1] < 100)
    ys, xs = np.nonzero(weight)
    towards = np.array([xs.mean() - (changed.shape[1] - 1) / 2, ys.mean() - (changed.shape[0] - 1) / 2])
    assume(abs(abs(towards[0]) - abs(towards[1])) > 0.25 * np.abs(towards).max())
    assert upright_angle(towards) == label


def test_flip_of_a_label():
    assert [Augmenter(Augment(flip=1, **PLAIN)).page(draw_text_page(0), a, 1)[1] for a in (0, 90, 180, 270)] == [
        0,
        270,
        180,
        90,
    ]


@pytest.mark.parametrize(("up", "angle"), [((0, -1), 0), ((1, 0), 90), ((0, 1), 180), ((-1, 0), 270)])
def test_upright_angle(up, angle):
    assert upright_angle(np.array(up, float)) == angle


def test_same_number_same_change():
    augmenter = Augmenter(Augment(10, 0.05, 0.1), seed=4)
    page = draw_text_page(0)
    first, _ = augmenter.page(page, 0, 17)
    augmenter.page(page, 0, 3)
    again, _ = augmenter.page(page, 0, 17)
    other, _ = augmenter.page(page, 0, 18)
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_refuses_nonsense():
    with pytest.raises(ConfigError, match=r"augment\.blur"):
        Augment(blur=2)
    with pytest.raises(ConfigError, match=r"augment\.crop"):
        Augment(crop=0.6)

"""Transforms: points both ways, JSON, and sampling, as properties."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from docpre.errors import ConfigError
from docpre.geometry import Grid, Homography, Rotation, Transform, page_size_hw


def smooth_grid(seed: int, amplitude: float = 0.06) -> np.ndarray:
    """A grid (2, 45, 31) of a page that is shrunk, tilted and gently bent."""
    rng = np.random.default_rng(seed)
    v, u = np.meshgrid(np.linspace(-1, 1, 45), np.linspace(-1, 1, 31), indexing="ij")
    a = rng.uniform(-amplitude, amplitude, 6)
    x = 0.8 * u + a[0] * v + a[1] * np.sin(2 * v) + a[2] * u * v
    y = 0.85 * v + a[3] * u + a[4] * np.sin(2.5 * u) + a[5] * np.cos(2 * v)
    return np.stack([x, y]).astype(np.float32)


sizes = st.tuples(st.integers(50, 3000), st.integers(50, 3000))
angles = st.sampled_from([0, 90, 180, 270])


@settings(max_examples=60, deadline=None)
@given(size_hw=sizes, out_hw=sizes, angle=angles, seed=st.integers(0, 2**32 - 1))
def test_points_return_to_where_they_started(size_hw, out_hw, angle, seed):
    transform = Transform.identity(size_hw).turned_back(angle).unwarped(smooth_grid(seed), out_hw)
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (50, 2)) * (np.array(out_hw[::-1]) - 1)
    assert_allclose(transform.to_output(transform.to_original(points)), points, atol=0.01)
    assert Transform.from_json(json.dumps(transform.to_json())).output_size_hw == out_hw


@settings(max_examples=40, deadline=None)
@given(size_hw=sizes, angle=angles, seed=st.integers(0, 2**32 - 1))
def test_json_keeps_the_points(size_hw, angle, seed):
    transform = Transform.identity(size_hw).turned_back(angle).unwarped(smooth_grid(seed), (900, 700))
    copy = Transform.from_json(transform.to_json())
    points = np.random.default_rng(seed).uniform(-50, 950, (20, 2))
    assert_allclose(copy.to_original(points), transform.to_original(points), atol=0.01)


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_turn_moves_pixels_and_points_alike(angle):
    image = np.random.default_rng(0).integers(0, 255, (7, 11, 3), dtype=np.uint8)
    transform = Transform.identity((7, 11)).turned_back(angle)
    output = transform.sample(image)
    assert output.flags.c_contiguous
    for y, x in np.ndindex(output.shape[:2]):
        source_x, source_y = transform.to_original((x, y))
        assert_array_equal(output[y, x], image[round(source_y), round(source_x)])
    assert_array_equal(output, np.rot90(image, angle // 90))


def test_a_page_turned_clockwise_is_turned_back():
    upright = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    turned_clockwise = np.rot90(upright, -1)
    assert_array_equal(Transform.identity((3, 2)).turned_back(90).sample(turned_clockwise), upright)


def test_no_step_gives_the_same_pixels():
    image = np.random.default_rng(0).integers(0, 255, (40, 30, 3), dtype=np.uint8)
    assert Transform.identity((40, 30)).sample(image) is image


@settings(max_examples=25, deadline=None)
@given(angle=angles, seed=st.integers(0, 2**32 - 1))
def test_sampling_agrees_with_the_points(angle, seed):
    """A picture whose colours are its coordinates shows, after sampling, where its pixels came from."""
    height, width = 240, 180
    ys, xs = np.mgrid[:height, :width]
    image = np.stack([xs, ys, 0 * xs], -1).astype(np.uint8)
    transform = Transform.identity((height, width)).turned_back(angle).unwarped(smooth_grid(seed), (300, 200))
    output = transform.sample(image, "linear").astype(float)
    ys, xs = np.mgrid[:300, :200]
    source = transform.to_original(np.stack([xs, ys], -1))
    inside = ((source >= 0) & (source <= (width - 1, height - 1))).all(-1)
    assert_allclose(output[..., :2][inside], source[inside], atol=0.6)


def test_an_identity_grid_changes_nothing():
    image = np.random.default_rng(1).integers(0, 255, (91, 63, 3), dtype=np.uint8)
    identity = np.stack(np.meshgrid(np.linspace(-1, 1, 31), np.linspace(-1, 1, 45))).astype(np.float32)
    transform = Transform.identity((91, 63)).unwarped(identity, (91, 63))
    assert_array_equal(transform.sample(image, "linear"), image)
    assert page_size_hw(identity, (91, 63)) == (91, 63)


@pytest.mark.parametrize("size_hw", [(20, 40_000), (40_000, 20), (1, 1), (1, 40_000), (33_000, 3)])
def test_extreme_sizes_are_sampled(size_hw):
    """OpenCV's remap refuses sides over 32,766; here they go through in tiles, without a seam."""
    ramp = np.linspace(0, 255, max(size_hw)).astype(np.uint8)
    image = np.broadcast_to(ramp[:, None] if size_hw[0] > size_hw[1] else ramp, size_hw)[..., None].repeat(3, -1)
    identity = np.stack(np.meshgrid(np.linspace(-1, 1, 31), np.linspace(-1, 1, 45))).astype(np.float32)
    output = Transform.identity(size_hw).unwarped(identity, size_hw).sample(np.ascontiguousarray(image), "linear")
    assert_allclose(output.astype(int), image.astype(int), atol=1)


def test_a_turned_giant_page_is_sampled():
    image = np.zeros((20, 40_000, 3), np.uint8)
    image[:, 20_000:] = 200
    identity = np.stack(np.meshgrid(np.linspace(-1, 1, 31), np.linspace(-1, 1, 45))).astype(np.float32)
    output = Transform.identity((20, 40_000)).turned_back(90).unwarped(identity, (40_000, 20)).sample(image, "linear")
    assert output[:19_990].mean() > 199
    assert output[20_010:].mean() < 1


def test_a_homography_goes_both_ways():
    matrix = np.array([[1.1, 0.05, 3], [-0.02, 0.9, 7], [1e-4, 2e-4, 1]])
    transform = Transform((100, 100), (100, 100), (Homography(matrix),))
    points = np.array([[0.0, 0], [50, 20], [99, 99]])
    assert_allclose(transform.to_output(transform.to_original(points)), points, atol=1e-6)
    x, y, w = matrix @ (50, 20, 1)
    assert_allclose(transform.to_original((50, 20)), (x / w, y / w))
    copy = Transform.from_json(transform.to_json())
    assert_allclose(copy.to_original(points), transform.to_original(points))


def test_points_beyond_the_rim_continue_linearly():
    step = Grid(smooth_grid(3), (500, 400), (600, 450))
    inside, rim = step.backward(np.array([[449.0, 300.0]])), step.backward(np.array([[448.0, 300.0]]))
    beyond = step.backward(np.array([[450.0, 300.0]]))
    assert_allclose(beyond - inside, inside - rim, atol=1e-6)
    assert_allclose(step.forward(beyond), [[450, 300]], atol=0.01)


@pytest.mark.parametrize(
    "data",
    [
        "{",
        "[]",
        {},
        {"original_size_hw": [1, 2], "output_size_hw": [1], "steps": []},
        {"original_size_hw": [1, 2], "output_size_hw": [1, 2], "steps": [{"kind": "magic"}]},
        {"original_size_hw": [1, 2], "output_size_hw": [1, 2], "steps": [{"kind": "homography", "matrix": [1]}]},
        {
            "original_size_hw": [1, 2],
            "output_size_hw": [1, 2],
            "steps": [{"kind": "rotation", "angle_cw_deg": 45, "input_size_hw": [1, 2]}],
        },
        {"original_size_hw": [1, 2], "output_size_hw": [1, 2], "steps": [], "original_unit": "inch"},
    ],
)
def test_a_wrong_description_is_refused(data):
    with pytest.raises(ConfigError):
        Transform.from_json(data)


def test_points_of_a_wrong_shape_are_refused():
    with pytest.raises(ConfigError, match=r"\(3,\)"):
        Transform.identity((5, 5)).to_original([1, 2, 3])


def test_rotation_sizes():
    assert Rotation(90, (10, 20)).output_size_hw == (20, 10)
    assert Rotation(180, (10, 20)).output_size_hw == (10, 20)

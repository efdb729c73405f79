"""The MATLAB functions against answers worked out by hand, and against Pillow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from docpre.metrics.matlab_image import (
    gaussian_kernel,
    gray_from_bgr,
    imfilter_separable,
    imgradient_sobel,
    impyramid_reduce,
    imresize,
    imresize_by,
    round_half_away,
    scaled_size,
)


def test_round_half_away_from_zero() -> None:
    assert round_half_away(np.array([0.5, 1.5, 2.5, -0.5, -2.5, 2.4, -2.6])).tolist() == [1, 2, 3, -1, -3, 2, -3]


def test_gray_weighs_the_channels_in_bgr_order() -> None:
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [10, 20, 30]]], np.uint8)
    # 29.07, 149.685, 76.2195, 254.9745, 1.14 + 11.74 + 8.967 = 21.847
    assert gray_from_bgr(pixels).tolist() == [[29, 150, 76, 255, 22]]


@given(st.integers(0, 255))
def test_gray_keeps_gray(level: int) -> None:
    assert gray_from_bgr(np.full((1, 1, 3), level, np.uint8)).item() == level


def test_gaussian_kernel_is_that_of_fspecial() -> None:
    # fspecial('gaussian', [1 3], 0.5) = 0.1065 0.7870 0.1065
    np.testing.assert_allclose(gaussian_kernel(3, 0.5), [0.10650698, 0.78698604, 0.10650698], atol=1e-8)


def test_imfilter_replicates_borders_and_rounds() -> None:
    image = np.array([[0, 100]], np.uint8)
    # (1, 2, 1) / 4 along x: (0 + 0 + 100) / 4 and (0 + 200 + 100) / 4; nothing changes along y
    assert imfilter_separable(image, np.array([0.25, 0.5, 0.25])).tolist() == [[25, 75]]


def test_imfilter_takes_many_channels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 7, 128), np.uint8)
    kernel = gaussian_kernel(5, 0.67)
    expected = np.stack([imfilter_separable(image[..., c], kernel) for c in range(128)], axis=2)
    np.testing.assert_array_equal(imfilter_separable(image, kernel), expected)


def test_halving_spreads_an_impulse_by_the_stretched_cubic() -> None:
    image = np.zeros((1, 20))
    image[0, 9] = 1
    # Pixel k of the result lies at 2 k + 0.5; cubic(0.25), (0.75), (1.25) and (1.75) are halved.
    halved = imresize(image, (1, 10))[0]
    by_distance = {0.5: 0.43359375, 1.5: 0.11328125, 2.5: -0.03515625, 3.5: -0.01171875}
    for k in range(10):
        assert halved[k] == pytest.approx(by_distance.get(abs(9 - (2 * k + 0.5)), 0.0), abs=1e-12)


def test_doubling_interpolates_by_the_plain_cubic_and_mirrors() -> None:
    # At 1/4 pixel: cubic(0.25) = 0.8671875, (0.75) = 0.2265625, (1.25) = -0.0703125, (1.75) = -0.0234375
    doubled = imresize(np.array([[0.0, 1.0]]), (1, 4))[0]
    # The mirrored row is 1 0 | 0 1 | 1 0; result 0 lies at -0.25: left of pixel 0 by 1/4
    first = -0.0234375 * 1 + 0.2265625 * 0 + 0.8671875 * 0 + -0.0703125 * 1
    assert doubled[0] == pytest.approx(first)
    assert doubled[3] == pytest.approx(1 - first)
    assert doubled[1] + doubled[2] == pytest.approx(1)


def test_sizes_are_rounded_up() -> None:
    assert scaled_size(np.zeros((5, 8)), 0.5) == (3, 4)
    assert imresize_by(np.zeros((5, 8, 2), np.uint8), 0.5).shape == (3, 4, 2)


@pytest.mark.parametrize("size_hw", [(31, 22), (50, 90), (31, 90)])
def test_imresize_agrees_with_pillow_inside(size_hw: tuple[int, int]) -> None:
    image = np.random.default_rng(1).random((60, 44)).astype(np.float32)
    pillow = np.asarray(Image.fromarray(image).resize(size_hw[::-1], Image.Resampling.BICUBIC))
    ours = imresize(image.astype(np.float64), size_hw)
    np.testing.assert_allclose(ours[5:-5, 5:-5], pillow[5:-5, 5:-5], atol=1e-5)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_imresize_to_the_same_size_changes_nothing(image: np.ndarray) -> None:
    np.testing.assert_array_equal(imresize(image, image.shape), image)


@given(st.integers(0, 255), st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_imresize_keeps_a_flat_image(level: int, height: int, width: int, new_height: int, new_width: int) -> None:
    assert (imresize(np.full((height, width), level, np.uint8), (new_height, new_width)) == level).all()


def test_imresize_clips_the_overshoot_of_uint8() -> None:
    edge = np.zeros((1, 8), np.uint8)
    edge[0, 4:] = 255
    enlarged = imresize(edge, (1, 32))
    assert enlarged.min() == 0
    assert enlarged.max() == 255
    assert imresize(edge.astype(float), (1, 32)).max() > 255


def test_impyramid_centres_on_the_first_pixel() -> None:
    impulse = np.zeros((5, 6), np.uint8)
    impulse[2, 2] = 255
    # 255 times 1/16, 3/8, 1/16 along y and 1/16, 3/8, 1/16 along x at pixels 0, 2, 4, rounded once
    assert impyramid_reduce(impulse).tolist() == [[1, 6, 1], [6, 36, 6], [1, 6, 1]]


def test_impyramid_rounds_sizes_up_and_replicates() -> None:
    assert impyramid_reduce(np.zeros((5, 1), np.uint8)).shape == (3, 1)
    # pixel 0: (1/16 + 1/4 + 3/8) 16 + 1/4 0 + 1/16 0
    assert impyramid_reduce(np.array([[16, 0, 0, 0]], np.uint8)).tolist() == [[11, 1]]


def test_imgradient_of_a_step_and_its_borders() -> None:
    image = np.zeros((4, 4), np.uint8)
    image[:, 2:] = 10
    replicate = imgradient_sobel(image, "replicate")
    assert replicate.tolist() == [[0, 40, 40, 0]] * 4
    zero = imgradient_sobel(image, "zero")
    assert zero[1:3].tolist() == [[0, 40, 40, 40]] * 2
    assert zero[0, 0] == 0
    assert zero[0, 3] == pytest.approx(np.hypot(30, 30))

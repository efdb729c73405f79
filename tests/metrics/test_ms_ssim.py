"""SSIM against the formula and against scikit-image; the five levels' weights."""

import numpy as np
import pytest

from docpre.metrics.ms_ssim import LEVEL_WEIGHTS, ms_ssim, ssim


def test_equal_images() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 70), np.uint8)
    assert ssim(image, image) == pytest.approx(1)
    assert ms_ssim(image, image) == pytest.approx(1.0001)


def test_flat_images_differ_by_their_means_alone() -> None:
    dark, light = np.full((40, 50), 50, np.uint8), np.full((40, 50), 200, np.uint8)
    c1 = 2.55**2
    expected = (2 * 50 * 200 + c1) / (50**2 + 200**2 + c1)
    assert ssim(dark, light) == pytest.approx(expected)
    assert ms_ssim(dark, light) == pytest.approx(1.0001 * expected)


def test_weights() -> None:
    assert LEVEL_WEIGHTS == (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def test_agrees_with_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image isn't installed")
    rng = np.random.default_rng(2)
    image_1 = rng.integers(0, 256, (64, 80), np.uint8)
    image_2 = np.clip(image_1 + rng.normal(0, 40, image_1.shape), 0, 255).astype(np.uint8)
    padded_1, padded_2 = (np.pad(image, 20, mode="edge") for image in (image_1, image_2))
    _, ssim_map = metrics.structural_similarity(
        padded_1,
        padded_2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        full=True,
    )
    assert ssim(image_1, image_2) == pytest.approx(ssim_map[20:-20, 20:-20].mean(), abs=1e-6)

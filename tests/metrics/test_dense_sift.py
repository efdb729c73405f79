"""Dense SIFT against what its definition says of edges, flat paper and bounds."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="numba isn't installed")

from docpre.metrics.dense_sift import dense_sift


def test_flat_paper_has_no_descriptor() -> None:
    assert not dense_sift(np.full((20, 30), 0.7)).any()


@pytest.mark.parametrize(("turns", "orientation"), [(0, 0), (1, 6), (2, 4), (3, 2)])
def test_an_edge_shows_in_its_orientation_alone(turns: int, orientation: int) -> None:
    image = np.zeros((40, 40))
    image[:, 20:] = 1
    descriptor = dense_sift(np.rot90(image, turns))[20, 20].reshape(16, 8)
    strength = descriptor.sum(axis=0, dtype=int)
    assert strength.argmax() == orientation
    # cos(45 degrees)^9 = 0.044 leaks into the neighbours; the derivative's ripples go the other way
    assert strength[orientation] > 0.8 * strength.sum()


def test_unit_length_and_contrast() -> None:
    image = np.random.default_rng(0).random((30, 40))
    full, faint = dense_sift(image), dense_sift(image / 2)
    length = np.linalg.norm(full.astype(float), axis=2)
    assert full.shape == (30, 40, 128)
    assert (length < 255).all()
    assert (length > 240).all()
    assert np.abs(full.astype(int) - faint).max() <= 2


def test_moves_with_the_image() -> None:
    image = np.random.default_rng(1).random((50, 50))
    shifted = dense_sift(np.roll(image, (3, 5), (0, 1)))
    np.testing.assert_array_equal(shifted[20:40, 20:40], dense_sift(image)[17:37, 15:35])

"""Figures against a true grid: known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docpre.errors import InputError
from docpre.geometry import Transform
from docpre.grids import identity_grid
from train.evaluate.true_grid import read_grid, true_figures

SIZE_HW = (400, 300)


def bent() -> np.ndarray:
    x, y = identity_grid((45, 31))
    return np.stack([0.8 * x + 0.02 * np.sin(2 * y), 0.8 * y + 0.05 * x * x])


def test_the_true_grid_is_exact():
    transform = Transform.identity(SIZE_HW).unwarped(bent().astype(np.float32), (500, 380))
    figures = true_figures(transform, bent())
    assert figures["nodes_off"] == pytest.approx(0, abs=1e-3)
    assert figures["lines_off"] == pytest.approx(0, abs=1e-2)


@given(st.floats(-8, 8), st.floats(-5, 5))
@settings(max_examples=20, deadline=None)
def test_a_shift_and_a_turn_are_what_they_are(shift, angle):
    true = 0.6 * identity_grid((45, 31))
    scale = (0.36 * 399 * 299) ** 0.5
    moved = true + np.array([shift / 100 * scale * 2 / 299, 0])[:, None, None]
    figures = true_figures(Transform.identity(SIZE_HW).unwarped(moved.astype(np.float32), SIZE_HW), true)
    assert figures["nodes_off"] == pytest.approx(abs(shift), abs=0.01)
    assert figures["lines_off"] == pytest.approx(0, abs=0.01)
    turn = np.deg2rad(angle)
    x, y = true[0] * 299, true[1] * 399
    turned = np.stack([(np.cos(turn) * x - np.sin(turn) * y) / 299, (np.sin(turn) * x + np.cos(turn) * y) / 399])
    figures = true_figures(Transform.identity(SIZE_HW).unwarped(turned.astype(np.float32), (240, 180)), true)
    assert figures["lines_off"] == pytest.approx(abs(angle), abs=0.1)


@pytest.mark.parametrize("content", [np.zeros((3, 4, 5)), np.full((2, 4, 5), np.nan), np.zeros((2, 1, 5))])
def test_what_is_no_grid_is_an_error(tmp_path, content):
    np.save(tmp_path / "grid.npy", content)
    with pytest.raises(InputError, match=r"grid\.npy"):
        read_grid(tmp_path / "grid.npy")


def test_what_is_no_array_is_an_error(tmp_path):
    (tmp_path / "grid.npy").write_bytes(b"nothing")
    with pytest.raises(InputError, match="no grid can be read"):
        read_grid(tmp_path / "grid.npy")

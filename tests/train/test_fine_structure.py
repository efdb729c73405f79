"""What counts as fine in a grid."""

from __future__ import annotations

import numpy as np

from docpre.grids import identity_grid
from train.fine_structure import fine

X, Y = identity_grid((45, 31))


def test_smooth_surfaces_leave_nothing():
    smooth = np.stack([0.3 + 0.2 * X - 0.1 * Y + X * Y**2, 0.5 * Y**3 - X**2])
    assert np.abs(fine(smooth[None])).max() < 1e-6


def test_waves_stay():
    waves = np.stack([np.zeros_like(X), 0.01 * np.sin(25 * X)])[None]
    assert np.abs(fine(waves) - waves).max() < 0.003
    smooth = np.stack([0.1 * X, Y**2])[None]
    assert np.abs(fine(waves + smooth) - fine(waves)).max() < 1e-6

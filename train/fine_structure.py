"""What two grids differ by once the large and smooth part of it is taken off: creases, crumples, waves of lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_DEGREE = 3  # of the surface in the page's two coordinates that counts as smooth


def fine(difference_xy: NDArray[np.floating]) -> NDArray[np.float32]:
    """What the best surface of third degree over the page leaves of differences of grids.

    Args:
        difference_xy: (N, 2, rows, columns).

    Returns:
        (N, 2, rows, columns).
    """
    basis = _surfaces(*difference_xy.shape[2:])
    nodes = difference_xy.reshape(*difference_xy.shape[:2], -1).astype(np.float64)
    return (nodes - nodes @ basis @ basis.T).reshape(difference_xy.shape).astype(np.float32)


def _surfaces(rows: int, columns: int) -> NDArray[np.float64]:
    """An orthonormal basis (rows x columns, 10) of the surfaces of third degree over a grid's nodes."""
    u, v = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(-1, 1, rows))
    powers = [(i, j) for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)]
    return np.linalg.qr(np.stack([(u**i * v**j).ravel() for i, j in powers], 1))[0]

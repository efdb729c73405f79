"""Lines that still wave after unwarping are made straight: a smooth shift up or down, fitted to their directions."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from docpre.grids import GridXY, identity_grid
from docpre.line_directions import LineDirections

# The shift is a polynomial of these degrees across and down the page, the less of each the higher it is.
_DEGREE_X, _DEGREE_Y = 4, 3
_STIFFNESS = 1e-2  # less fits single windows: lines get more level where they are looked at, and less where they are
_CERTAIN = 1.0  # evidence at which the stiffness is twice that of a page of which all is known
_OUTLIER_SLOPE = 0.03
_ROUNDS = 5


def straightening_grid(directions: LineDirections, size_hw: tuple[int, int], shape: tuple[int, ...]) -> GridXY:
    """The grid (2, rows, columns) that makes a page's lines level.

    Along each line the shift's slope is that of the line, which is a linear problem: weighted least squares,
    reweighted so that single windows that say something else count little (Huber).

    Args:
        directions: of the lines, in pixels of the page.
        size_hw: of the page that they were found on.
        shape: rows and columns of the grid.
    """
    height, width = size_hw
    x, y = (directions.centres_xy / (width - 1, height - 1) * 2 - 1).T
    slopes = np.tan(np.deg2rad(directions.angles_deg)) * (width - 1) / (height - 1)
    evidence = max(directions.evidence, 1e-9)
    weights = directions.weights / evidence
    terms = _terms(x, y, is_slope=True)
    stiffness = _STIFFNESS * (1 + _CERTAIN / evidence) * np.diag(_stiffness())
    robust: NDArray[np.floating] = weights
    solution: NDArray[np.floating] = np.zeros(terms.shape[1])
    for _ in range(_ROUNDS):
        weighted = terms * robust[:, None]
        solution = np.linalg.solve(weighted.T @ terms + stiffness, weighted.T @ slopes)
        off = np.abs(terms @ solution - slopes)
        robust = weights * np.minimum(1, _OUTLIER_SLOPE / np.maximum(off, 1e-9))
    grid_x, grid_y = identity_grid(shape)
    return np.stack([grid_x, grid_y + _terms(grid_x, grid_y, is_slope=False) @ solution])


def _terms(x: NDArray[np.float64], y: NDArray[np.float64], is_slope: bool) -> NDArray[np.float64]:
    """(..., terms): Legendre polynomials, or their slopes along x. None is constant along x: a line keeps its place."""
    across = [legendre.Legendre.basis(degree) for degree in range(1, _DEGREE_X + 1)]
    down = [legendre.Legendre.basis(degree)(y) for degree in range(_DEGREE_Y + 1)]
    return np.stack([(a.deriv() if is_slope else a)(x) * d for a in across for d in down], -1)


def _stiffness() -> NDArray[np.float64]:
    return np.array([float((i * i + j * j) ** 2) for i in range(1, _DEGREE_X + 1) for j in range(_DEGREE_Y + 1)])

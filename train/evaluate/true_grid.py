"""How far a flattened page is from the truth, where the true grid is known: no picture is compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from docpre.errors import InputError
from docpre.geometry import Transform
from docpre.grids import identity_grid


def read_grid(path: Path) -> NDArray[np.float64]:
    """A true grid (2, rows, columns) from a .npy file.

    Raises:
        InputError: there is none in it.
    """
    try:
        grid_xy = np.load(path).astype(np.float64)
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: no grid can be read ({error}).") from error
    if grid_xy.ndim != 3 or grid_xy.shape[0] != 2 or min(grid_xy.shape[1:]) < 2 or not np.isfinite(grid_xy).all():
        raise InputError(f"{path}: a grid is (2, rows, columns) of finite numbers, not {grid_xy.shape}.")
    return grid_xy


def true_figures(transform: Transform, true_xy: NDArray[np.float64]) -> dict[str, float]:
    """How far the page's nodes and lines are from where they belong.

    Args:
        transform: of the page, from a photo as it is stored.
        true_xy: (2, rows, columns) the page's nodes in the photo, in [-1, 1], corners aligned.

    Returns:
        ``nodes_off``: mean distance in the photo between the nodes of the flattened page and the true ones, in per
        cent of the page (the square root of its mean width times its mean height there); ``lines_off``: how far the
        rows of the true grid are from level on the flattened page, in degrees, as a mean over straight lines fitted
        to them.
    """
    height, width = transform.original_size_hw
    true = (np.moveaxis(true_xy, 0, -1) + 1) / 2 * (width - 1, height - 1)
    output_height, output_width = transform.output_size_hw
    nodes = (np.moveaxis(identity_grid(true_xy.shape[1:]), 0, -1) + 1) / 2 * (output_width - 1, output_height - 1)
    distance = np.linalg.norm(transform.to_original(nodes) - true, axis=-1).mean()
    sides = [np.linalg.norm(np.diff(true, axis=axis), axis=-1).sum(axis).mean() for axis in (0, 1)]
    rows = transform.to_output(true)
    rows = rows - rows.mean(1, keepdims=True)
    slopes = (rows[..., 0] * rows[..., 1]).sum(1) / np.maximum((rows[..., 0] ** 2).sum(1), 1e-9)
    return {
        "nodes_off": float(100 * distance / np.sqrt(sides[0] * sides[1])),
        "lines_off": float(np.rad2deg(np.arctan(np.abs(slopes))).mean()),
    }

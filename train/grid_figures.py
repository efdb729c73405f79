"""How good predicted grids are, in figures that don't depend on the network's input size."""

from __future__ import annotations

import torch
from torch import Tensor

from train.losses import page_offsets


def to_pixels(grid_xy: Tensor, size_hw: Tensor) -> Tensor:
    """Grids (N, 2, rows, columns) in [-1, 1] to pixels of photos of size ``size_hw`` (N, 2)."""
    last_xy = (size_hw.flip(1).to(grid_xy.dtype) - 1).view(-1, 2, 1, 1)
    return (grid_xy + 1) / 2 * last_xy


def page_sides_px(nodes_xy: Tensor) -> Tensor:
    """Mean length of the rows and of the columns of grids (N, 2, rows, columns): (N, 2), width then height."""
    width = nodes_xy.diff(dim=3).norm(dim=1).sum(2).mean(1)
    height = nodes_xy.diff(dim=2).norm(dim=1).sum(1).mean(1)
    return torch.stack([width, height], 1)


def grid_error_percent(predicted_xy: Tensor, true_xy: Tensor, size_hw: Tensor) -> Tensor:
    """Mean distance between predicted and true nodes, in per cent of the page's size in the photo.

    The page's size is the square root of width times height, both measured along the true grid.

    Args:
        predicted_xy, true_xy: (N, 2, rows, columns) in [-1, 1], corners aligned.
        size_hw: (N, 2), the photos' sizes in pixels.

    Returns:
        (N,).
    """
    predicted, true = to_pixels(predicted_xy, size_hw), to_pixels(true_xy, size_hw)
    distance = (predicted - true).norm(dim=1).mean((1, 2))
    return 100 * distance / page_sides_px(true).prod(1).sqrt()


def line_tilt_deg(predicted_xy: Tensor, true_xy: Tensor, size_hw: Tensor) -> Tensor:
    """How far text lines are from level on the unwarped page, as a mean over the rows of the grid.

    Each row's tilt is that of the straight line fitted to it; see ``page_offsets`` for how rows get onto the page.

    Args:
        predicted_xy, true_xy: (N, 2, rows, columns) in [-1, 1], corners aligned.
        size_hw: (N, 2), the photos' sizes in pixels.

    Returns:
        (N,), 0 when all lines are level.
    """
    true = to_pixels(true_xy, size_hw)
    offset_y = page_offsets(to_pixels(predicted_xy, size_hw), true)[:, 1]
    u = torch.linspace(-0.5, 0.5, true.shape[3], device=true.device, dtype=true.dtype)
    slope = (offset_y * u).sum(2) / (u * u).sum()
    sides = page_sides_px(true)
    return torch.rad2deg(torch.atan(slope.abs() * (sides[:, 1] / sides[:, 0]).view(-1, 1))).mean(1)

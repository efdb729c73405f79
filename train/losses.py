"""Losses of unwarping networks: UVDoc's, SSIM, and one on how straight the unwarped page's lines are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def l1(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean absolute difference; samples whose truth is NaN (a set without meshes) are left out.

    Args:
        predicted, true: (N, C, rows, columns).

    Returns:
        A scalar; 0 where no sample has a truth.
    """
    known = ~true.flatten(1).isnan().any(1)
    if not known.any():
        return predicted.sum() * 0
    return functional.l1_loss(predicted[known], true[known])


def at_nodes(grid: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """A grid (N, C, rows, columns) at another number of nodes, corners aligned."""
    if grid.shape[2:] == size_hw:
        return grid
    return functional.interpolate(grid, size_hw, mode="bilinear", align_corners=True)


def unwarp(image: Tensor, grid_xy: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """The page that a grid cuts out of a photo.

    Args:
        image: (N, C, H, W).
        grid_xy: (N, 2, rows, columns) in [-1, 1], corners aligned.
        size_hw: of the page.

    Returns:
        (N, C, *size_hw); beyond the photo's rim its nearest pixel is repeated.
    """
    # A grid of a training that went astray has NaN, which grid_sample would take for an address on a CPU.
    where = at_nodes(grid_xy, size_hw).permute(0, 2, 3, 1).to(image.dtype).nan_to_num()
    return functional.grid_sample(image, where, padding_mode="border", align_corners=True)


def reconstruction(image: Tensor, predicted_xy: Tensor, true_xy: Tensor) -> Tensor:
    """UVDoc's third term: mean absolute difference between the photo unwarped by the prediction and by the truth."""
    size_hw = (image.shape[2], image.shape[3])
    return functional.l1_loss(unwarp(image, predicted_xy, size_hw), unwarp(image, true_xy, size_hw))


def ssim(image_1: Tensor, image_2: Tensor, value_range: float = 1.0) -> Tensor:
    """Structural similarity (Wang et al., 2004): Gaussian window 11x11 of sigma 1.5, no padding, mean of the map.

    Args:
        image_1, image_2: (N, C, H, W), at least 11x11.
        value_range: difference of white and black.

    Returns:
        A scalar, 1 for equal images. Computed in float32 at least: variances are small differences of large numbers.
    """
    precise = torch.promote_types(image_1.dtype, torch.float32)
    with torch.autocast(image_1.device.type, enabled=False):
        return _ssim(image_1.to(precise), image_2.to(precise), value_range)


def _ssim(image_1: Tensor, image_2: Tensor, value_range: float) -> Tensor:
    channels = image_1.shape[1]
    offsets = torch.arange(11, device=image_1.device, dtype=image_1.dtype) - 5
    window = torch.exp(-(offsets**2) / (2 * 1.5**2))
    window = window / window.sum()
    across = window.view(1, 1, 1, 11).expand(channels, 1, 1, 11)
    down = window.view(1, 1, 11, 1).expand(channels, 1, 11, 1)

    def blurred(x: Tensor) -> Tensor:
        return functional.conv2d(functional.conv2d(x, across, groups=channels), down, groups=channels)

    mean_1, mean_2 = blurred(image_1), blurred(image_2)
    variance_1 = blurred(image_1 * image_1) - mean_1**2
    variance_2 = blurred(image_2 * image_2) - mean_2**2
    covariance = blurred(image_1 * image_2) - mean_1 * mean_2
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    similarity = (2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)
    return (similarity / ((mean_1**2 + mean_2**2 + c1) * (variance_1 + variance_2 + c2))).mean()


def page_offsets(predicted_xy: Tensor, true_xy: Tensor) -> Tensor:
    """Where on the unwarped page the page's nodes come to lie, less where they belong; to first order.

    A node that truly lies at t(u, v) in the photo is found on the page that the prediction p makes at the place where
    p takes the value t(u, v). With J the slope of the true grid, that is J^-1 (t - p) away from (u, v).

    Args:
        predicted_xy, true_xy: (N, 2, rows, columns) in one common unit.

    Returns:
        (N, 2, rows, columns), x then y; the page's width and height are 1 each.
    """
    # The slope is the truth's, which is smooth: the prediction's may fold over and has no inverse then.
    d_row, d_column = torch.gradient(true_xy, dim=(2, 3))
    d_v, d_u = d_row * (true_xy.shape[2] - 1), d_column * (true_xy.shape[3] - 1)
    off = true_xy - predicted_xy
    determinant = d_u[:, 0] * d_v[:, 1] - d_v[:, 0] * d_u[:, 1]
    # Cells that the paper itself hides are slivers or backward: they must not outweigh all the others.
    typical = determinant.abs().flatten(1).median(1).values.view(-1, 1, 1).clamp_min(1e-6)
    safe = torch.where(determinant < 0.1 * typical, 0.1 * typical, determinant)
    x = (d_v[:, 1] * off[:, 0] - d_v[:, 0] * off[:, 1]) / safe
    y = (d_u[:, 0] * off[:, 1] - d_u[:, 1] * off[:, 0]) / safe
    return torch.stack([x, y], 1)


def axis_alignment(predicted_xy: Tensor, true_xy: Tensor) -> Tensor:
    """How far the page's horizontal and vertical lines are from lying along the axes once it is unwarped.

    The idea is that of "Axis-Aligned Document Dewarping" (Wang et al., AAAI 2026, arXiv:2507.15000): a page is well
    unwarped when lines that are straight on it become lines along the axes, which they write as a variance. This is
    docpre's reading of it, not their formula: each row of the true grid is a horizontal line of the page; it is
    brought onto the page that the prediction makes (see ``page_offsets``), and the variance of its y there is taken;
    likewise the variance of x along each column. Shifts of whole rows and columns cost nothing, which is why this
    goes beside a loss on the grid and not in its place. The square root puts it on the scale of an L1 loss.

    Args:
        predicted_xy, true_xy: (N, 2, rows, columns).

    Returns:
        A scalar: 0 when all lines are along the axes; in parts of the page's width and height.
    """
    offsets = page_offsets(predicted_xy.float(), true_xy.float())
    along_rows = offsets[:, 1].var(2, unbiased=False).mean(1)
    along_columns = offsets[:, 0].var(1, unbiased=False).mean(1)
    return (along_rows + along_columns + 1e-10).sqrt().mean()

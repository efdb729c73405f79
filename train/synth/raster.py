"""Draws triangles with a depth buffer, many pictures at once, in plain torch (CPU or GPU)."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Raster:
    """What each pixel of L pictures shows.

    Attributes:
        face: (L, H, W) int64 index of the nearest triangle, -1 where there is none.
        weights: (L, H, W, 3) barycentric weights of that triangle's corners; zeros where there is none.
    """

    face: Tensor
    weights: Tensor


def grid_faces(rows: int, cols: int, device: torch.device | str = "cpu") -> Tensor:
    """Triangles of a grid of nodes in row-major order.

    Args:
        rows: nodes down.
        cols: nodes across.
        device: where the answer lies.

    Returns:
        (2 (rows - 1) (cols - 1), 3) int64 node indices; both triangles of a cell run the same way round.
    """
    index = torch.arange(rows * cols, device=device).view(rows, cols)
    top_left, top_right = index[:-1, :-1].reshape(-1), index[:-1, 1:].reshape(-1)
    low_left, low_right = index[1:, :-1].reshape(-1), index[1:, 1:].reshape(-1)
    upper = torch.stack([top_left, low_left, top_right], 1)
    lower = torch.stack([low_right, top_right, low_left], 1)
    return torch.stack([upper, lower], 1).view(-1, 3)


def rasterize(
    xy: Tensor, depth: Tensor, faces: Tensor, picture: Tensor, pictures: int, size_hw: tuple[int, int]
) -> Raster:
    """Draw triangles; where several cover a pixel's centre the nearest wins, whichever way it faces.

    Each triangle is cut into the pixel rows it crosses and each row into its span of pixels, so that only covered
    pixels cost anything. Weights are affine in the picture: triangles must be small against their distance.

    Args:
        xy: (N, 2) corner positions in pixels, centres of pixels at whole numbers.
        depth: (N,) distances, positive, smaller is nearer.
        faces: (F, 3) int64 indices into the corners.
        picture: (F,) int64, the picture that each triangle is drawn in.
        pictures: L, how many pictures there are.
        size_hw: height and width of each picture in pixels.

    Returns:
        The drawn pictures.
    """
    height, width = size_hw
    corner = xy[faces]
    x, y = corner[..., 0], corner[..., 1]
    low = y.amin(1).ceil().clamp_min(0)
    high = y.amax(1).floor().clamp_max(height - 1)
    seen = (high >= low) & (x.amax(1) >= 0) & (x.amin(1) <= width - 1) & torch.isfinite(corner).all(-1).all(-1)
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    kept = (seen & (area.abs() > 1e-9)).nonzero().squeeze(1)

    # Barycentric weights as affine functions of the pixel: weight_i = slope_x_i x + slope_y_i y + constant_i.
    x, y, area = x[kept], y[kept], area[kept]
    next_x, next_y = x[:, [1, 2, 0]], y[:, [1, 2, 0]]
    last_x, last_y = x[:, [2, 0, 1]], y[:, [2, 0, 1]]
    slope_x = (next_y - last_y) / area[:, None]
    slope_y = (last_x - next_x) / area[:, None]
    centre = torch.stack([x.mean(1), y.mean(1)], 1)
    rows = (high[kept] - low[kept]).long() + 1
    owner = torch.repeat_interleave(rows)
    row_y = low[kept][owner] + _count_within(rows, owner)

    at_zero = slope_y[owner] * (row_y - centre[owner, 1])[:, None] + 1 / 3
    slope = slope_x[owner]
    slack = 1e-3
    flat = slope.abs() < 1e-9
    root = -at_zero / torch.where(flat, torch.ones_like(slope), slope)
    inf = float("inf")
    left = torch.where((slope > 0) & ~flat, root, -inf).amax(1) + centre[owner, 0]
    right = torch.where((slope < 0) & ~flat, root, inf).amin(1) + centre[owner, 0]
    open_row = (~flat | (at_zero >= -1e-6)).all(1)
    first = (left - slack).ceil().clamp_min(0)
    last = (right + slack).floor().clamp_max(width - 1)
    length = torch.where(open_row, (last - first + 1).clamp_min(0), torch.zeros_like(first)).long()

    span = torch.repeat_interleave(length)
    triangle = owner[span]
    pixel_x = first[span] + _count_within(length, span)
    across = (pixel_x - centre[triangle, 0])[:, None]
    weights = at_zero[span] + slope[span] * across
    corner_depth = depth[faces[kept]]
    pixel_depth = (weights * corner_depth[triangle]).sum(1).clamp_min(1e-6)
    pixel = (picture[kept][triangle] * height + row_y[span].long()) * width + pixel_x.long()

    # A positive float's bits order as the float does: depth above, candidate below, and the least key wins.
    key = (pixel_depth.float().view(torch.int32).long() << 32) | torch.arange(len(pixel), device=xy.device)
    nothing = torch.iinfo(torch.int64).max
    best = torch.full((pictures * height * width,), nothing, dtype=torch.int64, device=xy.device)
    best = best.scatter_reduce(0, pixel, key, "amin")
    hit = (best != nothing).nonzero().squeeze(1)
    winner = best[hit] & 0xFFFFFFFF
    face = torch.full_like(best, -1)
    face[hit] = kept[triangle[winner]]
    barycentric = torch.zeros(len(best), 3, dtype=weights.dtype, device=xy.device)
    barycentric[hit] = weights[winner]
    return Raster(face.view(pictures, height, width), barycentric.view(pictures, height, width, 3))


def _count_within(lengths: Tensor, owner: Tensor) -> Tensor:
    """0, 1, 2 ... within each run, for runs of the given lengths."""
    start = lengths.cumsum(0) - lengths
    return torch.arange(len(owner), device=owner.device) - start[owner]

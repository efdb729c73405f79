"""Draws triangles with a depth buffer, many pictures at once, in plain torch (CPU or GPU)."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Raster:
    """What each pixel of L pictures shows.

    Attributes:
        face: (L, H, W) int64 index of the nearest triangle, -1 where there is none.
        depth: (L, H, W) its distance, infinite where there is none.
        weights: (L, H, W, 3) barycentric weights of that triangle's corners, zeros where there is none; or None where
            they were not asked for.
    """

    face: Tensor
    depth: Tensor
    weights: Tensor | None


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
    xy: Tensor,
    depth: Tensor,
    faces: Tensor,
    picture: Tensor,
    pictures: int,
    size_hw: tuple[int, int],
    with_weights: bool = True,
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
        with_weights: whether the barycentric weights are wanted.

    Returns:
        The drawn pictures.
    """
    height, width = size_hw
    x, y = xy[:, 0][faces], xy[:, 1][faces]
    low = y.amin(1).ceil().clamp_min(0)
    high = y.amax(1).floor().clamp_max(height - 1)
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    seen = (high >= low) & (x.amax(1) >= 0) & (x.amin(1) <= width - 1) & (area.abs() > 1e-9)  # not where not finite
    kept = seen.nonzero().squeeze(1)

    # Barycentric weights as affine functions of the pixel, about the triangle's middle, where each is a third.
    x, y, area, low = x[kept], y[kept], area[kept], low[kept]
    slope_x = (y[:, [1, 2, 0]] - y[:, [2, 0, 1]]) / area[:, None]
    slope_y = (x[:, [2, 0, 1]] - x[:, [1, 2, 0]]) / area[:, None]
    middle_x, middle_y = x.mean(1), y.mean(1)
    corner_depth = depth[faces[kept]]
    depth_slope = (slope_x * corner_depth).sum(1)

    # One entry for each pixel row that a triangle crosses, and the span of pixels in it.
    rows = (high[kept] - low).long() + 1
    owner = torch.repeat_interleave(rows)
    row_y = low[owner] + _count_within(rows, owner)
    at_middle = slope_y[owner] * (row_y - middle_y[owner])[:, None] + 1 / 3
    slope = slope_x[owner]
    flat = slope.abs() < 1e-9
    root = -at_middle / torch.where(flat, torch.ones_like(slope), slope)
    infinite = torch.full_like(root, float("inf"))
    left = torch.where((slope > 0) & ~flat, root, -infinite).amax(1) + middle_x[owner]
    right = torch.where((slope < 0) & ~flat, root, infinite).amin(1) + middle_x[owner]
    inside = (~flat | (at_middle >= -1e-6)).all(1)
    slack = 1e-3
    first = (left - slack).ceil().clamp_min(0)
    last = (right + slack).floor().clamp_max(width - 1)
    length = torch.where(inside, (last - first + 1).clamp_min(0), torch.zeros_like(first)).long()
    start_depth = (at_middle * corner_depth[owner]).sum(1) + depth_slope[owner] * (first - middle_x[owner])
    start_pixel = (picture[kept][owner] * height + row_y.long()) * width + first.long()

    # One entry for each covered pixel.
    span = torch.repeat_interleave(length)
    step = _count_within(length, span)
    pixel_depth = (start_depth[span] + depth_slope[owner][span] * step).clamp_min(1e-6)
    pixel = start_pixel[span] + step

    # A positive float's bits order as the float does: depth above, candidate below, and the least key wins.
    key = (pixel_depth.float().view(torch.int32).long() << 32) | torch.arange(len(pixel), device=xy.device)
    nothing = torch.iinfo(torch.int64).max
    best = torch.full((pictures * height * width,), nothing, dtype=torch.int64, device=xy.device)
    best = best.scatter_reduce(0, pixel, key, "amin")
    shape = (pictures, height, width)
    if len(pixel) == 0:
        bare = torch.full(shape, -1, dtype=torch.int64, device=xy.device)
        weights = torch.zeros(*shape, 3, device=xy.device) if with_weights else None
        return Raster(bare, torch.full(shape, float("inf"), device=xy.device), weights)
    hit = best != nothing
    winner = torch.where(hit, best & 0xFFFFFFFF, 0)
    winner_span = span[winner]
    face = torch.where(hit, kept[owner[winner_span]], -1)
    nearest = torch.where(hit, pixel_depth[winner], float("inf"))
    if not with_weights:
        return Raster(face.view(shape), nearest.view(shape), None)
    across = (first - middle_x[owner])[winner_span] + step[winner]
    weights = at_middle[winner_span] + slope[winner_span] * across[:, None]
    return Raster(face.view(shape), nearest.view(shape), (weights * hit[:, None]).view(*shape, 3))


def _count_within(lengths: Tensor, owner: Tensor) -> Tensor:
    """0, 1, 2 ... within each run, for runs of the given lengths."""
    start = lengths.cumsum(0) - lengths
    return torch.arange(len(owner), device=owner.device) - start[owner]

"""Draws triangles with a depth buffer, many pictures at once, in plain torch (CPU or GPU)."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Raster:
    """What each pixel of L pictures shows.

    Attributes:
        face: (L, H, W) int64 index of the nearest triangle, -1 where there is none.
        depth: (L, H, W) float32 its distance, infinite where there is none.
    """

    face: Tensor
    depth: Tensor


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
    pixels cost anything.

    Args:
        xy: (N, 2) corner positions in pixels, centres of pixels at whole numbers.
        depth: (N,) distances, positive, smaller is nearer; taken as affine over each triangle.
        faces: (F, 3) int64 indices into the corners.
        picture: (F,) int64, the picture that each triangle is drawn in.
        pictures: L, how many pictures there are.
        size_hw: height and width of each picture in pixels.

    Returns:
        The drawn pictures.
    """
    height, width = size_hw
    shape = (pictures, height, width)
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
    corner_depth = depth[faces[kept]]
    middle = torch.stack([x.mean(1), y.mean(1), (slope_x * corner_depth).sum(1)], 1)

    # One entry for each pixel row that a triangle crosses, and the span of pixels in it.
    rows = (high[kept] - low).long() + 1
    owner = torch.repeat_interleave(rows)
    row_y = low[owner] + _count_within(rows, owner)
    middle_x, middle_y, depth_slope = middle.index_select(0, owner).unbind(1)
    slope = slope_x.index_select(0, owner)
    at_middle = slope_y.index_select(0, owner) * (row_y - middle_y)[:, None] + 1 / 3
    flat = slope.abs() < 1e-9
    root = -at_middle / torch.where(flat, 1.0, slope)
    left = torch.where((slope > 0) & ~flat, root, -float("inf")).amax(1) + middle_x
    right = torch.where((slope < 0) & ~flat, root, float("inf")).amin(1) + middle_x
    inside = (~flat | (at_middle >= -1e-6)).all(1)
    slack = 1e-3
    first = (left - slack).ceil().clamp_min(0)
    last = (right + slack).floor().clamp_max(width - 1)
    length = torch.where(inside, (last - first + 1).clamp_min(0), 0.0).long()
    start_depth = (at_middle * corner_depth.index_select(0, owner)).sum(1) + depth_slope * (first - middle_x)
    start_pixel = (picture[kept][owner] * height + row_y.long()) * width + first.long()
    row_face = kept[owner]

    # One entry for each covered pixel.
    span = torch.repeat_interleave(length)
    step = _count_within(length, span)
    pixel_depth = start_depth.index_select(0, span) + depth_slope.index_select(0, span) * step
    pixel = start_pixel.index_select(0, span) + step

    # A positive float's bits order as the float does: depth above, span below, and the least key wins.
    key = (pixel_depth.clamp_min(1e-6).view(torch.int32).long() << 32) | span
    nothing = torch.tensor(float("inf")).view(torch.int32).long() << 32
    best = nothing.to(xy.device).expand(pictures * height * width).clone()
    best = best.scatter_reduce(0, pixel, key, "amin")
    nearest = (best >> 32).to(torch.int32).view(torch.float32)
    if len(span) == 0:
        return Raster(torch.full(shape, -1, device=xy.device), nearest.view(shape))
    face = row_face.index_select(0, best & 0xFFFFFFFF)
    return Raster(torch.where(nearest.isinf(), -1, face).view(shape), nearest.view(shape))


def affine_over_faces(xy: Tensor, faces: Tensor, values: Tensor) -> Tensor:
    """Affine functions of the pixel that agree with values at each triangle's corners.

    Args:
        xy: (N, 2) corner positions in pixels.
        faces: (F, 3) int64 indices into the corners.
        values: (N, D) values at the corners.

    Returns:
        (3, D, F) such that value = a x + b y + c, in the order a, b, c; triangles seen edge-on are 0.
    """
    corner, value = xy[faces], values[faces]
    first, second = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    rise_first, rise_second = value[:, 1] - value[:, 0], value[:, 2] - value[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    inverse = torch.where(area.abs() > 1e-9, 1 / area, 0.0)[:, None]
    slope_x = (rise_first * second[:, 1:] - rise_second * first[:, 1:]) * inverse
    slope_y = (rise_second * first[:, :1] - rise_first * second[:, :1]) * inverse
    constant = value[:, 0] - slope_x * corner[:, 0, :1] - slope_y * corner[:, 0, 1:]
    return torch.stack([slope_x, slope_y, constant]).transpose(1, 2).contiguous()


def _count_within(lengths: Tensor, owner: Tensor) -> Tensor:
    """0, 1, 2 ... within each run, for runs of the given lengths."""
    start = lengths.cumsum(0) - lengths
    return torch.arange(len(owner), device=owner.device) - start.index_select(0, owner)

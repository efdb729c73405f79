"""The triangle drawer against the definition."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from train.synth.raster import affine_over_faces, grid_faces, rasterize


def brute_force(xy: torch.Tensor, depth: torch.Tensor, faces: torch.Tensor, size_hw: tuple[int, int]) -> torch.Tensor:
    """Depth of the nearest triangle at each pixel's centre, by testing every pixel against every triangle."""
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in size_hw), indexing="ij")
    nearest = torch.full(size_hw, float("inf"), dtype=torch.float64)
    for a, b, c in faces.tolist():
        p, q, r = xy[a].double(), xy[b].double(), xy[c].double()
        area = (q[0] - p[0]) * (r[1] - p[1]) - (r[0] - p[0]) * (q[1] - p[1])
        wq = ((x - p[0]) * (r[1] - p[1]) - (r[0] - p[0]) * (y - p[1])) / area
        wr = ((q[0] - p[0]) * (y - p[1]) - (x - p[0]) * (q[1] - p[1])) / area
        wp = 1 - wq - wr
        inside = torch.stack([wp, wq, wr]).amin(0) >= 0
        at = wp * depth[a] + wq * depth[b] + wr * depth[c]
        nearest = torch.where(inside & (at < nearest), at, nearest)
    return nearest


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 12))
def test_draws_what_the_definition_draws(seed: int, count: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    xy = torch.rand(count * 3, 2, generator=generator) * 50 - 10
    depth = torch.rand(count * 3, generator=generator) * 5 + 0.5
    faces = torch.arange(count * 3).view(-1, 3)
    drawn = rasterize(xy, depth, faces, torch.zeros(count, dtype=torch.int64), 1, (24, 31))
    wanted = brute_force(xy, depth, faces, (24, 31))
    found = drawn.depth[0].double()
    # Pixels on an edge may fall either way.
    differs = ~torch.isclose(found, wanted, atol=1e-3, rtol=1e-3)
    assert differs.sum() <= 3
    assert ((drawn.face[0] >= 0) == found.isfinite()).all()


def test_a_grid_is_covered_without_gaps_and_values_are_interpolated() -> None:
    rows, cols = 7, 5
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.linspace(3, 60, rows), torch.linspace(2, 45, cols), indexing="ij")
    xy = torch.stack([x, y], -1).view(-1, 2) + torch.rand(rows * cols, 2, generator=generator) * 3
    faces = grid_faces(rows, cols)
    drawn = rasterize(xy, torch.ones(len(xy)), faces, torch.zeros(len(faces), dtype=torch.int64), 1, (64, 50))
    assert (drawn.face[0, 8:56, 8:42] >= 0).all()
    planes = affine_over_faces(xy, faces, xy)  # the place itself is what is interpolated
    face = drawn.face[0].clamp_min(0)
    py, px = torch.meshgrid(torch.arange(64.0), torch.arange(50.0), indexing="ij")
    for axis, truth in ((0, px), (1, py)):
        found = planes[0, axis][face] * px + planes[1, axis][face] * py + planes[2, axis][face]
        torch.testing.assert_close(found[drawn.face[0] >= 0], truth[drawn.face[0] >= 0], atol=1e-3, rtol=0)


def test_pictures_are_apart_and_what_is_outside_or_unplaced_is_left_out() -> None:
    xy = torch.tensor([[1.0, 1], [9, 1], [1, 9], [100, 100], [120, 100], [100, 120], [float("nan"), 0], [3, 0], [0, 3]])
    faces = torch.arange(9).view(3, 3)
    drawn = rasterize(xy, torch.ones(9), faces, torch.tensor([1, 0, 0]), 3, (12, 12))
    assert (drawn.face[[0, 2]] == -1).all()
    assert (drawn.face[1] == 0).sum() > 20

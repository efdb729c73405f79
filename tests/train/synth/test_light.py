"""Shadows and lenses."""

import numpy as np
import pytest
import torch

from train.synth.config import SynthConfig
from train.synth.lens import gaussian_blur, to_linear, to_srgb
from train.synth.light import SKY_LIGHTS, draw_lamps, shadow_heights, visibility
from train.synth.raster import grid_faces


def test_a_square_in_the_air_shades_the_table_where_geometry_says() -> None:
    y, x = torch.meshgrid(torch.linspace(-0.2, 0.2, 9), torch.linspace(-0.2, 0.2, 9), indexing="ij")
    square = torch.stack([x, y, torch.full_like(x, 0.3)], -1).view(-1, 3)
    light = torch.tensor([[[2.0, 0.0, 2.3]]])
    faces = grid_faces(9, 9)
    sheet = torch.zeros(len(faces), dtype=torch.int64)
    floor = torch.zeros(1)
    heights = shadow_heights(square, faces, sheet, light, floor, 256)
    # A light at height 2.3 throws the point (x, 0.3) to 2 + (x - 2) 2.3 / 2.0.
    middle, half = 2 - 2 * 1.15, 0.2 * 1.15
    points = torch.tensor([[[middle + k * half, 0.0, 0.0] for k in (-1.3, -0.7, 0.0, 0.7, 1.3)]])
    lit = visibility(points, heights, light, floor)[0]
    torch.testing.assert_close(lit, torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0]))
    above = visibility(points + torch.tensor([0.0, 0.0, 0.5]), heights, light, floor)
    assert (above == 1).all()


def test_the_paper_does_not_shade_its_own_upper_side() -> None:
    y, x = torch.meshgrid(torch.linspace(-0.3, 0.3, 23), torch.linspace(-0.3, 0.3, 23), indexing="ij")
    sheet = torch.stack([x, y, 0.1 + 0.3 * x], -1).view(-1, 3)
    light = torch.tensor([[[-2.0, 0.5, 2.0]]])
    faces = grid_faces(23, 23)
    heights = shadow_heights(sheet, faces, torch.zeros(len(faces), dtype=torch.int64), light, torch.zeros(1), 192)
    lit = visibility(sheet[None] + torch.tensor([0.0, 0.0, 0.012]), heights, light, torch.zeros(1))
    assert lit.mean() > 0.99


def test_lamps_are_above_the_table() -> None:
    for i in range(50):
        lamps = draw_lamps(np.random.default_rng(i), "bend", SynthConfig())
        assert lamps.positions.shape == (10 + SKY_LIGHTS, 3)
        assert lamps.positions[:, 2].min() > 0.7


def test_srgb_there_and_back() -> None:
    value = np.linspace(0, 1, 256, dtype=np.float32)
    back = to_srgb(torch.from_numpy(to_linear(value)))
    np.testing.assert_allclose(back, value, atol=1e-5)


def test_each_picture_has_its_own_blur() -> None:
    picture = torch.zeros(2, 1, 41, 41)
    picture[:, :, 20, 20] = 1
    out = gaussian_blur(picture, torch.tensor([0.6, 3.0]))
    torch.testing.assert_close(out.sum((1, 2, 3)), torch.ones(2))
    x = torch.arange(41.0) - 20
    spread = (out.sum((1, 2)) * x**2).sum(1).sqrt()
    assert spread[0].item() == pytest.approx(0.6, rel=0.05)
    assert spread[1].item() == pytest.approx(3.0, rel=0.1)

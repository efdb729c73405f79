"""Losses and figures against values worked out by hand, or by SciPy and docpre's own geometry."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from docpre.geometry import Grid
from tests.train.drawing import smooth_grid_px
from train.data.tight_crop import normalised_grid
from train.grid_figures import grid_error_percent, line_tilt_deg
from train.losses import at_nodes, axis_alignment, l1, page_offsets, reconstruction, ssim, unwarp

SIZE_HW = (356, 244)


def grid(number=0):
    return torch.from_numpy(normalised_grid(smooth_grid_px(SIZE_HW, (45, 31), number), SIZE_HW))[None]


def flat_grid(scale=0.7):
    v, u = torch.meshgrid(torch.linspace(-1, 1, 45), torch.linspace(-1, 1, 31), indexing="ij")
    return scale * torch.stack([u, v])[None]


def turned(grid_xy, degrees, size_hw=SIZE_HW):
    """A grid turned clockwise about the photo's centre, in pixels."""
    half = torch.tensor([size_hw[1] - 1, size_hw[0] - 1]).view(1, 2, 1, 1) / 2
    x, y = (grid_xy * half).unbind(1)
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return torch.stack([c * x - s * y, s * x + c * y], 1) / half


def test_l1_leaves_out_what_has_no_truth():
    predicted = torch.ones(2, 3, 4, 5, requires_grad=True)
    true = torch.stack([torch.full((3, 4, 5), 3.0), torch.full((3, 4, 5), torch.nan)])
    assert l1(predicted, true).item() == 2
    nothing = l1(predicted, true * torch.nan)
    nothing.backward()
    assert nothing.item() == 0
    assert predicted.grad is not None
    assert (predicted.grad == 0).all()


def test_unwarp_is_docpre_s_own_sampling():
    image = torch.from_numpy(np.random.default_rng(0).random((1, 1, *SIZE_HW), np.float32))
    step = Grid(grid()[0].numpy(), SIZE_HW, (90, 62))
    y, x = np.mgrid[:90, :62]
    places = step.backward(np.stack([x, y], -1).reshape(-1, 2).astype(float)).reshape(90, 62, 2).astype(np.float32)
    import cv2

    expected = cv2.remap(image[0, 0].numpy(), places[..., 0], places[..., 1], cv2.INTER_LINEAR)
    assert np.abs(unwarp(image, grid(), (90, 62))[0, 0].numpy() - expected).max() < 0.02  # cv2's 5-bit fractions


def test_reconstruction():
    image = torch.rand(1, 3, *SIZE_HW)
    assert reconstruction(image, grid(), grid()).item() == 0
    assert reconstruction(image, grid(1), grid()).item() > 0.05


def test_ssim_against_a_slow_one():
    from scipy.ndimage import correlate1d

    a, b = torch.rand(2, 1, 1, 40, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    window = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def blur(x):
        return correlate1d(correlate1d(x, window, 0), window, 1)[5:-5, 5:-5]

    x, y = a[0, 0].numpy(), b[0, 0].numpy()
    mx, my = blur(x), blur(y)
    sx, sy, sxy = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
    expected = ((2 * mx * my + 1e-4) * (2 * sxy + 9e-4) / ((mx**2 + my**2 + 1e-4) * (sx + sy + 9e-4))).mean()
    assert ssim(a, b).item() == pytest.approx(expected, abs=1e-10)
    assert ssim(a, a).item() == pytest.approx(1)


def test_page_offsets_of_a_shift():
    """The prediction looks a tenth of the page further right, so the page comes out a tenth further left."""
    true = flat_grid(0.5)
    offsets = page_offsets(true + torch.tensor([0.1, 0.0]).view(1, 2, 1, 1), true)
    assert torch.allclose(offsets[:, 0], torch.tensor(-0.1), atol=1e-5)
    assert torch.allclose(offsets[:, 1], torch.tensor(0.0), atol=1e-5)


def test_page_offsets_are_docpre_s_inverse_to_first_order():
    true = grid()
    small = 0.01 * torch.sin(torch.linspace(0, 3, 45)).view(1, 1, 45, 1) * torch.ones(1, 2, 45, 31)
    predicted = true + small
    exact = Grid(predicted[0].numpy(), SIZE_HW, (45, 31)).forward(
        Grid(true[0].numpy(), SIZE_HW, (45, 31)).nodes_xy.reshape(-1, 2)
    )
    v, u = np.mgrid[:45, :31]
    exact_offsets = (exact.reshape(45, 31, 2) - np.stack([u, v], -1)) / (30, 44)
    first_order = page_offsets(predicted, true)[0].permute(1, 2, 0).numpy()
    assert np.abs(exact_offsets).max() > 0.005
    assert np.abs(first_order - exact_offsets).max() < 0.0012


class TestAxisAlignment:
    def test_shifts_and_stretches_of_whole_lines_cost_nothing(self):
        true = grid()
        v, u = torch.meshgrid(torch.linspace(0, 1, 45), torch.linspace(0, 1, 31), indexing="ij")
        d_row, d_column = torch.gradient(true, dim=(2, 3))
        # each row moves along the page as a whole, each column too
        moved = true - (d_row * 44 * (0.05 * v**2) + d_column * 30 * (0.04 * u))
        assert axis_alignment(true, true).item() < 2e-5
        assert axis_alignment(moved, true).item() < 1e-3

    def test_tilt_and_bend_cost(self):
        true = flat_grid()
        assert axis_alignment(turned(true, 10), true) > 2 * axis_alignment(turned(true, 4), true) > 0.01
        bent = true.clone()
        bent[:, 1] += 0.05 * (true[:, 0] / 0.7) ** 2
        expected = 0.05 / 1.4 * math.sqrt(4 / 45)  # standard deviation of u squared on [-1, 1], in parts of the height
        assert axis_alignment(bent, true).item() == pytest.approx(expected, rel=0.1)

    def test_gradient_straightens(self):
        true = grid()
        predicted = turned(true, 5).clone().requires_grad_()
        before = axis_alignment(predicted, true)
        before.backward()
        assert predicted.grad is not None
        assert torch.isfinite(predicted.grad).all()
        with torch.no_grad():
            assert axis_alignment(predicted - 5 * predicted.grad, true) < before

    def test_hidden_cells_stay_finite(self):
        folded = grid().clone()
        folded[:, 0, :, 15:] -= 0.3
        assert torch.isfinite(axis_alignment(grid(), folded))


class TestFigures:
    def test_grid_error_of_a_shift(self):
        true = flat_grid(0.5)
        size_hw = torch.tensor([[401, 201]])
        shifted = true + torch.tensor([0.02, 0.0]).view(1, 2, 1, 1)
        # two pixels, on a page of 100 x 200
        assert grid_error_percent(shifted, true, size_hw).item() == pytest.approx(200 / math.sqrt(100 * 200), rel=1e-4)

    def test_line_tilt_of_a_turn(self):
        size_hw = torch.tensor([SIZE_HW])
        for degrees in (0.5, 3.0):
            tilt = line_tilt_deg(turned(flat_grid(), degrees), flat_grid(), size_hw).item()
            assert tilt == pytest.approx(degrees, rel=0.02)

    def test_size_of_the_network_doesn_t_matter(self):
        size_hw = torch.tensor([SIZE_HW])
        full = grid_error_percent(turned(grid(), 3), grid(), size_hw)
        coarse = grid_error_percent(at_nodes(turned(grid(), 3), (23, 16)), at_nodes(grid(), (23, 16)), size_hw)
        assert coarse.item() == pytest.approx(full.item(), rel=0.05)


def test_ssim_keeps_its_precision_under_autocast():
    page = torch.full((1, 3, 40, 40), 0.9)
    page[:, :, 12:16, 5:30] = 0.2
    shifted = page.roll(1, 2).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        found = ssim(page, shifted)
    found.backward()
    assert found.item() == pytest.approx(ssim(page, shifted.detach()).item(), abs=1e-6)
    assert shifted.grad.isfinite().all()


def test_a_grid_of_nan_does_no_harm():
    page = unwarp(torch.rand(1, 3, 16, 16), torch.full((1, 2, 4, 4), torch.nan), (16, 16))
    assert page.isfinite().all()

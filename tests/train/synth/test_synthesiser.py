"""The photos' truth is the truth."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.metrics import structural_similarity
from torch import Tensor
from torch.nn import functional

from train.synth import KINDS, Photos, SynthConfig, Synthesiser
from train.synth.page import draw_page

SMALL = SynthConfig(size_wh=(124, 180))


@pytest.fixture(scope="module")
def pages() -> list[NDArray[np.uint8]]:
    return [draw_page(i, dpi=60) for i in range(3)]


def ms_ssim(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """MS-SSIM as a weighted sum over five scales, as DocUNet's protocol has it (there with MATLAB's pyramid)."""
    total = 0.0
    for weight in (0.0448, 0.2856, 0.3001, 0.2363, 0.1333):
        total += weight * structural_similarity(
            first, second, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
        )
        first, second = (cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for p in (first, second))
    return total


def unwarp(photos: Photos, field: Tensor, size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Sample the first photo by a coarse or dense map; gray, (H, W)."""
    place = functional.interpolate(field[:1], size_hw, mode="bilinear", align_corners=True).permute(0, 2, 3, 1)
    picture = photos.image[:1].permute(0, 3, 1, 2).float()
    flat = functional.grid_sample(picture, place, mode="bicubic", align_corners=True)[0].clamp(0, 255)
    return cv2.cvtColor(flat.permute(1, 2, 0).numpy().astype(np.uint8), cv2.COLOR_RGB2GRAY)


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_unwarped_by_its_own_map_is_the_flat_page(kind: str) -> None:
    config = SynthConfig(
        kinds={kind: 1.0}, size_wh=(732, 1068), lit=False, coverage=(0.5, 0.6), tilt_deg=(0, 25), any_turn=0
    )
    for number in (2, 3):
        page = draw_page(number, dpi=72)
        photos = Synthesiser(config, seed=3)([page], [number])
        gray = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
        for field in (photos.backward_map, photos.grid_xy):
            assert ms_ssim(unwarp(photos, field, gray.shape), gray) > 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_the_two_maps_undo_each_other(kind: str, pages: list[NDArray[np.uint8]]) -> None:
    config = SynthConfig(kinds={kind: 1.0}, size_wh=(244, 356), lit=False)
    photos = Synthesiser(config, seed=1)([pages[0]] * 2, [1, 2])
    for i in range(2):
        mask = photos.mask[i]
        assert torch.isnan(photos.uv[i][:, ~mask]).all()
        uv = photos.uv[i][:, mask]
        assert uv.abs().max() <= 1
        back = functional.grid_sample(photos.backward_map[i][None], uv.T[None, None], align_corners=True)[0, :, 0]
        y, x = mask.nonzero().T
        off_px = torch.hypot((back[0] + 1) / 2 * 243 - x, (back[1] + 1) / 2 * 355 - y)
        assert off_px.quantile(0.99) < 0.5


@given(numbers=st.lists(st.integers(0, 10_000), min_size=2, max_size=3, unique=True), seed=st.integers(0, 99))
@settings(max_examples=8, deadline=None)
def test_a_number_gives_the_same_photo_in_any_company(numbers: list[int], seed: int) -> None:
    pages = {n: draw_page(n % 3, dpi=40) for n in numbers}
    synthesiser = Synthesiser(SMALL, seed)
    together = synthesiser([pages[n] for n in numbers], numbers)
    alone = synthesiser([pages[numbers[-1]]], numbers[-1:])
    for name in ("image", "grid_xy", "grid_xyz", "backward_map", "mask"):
        assert torch.equal(getattr(together, name)[-1:], getattr(alone, name)), name
    assert together.kind[-1] == alone.kind[0]


def test_a_batch_drawn_at_once_is_the_batch_drawn_one_by_one(pages: list[NDArray[np.uint8]]) -> None:
    numbers = list(range(8))
    synthesiser = Synthesiser(SMALL, 4)
    chosen = [pages[n % 3] for n in numbers]
    scenes = synthesiser.draw_scenes([(p.shape[1], p.shape[0]) for p in chosen], numbers)
    at_once, one_by_one = synthesiser.photograph(chosen, scenes), synthesiser(chosen, numbers)
    torch.testing.assert_close(at_once.grid_xy, one_by_one.grid_xy, atol=1e-3, rtol=0)
    different = (at_once.image.float() - one_by_one.image.float()).abs()
    assert different.mean() < 0.5


def test_numbers_and_seeds_differ(pages: list[NDArray[np.uint8]]) -> None:
    first = Synthesiser(SMALL, 0)([pages[0]] * 2, [0, 1])
    other = Synthesiser(SMALL, 1)([pages[0]], [0])
    assert not torch.equal(first.grid_xy[0], first.grid_xy[1])
    assert not torch.equal(first.grid_xy[0], other.grid_xy[0])


@pytest.mark.parametrize("size_wh", [(488, 712), (300, 200), (33, 47)])
def test_shapes_and_ranges(size_wh: tuple[int, int], pages: list[NDArray[np.uint8]]) -> None:
    width, height = size_wh
    photos = Synthesiser(SynthConfig(size_wh=size_wh))([pages[0], pages[1]], [5, 6])
    assert len(photos) == 2
    assert photos.image.shape == (2, height, width, 3)
    assert photos.image.dtype == torch.uint8
    assert photos.grid_xy.shape == (2, 2, 45, 31)
    assert photos.grid_xyz.shape == (2, 3, 45, 31)
    assert photos.backward_map.shape == (2, 2, height, width)
    assert photos.mask.shape == (2, height, width)
    assert photos.mask.dtype == torch.bool
    assert photos.uv.shape == (2, 2, height, width)
    assert torch.isfinite(photos.grid_xy).all()
    assert torch.isfinite(photos.backward_map).all()
    torch.testing.assert_close(photos.grid_xyz.mean((2, 3)), torch.zeros(2, 3), atol=1e-5, rtol=0)
    # The page's long side is 1: the nodes' distances along an edge add up to it.
    side = photos.grid_xyz.diff(dim=2).norm(dim=1).sum(1)
    assert (side.max(1).values - 1).abs().max() < 0.02


def test_positions_and_places_are_of_one_camera(pages: list[NDArray[np.uint8]]) -> None:
    """A pinhole maps straight lines in space to straight lines: the places are a projection of the positions."""
    config = SynthConfig(size_wh=(244, 356), lit=False)
    synthesiser = Synthesiser(config, 2)
    page = pages[0]
    scene = synthesiser.draw_scenes([(page.shape[1], page.shape[0])], [11])[0]
    photos = synthesiser.photograph([page], [scene])
    nodes = scene.surface.nodes[::2, ::2]
    mean = (nodes - scene.camera.position) @ scene.camera.rotation.T
    xyz = photos.grid_xyz[0].permute(1, 2, 0).double().numpy() + mean.mean((0, 1))
    xy = scene.camera.focal_px * xyz[..., :2] / xyz[..., 2:] + scene.camera.centre_xy
    truth = (photos.grid_xy[0].permute(1, 2, 0).numpy() + 1) / 2 * [243, 355]
    np.testing.assert_allclose(xy, truth, atol=0.01)


def test_light_and_lens_change_the_picture_but_not_the_truth(pages: list[NDArray[np.uint8]]) -> None:
    from dataclasses import replace

    lit = Synthesiser(SMALL, 3)([pages[0]], [9])
    bare = Synthesiser(replace(SMALL, lit=False), 3)([pages[0]], [9])
    assert torch.equal(lit.grid_xy, bare.grid_xy)
    assert torch.equal(lit.mask, bare.mask)
    assert not torch.equal(lit.image, bare.image)


def test_a_page_that_is_no_page_is_refused(pages: list[NDArray[np.uint8]]) -> None:
    synthesiser = Synthesiser(SMALL)
    with pytest.raises(ValueError, match="2 pages for 1 numbers"):
        synthesiser(pages[:2], [0])
    with pytest.raises(ValueError, match="RGB"):
        synthesiser([pages[0][..., 0]], [0])
    with pytest.raises(ValueError, match="uint8"):
        synthesiser([pages[0].astype(np.float32)], [0])  # type: ignore[list-item]


def test_a_config_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="upside down"):
        SynthConfig(coverage=(1.0, 0.3))
    with pytest.raises(ValueError, match="known are"):
        SynthConfig(kinds={"origami": 1.0})
    with pytest.raises(ValueError, match="chance"):
        SynthConfig(held=1.5)
    with pytest.raises(ValueError, match="size_wh"):
        SynthConfig(size_wh=(8, 8))

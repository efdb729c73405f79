"""The page finder's photos and a tiny run of its training, from its configuration to an exported model."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from safetensors.torch import load_file

from docpre.errors import ConfigError, InputError, ModelError
from docpre.models.page_finder import PageFinder
from docpre.registry import find_model
from tests.conftest import draw_page
from tests.train.drawing import draw_text_page
from train import page_photos
from train.__main__ import main
from train.data.page_photos import PagePhotos, coloured, moved, shadowed, stained, with_other_page, with_twin
from train.page_finder import PageFinding, iou
from train.page_photos import STORED_HW, scanned, shaped
from train.panels import with_panels

CONFIG = Path(__file__).parents[2] / "configs" / "page_finding.yaml"


@pytest.fixture
def photos(tmp_path) -> Path:
    """Files as ``page_photos`` makes them: light pages on dark ground."""
    rng = np.random.default_rng(0)
    for number in (0, 1, 11):
        masks = np.zeros((8, 224, 224), np.uint8)
        for mask in masks:
            left, top = rng.integers(20, 100, 2)
            mask[top : top + 90, left : left + 70] = 255
        images = np.where(masks[..., None] > 0, 220, rng.integers(20, 70, (8, 1, 1, 3))).astype(np.uint8)
        np.savez(tmp_path / f"{number:04d}.npz", images=images, masks=masks, aspects=np.full(8, 0.75, np.float32))
    return tmp_path


def test_photos_are_drawn_and_kept(upright_pages, tmp_path):
    output = tmp_path / "photos"
    assert main(["page_photos", "--pages", str(upright_pages), "--output", str(output), "--count", "3"]) == 0
    source = PagePhotos(output, for_validation=False)
    assert len(source) == 3
    for index in range(3):
        image, mask, aspect = source.read(index)
        assert image.shape == (*STORED_HW, 3)
        assert mask.shape == STORED_HW
        assert mask.max() == 255
        assert 0.5 < aspect < 2
    with pytest.raises(InputError, match="page_photos"):
        PagePhotos(output, for_validation=True)


def test_the_photos_do_not_depend_on_how_many_processes_draw(upright_pages, tmp_path, monkeypatch):
    monkeypatch.setattr(page_photos, "PHOTOS_PER_FILE", 2)
    for workers in (1, 2):
        page_photos.draw(upright_pages, tmp_path / str(workers), 3, 3, workers)
    for file in ("0000.npz", "0001.npz"):
        one, two = (np.load(tmp_path / str(workers) / file) for workers in (1, 2))
        for name in ("images", "masks", "aspects"):
            np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.parametrize("workers", [1, 2])
def test_pages_that_are_not_there_or_cannot_be_read_are_an_error_of_docpre(tmp_path, workers):
    with pytest.raises(InputError, match="no such folder"):
        page_photos.draw(tmp_path / "nowhere", tmp_path / "out", 2, 0, workers)
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "junk.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="none of 2 pages"):
        page_photos.draw(tmp_path / "pages", tmp_path / "out", 2, 0, workers)


@pytest.mark.parametrize("seed", range(12))
def test_a_mask_goes_where_its_photo_goes(seed):
    random = np.random.default_rng(seed)
    mask = np.zeros((224, 224), np.uint8)
    mask[70:150, 60:160] = 255
    image = np.repeat(mask[..., None], 3, 2) // 2 + 40
    seen, covered = moved(image, mask, 0.75, (96, 96), random)
    assert seen.shape == (96, 96, 3)
    inside = covered > 250
    assert inside.any()
    assert seen[inside].min() > 160
    assert seen[cv2.dilate(covered, np.ones((3, 3))) == 0].max() < 256
    assert coloured(seen, covered, random).shape == seen.shape


@pytest.mark.parametrize("seed", range(8))
def test_another_page_lies_beneath_the_page_and_is_cut_by_the_frame(seed):
    mask = np.zeros((96, 96), np.uint8)
    mask[30:70, 25:60] = 255
    image, other = np.full((96, 96, 3), 60, np.uint8), np.full((96, 96, 3), 200, np.uint8)
    beneath = with_other_page(image, mask, other, mask, np.random.default_rng(seed))
    assert (beneath[mask > 0] == 60).all()
    shown = (beneath > 150).all(2)
    assert 0.02 < shown.sum() / (mask > 0).sum() < 0.8
    assert np.concatenate([shown[0], shown[-1], shown[:, 0], shown[:, -1]]).any()


@pytest.mark.parametrize("seed", range(8))
def test_a_page_lies_beside_itself_where_the_frame_cuts_it(seed):
    mask = np.zeros((96, 96), np.uint8)
    mask[15:75, 20:80] = 255
    image = np.where(mask[..., None] > 0, 200, np.full((1, 1, 3), 60)).astype(np.uint8)
    seen = with_twin(image, mask, image, np.random.default_rng(seed))
    twin = (seen > 150).all(2) & (mask == 0)
    assert 0.1 < twin.sum() / (mask > 0).sum() <= 0.6
    assert np.concatenate([twin[0], twin[-1], twin[:, 0], twin[:, -1]]).any()
    assert (seen[mask > 0] == 200).all()


def test_a_page_of_which_the_frame_would_not_cut_enough_is_not_laid_beside_another():
    mask = np.zeros((96, 96), np.uint8)
    mask[40:56, 40:56] = 255
    image = np.where(mask[..., None] > 0, 200, np.full((1, 1, 3), 60)).astype(np.uint8)
    for seed in range(4):
        assert (with_twin(image, mask, image, np.random.default_rng(seed)) == image).all()
    for blank in (mask * 0, np.full_like(mask, 255)):
        assert (with_twin(image, blank, image, np.random.default_rng(0)) == image).all()


@pytest.mark.parametrize("seed", range(40))
def test_mirrored_copies_of_a_page_are_not_the_page(seed):
    mask = np.zeros((224, 224), np.uint8)
    mask[40:190, 40:190] = 255
    image = np.repeat(mask[..., None], 3, 2) // 2 + 40
    covered = moved(image, mask, 1.0, (96, 96), np.random.default_rng(seed))[1]
    assert cv2.connectedComponents((covered > 127).astype(np.uint8))[0] == 2


def test_a_picture_of_a_page_alone_gets_no_other_page():
    full, part = np.full((96, 96), 255, np.uint8), np.zeros((96, 96), np.uint8)
    part[30:70, 25:60] = 255
    image, other = np.full((96, 96, 3), 60, np.uint8), np.full((96, 96, 3), 200, np.uint8)
    for mask, other_mask in ((full, part), (part, full), (part, part * 0)):
        assert (with_other_page(image, mask, other, other_mask, np.random.default_rng(0)) == 60).all()


def test_a_page_that_fills_its_picture_still_does_when_moved_or_lies_on_a_larger_glass():
    full = np.full((224, 224), 255, np.uint8)
    page = np.repeat(full[..., None], 3, 2) // 2
    fills = 0
    for seed in range(30):
        seen, covered = moved(page, full, 0.7, (96, 96), np.random.default_rng(seed))
        if covered.min() == 255:
            fills += 1
            continue
        assert 0.1 < (covered > 127).mean() < 0.97
        assert (seen[covered == 255] == 127).all()
        assert not (seen[covered == 0] == 127).all(1).any()
    assert 15 <= fills <= 27


def test_shadows_darken_a_part_of_some_photos():
    photo = np.full((96, 96, 3), 200, np.uint8)
    dark = [(shadowed(photo, np.random.default_rng(seed)) < 190).mean() for seed in range(60)]
    assert 8 <= sum(share > 0 for share in dark) <= 28
    assert any(0.05 < share < 0.95 for share in dark)


def test_pages_become_strips_cards_and_scans():
    page = draw_text_page(1)
    sizes = [shaped(page, np.random.default_rng(seed)).shape for seed in range(60)]
    assert max(max(size[:2]) for size in sizes) == 480
    assert min(size[1] / size[0] for size in sizes) < 0.4
    assert max(size[1] / size[0] for size in sizes) > 1.2
    assert scanned(page, np.random.default_rng(0)).shape == page.shape


def test_the_network_is_small_and_marks_each_second_pixel():
    network = PageFinder().eval()
    assert sum(parameter.numel() for parameter in network.parameters()) < 1_500_000
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 64, 96)).shape == (1, 1, 32, 48)
    logits = torch.tensor([[[[3.0, -3.0], [3.0, -3.0]]]])
    assert float(iou(logits, torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]]))) == pytest.approx(1 / 3, abs=1e-4)


def test_it_learns_and_is_exported(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = [f"--config={CONFIG}", f"--data.path={photos}", "--data.batch_size=4", "--data.workers=0"]
    options += ["--trainer.max_epochs=1", "--trainer.log_every_n_steps=1", "--trainer.accelerator=cpu"]
    options += ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
    assert main(["page_finding", "fit", *options]) == 0
    checkpoint = tmp_path / "runs/page_finding/checkpoints/last.ckpt"
    assert main(["export", "--ckpt", str(checkpoint), "--output", "out", "--name", "mine", "--licence", "MIT"]) == 0
    spec = find_model("page_finding", None, tmp_path / "out")
    assert (spec.name, spec.architecture, spec.outputs) == ("mine", "PageFinder", ("mask",))
    assert "val/iou" in spec.figures
    again, anew = PageFinding(start="out"), PageFinding()
    for module in (again, anew):
        module.setup("fit")
    exported = load_file(tmp_path / "out" / "model.safetensors")
    for name, value in again.network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(value, exported[name])
    assert not torch.equal(*(next(iter(network.parameters())) for network in (again.network, anew.network)))
    assert all(module.training for module in again.network.modules())
    with pytest.raises(ConfigError, match="nowhere"):
        PageFinding(start="nowhere").setup("fit")
    with pytest.raises(ModelError, match="safetensors"):  # the published weights are an ONNX file
        PageFinding(start="official").setup("fit")


def test_old_paper_is_brown_and_stained_and_keeps_its_print():
    page = draw_page(192, 192, font_size=9)
    for seed in range(8):
        old = stained(page, np.random.default_rng(seed))
        assert old.shape == page.shape
        assert old[..., 0].mean() > old[..., 2].mean(), "brown"
        paper = old[page.min(2) > 250].astype(float)
        assert paper.std(0).max() > 1, "stains"
        assert old[page.max(2) < 60].mean() < paper.mean() - 60


def test_what_is_printed_on_a_page_is_seeded_and_keeps_its_size():
    page, other = draw_page(320, 220, seed=1, font_size=9), draw_page(200, 300, seed=2, font_size=9)
    before = page.copy()
    changed = [with_panels(page, other, np.random.default_rng(seed)) for seed in range(40)]
    assert_array_equal(page, before)
    assert all(one.shape == page.shape and one.dtype == np.uint8 for one in changed)
    for seed, one in enumerate(changed):
        assert_array_equal(one, with_panels(page, other, np.random.default_rng(seed)))
    shares = np.array([(one != page).any(2).mean() for one in changed])
    assert (shares > 0.01).mean() > 0.9
    assert shares.min() < 0.1 < 0.6 < shares.max()

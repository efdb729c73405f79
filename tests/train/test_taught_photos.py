"""Photos with a teacher's grids, and what a light network is trained on."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import train.taught_photos
from docpre.calibration_pages import draw_pages
from docpre.engines import RuntimeOptions, create_engine
from docpre.errors import ConfigError, InputError
from docpre.models.uvdoc import ARCHITECTURES
from docpre.registry import find_model
from train.__main__ import main
from train.cli import command_line
from train.data import TaughtPhotos
from train.data.taught_photos import filling, trust
from train.losses import unwarp
from train.synth import SynthConfig
from train.taught_photos import Teacher, draw
from train.unwarping import Unwarping

CONFIG = Path(__file__).parents[2] / "configs" / "unwarping_lite.yaml"
SIZE_HW = (178, 122)
PLAIN = SynthConfig(size_wh=(122, 178), mesh_factor=1, key_lights=1, kinds={"bend": 1.0}, coverage=(0.5, 0.6))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    pages, output = tmp_path_factory.mktemp("pages"), tmp_path_factory.mktemp("photos") / "drawn"
    for number, page in enumerate(draw_pages(3, 1)):
        cv2.imwrite(str(pages / f"{number}.png"), page)
    (pages / "3.png").write_bytes(b"no picture")
    draw(pages, output, 4, 7, Teacher(), PLAIN)
    return pages, output


def test_photos_are_kept_with_both_grids(photos):
    content = np.load(photos[1] / "0000.npz")
    assert content["ends"].shape == (3,)  # the page that can't be read is left out
    assert len(content["jpegs"]) == content["ends"][-1]
    assert TaughtPhotos(photos[1]).read(2, 0).image.shape == (*SIZE_HW, 3)
    assert content["true_xy"].shape == content["taught_xy"].shape == (3, 2, 45, 31)
    assert sorted(Path(name).name for name in content["names"]) == ["0.png", "1.png", "2.png"]
    assert not list(photos[1].glob("*.part*"))


def test_a_run_goes_on_and_repeats_itself(photos, tmp_path):
    pages, output = photos
    before = (output / "0000.npz").stat().st_mtime_ns
    draw(pages, output, 4, 7, Teacher(), PLAIN)
    assert (output / "0000.npz").stat().st_mtime_ns == before
    draw(pages, tmp_path, 4, 7, Teacher(), PLAIN)
    first, again = np.load(output / "0000.npz"), np.load(tmp_path / "0000.npz")
    np.testing.assert_array_equal(first["jpegs"], again["jpegs"])
    np.testing.assert_array_equal(first["taught_xy"], again["taught_xy"])


def test_several_processes_draw_the_same(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(train.taught_photos, "PHOTOS_PER_FILE", 2)
    for workers in (1, 2):
        draw(photos[0], tmp_path / str(workers), 4, 7, Teacher(), PLAIN, workers)
    for file in ("0000.npz", "0001.npz"):
        one, two = (np.load(tmp_path / str(workers) / file) for workers in (1, 2))
        np.testing.assert_array_equal(one["jpegs"], two["jpegs"])
        np.testing.assert_allclose(one["taught_xy"], two["taught_xy"], atol=1e-4)


def test_a_damaged_photo_is_named(photos, tmp_path):
    content = dict(np.load(photos[1] / "0000.npz"))
    np.savez(tmp_path / "0000.npz", **(content | {"jpegs": np.zeros_like(content["jpegs"])}))
    with pytest.raises(InputError, match="photo 1 is damaged"):
        TaughtPhotos(tmp_path).read(1, 0)


def test_a_teacher_of_fine_structure_alone(photos, tmp_path):
    """Where the page lies is the truth's, whatever the teacher says; the waves that it sees are half its own."""
    content = dict(np.load(photos[1] / "0000.npz"))
    u = np.linspace(-1, 1, 31, dtype=np.float32)
    waves = np.stack([0 * u, 0.01 * np.sin(25 * u)])[None, :, None]
    np.savez(tmp_path / "0000.npz", **(content | {"taught_xy": 0.8 * content["true_xy"] + 0.1 + waves}))
    for filled in (0.0, 1.0):
        taught, true = (
            TaughtPhotos(tmp_path, teacher, 9, 10, filled, fine_only=True).read(0, 0) for teacher in (0.5, 0.0)
        )
        off = taught.grid_xy - true.grid_xy
        assert 0.002 < np.abs(off[1]).max() < 0.02
        assert abs(off[1].mean()) < 0.0005
    plain = TaughtPhotos(tmp_path, 0.5, 50, 60).read(0, 0).grid_xy
    assert np.abs(plain - content["true_xy"][0]).mean() > 0.02


def test_photos_of_an_earlier_kind_are_refused(tmp_path):
    np.savez(tmp_path / "0000.npz", images=np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(InputError, match="anew"):
        TaughtPhotos(tmp_path)


def test_grids_lie_between_truth_and_teacher(photos):
    content = np.load(photos[1] / "0000.npz")
    true, taught = content["true_xy"], content["taught_xy"]
    part = trust(true, taught, SIZE_HW, 3, 9)[:, None, None, None]
    for teacher in (0.0, 0.5, 1.0):
        source = TaughtPhotos(photos[1], teacher)
        found = np.stack([source.read(index, 0).grid_xy for index in range(3)])
        np.testing.assert_allclose(found, true + teacher * part * (taught - true), atol=1e-6)


def test_a_teacher_far_off_is_not_believed():
    rows, columns = np.linspace(-0.8, 0.8, 45), np.linspace(-0.8, 0.8, 31)
    true = np.stack(np.meshgrid(columns, rows))[None].astype(np.float32)
    # The page is 0.8 of the picture: a shift by 0.016 of the range of 2 is 1 % of it.
    taught = np.concatenate([true + np.float32([percent * 0.016, 0]).reshape(1, 2, 1, 1) for percent in (1, 6, 12)])
    np.testing.assert_allclose(trust(np.repeat(true, 3, 0), taught, (101, 101), 3, 9), [1, 0.5, 0], atol=1e-3)


def test_a_page_fills_the_picture_and_its_grid_goes_along(photos):
    content = np.load(photos[1] / "0000.npz")
    image, grid_xy = TaughtPhotos(photos[1]).read(0, 0).image, content["true_xy"][0]
    page = filling(image, grid_xy, np.full((4, 2), 0.05))
    corners = page.grid_xy[:, [0, 0, -1, -1], [0, -1, -1, 0]]
    np.testing.assert_allclose(corners, 0.9 * np.array([[-1, 1, 1, -1], [-1, -1, 1, 1]]), atol=1e-4)
    # The page cut out by its grid is the same page before and after, but for sampling twice.
    size_hw = (90, 62)
    before, after = (
        unwarp(torch.from_numpy(picture).permute(2, 0, 1)[None].float(), torch.from_numpy(grid)[None], size_hw)
        for picture, grid in ((image, grid_xy), (page.image, page.grid_xy))
    )
    assert (before - after).abs().mean() < 5
    source = TaughtPhotos(photos[1], filled=1.0)
    assert not np.array_equal(source.read(0, 0).grid_xy, source.read(0, 1).grid_xy)
    np.testing.assert_array_equal(source.read(0, 1).image, source.read(0, 1).image)


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(InputError, match="taught_photos"):
        TaughtPhotos(tmp_path)
    with pytest.raises(ConfigError, match="teacher"):
        TaughtPhotos(tmp_path, teacher=2)
    with pytest.raises(ConfigError, match="distrusted_percent"):
        TaughtPhotos(tmp_path, trusted_percent=5, distrusted_percent=5)


def test_the_recipe_of_docpre_unwarp_is_read(photos):
    config = CONFIG.with_name("docpre_unwarp.yaml")
    options = [f"--config={config}", f"--data.train.path={photos[1]}", "--data.held_out_share=0.3"]
    cli = command_line("unwarping", options, run=False)
    assert cli.model.spec.size_hw == (712, 488)
    sample = cli.datamodule.samples("train", cli.model.spec)[0, 0]
    assert sample["image"].shape == (3, 712, 488)
    assert sample["grid_xy"].isfinite().all()


def test_the_recipe_trains_a_model_that_every_engine_takes(photos, small_uvdoc, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = [f"--config={CONFIG}", f"--data.train.path={photos[1]}", f"--model.start={small_uvdoc}"]
    options += ["--model.size_hw=[84, 68]", "--data.workers=0", "--data.batch_size=1", "--data.held_out_share=0.3"]
    options += ["--trainer.max_steps=2", "--trainer.logger=false", "--trainer.enable_progress_bar=false"]
    options += ["--trainer.callbacks=null", "--trainer.enable_checkpointing=false"]
    cli = command_line("unwarping", ["fit", *options])
    dilations = [
        tuple(layer[0].dilation[0] for layer in getattr(cli.model.network, f"bridge_{number}"))
        for number in range(1, 7)
    ]
    assert tuple(dilations) == ARCHITECTURES["UVDocLight"]

    cli.trainer.save_checkpoint("trained.ckpt")
    assert main(["export", "--ckpt=trained.ckpt", "--output=model", "--name=mine"]) == 0
    spec = find_model("unwarping", model_dir="model")
    assert (spec.name, spec.architecture, spec.size_hw) == ("mine", "UVDocLight", (84, 68))
    picture = np.random.default_rng(0).random((1, 3, *spec.size_hw), np.float32)
    answers = [
        create_engine(spec, RuntimeOptions(engine=engine, device="cpu"), "model")[0].run(picture)
        for engine in ("onnxruntime", "torch")
    ]
    assert answers[0].shape == (1, 2, 6, 5)
    assert np.abs(answers[0] - answers[1]).max() < 1e-4


def test_unknown_architectures_are_named():
    with pytest.raises(ConfigError, match="UVDoc, UVDocLight"):
        Unwarping("nothing", architecture="UVDocTiny")

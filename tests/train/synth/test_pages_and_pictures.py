"""Drawn pages, backgrounds, the sample sheet and the demo page."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from train.synth import demo_page, sheet
from train.synth.background import TEXTURES, draw_background
from train.synth.page import KINDS, draw_page


@pytest.mark.parametrize("kind", KINDS)
def test_pages_repeat_differ_and_have_ink(kind: str) -> None:
    first, again, other = draw_page(1, 50, kind), draw_page(1, 50, kind), draw_page(2, 50, kind)
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()
    assert 0.01 < (first.mean(-1) < 128).mean() < 0.4


def test_an_unknown_kind_of_page_is_refused() -> None:
    with pytest.raises(ValueError, match="letter"):
        draw_page(0, kind="novel")


@pytest.mark.parametrize("name", TEXTURES)
def test_textures_are_light_and_repeat(name: str) -> None:
    corners = np.array([[-0.8, -1.0], [0.8, 1.1]])
    pictures = [draw_background(np.random.default_rng(3), corners, 96, True, False, "cpu", name)[0] for _ in range(2)]
    assert torch.equal(pictures[0], pictures[1])
    assert pictures[0].shape == (3, 96, 96)
    assert pictures[0].min() >= 0
    assert pictures[0].max() <= 1
    assert pictures[0].std() > 1e-4


def test_the_patch_of_table_covers_what_was_asked_for() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(-1.5, 1.5, (40, 2))
    for held in (False, True):
        _, affine = draw_background(rng, corners, 64, False, held, "cpu")
        places = corners @ affine[:, :2].numpy().T + affine[:, 2].numpy()
        assert np.abs(places).max() <= 1 + 1e-5


def test_the_sheet_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, empty = tmp_path / "pages", tmp_path / "empty"
    empty.mkdir()
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), draw_page(0, 50))
    target = tmp_path / "sheet.png"
    sheet.main(["--output", str(target), "--pages", str(folder), "--count", "3", "--columns", "2", "--grid"])
    assert "3 samples" in capsys.readouterr().out
    picture = cv2.imread(str(target))
    assert picture is not None
    assert picture.shape == (2 * 712, 2 * 488, 3)
    sheet.main(["--output", str(target), "--beside", str(folder), "--count", "1", "--columns", "2", "--kind", "fold"])
    picture = cv2.imread(str(target))
    assert picture is not None
    assert picture.shape == (2 * 712, 2 * 488, 3)
    with pytest.raises(ValueError, match="no picture"):
        sheet.read_pages(empty)


def test_the_demo_page_is_set_with_all_its_text() -> None:
    page, text = demo_page.draw_flat_page(dpi=50)
    assert page.shape[2] == 3
    assert 0.6 < page.shape[1] / page.shape[0] < 0.8
    assert text.startswith("Flat pages from bent paper\n")
    assert len(text.split()) > 200

"""Photos of each kind beside their pages."""

import cv2
import numpy as np
import pytest

from docpre.calibration_pages import draw_pages
from docpre.errors import ConfigError, InputError
from docpre.metrics import unwarping_metrics
from train.evaluate.pairs import pairs
from train.evaluate.true_grid import read_grid
from train.synthetic_pairs import _each_document_in_turn, scanned, write_pairs

SETTINGS = {"kinds": ("bend", "fold"), "coverage": (0.5, 0.7), "any_turn": 0.0, "seed": 3, "photo_wh": (122, 178)}


@pytest.fixture
def pages(tmp_path):
    folder = tmp_path / "pages"
    folder.mkdir()
    for number, page in enumerate(draw_pages(3, 1)):
        cv2.imwrite(str(folder / f"{number}.png"), page)
    return folder


def test_kinds_take_turns_and_a_run_goes_on(pages, tmp_path):
    output = tmp_path / "out"
    write_pairs(pages, output, 2, **SETTINGS)
    first = (output / "photo" / "bend_000.png").stat().st_mtime_ns
    write_pairs(pages, output, 4, **SETTINGS)
    assert (output / "photo" / "bend_000.png").stat().st_mtime_ns == first
    found = pairs(output)
    assert [page.name for page in found.pages] == ["bend_000", "bend_002", "fold_001", "fold_003"]
    assert all(page.photo and page.reference for page in found.pages)
    assert all(read_grid(page.grid).shape == (2, 45, 31) for page in found.pages)
    whole = tmp_path / "whole"
    write_pairs(pages, whole, 4, **SETTINGS)
    for page in found.pages:
        again = whole / "photo" / f"{page.name}.png"
        np.testing.assert_array_equal(cv2.imread(str(page.photo)), cv2.imread(str(again)))


def test_empty_pages_are_passed_over(tmp_path):
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((200, 150, 3), 255, np.uint8))
    with pytest.raises(InputError, match="no page has anything"):
        write_pairs(tmp_path, tmp_path / "out", 1, **SETTINGS)


def test_nothing_to_draw_is_an_error(pages, tmp_path):
    with pytest.raises(ConfigError, match="nothing to draw"):
        write_pairs(pages, tmp_path / "out", 0, **SETTINGS)


def test_photos_that_cannot_be_drawn_are_an_error(pages, tmp_path):
    with pytest.raises(ConfigError, match="size_wh"):
        write_pairs(pages, tmp_path, 1, ("bend",), (0.4, 0.9), 0.0, 1, photo_wh=(0, 10))


def test_each_document_gives_a_page_before_one_gives_two():
    documents = ["a"] * 5 + ["b"] * 2 + ["c"]
    order = _each_document_in_turn(documents, np.random.default_rng(0))
    assert sorted(order) == list(range(8))
    assert {documents[index] for index in order[:3]} == {"a", "b", "c"}
    assert {documents[index] for index in order[3:5]} == {"a", "b"}


def test_a_scanned_page_has_grain_and_the_same_print():
    flat = np.full((200, 300, 3), 255, np.uint8)
    flat[50:100] = 0
    scan = scanned(flat, np.random.default_rng(1))
    assert scan.dtype == np.uint8
    assert scan[:50].std() == pytest.approx(2, abs=0.2)
    assert scan[:50].mean() == pytest.approx(247, abs=1)
    assert scan[50:100].max() < 12
    np.testing.assert_array_equal(scan, scanned(flat, np.random.default_rng(1)))


def test_blank_paper_lies_still_where_the_reference_has_grain(monkeypatch):
    """A photo's noise dies away in shadows: the flow from paper without grain goes there, that from a scan does not."""
    pytest.importorskip("numba")
    monkeypatch.setattr("docpre.metrics.unwarping.EVALUATION_AREA", 60000)
    random = np.random.default_rng(0)
    flat = np.full((300, 200, 3), 255, np.uint8)
    flat[20:120:10, 20:180:3] = 0
    noise = random.normal(0, 6, (300, 200, 1)) * np.linspace(0, 1, 200)[None, :, None]
    photo = np.clip(0.8 * flat + noise, 0, 255).astype(np.uint8)
    drawn = unwarping_metrics(photo, flat)["ld"]
    scan = unwarping_metrics(photo, scanned(flat, random))["ld"]
    assert scan < 0.5 * drawn

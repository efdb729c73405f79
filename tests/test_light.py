"""Uneven light and shadows are taken off a page."""

import cv2
import numpy as np
import pymupdf
import pytest

from docpre import DocPreprocessor
from docpre.errors import ConfigError
from docpre.light import evened
from tests.conftest import draw_page


def lit(page: np.ndarray) -> np.ndarray:
    """A page in warm light that fades to the right, with a soft shadow across a corner."""
    height, width = page.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    light = 0.95 - 0.4 * columns / width
    light *= 1 - 0.35 / (1 + np.exp((rows + columns - 0.6 * height) / 25))
    return (page * light[..., None] * (1, 0.93, 0.8)).round().astype(np.uint8)


def test_paper_becomes_evenly_white_and_ink_stays() -> None:
    page = draw_page(1400, 1000, font_size=30)
    paper, ink = page.min(2) > 250, page.max(2) < 20
    paper = cv2.erode(paper.astype(np.uint8), np.ones((9, 9))).astype(bool)
    before = lit(page)
    assert before[paper].std(0).max() > 25
    after = evened(before)
    assert after.shape == page.shape
    assert after.dtype == np.uint8
    assert after[paper].std(0).max() < 5
    assert np.abs(after[paper].mean(0) - 245).max() < 5
    assert after[ink].mean() < 60


def test_a_page_that_is_even_already_hardly_changes() -> None:
    page = np.clip(draw_page(700, 500, font_size=20), 0, 245)
    assert np.abs(evened(page).astype(int) - page).max() <= 2


def test_bands_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    page = lit(draw_page(1400, 1000, font_size=30))
    whole = evened(page)
    monkeypatch.setattr("docpre.light._BAND_ROWS", 97)
    assert np.abs(evened(page).astype(int) - whole).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (40, 30)])
def test_small_pictures_and_strips(size: tuple[int, int]) -> None:
    assert evened(np.full((*size, 3), 128, np.uint8)).shape == (*size, 3)


def test_the_pipeline_evens_the_light_on_request(tmp_path) -> None:
    page = lit(draw_page(700, 500, font_size=20))
    pipeline = DocPreprocessor(device="cpu", use_doc_unwarping=False, use_doc_orientation_classify=False)
    as_it_was = pipeline.predict(page[..., ::-1])[0]
    assert as_it_was["light"] == {"applied": False, "reason": "the step is off"}
    assert np.array_equal(as_it_was.clean_page, page)
    pipeline = DocPreprocessor(
        device="cpu", use_doc_unwarping=False, use_doc_orientation_classify=False, even_light=True
    )
    result = pipeline.predict(page[..., ::-1])[0]
    assert result["light"] == {"applied": True}
    assert "light" in result.elapsed_ms
    assert np.array_equal(result.clean_page, evened(page))
    document = pymupdf.open()
    document.new_page(width=300, height=200).insert_text((40, 80), "words", fontsize=28)
    document.save(tmp_path / "words.pdf")
    (path,) = (r.save_page(tmp_path / "clean.pdf") for r in pipeline.predict(str(tmp_path / "words.pdf")))
    assert pymupdf.open(path)[0].get_images(), "the page as it became, not the PDF's own"


def test_the_switch_is_checked() -> None:
    with pytest.raises(ConfigError, match="even_light"):
        DocPreprocessor(even_light="yes")

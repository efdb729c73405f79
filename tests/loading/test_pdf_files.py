"""PDFs: what their pages look like, where on them things are, and which are taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pymupdf
import pytest
from numpy.testing import assert_allclose

from docpre.errors import ConfigError, InputError
from docpre.loading import Limits, count_pages, iter_pages
from docpre.loading.page_ranges import parse_page_ranges
from tests.loading.files import encoded, pages_of


def test_pdf_pages_are_rendered_upright_with_their_points(pdf_path):
    pages = pages_of(pdf_path, dpi=144)
    assert [page.page_index for page in pages] == [0, 1, 2]
    assert [page.image.shape for page in pages] == [(1684, 1190, 3), (1684, 1190, 3), (800, 600, 3)]
    assert [page.suffix for page in pages] == [".png"] * 3
    for page in pages:
        assert page.transform.original_unit == "point"
        assert page.dpi == 144
    assert_allclose(pages[0].transform.to_original((-0.5, -0.5)), (0, 0), atol=1e-6)
    assert_allclose(pages[0].transform.to_original((1189.5, 1683.5)), (595, 842), atol=1e-6)
    # /Rotate 90 turns the page clockwise for display: its top left is the stored page's bottom left.
    assert pages[1].transform.original_size_hw == (595, 842)
    assert_allclose(pages[1].transform.to_original((-0.5, -0.5)), (0, 595), atol=1e-6)
    assert count_pages(pdf_path) == 3


def test_points_of_a_pdf_are_where_its_text_is(pdf_path):
    with pymupdf.open(pdf_path) as document:
        for page in pages_of(pdf_path, dpi=100):
            for word in document[page.page_index].get_text("words")[:5]:
                box = pymupdf.Rect(word[:4])  # before /Rotate
                corners = page.transform.to_output([[box.x0, box.y0], [box.x1, box.y1]])
                (x0, y0), (x1, y1) = np.sort(corners, 0).round().astype(int)
                assert page.image[y0 : y1 + 1, x0 : x1 + 1].min() < 128, word[4]


@pytest.mark.parametrize("rotation", [0, 90])
@pytest.mark.parametrize(
    ("place", "is_drawn"),
    [
        ((0, 0, 600, 800), False),
        ((0, 0, 600, 420), False),
        ((-900, 0, 360, 800), False),
        ((0, 0, 600, 300), True),
        ((-900, 0, 200, 800), True),
        (None, True),
    ],
)
def test_a_pdf_page_that_pictures_hardly_cover_is_drawn(tmp_path, small, place, is_drawn, rotation):
    document = pymupdf.open()
    page = document.new_page(width=600, height=800)
    page.insert_text((50, 760), "A line of its own.")
    if place is not None:
        page.insert_image(pymupdf.Rect(place), stream=encoded(small, "PNG"), keep_proportion=False)
    page.set_rotation(rotation)
    document.save(tmp_path / "page.pdf")
    (page,) = pages_of(tmp_path / "page.pdf", dpi=30)
    assert page.is_drawn is is_drawn


def test_a_pdf_over_the_pixel_limit_is_rendered_smaller_and_says_so(pdf_path):
    page = pages_of(pdf_path, limits=Limits(max_pixels=100_000))[0]
    assert page.image.shape[0] * page.image.shape[1] <= 102_000
    assert "instead of 200 dpi" in page.notes[0]


def test_page_ranges(pdf_path):
    assert [page.page_index for page in pages_of(pdf_path, pages="3,1-2")] == [2, 0, 1]
    assert count_pages(pdf_path, pages="2-") == 2
    with pytest.raises(InputError, match="has 3 pages"):
        pages_of(pdf_path, pages="4")


def test_page_range_syntax():
    assert parse_page_ranges("1-3, 7,12-") == ((0, 3), (6, 7), (11, None))
    for text in ("", "0", "3-1", "a", "1,,2", "-3", "1.5"):
        with pytest.raises(ConfigError):
            parse_page_ranges(text)


def test_one_page_is_held_at_a_time(pdf_path):
    pages = iter_pages(pdf_path)
    assert next(pages).page_index == 0
    Path(pdf_path).unlink()
    assert next(pages).page_index == 1

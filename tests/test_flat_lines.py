"""What lines say of a page that may be flat, and that flat pages come back as they were."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docpre import DocPreprocessor, TextImageUnwarping
from docpre.flat_lines import are_straight, flat_lines, is_bent, is_drawn, level, skew_deg
from docpre.geometry import Transform
from docpre.grids import identity_grid, seen_through
from docpre.line_directions import line_directions
from docpre.page_finding import PageFinder, Placement
from docpre.rectifying import picture_of
from tests.conftest import draw_page, turned


@pytest.fixture(scope="module")
def page() -> np.ndarray:
    return draw_page(900, 700, seed=3, font_size=12)


def grainy(picture: np.ndarray) -> np.ndarray:
    """A picture with a camera's noise."""
    return np.clip(picture + np.random.default_rng(0).normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


def clouds(height: int, width: int) -> np.ndarray:
    """A picture of nothing, (H, W, 3) RGB uint8, in all colours and coarse and fine."""
    rng = np.random.default_rng(7)
    layers = [
        cv2.resize(rng.random((cells, cells, 3), np.float32), (width, height), interpolation=cv2.INTER_CUBIC) / cells
        for cells in (3, 7, 20, 60, 150)
    ]
    total = np.sum(layers, axis=0)
    return (255 * (total - total.min()) / (total.max() - total.min())).astype(np.uint8)


def on_picture(page: np.ndarray) -> np.ndarray:
    """A page printed on a picture that reaches its edges, as a magazine's or a cover."""
    return np.minimum(page, 90 + clouds(*page.shape[:2]) // 2)


@pytest.mark.parametrize("angle", [-6.0, -2.5, 2.5, 6.0])
def test_a_skewed_scan_is_turned_and_not_bent(page, angle):
    scan = cv2.resize(turned(page, angle, (255, 255, 255)), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    assert skew_deg(flat_lines(picture_of(scan))) == pytest.approx(angle, abs=0.4)
    (result,) = DocPreprocessor(device="cpu", use_doc_orientation_classify=False).predict(scan)
    assert not result.unwarping["applied"]
    assert result.unwarping["turn"] == pytest.approx(angle, abs=0.4)
    assert [step.kind for step in result.transform.steps] == ["homography"]
    assert result.transform.output_size_hw >= scan.shape[:2]  # nothing is cut off
    flat = line_directions(cv2.resize(result.output_image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    assert abs(flat.median_deg()) < 0.4
    assert result.pdf_page().source_path is None  # a PDF gets the turned picture


def test_a_level_page_is_not_turned(page):
    assert skew_deg(flat_lines(picture_of(page))) == 0
    transform = Transform.identity((40, 30))
    assert level(transform, 0.0) is transform


def test_lines_in_waves_are_no_flat_page(page):
    height, width = page.shape[:2]
    x, y = identity_grid((45, 31))
    waved = seen_through(page, np.stack([x, y + 0.09 * np.sin(3 * x)]), (height, width))
    noisy = grainy(waved)
    assert is_bent(noisy, flat_lines(picture_of(noisy)))
    assert not is_bent(page, flat_lines(picture_of(page)))
    level_and_noisy = grainy(page)
    assert not is_bent(level_and_noisy, flat_lines(picture_of(level_and_noisy)))


def test_a_drawn_page_is_told_from_a_photo(page):
    noisy = grainy(page)
    assert is_drawn(page)
    assert not is_drawn(noisy)
    for angle in (9, 40, 60):
        askew = turned(page, angle, (255, 255, 255))
        assert not is_drawn(askew)
    sideways = np.ascontiguousarray(np.rot90(page))
    assert is_drawn(sideways)
    blank = np.full_like(page, 255)
    assert is_drawn(blank)


def test_pictures_on_a_drawn_page_change_nothing(page):
    """Their edges run anywhere; the text is level all the same."""
    covered = page.copy()
    covered[600:, 400:] = clouds(300, 300)
    assert is_drawn(covered)
    assert not is_drawn(turned(covered, 5, (255, 255, 255)))


def test_straight_lines_are_told_from_waves(page):
    height, width = page.shape[:2]
    x, y = identity_grid((45, 31))
    waved = seen_through(page, np.stack([x, y + 0.03 * np.sin(3 * x)]), (height, width))
    aside = seen_through(page, np.stack([x, y * (1 + 0.15 * x)]), (height, width))  # seen from the side
    for flat in (page, grainy(page), on_picture(page), turned(page, 7, (255, 255, 255))):
        assert are_straight(flat_lines(picture_of(flat)))
    for other in (waved, aside, clouds(height, width), turned(page, 22, (255, 255, 255))):
        assert not are_straight(flat_lines(picture_of(other)))


def test_a_drawing_whose_lines_run_askew_does_not_turn_the_page():
    page = np.full((1400, 1000, 3), 255, np.uint8)
    for across in range(0, 300, 20):
        cv2.line(page, (300, 500 + across), (700, 450 + across), (90, 90, 90), 2, cv2.LINE_AA)
    for column in range(40, 1000, 190):  # single words around it
        for row in (60, 200, 340, 1000, 1140, 1280):
            cv2.putText(page, "label", (column, row), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2, cv2.LINE_AA)
    lines = flat_lines(picture_of(page))
    assert abs(lines.median_deg() + 7.1) < 1
    assert skew_deg(lines) == 0
    (result,) = DocPreprocessor(device="cpu", use_doc_orientation_classify=False).predict(page)
    np.testing.assert_array_equal(result["output_img"], page)


def test_a_page_printed_to_its_edges_on_a_picture_is_left_as_it_is(page):
    magazine = np.ascontiguousarray(grainy(on_picture(page))[..., ::-1])
    (result,) = DocPreprocessor(device="cpu", use_doc_orientation_classify=False).predict(magazine)
    assert result.unwarping["reason"] == "the page fills the picture and its lines are straight"
    assert result.unwarping["passes"] == 0
    np.testing.assert_array_equal(result["output_img"], magazine)
    (bent,) = TextImageUnwarping(device="cpu", leave_flat_pages=False).predict(magazine)
    assert bent["unwarping"]["applied"]


@pytest.mark.parametrize("has_frame", [False, True])
def test_a_block_or_a_frame_on_a_page_is_no_page(page, has_frame, monkeypatch):
    """Not even where the page finder surely takes it for a sheet on a table."""
    sheet = np.full((1500, 1100, 3), 255, np.uint8)
    sheet[300:1100, 100:700] = cv2.resize(page, (600, 800), interpolation=cv2.INTER_AREA)
    if has_frame:
        cv2.rectangle(sheet, (100, 300), (700, 1100), (0, 0, 0), 14)
    scan = grainy(sheet)
    corners = np.array([[100, 300], [700, 300], [700, 1100], [100, 1100]]) / (1100, 1500)
    placement = Placement(corners, 0.0, 0.29, 0.97)
    assert placement.is_part
    assert placement.is_sure
    monkeypatch.setattr(PageFinder, "__call__", lambda *args: placement)
    (result,) = DocPreprocessor(device="cpu", use_doc_orientation_classify=False).predict(scan)
    assert result.unwarping["reason"] == "its lines are level, and the picture's rim is of one colour"
    np.testing.assert_array_equal(result["output_img"], scan)


def test_a_pale_panel_on_a_dark_page_with_print_around_it_is_no_sheet(page):
    cover = np.full((1500, 1100, 3), (20, 30, 90), np.uint8)
    cover[300:1100, 100:700] = cv2.resize(page, (600, 800), interpolation=cv2.INTER_AREA)
    cv2.putText(cover, "ANNUAL REPORT 2026", (100, 180), cv2.FONT_HERSHEY_SIMPLEX, 2.2, (255, 255, 255), 5)
    scan = grainy(cover)
    (result,) = DocPreprocessor(device="cpu", use_doc_orientation_classify=False).predict(scan)
    np.testing.assert_array_equal(result["output_img"], scan)


@pytest.mark.parametrize("ground", [(20, 20, 22), (110, 80, 55)])
def test_a_sheet_that_lies_straight_on_a_darker_ground_is_cut_out(page, ground):
    photo = np.full((1600, 1200, 3), ground, np.uint8)
    photo[200:1280, 180:1020] = cv2.resize(page, (840, 1080), interpolation=cv2.INTER_AREA)
    (result,) = DocPreprocessor(device="cpu", use_doc_orientation_classify=False).predict(grainy(photo))
    assert result.unwarping["applied"]
    height, width = result.transform.output_size_hw
    corners = result.transform.to_original([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]])
    np.testing.assert_allclose(corners, [[180, 200], [1020, 200], [1020, 1280], [180, 1280]], atol=30)


def test_curves_on_a_flat_page_do_not_bend_it():
    """A map: lines in all directions, which nothing makes level."""
    rng = np.random.default_rng(4)
    sheet = np.full((1500, 1100, 3), 240, np.uint8)
    x, y = np.meshgrid(np.linspace(0, 7, 1100), np.linspace(0, 9, 1500))
    for _ in range(3):
        heights = np.sin(x * rng.uniform(0.5, 1.5) + rng.uniform(0, 6)) * np.cos(y * rng.uniform(0.5, 1.5)) + 0.4 * x
        contours = np.abs((heights * 6) % 1 - 0.5) < 0.06
        contours[:80] = contours[-80:] = contours[:, :80] = contours[:, -80:] = False
        sheet[contours] = 90
    scan = np.ascontiguousarray(grainy(sheet)[..., ::-1])
    lines = flat_lines(picture_of(np.ascontiguousarray(scan[..., ::-1])))
    assert is_bent(scan, lines)  # for all that its lines say by themselves
    (result,) = DocPreprocessor(device="cpu", use_doc_orientation_classify=False).predict(scan)
    assert result.unwarping["reason"] == "unwarping would hardly make its lines more level"
    np.testing.assert_array_equal(result["output_img"], scan)


def test_a_picture_of_no_page_is_left_as_it_is():
    picture = grainy(clouds(600, 800))
    (result,) = DocPreprocessor(device="cpu", use_doc_orientation_classify=False).predict(picture)
    assert result.unwarping["reason"] == "neither a page's outline nor lines of text are seen"
    np.testing.assert_array_equal(result["output_img"], picture)

"""The page finder: from masks to places, and the real network on drawn photos."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from docpre import DocPreprocessor
from docpre.engine_pool import EnginePool
from docpre.flat_lines import has_text_along
from docpre.geometry import turned_back
from docpre.grids import composed, extended, identity_grid, seen_through
from docpre.line_directions import LineDirections, line_directions
from docpre.page_finding import PageFinder, Placement, placement_of
from docpre.rectifying import Found, Rectifier
from docpre.rectifying import _left_out as left_out
from docpre.refining import Look
from docpre.seen_page import SeenPage
from tests.conftest import draw_page
from tests.test_rectifying import turned


@pytest.fixture(scope="module")
def find() -> PageFinder:
    return PageFinder()


@pytest.fixture(scope="module")
def page() -> np.ndarray:
    return draw_page(900, 700, seed=3, font_size=12)


def on_a_table(page: np.ndarray, angle_cw_deg: float, share: float, height: int = 900, width: int = 1200) -> np.ndarray:
    """A flat page on a wooden table, turned clockwise, covering a share of the photo."""
    rng = np.random.default_rng(8)
    grain = cv2.resize(rng.normal(0, 1, (height // 4, 12)), (width, height), interpolation=cv2.INTER_CUBIC)
    table = np.clip(np.array([126, 88, 58]) + 14 * grain[..., None] + rng.normal(0, 3, (height, width, 3)), 0, 255)
    scale = (share * height * width / (page.shape[0] * page.shape[1])) ** 0.5
    matrix = cv2.getRotationMatrix2D((page.shape[1] / 2 - 0.5, page.shape[0] / 2 - 0.5), -angle_cw_deg, scale)
    matrix[:, 2] += ((width - page.shape[1]) / 2, (height - page.shape[0]) / 2)
    paper = cv2.warpAffine(page, matrix, (width, height), flags=cv2.INTER_AREA).astype(np.float64)
    cover = cv2.warpAffine(np.ones(page.shape[:2]), matrix, (width, height))[..., None]
    return (cover * 0.92 * paper + (1 - cover) * table).astype(np.uint8)


def replace_run(pool: EnginePool, run: Callable[[np.ndarray], np.ndarray]) -> EnginePool:
    """A pool of the same model whose network answers otherwise."""
    other = copy(pool)
    other.run = run
    return other


@given(
    turn=st.floats(-44, 44),
    size=st.tuples(st.floats(0.3, 0.9), st.floats(0.3, 0.9)),
    lean=st.floats(0, 0.25),
    aspect=st.sampled_from([0.75, 1.0, 1.5]),
)
@settings(max_examples=40, deadline=None)
def test_the_corners_of_a_mask_are_found(turn, size, lean, aspect):
    picture_hw = (round(800 / aspect), 800)
    radius = 0.5 * min(picture_hw)
    corners = np.array([[-1 + lean, -1], [1 - lean, -1], [1, 1], [-1, 1]]) * size * 0.7 * radius
    angle = np.deg2rad(turn)
    corners = corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners += np.array(picture_hw[::-1]) / 2
    drawn = cv2.fillConvexPoly(np.zeros(picture_hw, np.uint8), (corners - 0.5).round().astype(np.int32), 1)
    mask = cv2.resize(drawn.astype(np.float32), (96, 96), interpolation=cv2.INTER_AREA)
    placement = placement_of(mask, picture_hw)
    assert placement is not None
    found = placement.corners_xy * picture_hw[::-1]
    off = min(np.linalg.norm(np.roll(found, k, axis=0) - corners, axis=1).max() for k in range(4))
    assert off < 0.025 * max(picture_hw)
    assert placement.share == pytest.approx(drawn.mean(), rel=0.1)


def test_no_page_is_made_of_nothing_or_of_doubt():
    assert placement_of(np.zeros((96, 96), np.float32), (400, 300)) is None
    assert placement_of(np.full((96, 96), 0.55, np.float32), (400, 300)) is None
    cross = np.zeros((96, 96), np.float32)
    cross[40:56] = cross[:, 40:56] = 1
    assert placement_of(cross, (400, 300)) is None


def test_a_page_among_pieces_of_others_is_told_by_what_is_marked_surely():
    box = cv2.boxPoints(((48.0, 48.0), (34.0, 52.0), 30.0)).round().astype(np.int32)
    mask = np.zeros((96, 96), np.float32)
    mask[:, :30] = mask[:25] = 0.7  # beside it and above it, touching it
    cv2.fillConvexPoly(mask, box, 0.99)
    placement = placement_of(mask, (400, 400))
    assert placement is not None
    assert placement.turn_cw_deg == pytest.approx(30, abs=2)
    assert placement.share == pytest.approx(34 * 52 / 96**2, rel=0.1)
    assert placement.is_among_others
    assert not placement.is_sure
    assert placement.turned_back(90).is_among_others
    alone = placement_of(np.where(mask > 0.9, mask, 0), (400, 400))
    assert alone is not None
    assert alone.is_sure


def test_text_on_paper_is_no_page_among_others(page):
    photo = on_a_table(page, 36.0, 0.35)
    placement = replace(PageFinder()(photo), sureness=0.92)
    among = replace(placement, is_among_others=True)
    assert SeenPage.placed(photo, None, photo, among).is_outlined
    on_paper = np.where(photo.min(2, keepdims=True) > 150, 255, photo)
    inside = cv2.fillConvexPoly(
        np.zeros(photo.shape[:2], np.uint8), (among.corners_xy * (1200, 900)).astype(np.int32), 1
    )
    on_paper[inside == 0] = 255
    assert SeenPage.placed(on_paper, None, on_paper, placement).is_outlined
    assert not SeenPage.placed(on_paper, None, on_paper, among).is_outlined


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_place_turns_with_its_picture(angle):
    """What is seen at a place of the turned picture is what was seen there before, turned."""
    picture = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (300, 420, 3), np.uint8), (0, 0), 6)
    placement = Placement(np.array([[0.3, 0.2], [0.8, 0.3], [0.75, 0.8], [0.2, 0.7]]), 8.0, 0.3)
    view_hw = (90, 90)
    before = seen_through(picture, placement.grid((300, 420)), view_hw)
    upright = turned_back(picture, angle)
    after = seen_through(upright, placement.turned_back(angle).grid((upright.shape[0], upright.shape[1])), view_hw)
    # The margin is the same part of the longer side either way; corners of the grid lie alike.
    assert np.abs(turned_back(before, angle).astype(int) - after).mean() < 3


@pytest.mark.parametrize(("strength", "looks"), [(8.0, [1]), (2.0, [1, 3]), (-2.0, [1])])
def test_what_is_not_clear_is_looked_at_in_all_turns_and_is_the_same_in_all(strength, looks):
    """The network says it of the upper left half of what it sees, however that is turned."""
    counts: list[int] = []

    def run(pictures: np.ndarray) -> np.ndarray:
        counts.append(len(pictures))
        upper_left = np.add.outer(np.arange(96), np.arange(96)) < 96
        return np.where(upper_left, strength, -9.0).astype(np.float32) + 0.1 * pictures[:, :1, ::2, ::2]

    find = PageFinder()
    find.pool = replace_run(find.pool, run)
    picture = np.random.default_rng(0).integers(100, 150, (96 * 2, 96 * 2, 3), np.uint8)
    mask = find.mask(picture)
    assert counts == looks
    if len(looks) > 1:
        for turns in (1, 2, 3):
            again = find.mask(np.ascontiguousarray(np.rot90(picture, turns)))
            assert_allclose(np.rot90(again, -turns), mask, atol=1e-5)


@pytest.mark.parametrize("share", [0.08, 0.3])
@pytest.mark.parametrize("angle", [-80.0, -40.0, 0.0, 25.0, 45.0, 160.0])
def test_a_page_on_a_table_is_found(find, page, angle, share):
    photo = on_a_table(page, angle, share)
    placement = find(photo)
    assert placement is not None
    assert placement.is_part
    assert placement.share == pytest.approx(share, rel=0.12)
    off = (placement.turn_cw_deg - angle + 45) % 90 - 45
    assert abs(off) < 3
    photo_hw = (photo.shape[0], photo.shape[1])
    flat = seen_through(photo, placement.grid(photo_hw), (712, 712))
    folded = (line_directions(flat, any_turn=True).angles_deg + 45) % 90 - 45
    assert share < 0.2 or abs(np.median(folded)) < 3


def test_a_page_that_fills_the_picture_is_not_looked_at_closer(find, page):
    for picture in (page, turned(page, 2, (255, 255, 255)), on_a_table(page, 1, 0.87, 1000, 800)):
        placement = find(picture)
        assert placement is None or not placement.is_part


@pytest.mark.parametrize("angle", [0.0, 35.0, 80.0])
def test_text_runs_along_the_sides_of_a_page(find, page, angle):
    photo = on_a_table(page, angle, 0.4)
    placement = find(photo)
    assert has_text_along(photo, placement)
    assert not has_text_along(photo, replace(placement, turn_cw_deg=placement.turn_cw_deg - 25))
    beside = placement.corners_xy * 0.2
    assert not has_text_along(photo, replace(placement, corners_xy=beside))


def test_a_page_that_lies_askew_and_is_not_surely_told_is_unwarped(monkeypatch):
    """Its lines are too far from level to be seen as text where the page is taken to be upright."""
    sure = PageFinder.__call__
    monkeypatch.setattr(PageFinder, "__call__", lambda *args: replace(sure(*args), sureness=0.92))
    photo = on_a_table(draw_page(1100, 780, seed=4, font_size=20), 36.0, 0.35, 1500, 1900)
    (result,) = DocPreprocessor(device="cpu").predict(np.ascontiguousarray(photo[..., ::-1]))
    assert result.unwarping["applied"]
    assert result["angle"] + result.unwarping["turn"] == pytest.approx(36, abs=3)


@pytest.mark.parametrize(("angle", "told"), [(130.0, 130), (-37.0, -37), (90.0, 0)])
def test_a_page_that_lies_askew_is_turned_by_the_likeliest_quarter(angle, told):
    """A bound that no score reaches leaves pages as they are; a page that lies askew lies in none of its four turns."""
    photo = on_a_table(draw_page(1100, 780, seed=4, font_size=20), angle, 0.3, 1500, 1900)
    (result,) = DocPreprocessor(device="cpu", doc_orientation_min_score=1.0).predict(
        np.ascontiguousarray(photo[..., ::-1])
    )
    assert (result["angle"] + result.unwarping["turn"] - told + 180) % 360 - 180 == pytest.approx(0, abs=3)


@pytest.mark.parametrize(("angle", "share"), [(40.0, 0.25), (-35.0, 0.12), (110.0, 0.3)])
def test_a_page_at_any_angle_comes_out_level_and_upright(angle, share):
    page = draw_page(1100, 780, seed=4, font_size=20)
    photo = on_a_table(page, angle, share, 1500, 1900)
    (result,) = DocPreprocessor(device="cpu").predict(np.ascontiguousarray(photo[..., ::-1]))
    assert result.unwarping["applied"]
    whole = (result["angle"] + result.unwarping["turn"] - angle + 180) % 360 - 180
    assert abs(whole) < 3
    height, width = result.transform.output_size_hw
    left, right = result.transform.to_original([[0.1 * width, height / 2], [0.9 * width, height / 2]])
    lies = np.rad2deg(np.arctan2(*(right - left)[::-1]))
    assert abs((lies - angle + 180) % 360 - 180) < 1.5
    # All of the page is there, and points go both ways.
    corners = result.transform.to_output(result.transform.to_original([[5, 5], [width - 5, height - 5]]))
    assert_allclose(corners, [[5, 5], [width - 5, height - 5]], atol=0.05)


def test_a_small_page_on_a_pale_table_is_not_taken_for_flat(page):
    rng = np.random.default_rng(2)
    photo = on_a_table(page, 12.0, 0.2)
    cover = on_a_table(np.full_like(page, 255), 12.0, 0.2).mean(2) > 215
    photo[~cover] = np.clip(rng.normal(206, 2, (int((~cover).sum()), 3)), 0, 255)
    (result,) = DocPreprocessor(device="cpu").predict(np.ascontiguousarray(photo[..., ::-1]))
    assert result.unwarping["applied"]
    assert result.unwarping["turn"] == pytest.approx(12, abs=3)


def placed(left: float, top: float, right: float, bottom: float) -> Placement:
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    return Placement(corners, 0.0, (right - left) * (bottom - top))


@given(st.floats(0.05, 0.4), st.floats(0.05, 0.4), st.floats(0.6, 0.95), st.floats(0.6, 0.95), st.floats(0.1, 0.5))
@settings(max_examples=30)
def test_agreement_is_the_overlap(left, top, right, bottom, cut):
    placement = placed(left, top, right, bottom)
    own = identity_grid((9, 7)) * np.array([right - left, bottom - top])[:, None, None]
    own = own + np.array([left + right - 1, top + bottom - 1])[:, None, None]
    assert placement.agreement(own) == pytest.approx(1, abs=0.02)
    assert placement.agreement(extended(own, (0, 0), (0, -cut))) == pytest.approx(1 - cut, abs=0.03)
    assert placement.agreement(own + 4) == 0


def test_a_part_of_the_picture_is_askew_or_one_that_both_see():
    whole, part = identity_grid((9, 7)), 0.8 * identity_grid((9, 7))
    assert placed(0.1, 0.1, 0.9, 0.9).is_part_with(part)
    assert not placed(0.1, 0.1, 0.9, 0.9).is_part_with(whole)
    assert Placement(placed(0.1, 0.1, 0.9, 0.9).corners_xy, 12.0, 0.64).is_part_with(whole)
    assert not placed(0.02, 0.02, 0.98, 0.98).is_part_with(whole)
    assert placed(0.3, 0.3, 0.7, 0.7).is_part_with(whole)


@pytest.mark.parametrize(("share", "sureness", "turn", "is_small", "is_part"), [
    (0.5, 0.92, 0.0, True, True),
    (0.75, 0.92, 12.0, True, True),
    (0.75, 0.97, 0.0, False, True),
    (0.75, 0.92, 0.0, False, False),
    (0.85, 0.99, 12.0, False, False),
])  # fmt: skip
def test_which_pages_are_parts_of_the_picture(share, sureness, turn, is_small, is_part):
    placement = Placement(placed(0.1, 0.1, 0.9, 0.9).corners_xy, turn, share, sureness)
    assert (placement.is_small_part, placement.is_part) == (is_small, is_part)
    assert not Placement(placement.corners_xy, 0.0, 0.75, 0.99, is_among_others=True).is_part


@pytest.mark.parametrize(("rim", "is_alone"), [(246, False), (110, True)])
def test_what_has_paper_around_it_is_not_seen_alone_unless_it_is_small(page, rim, is_alone):
    """A flat page without its margins, or with a picture beside it, may look like a part of the picture, too."""
    picture = cv2.copyMakeBorder(page, 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=(rim, rim, rim))
    height, width = picture.shape[:2]
    corners = np.array([[60, 60], [width - 60, 60], [width - 60, height - 60], [60, height - 60]]) / (width, height)
    for share, expected in ((0.75, is_alone), (0.55, True)):
        seen = SeenPage.placed(picture, None, picture, Placement(corners, 0.0, share))
        assert seen.is_alone == expected


def test_what_a_network_takes_along_with_the_page_is_left_out(find, page):
    """The page finder's outline decides between two pages whose lines are equally level."""
    photo = on_a_table(page, 0, 0.85, 1200, 900)
    placement = find(photo)
    assert placement is not None
    assert not placement.is_part
    start = placement.grid(photo.shape[:2])
    margin = 0.07 * np.array([page.shape[0] / page.shape[1], 1])

    def network(picture: np.ndarray) -> np.ndarray:
        return (identity_grid((45, 31)) / (1 + 2 * margin)[:, None, None]).astype(np.float32)

    own = composed(start, network(photo))
    assert placement.agreement(own) > 0.95
    rectifier = Rectifier(network, (712, 488), 1, 2.0, None)
    for cut in (0.0, 0.25):  # nothing, or the table around the page
        answer = extended(own, (cut, cut), (cut, cut)).astype(np.float32)
        found = rectifier.rectified(photo, None, lambda answer=answer: answer, placement)
        assert found is not None
        assert placement.agreement(found.look.grid_xy) > 0.93
        assert (found.placement is None) == (cut == 0)


def test_a_lit_part_of_the_page_is_not_taken_for_all_of_it(page):
    """A hard shadow hides the page but for a blank part of it from the finder; the network sees all of it."""
    photo = on_a_table(page, 0, 0.55, 1200, 900)
    lit = placed(0.2, 0.2, 0.8, 0.52)
    own = (0.66 * identity_grid((45, 31))).astype(np.float32)

    def network(picture: np.ndarray) -> np.ndarray:
        return (identity_grid((45, 31)) * 0.02).astype(np.float32)

    rectifier = Rectifier(network, (712, 488), 1, 2.0, None)
    found = rectifier.rectified(photo, None, lambda: own, lit)
    assert found is not None
    assert found.placement is None
    assert found.is_first_look


@pytest.mark.parametrize(("nearly", "is_asked"), [(0.2, False), (0.4, True)])
def test_the_whole_photo_is_asked_about_only_where_its_lines_may_be_more_level(page, nearly, is_asked):
    photo = on_a_table(page, 0, 0.55, 1200, 900)
    corners = np.array([[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]])
    asked = []

    def network(picture: np.ndarray) -> np.ndarray:
        x, y = 0.88 * identity_grid((45, 31))
        return np.stack([x, y + 0.05 * x]).astype(np.float32)

    def whole() -> np.ndarray:
        asked.append(True)
        return (0.66 * identity_grid((45, 31))).astype(np.float32)

    def rectified(level_deg: float) -> Found | None:
        part = Placement(corners, 0.0, 0.36)
        return Rectifier(network, (712, 488), 1, level_deg, None).rectified(photo, None, whole, part)

    level = rectified(10.0)
    assert level is not None
    assert asked == []
    rectified(level.look.tilt_deg - nearly)
    assert bool(asked) == is_asked


@pytest.mark.parametrize(
    ("angle", "weight", "share"),
    [
        (0.8, 0.02, 0.5),  # text as on the page
        (3.0, 0.02, 0.0),  # a weave, askew
        (0.8, 0.06, 0.0),  # joints of tiles, level but far darker
        (0.8, 0.006, 0.0),  # pale grain
        (0.8, 0.0, 0.0),
    ],
)
def test_what_is_beyond_the_page_counts_if_it_is_like_its_text(angle, weight, share):
    x, y = np.meshgrid(np.linspace(60, 440, 5), np.r_[np.linspace(60, 300, 4), np.linspace(412, 650, 4)])
    is_beyond = y.ravel() > 356
    lines = LineDirections(
        np.stack([x.ravel(), y.ravel()], -1), np.where(is_beyond, angle, 0.2), np.where(is_beyond, weight, 0.02)
    )
    none = LineDirections(np.zeros((0, 2)), np.zeros(0), np.zeros(0))
    picture = np.zeros((712, 500, 3), np.uint8)
    upper = identity_grid((9, 7)) * np.array([1, 0.5])[:, None, None] - np.array([0, 0.5])[:, None, None]
    whole = Found(picture, Look(identity_grid((9, 7)), lines, (712, 500), 1), 0)
    part = Found(picture, Look(upper, none, (356, 500), 1), 0)
    assert left_out(part, whole) == pytest.approx(share, abs=0.01)

"""Where lines run, where a page lies, and what is done about it when it lies askew."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from docpre import ConfigError, TextImageUnwarping
from docpre.grids import composed, identity_grid, seen_through
from docpre.line_directions import WINDOW_PX, LineDirections, line_directions
from docpre.line_directions import _spectra as spectra
from docpre.rectifying import picture_of
from docpre.refining import Look, look, refined, straightened
from docpre.straightening import straightening_grid
from tests.conftest import draw_page, turned


@pytest.fixture(scope="module")
def page() -> np.ndarray:
    return draw_page(900, 700, seed=3, font_size=12)


@pytest.mark.parametrize(("count", "bins"), [(1, 2), (32, 33), (70, 74)])
def test_spectra_are_those_of_numpy(count, bins):
    windows = np.random.default_rng(count).random((count, WINDOW_PX, WINDOW_PX), np.float32)
    expected = np.fft.rfft2(windows, s=(WINDOW_PX, 2 * WINDOW_PX))[:, :, :bins].swapaxes(1, 2)
    assert_allclose(spectra(windows, bins), expected, atol=0.01)


@pytest.mark.parametrize("angle", [-20.0, -7.5, -1.0, 0.0, 0.4, 3.0, 11.0, 20.0])
def test_lines_are_seen_to_run_as_they_do(page, angle):
    directions = line_directions(turned(page, angle, (255, 255, 255)))
    assert directions.evidence > 0.3
    assert directions.median_deg() == pytest.approx(angle, abs=0.5)


@pytest.mark.parametrize("angle", [-88.0, -60.0, -45.0, 30.0, 45.0, 75.0])
def test_any_turn_is_seen(page, angle):
    directions = line_directions(turned(page, angle, (255, 255, 255)), any_turn=True)
    off = (directions.angles_deg - angle + 90) % 180 - 90
    assert abs(np.median(off)) < 1


def test_few_windows_say_the_same(page):
    few = line_directions(turned(page, 4, (255, 255, 255)), most_windows=10)
    assert len(few.angles_deg) == 10
    assert few.median_deg() == pytest.approx(4, abs=0.5)


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (300, 5), (96, 96), (97, 143)])
def test_small_and_blank_pictures_say_nothing(size):
    directions = line_directions(np.full((*size, 3), 255, np.uint8))
    assert directions.evidence == 0
    assert directions.tilt_deg == 0
    assert directions.median_deg() == 0


def test_shades_of_the_paper_are_no_ink():
    shade = np.linspace(255, 200, 700)[None, :, None] * np.ones((900, 1, 3))
    assert line_directions(shade.astype(np.uint8)).evidence == 0


def test_waves_are_straightened(page):
    height, width = page.shape[:2]
    x, y = identity_grid((45, 31))
    wave = np.stack([x, y + 0.03 * np.sin(2.2 * x + y)])
    waved = Look(wave, line_directions(seen_through(page, wave, (height, width))), (height, width), 1)
    assert waved.tilt_deg > 1
    better = straightened(page, waved)
    assert better.is_straightened
    assert better.tilt_deg < 0.3 * waved.tilt_deg
    # What is left of the wave, up to the shift of whole lines, which nothing tells.
    left = better.grid_xy[1] - better.grid_xy[1].mean(1, keepdims=True)
    before = wave[1] - wave[1].mean(1, keepdims=True)
    assert np.abs(left).mean() < 0.25 * np.abs(before).mean()


def test_level_lines_are_left_where_they_are(page):
    identity = identity_grid((45, 31))
    seen = Look(identity, line_directions(page), (page.shape[0], page.shape[1]), 1)
    assert seen.tilt_deg < 0.5
    assert np.abs(straightened(page, seen).grid_xy - identity).max() < 0.004


@pytest.mark.parametrize(("seen_whole", "far", "wave", "level_deg", "passes"), [
    (False, False, 0.015, 2.0, 1),  # level once straightened
    (False, False, 0.04, 2.0, 2),  # too far off before that
    (False, False, 0.015, 0.0, 2),  # every pass that helps; a second one that moves nothing is the last
    (True, False, 0.015, 2.0, 1),
    (True, True, 0.015, 2.0, 2),  # far from the rim of a photo that was seen as a whole the first answer is rough
    (False, True, 0.015, 2.0, 1),
])  # fmt: skip
def test_when_the_network_looks_again(page, seen_whole, far, wave, level_deg, passes):
    asked = []

    def network(picture: np.ndarray) -> np.ndarray:
        asked.append(picture.shape[:2])
        return (identity_grid((45, 31)) / 1.05).astype(np.float32)  # the page, without the rim that it sees around it

    x, y = identity_grid((45, 31)) * (0.7 if far else 0.95)
    waved = np.stack([x, y + wave * np.sin(2.2 * x + y)])
    start = None if seen_whole else identity_grid((45, 31))
    assert look(page, waved, 1).tilt_deg > 0.5
    assert (look(page, waved, 1).tilt_deg > 3) == (wave > 0.02)
    found = refined(page, waved, network, (712, 488), 3, level_deg, start)
    assert found.passes <= passes
    assert asked == [(712, 488)] * (passes - 1)
    assert found.is_straightened
    assert found.tilt_deg < 1


def test_a_page_without_text_is_left_alone():
    blank = np.full((400, 300, 3), 240, np.uint8)
    seen = Look(identity_grid((45, 31)), line_directions(blank), (400, 300), 1)
    assert straightened(blank, seen) is seen


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_straightening_is_smooth_whatever_the_directions(seed):
    """Noise must not fold the page."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 60))
    directions = LineDirections(
        rng.uniform(0, (500, 700), (count, 2)), rng.uniform(-20, 20, count), rng.uniform(0, 0.1, count)
    )
    grid = straightening_grid(directions, (700, 500), (45, 31))
    assert np.isfinite(grid).all()
    assert_array_equal(grid[0], identity_grid((45, 31))[0])


@pytest.mark.parametrize("angle", [0.0, 30.0])
def test_refining_levels_the_lines_of_a_photo(photo_rgb, angle):
    photo = np.ascontiguousarray(turned(photo_rgb, angle)[..., ::-1])
    once = TextImageUnwarping(device="cpu", refine=False).predict(photo)[0]
    refined = TextImageUnwarping(device="cpu").predict(photo)[0]
    tilts = []
    for result in (once, refined):
        picture = picture_of(np.ascontiguousarray(result["doctr_img"][..., ::-1]))
        half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        tilts.append(line_directions(half, any_turn=True).tilt_deg)
    assert tilts[1] <= tilts[0] + 0.05
    assert refined["unwarping"]["line_tilt"] is not None
    assert refined["unwarping"]["passes"] >= 1


def test_one_pass_is_what_the_network_says(photo_rgb):
    """``refine=False`` and ``most_passes=1`` take the network's first answer; the latter may straighten it."""
    photo = np.ascontiguousarray(photo_rgb[..., ::-1])
    module = TextImageUnwarping(device="cpu", refine=False)
    (result,) = module.predict(photo)
    grid = module._unwarper.grids([photo_rgb])[0]
    assert_allclose(result.transform.steps[-1].grid_xy, grid, atol=1e-6)


def test_margin_and_keep_all_show_more(photo_rgb):
    photo = np.ascontiguousarray(photo_rgb[..., ::-1])
    plain, wider, everything = (
        TextImageUnwarping(device="cpu", refine=False, **options).predict(photo)[0]
        for options in ({}, {"margin": 0.1}, {"keep_all": True})
    )
    height, width = plain.transform.output_size_hw
    assert wider.transform.output_size_hw[1] == pytest.approx(1.2 * width, rel=0.05)
    assert wider.transform.output_size_hw[0] == pytest.approx(height + 0.2 * width, rel=0.05)
    # A point of the page is there in each of them, and the corners of the photo in the last.
    point = plain.transform.to_original([[width / 2, height / 2]])
    for result in (wider, everything):
        assert_allclose(result.transform.to_original(result.transform.to_output(point)), point, atol=0.01)
    bottom, right = photo.shape[0] - 1, photo.shape[1] - 1
    corners = everything.transform.to_output([[0, 0], [right, 0], [0, bottom], [right, bottom]])
    rows, columns = everything.transform.output_size_hw
    assert (corners > -0.05 * max(rows, columns)).all()
    assert (corners < 1.05 * np.array([columns, rows])).all()


@pytest.mark.parametrize(
    "options",
    [
        {"refine": 1},
        {"most_passes": 0},
        {"most_passes": True},
        {"most_passes": 1.5},
        {"level_deg": -1},
        {"margin": -0.1},
        {"margin": 2},
        {"margin": "a"},
        {"keep_all": "yes"},
    ],
)
def test_wrong_options_are_refused(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        TextImageUnwarping(device="cpu", **options)


def test_composed_grids_sample_the_original_once(page):
    """Two grids in one give what two samplings give, but sharper."""
    x, y = identity_grid((45, 31))
    first, second = np.stack([x * 0.9, y * 0.9 + 0.02 * x]), np.stack([x * 0.95 + 0.01 * y, y])
    twice = seen_through(seen_through(page, first, page.shape[:2]), second, page.shape[:2])
    once = seen_through(page, composed(first, second), page.shape[:2])
    assert np.abs(twice.astype(int) - once).mean() < 6

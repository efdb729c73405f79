"""A page seen from near, and a classifier that sees pages so."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docpre.calibration_pages import draw_pages
from docpre.closer_look import LONG_SIDE, closer_look, print_map
from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.loading import Pixels, array_to_rgb
from docpre.orientation import OrientationClassifier

SIZE = (304, 304)


def written(page: np.ndarray, left: int, top: int, lines: int = 4) -> np.ndarray:
    for line in range(lines):
        at = (left, top + 12 * (line + 1))
        cv2.putText(page, "some words of text", at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1)
    return page


def blank(height: int = LONG_SIDE, width: int = 800) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


def test_windows_are_where_there_is_something_to_read() -> None:
    page = written(written(blank(), 30, 60), 500, 900)
    seen = closer_look(page, SIZE)
    assert seen.shape == (*SIZE, 3)
    assert (seen < 128).sum() == 2 * (page < 128).sum()  # all of both texts; there is nothing else to show


def test_a_window_shows_the_page_as_it_is() -> None:
    page = written(blank(), 304, 400)
    window = closer_look(page, SIZE)[:152, :152]
    found = cv2.matchTemplate(page, window, cv2.TM_CCOEFF_NORMED)
    assert found.max() > 0.9999
    assert (window < 128).sum() == (page < 128).sum()


@pytest.mark.parametrize("channel", [None, 0, 3])
def test_text_is_found_whatever_shows_it(channel: int | None) -> None:
    ink = written(blank(), 304, 400)[..., 0]
    if channel is None:
        page = ink
    else:  # in opacity alone, or in red alone
        page = np.full((*ink.shape, 4), 255, np.uint8)
        page[..., channel] = ink
    window = closer_look(page, SIZE)[:152, :152]
    shown = window if channel is None else window[..., channel]
    assert (shown < 128).sum() == (ink < 128).sum()


def test_text_is_not_at_the_rim_of_its_window() -> None:
    dark = np.argwhere(closer_look(written(blank(), 304, 400), SIZE)[:152, :152].min(2) < 128)
    assert dark.min() > 5
    assert dark.max() < 146


def test_print_counts_for_more_than_grain() -> None:
    page = blank()
    page[700:900] = np.random.default_rng(0).integers(120, 136, (200, 800, 3), dtype=np.uint8)
    page = written(page, 50, 100, lines=11)
    first = closer_look(page, SIZE)[:152, :152]
    assert (first < 100).mean() > 0.05


def test_a_large_page_is_seen_at_the_same_scale() -> None:
    page = written(blank(), 304, 400)
    large = cv2.resize(page, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    difference = closer_look(large, SIZE).astype(int) - closer_look(page, SIZE)
    assert np.abs(difference).mean() < 3


def test_a_turned_page_shows_the_same_windows_turned() -> None:
    page = written(blank(), 304, 400)  # one text: the windows beside it are blank
    window = closer_look(page, SIZE)[:152, :152]
    for turns in range(1, 4):
        turned = closer_look(np.ascontiguousarray(np.rot90(page, turns)), SIZE)[:152, :152]
        ink, turned_ink = ((picture < 128).sum() for picture in (window, turned))
        assert abs(int(ink) - int(turned_ink)) < 0.15 * ink


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 1400), width=st.integers(1, 1400), seed=st.integers(0, 9))
def test_pages_of_any_size_can_be_seen_from_near(height: int, width: int, seed: int) -> None:
    page = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    seen = closer_look(page, (64, 96))
    assert seen.shape == (64, 96, 3)
    assert seen.dtype == np.uint8


@pytest.fixture
def classifier():
    pool = EnginePool("orientation", "docpre_ori", None, RuntimeOptions.from_arguments("cpu", {}))
    pool.spec = replace(pool.spec, near=True, look_again_below=None)
    return OrientationClassifier(pool)


def test_a_classifier_that_sees_from_near_sees_the_windows(classifier) -> None:
    (page,) = draw_pages(1, 3)
    near = classifier.scores([page])
    classifier.pool.spec = replace(classifier.pool.spec, near=False)
    np.testing.assert_allclose(classifier.scores([closer_look(page, SIZE)]), near, atol=1e-6)
    assert not np.allclose(classifier.scores([page]), near, atol=1e-4)


def in_all_turns(classifier, page, near):
    """Scores (4, 4) of a page in its four turns, by labels of the page as it lies."""
    classifier.pool.spec = replace(classifier.pool.spec, near=False, look_again_below=None)
    turned = [np.ascontiguousarray(np.rot90(page, turns)) for turns in range(4)]
    if near:  # whatever the size of its letters
        turned = [closer_look(picture, SIZE) for picture in turned]
    return [np.roll(classifier.scores([picture])[0], turns) for turns, picture in enumerate(turned)]


def pooled(looks, power=1.0):
    product = np.exp(power * np.log(np.maximum(looks, 1e-5)).mean(0))
    return product / product.sum()


def test_where_it_is_unsure_it_sees_the_page_whole_too_and_if_need_be_in_all_turns(classifier, monkeypatch) -> None:
    (page,) = draw_pages(1, 3)
    noise = np.random.default_rng(0).integers(0, 255, (700, 500, 3), dtype=np.uint8)
    looks = {name: [in_all_turns(classifier, image, near) for near in (True, False)] for name, image in
             {"page": page, "noise": noise}.items()}  # fmt: skip
    # Noise is given up after a half turn, or seen in all of them.
    of_half_a_turn = pooled([looks["noise"][way][turns] for way in (0, 1) for turns in (0, 2)], 2**0.5)
    assert of_half_a_turn.max() < 0.3
    of_two = {name: pooled([near[0], whole[0]]) for name, (near, whole) in looks.items()}
    assert of_two["page"].max() > 0.95
    assert of_two["noise"].max() < 0.85
    classifier.pool.spec = replace(classifier.pool.spec, near=True, look_again_below=1.01)
    found = classifier.scores([page, noise])
    np.testing.assert_allclose(found[0], of_two["page"], atol=1e-4)
    np.testing.assert_allclose(found[1], of_half_a_turn, atol=1e-3)
    monkeypatch.setattr("docpre.orientation._IN_VAIN", 0)
    found = classifier.scores([noise])
    np.testing.assert_allclose(found[0], pooled([*looks["noise"][0], *looks["noise"][1]], 2.0), atol=1e-3)


def written_large(page: np.ndarray) -> np.ndarray:
    """A few lines as by a pen, letters a tenth of the page wide."""
    for line, text in enumerate(("Dear Sir", "I thank", "you for", "it all")):
        cv2.putText(page, text, (40, 200 + 240 * line), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 5, (30, 30, 90), 5)
    return page


def test_large_letters_are_told_from_print_and_from_little_print() -> None:
    large = written_large(blank())
    for turns in range(4):
        assert print_map(np.rot90(large, turns)).has_large_letters
    print_only, spaced = written(blank(), 30, 60, lines=60), blank()
    for line in range(30):
        cv2.putText(spaced, 4 * "double spacing ", (30, 60 + 34 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1)
    for other in (print_only, spaced, written(blank(), 304, 400), blank(), *draw_pages(3, 5)):
        assert not print_map(other).has_large_letters


def test_large_letters_are_seen_whole_first_and_from_near_where_it_is_unsure(classifier) -> None:
    page = written_large(blank())
    first = classifier.scores([page])[0]
    classifier.pool.spec = replace(classifier.pool.spec, look_again_below=1.01)
    both = classifier.scores([page])[0]
    whole, near = in_all_turns(classifier, page, False), in_all_turns(classifier, page, True)
    np.testing.assert_allclose(whole[0], first, atol=1e-6)
    expected = pooled([whole[0], near[0]])
    np.testing.assert_allclose(both, expected if expected.max() >= 0.9 else pooled([*whole, *near], 2.0), atol=1e-3)


def test_a_line_of_text_is_folded_rather_than_seen_from_near_and_a_receipt_is_not(classifier) -> None:
    random = np.random.default_rng(0)
    line, receipt = (random.integers(0, 255, shape, dtype=np.uint8) for shape in ((60, 900, 3), (900, 260, 3)))
    near = classifier.scores([line, receipt])
    classifier.pool.spec = replace(classifier.pool.spec, near=False)
    np.testing.assert_array_equal(classifier.scores([line])[0], near[0])
    np.testing.assert_allclose(classifier.scores([closer_look(receipt, SIZE)])[0], near[1], atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_users_array_is_seen_from_near_as_its_rgb_is(classifier, channels: int) -> None:
    # One text in colours, so that the windows hang on nothing else.
    ink = written(blank(), 304, 400)[..., :1] / 255
    page = (np.array([250, 240, 200]) * ink + np.array([20, 40, 120]) * (1 - ink)).astype(np.uint8)
    opaque = np.full((*page.shape[:2], 1), 255, np.uint8)
    array = {1: page[..., :1], 3: page[..., ::-1], 4: np.dstack([page[..., ::-1], opaque])}[channels]
    expected = classifier.scores([array_to_rgb(array)])
    np.testing.assert_allclose(classifier.glimpsed_scores([Pixels(array, array_to_rgb)]), expected, atol=0.02)

"""Outlines out of maps, and the scale that pictures are looked at."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docpre.analysis.detection import detection_scale, outlines
from docpre.analysis.text_height import text_height_px
from tests.analysis.conftest import draw_text_page


@settings(max_examples=40, deadline=None)
@given(angle=st.floats(-40, 40), width=st.integers(60, 140), height=st.integers(8, 24))
def test_an_outline_is_the_rectangle_grown(angle, width, height):
    probability = np.zeros((220, 220), np.float32)
    box = cv2.boxPoints(((110, 110), (width, height), angle))
    cv2.fillPoly(probability, [box.astype(np.int32)], (0.95,))
    (quad,) = outlines(probability)
    width, height = width + 1.5, height + 1.5  # drawn rims are whole pixels, and the map's specks are joined
    growth = 1.6 * width * height / (width + height)
    assert np.linalg.norm(quad[1] - quad[0]) == pytest.approx(width + growth, abs=5)
    assert np.linalg.norm(quad[3] - quad[0]) == pytest.approx(height + growth, abs=5)
    along = quad[1] - quad[0]
    assert np.degrees(np.arctan2(along[1], along[0])) == pytest.approx(angle, abs=4)
    assert cv2.contourArea(quad, oriented=True) > 0  # clockwise, as y points down
    np.testing.assert_allclose(quad.mean(0), 110, atol=1.5)


def test_what_is_no_line():
    assert outlines(np.zeros((64, 64), np.float32)).shape == (0, 4, 2)
    faint = np.zeros((64, 64), np.float32)
    faint[20:30, 10:50] = 0.4  # above the mask's threshold, below a line's least score
    assert len(outlines(faint)) == 0
    speck = np.zeros((64, 64), np.float32)
    speck[20:22, 20:22] = 1
    assert len(outlines(speck)) == 0


@pytest.mark.parametrize("dpi", [100, 200, 400])
def test_the_scale_follows_the_letters(dpi):
    image = draw_text_page(["some small words of a text, more of them", "and a second line of it here"], 12, dpi)
    height = text_height_px(image)
    assert height == pytest.approx(12 * 0.52 * dpi / 72, rel=0.2)  # Helvetica's x
    assert detection_scale(image) == pytest.approx(7 / height)
    assert text_height_px(255 - image) == pytest.approx(height, rel=0.2)


def test_pages_without_letters():
    assert text_height_px(np.full((400, 300, 3), 255, np.uint8)) is None
    assert detection_scale(np.full((400, 300, 3), 255, np.uint8)) == 1


def test_a_line_that_runs_out_into_dots_is_found():
    probability = np.zeros((64, 400), np.float32)
    probability[30:36, 20:100] = 0.9
    probability[30:36, 100:380] = 0.35
    (quad,) = outlines(probability)
    assert quad[0, 0] < 20
    assert 98 < quad[1, 0] < 112

"""Lines that are drawn for the classifier of handwriting."""

from __future__ import annotations

import numpy as np
import pymupdf
import pytest

from train.written_lines import Font, draw_line, fold_of, scripts_of

SENTENCES = {"Latin": ["some words of a sentence that is long enough"], "Chinese": ["今天的天气是不是一样的好了呢"]}


@pytest.fixture(scope="module")
def font_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("fonts") / "font.ttf"
    path.write_bytes(pymupdf.Font("china-s").buffer)
    return path


@pytest.mark.parametrize("script", ["Latin", "Chinese"])
@pytest.mark.parametrize("kind", ["print", "handwriting", "copied"])
def test_lines_have_ink_and_repeat(font_path, script, kind):
    font = Font(font_path, "family", kind != "print", kind == "copied")
    assert scripts_of(font) == ["Latin", "Chinese"]
    for seed in range(4):
        first, second = (draw_line(font, script, SENTENCES, np.random.default_rng(seed)) for _ in range(2))
        assert first is not None
        assert first.dtype == np.uint8
        assert first.shape[2] == 3
        assert first.std() > 1
        np.testing.assert_array_equal(first, second)


def test_a_family_is_in_one_fold(font_path):
    fonts = [Font(font_path, "family", True), Font(font_path / "other", "family", False, True)]
    assert len({fold_of(font) for font in fonts}) == 1
    assert {fold_of(Font(font_path, f"family {number}", True)) for number in range(40)} == set(range(5))


def test_characters_that_a_font_lacks(font_path):
    font = Font(font_path, "family", False)
    odd = {"Latin": ["\ue000\ue001\ue002 \ue003\ue004\ue005 \ue006\ue007\ue008"], "Chinese": []}
    found = [draw_line(font, "Latin", odd, np.random.default_rng(seed)) for seed in range(20)]
    assert None in found  # only figures can be drawn

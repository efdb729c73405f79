"""The measuring of what is read: rows of dots are left out."""

from __future__ import annotations

import numpy as np

from train.evaluate.read_pages import SeenText, TruePage, without_leaders
from train.evaluate.reading import page_figures


def text(characters, top=0.0):
    """Characters ten pixels apart."""
    places = np.array([(10.0 * index, top) for index in range(len(characters))]).reshape(-1, 2)
    kept = [index for index, char in enumerate(characters) if char != " "]
    after = np.array([index == 0 or characters[index - 1] == " " for index in kept])
    return SeenText(tuple(characters[index] for index in kept), places[kept], np.full(len(kept), 10.0), after)


def test_rows_of_dots_are_left_out():
    true, found = text("Part......7"), text("Part.    .7")
    assert "".join(true.texts[index] for index in without_leaders(true, true)) == "Part7"
    assert "".join(found.texts[index] for index in without_leaders(found, true)) == "Part7"
    elsewhere = text("a.b", top=50.0)
    assert len(without_leaders(elsewhere, true)) == 3


def test_a_page_read_rightly_and_wrongly():
    page = TruePage("kind", "name", np.zeros((1, 1, 3), np.uint8), text("one two....3"))
    right = page_figures(page, text("one two    3"), [0] * 7)
    assert (right.true, right.found, right.common, right.same_spaces) == (7, 7, 7, 6)
    wrong = page_figures(page, text("one twa"), [0] * 6)
    assert (wrong.true, wrong.found, wrong.common) == (7, 6, 5)

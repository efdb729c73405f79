"""Strips are folded to paragraphs."""

import cv2
import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from docpre.folding import folded

LEAST = 2.5


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_a_picture_that_is_no_strip_comes_back_as_it_is() -> None:
    page = picture(100, 249)
    assert folded(page, LEAST) is page


def test_the_pieces_of_a_line_become_rows_from_top_to_bottom() -> None:
    line = picture(10, 90)
    assert np.array_equal(folded(line, LEAST), np.concatenate([line[:, :30], line[:, 30:60], line[:, 60:]]))


@given(side=st.integers(1, 40), length=st.integers(1, 2000), turns=st.integers(0, 3))
def test_proportions_are_about_those_of_a_square_and_all_of_the_strip_is_there(
    side: int, length: int, turns: int
) -> None:
    strip = np.rot90(np.broadcast_to(np.arange(length, dtype=np.int64)[None, :, None], (side, length, 1)), turns)
    paragraph = folded(strip, LEAST)  # type: ignore[arg-type]
    assert set(np.unique(paragraph)) == set(range(length))
    assert max(paragraph.shape) <= LEAST * min(paragraph.shape[:2]) or max(side, length) < 6


@given(side=st.integers(1, 30), count=st.integers(2, 9), extra=st.integers(0, 2), turns=st.integers(0, 3))
def test_folding_and_turning_can_be_done_in_either_order(side: int, count: int, extra: int, turns: int) -> None:
    length = count * (count * side + extra)  # that divides
    strip = picture(side, length, seed=length)
    assume(round((length / side) ** 0.5) == count)
    assert np.array_equal(folded(np.rot90(strip, turns), LEAST), np.rot90(folded(strip, LEAST), turns))


def test_letters_of_a_line_keep_their_shape() -> None:
    line = np.full((40, 800, 3), 255, np.uint8)
    cv2.putText(line, "as long as a line may be, and longer", (10, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2)
    height, width = folded(line, LEAST).shape[:2]
    assert 0.5 < width / height < 2

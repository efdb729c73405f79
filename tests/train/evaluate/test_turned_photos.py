"""Real photos in several turns, against what becomes of them as they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docpre.errors import ConfigError
from train.evaluate.command import main
from train.evaluate.text_reading import Line
from train.evaluate.turned_photos import GROUNDS, TurnedPhotos, is_readable, is_same_page, is_upright, table, tilt_deg

PHOTO = Path(__file__).parents[3] / "demo" / "photo.jpg"


@given(
    st.integers(20, 90), st.integers(20, 90), st.floats(0, 360), st.sampled_from(sorted(GROUNDS)), st.integers(0, 99)
)
def test_a_turned_photo_lies_whole_in_its_frame(height, width, angle_deg, ground, seed) -> None:
    photo = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    picture, matrix = TurnedPhotos(ground=ground).turned(photo, angle_deg)
    corners = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)]) @ matrix[:, :2].T
    corners += matrix[:, 2]
    assert (corners >= -1).all()
    assert (corners <= np.array(picture.shape[1::-1])).all()
    middle = np.array([(width - 1) / 2, (height - 1) / 2]) @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(middle, (np.array(picture.shape[1::-1]) - 1) / 2, atol=1e-6)
    across = matrix[:, 0]  # the photo's right
    turned_by = np.degrees(np.arctan2(across[1], across[0]))
    assert abs((turned_by - angle_deg + 180) % 360 - 180) < 1e-6


def test_a_photo_that_is_not_turned_is_as_it_was() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    picture, _ = TurnedPhotos().turned(photo, 0)
    np.testing.assert_array_equal(picture, photo)


def line(text: str, angle_deg: float, length: float, height: float = 10) -> Line:
    across = np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))])
    down = np.array([-across[1], across[0]])
    return Line(text, np.array([0 * across, length * across, length * across + height * down, height * down]))


def test_tilt_is_weighted_with_length_and_short_lines_tell_nothing() -> None:
    assert tilt_deg([line("a", 4, 100), line("b", -1, 300), line("c", 45, 12)]) == pytest.approx(1.75)
    assert tilt_deg([line("c", 45, 12)]) is None
    assert tilt_deg([]) is None


FIRST = {"angle_deg": 0, "off_deg": 0.0, "overlap": 1.0, "reason": "", "words": 10, "kept": 1.0, "tilt_deg": 0.5}


def test_what_counts_as_the_same() -> None:
    assert is_same_page(FIRST)
    assert is_readable(FIRST, FIRST)
    assert not is_upright({**FIRST, "off_deg": -90.0})
    assert not is_same_page({**FIRST, "overlap": 0.8})
    assert not is_readable({**FIRST, "kept": 0.79}, FIRST)
    assert not is_readable({**FIRST, "tilt_deg": 1.6}, FIRST)
    assert not is_readable({**FIRST, "off_deg": 180.0}, FIRST)
    said = table({"photo": [FIRST, {**FIRST, "angle_deg": 90.0, "off_deg": 90.0, "kept": 0.5}]})
    assert "upright      1 of 2" in said
    assert "as readable  1 of 2" in said
    assert "photo at 90: off by 90 degrees, overlap 1.00, 50% of the words" in said


def test_the_demos_photo_comes_out_in_each_turn_and_a_run_goes_on(tmp_path, capsys) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy(PHOTO, photos)
    options = ["turned-photos", "--data", str(photos), "--output", str(tmp_path), "--turns", "3", "--words", "False"]
    options += ["--progress", "False", "--long_side", "1000"]
    assert main(options) == 0
    summary = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert (summary["turns"], summary["upright"], summary["same_page"]) == (3, 3, 3)
    before = (tmp_path / "results.jsonl").read_bytes()
    assert main(options) == 0
    assert (tmp_path / "results.jsonl").read_bytes() == before
    assert "upright      3 of 3" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="ground was 'brown'"):
        main([*options, "--ground", "copies"])


def test_a_folder_without_photos_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="no picture in it"):
        main(["turned-photos", "--data", str(tmp_path), "--output", str(tmp_path / "run"), "--words", "False"])
    with pytest.raises(ConfigError, match="long_side"):
        TurnedPhotos(long_side=10)

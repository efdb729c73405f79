"""The whole unwarping step is timed against one pass, page by page. No figure is judged: machines are noisy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from docpre.errors import ConfigError, InputError
from train.evaluate.command import main
from train.evaluate.unwarping_speed import evaluate_unwarping_speed

PHOTO = Path(__file__).parents[3] / "demo" / "photo.jpg"


def test_each_page_is_timed_both_ways(tmp_path, capsys):
    data = tmp_path / "photos"
    data.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        shutil.copy(PHOTO, data / name)
    options = ("--data", str(data), "--output", str(tmp_path / "run"), "--most", "2", "--rounds", "1")
    assert main(["unwarping-speed", *options, "--progress", "False"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("2 pages, ")
    assert "ratio a page" in said
    found = json.loads((tmp_path / "run" / "speed.json").read_text("utf-8"))
    assert [Path(page["document"]).name for page in found["pages"]] == ["a.jpg", "b.jpg"]
    for page in found["pages"]:
        assert min(page["step_ms"], page["one_pass_ms"]) > 0
        assert page["passes"] >= 1
        assert page["applied"]
    assert found["engine"]["model"] == "UVDoc"


def test_nothing_to_time_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="1 or more"):
        evaluate_unwarping_speed(tmp_path, tmp_path / "run", rounds=0)
    with pytest.raises(InputError):
        evaluate_unwarping_speed(tmp_path, tmp_path / "run", progress=False)

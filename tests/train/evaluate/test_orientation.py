"""Evaluation of orientation: known answers, and runs over readers of training."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from docpre.errors import ConfigError
from tests.train.evaluate.conftest import evaluate
from train.evaluate.orientation import orientation_figures, orientation_table, subsets_of

CLASSES = ("0", "90", "180", "270")


def scores_for(said: int, confidence: float) -> list[float]:
    scores = [(1 - confidence) / 3] * 4
    scores[said] = confidence
    return scores


def test_figures_of_known_answers():
    right = {"angles_cw_deg": [0, 90, 180, 270], "scores": [scores_for(k, 0.97) for k in range(4)]}
    half = {"angles_cw_deg": [0, 90, 180, 270], "scores": [scores_for(k, 0.55) for k in (0, 1, 0, 1)]}
    figures = orientation_figures({"a": right, "b": half}, {"a": "one", "b": "two"}, CLASSES, 0.65)
    assert figures["samples"] == 8
    assert figures["top1"] == 0.75
    assert figures["ece"] == pytest.approx((4 * 0.03 + 4 * 0.05) / 8)
    assert figures["classes"]["180"]["recall"] == 0.5
    assert figures["confusion"]["counts"] == [[2, 0, 0, 0], [0, 2, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1]]
    assert figures["subsets"] == {"one": {"count": 4, "top1": 1.0}, "two": {"count": 4, "top1": 0.5}}
    by_threshold = {row["threshold"]: row for row in figures["abstaining"]}
    assert by_threshold[0.65]["coverage"] == 0.5
    assert by_threshold[0.65]["accuracy"] == 1.0
    assert by_threshold[0.99]["accuracy"] is None, "nothing is answered"
    assert by_threshold[0.5]["harm"] == 0.25
    table = orientation_table(figures)
    assert "Top-1 75.00 % of 8 samples" in table
    assert "0.65 (the model's bound)" in table
    json.dumps(figures, allow_nan=False)


@pytest.mark.parametrize(
    ("documents", "subsets"),
    [
        (["/d/a/1.png", "/d/a/2.png"], ["a", "a"]),
        (["/d/a/1.png", "/d/b/2.png", "/d/3.png"], ["a", "b", "."]),
        (["0:/d/a/1.png", "1:/e/2.png"], ["0:/d/a", "1:/e"]),
        (["one", "two"], ["all", "all"]),
        (["/d/1.png", "row 2"], ["/d", "."]),
    ],
)
def test_subsets_are_folders(documents, subsets):
    assert [name.strip("/") for name in subsets_of(documents)] == [name.strip("/") for name in subsets]


@pytest.fixture
def two_subsets(tmp_path: Path, page_rgb: np.ndarray) -> Path:
    """A page in each of two folders."""
    for name in ("letters", "forms"):
        (tmp_path / "pages" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "pages" / name / "1.png"), page_rgb)
    return tmp_path / "pages"


def test_a_reader_by_the_command(two_subsets, tmp_path, capsys):
    output = tmp_path / "run"
    command = ("orientation", "--data", "Pages", "--data.path", two_subsets, "--device", "cpu", "--output", output)
    assert evaluate(*command) == 0
    assert "Top-1 100.00 % of 8 samples" in capsys.readouterr().out
    figures = json.loads((output / "summary.json").read_text())["figures"]
    assert set(figures["subsets"]) == {"letters", "forms"}
    with (output / "samples.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["angle_cw_deg"] for line in lines[:4]] == ["0", "90", "180", "270"]
    before = (output / "results.jsonl").stat().st_size
    assert evaluate(*command) == 0
    assert (output / "results.jsonl").stat().st_size == before, "nothing was done twice"


def test_stored_angles_count(tmp_path, page_rgb, capsys):
    (tmp_path / "pages" / "90").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "pages" / "90" / "1.png"), np.rot90(page_rgb, -1))
    data = ("--data", "train.data.AngleFolders", f"--data.path={tmp_path / 'pages'}", "--device", "cpu")
    assert evaluate("orientation", *data, "--output", tmp_path / "run") == 0
    result = json.loads((tmp_path / "run" / "results.jsonl").read_text())
    assert result["angles_cw_deg"] == [90, 180, 270, 0]
    assert result["figures"] == {"top1": 1.0}


def test_a_bad_page_is_named(two_subsets, tmp_path, capsys):
    (two_subsets / "forms" / "2.png").write_bytes(b"nothing")
    data = ("--data", "Pages", "--data.path", two_subsets, "--device", "cpu")
    assert evaluate("orientation", *data, "--output", tmp_path / "run") == 1
    printed = capsys.readouterr()
    assert "of 8 samples" in printed.out
    assert "2.png" in printed.err


def test_a_part_of_a_training_run(upright_pages, tmp_path, monkeypatch):
    config = Path("configs/orientation.yaml").resolve()
    monkeypatch.chdir(tmp_path)  # what training would log goes here
    training = ("--config", config, "--data.train.path", upright_pages, "--device", "cpu")
    assert evaluate("orientation", *training, "--part", "val", "--output", tmp_path / "run") == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["figures"]["pages"] == 1
    assert summary["settings"]["data"]["samples"] == 6


def test_wrong_readers_are_named(tmp_path):
    with pytest.raises(ConfigError, match="one of the two"):
        evaluate("orientation", "--output", tmp_path)
    with pytest.raises(ConfigError, match="Nope"):
        evaluate("orientation", "--data", "Nope", "--output", tmp_path)
    with pytest.raises(ConfigError, match="no such folder"):
        evaluate("orientation", "--data", "Pages", "--data.path", tmp_path / "none", "--output", tmp_path)

"""The paired bootstrap: properties that it must have, and the command."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docpre.errors import ConfigError, InputError
from tests.train.evaluate.conftest import evaluate
from train.evaluate.command import main
from train.evaluate.comparison import compare, paired_bootstrap
from train.evaluate.run_folder import RunFolder

values = st.lists(st.floats(-100, 100), min_size=1, max_size=30)


@given(values, st.floats(-10, 10))
@settings(max_examples=30, deadline=None)
def test_a_constant_difference_has_no_spread(a, offset):
    low, high = paired_bootstrap(a, np.add(a, offset), [str(k) for k in range(len(a))], resamples=200)
    assert low == pytest.approx(offset, abs=1e-9)
    assert high == pytest.approx(offset, abs=1e-9)


@given(values, st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_it_repeats_and_changes_sides_with_the_runs(a, seed):
    b = np.random.default_rng(seed).normal(0, 1, len(a))
    documents = [str(k // 2) for k in range(len(a))]
    low, high = paired_bootstrap(a, b, documents, 300, seed=seed)
    assert low <= high
    assert (low, high) == paired_bootstrap(a, b, documents, 300, seed=seed)
    other_low, other_high = paired_bootstrap(b, a, documents, 300, seed=seed)
    assert other_low == pytest.approx(-high, abs=1e-9)
    assert other_high == pytest.approx(-low, abs=1e-9)


def test_its_width_is_that_of_the_normal_law():
    random = np.random.default_rng(1)
    difference = random.normal(0.5, 2.0, 400)
    low, high = paired_bootstrap(np.zeros(400), difference, [str(k) for k in range(400)], 5000)
    half = 1.96 * difference.std() / np.sqrt(400)
    assert low == pytest.approx(difference.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(difference.mean() + half, abs=0.1 * half)


def test_photos_of_one_document_hang_together():
    difference = np.repeat(np.random.default_rng(2).normal(0, 1, 60), 2)
    zero = np.zeros(120)
    alone = paired_bootstrap(zero, difference, [str(k) for k in range(120)], 4000)
    together = paired_bootstrap(zero, difference, [str(k // 2) for k in range(120)], 4000)
    assert (together[1] - together[0]) / (alone[1] - alone[0]) == pytest.approx(2**0.5, rel=0.1)


def test_wrong_arguments():
    with pytest.raises(InputError, match="one length"):
        paired_bootstrap([1.0], [1.0], ["a", "b"])
    with pytest.raises(ConfigError, match="confidence"):
        paired_bootstrap([1.0], [1.0], ["a"], confidence=1.0)


def test_only_pages_of_both_runs_count():
    a = {"1": {"figures": {"ld": 4.0, "ms_ssim": 0.5}}, "2": {"figures": {"ld": 6.0}}, "3": {"error": "broken"}}
    b = {"1": {"figures": {"ld": 2.0, "ms_ssim": 0.5}}, "3": {"figures": {"ld": 1.0}}}
    compared = compare(a, b, resamples=50)
    assert compared["ld"].pages == 1
    assert (compared["ld"].a, compared["ld"].b, compared["ld"].difference) == (4.0, 2.0, -2.0)
    assert compared["ld"].b_is_better == 1.0
    assert compared["ms_ssim"].b_is_better == 0.5
    assert not compared["ld"].is_clear, "one document is too few"


def test_the_command(tmp_path, capsys):
    for name, shift in (("a", 0.0), ("b", 0.1)):
        with RunFolder(tmp_path / name, {"gradient_border": "zero", "prediction": name}) as folder:
            for page in range(8):
                result = {"figures": {"ms_ssim": 0.5 + 0.01 * page + shift}, "document": str(page // 2)}
                folder.add(str(page), result | {"document": str(page)})
    output = tmp_path / "table.json"
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "+0.1000 to +0.1000 *" in printed
    assert "prediction: A has 'a', B has 'b'" in printed
    assert json.loads(output.read_text())["figures"]["ms_ssim"]["is_clear"]
    with pytest.raises(InputError, match="not the folder of an evaluation"):
        main(["compare", str(tmp_path / "a"), str(tmp_path / "c")])


def test_each_kind_is_compared_alone(tmp_path, capsys):
    for name, shifts in (("a", (0.0, 0.0)), ("b", (0.1, -0.2))):
        with RunFolder(tmp_path / name, {"prediction": name}) as folder:
            for page in range(6):
                for kind, shift in zip(("bend", "fold"), shifts, strict=True):
                    figures = {"ms_ssim": 0.5 + 0.01 * page + shift}
                    folder.add(f"{kind}_{page}", {"figures": figures, "document": f"{kind}_{page}"})
    output = tmp_path / "table.json"
    command = ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--by_kind", "True", "--output", str(output)]
    assert main(command) == 0
    kinds = json.loads(output.read_text())["kinds"]
    assert list(kinds) == ["bend", "fold"]
    assert kinds["bend"]["ms_ssim"]["difference"] == pytest.approx(0.1)
    assert kinds["fold"]["ms_ssim"]["difference"] == pytest.approx(-0.2)
    assert kinds["bend"]["ms_ssim"]["a_median"] == pytest.approx(0.525)
    assert "\nfold\n" in capsys.readouterr().out


def test_sheets_show_every_page_of_both(tmp_path, pairs_folder, quick_metrics, capsys):
    for run in ("a", "b"):
        assert evaluate("pairs", "--data", pairs_folder, "--output", tmp_path / run) == 0
    for name in ("a", "b"):  # stored predictions have no photo
        for page in range(3):
            pictures = tmp_path / name / "pictures"
            shutil.copy(pictures / f"page_{page}_reference.jpg", pictures / f"page_{page}_photo.jpg")
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--sheets", str(tmp_path / "sheets")]) == 0
    assert "2 sheets" in capsys.readouterr().out
    worst = cv2.imread(str(tmp_path / "sheets" / "worst.jpg"))
    assert worst.min() < 100
    sheet = cv2.imread(str(tmp_path / "sheets" / "01.jpg"))
    assert sheet.shape[1] > 3 * 300
    assert sheet.min() < 100
    (tmp_path / "b" / "pictures" / "page_1_prediction.jpg").unlink()
    with pytest.raises(InputError, match=r"page_1_prediction\.jpg"):
        main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--sheets", str(tmp_path / "sheets")])

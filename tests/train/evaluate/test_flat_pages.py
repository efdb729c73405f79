"""What becomes of pages that are flat already, counted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pymupdf
import pytest

from docpre.calibration_pages import draw_pages
from docpre.errors import ConfigError
from docpre.flat_lines import level
from docpre.geometry import Transform
from docpre.unwarper import Unwarping
from train.corpus.paper import as_scanned
from train.evaluate.command import main
from train.evaluate.flat_pages import BENT, TURNED, UNCHANGED, outcome_of, table

PHOTO = Path(__file__).parents[3] / "demo" / "photo.jpg"


@pytest.fixture(scope="module")
def pages_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("pages")
    with pymupdf.open() as pdf:
        for number in range(2):
            page = pdf.new_page()
            for line in range(40):
                page.insert_text((72, 72 + 17 * line), f"Line {line} of page {number}, as flat as can be, and level.")
        pdf.save(path / "flat.pdf")
    shutil.copy(PHOTO, path / "photo.jpg")
    return path


def run(pages_dir, output, *options):
    return main(["flat-pages", "--data", str(pages_dir), "--output", str(output), "--progress", "False", *options])


def test_flat_pages_and_a_bent_one_are_told_apart(pages_dir, tmp_path, capsys):
    assert run(pages_dir, tmp_path) == 0
    said = capsys.readouterr().out
    assert json.loads((tmp_path / "summary.json").read_text("utf-8"))["counts"] == {UNCHANGED: 2, TURNED: 0, BENT: 1}
    (bent,) = [line for line in said.splitlines() if line.startswith("bent:")]
    assert "photo.jpg" in bent


def test_a_run_goes_on_and_other_settings_are_refused(pages_dir, tmp_path):
    assert run(pages_dir, tmp_path, "--most", "1") == 0
    kept = json.loads((tmp_path / "results.jsonl").read_text("utf-8").splitlines()[0])
    assert run(pages_dir, tmp_path, "--most", "3") == 0
    after = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text("utf-8").splitlines()]
    assert len(after) == 3
    assert kept in after
    with pytest.raises(ConfigError, match="scan_seed"):
        run(pages_dir, tmp_path, "--as_scans", "True")


def test_outcomes():
    still = Transform.identity((40, 30))
    assert outcome_of(Unwarping(still, False, "", None)) == UNCHANGED
    assert outcome_of(Unwarping(level(still, 3.0), False, "", None)) == TURNED
    assert outcome_of(Unwarping(still, True, "", None)) == BENT


def test_the_table_has_shares():
    assert "50.00 % of 2" in table({"0": {"outcome": UNCHANGED}, "1": {"outcome": TURNED}}, {UNCHANGED: 1, TURNED: 1})


def test_a_scan_has_grain_and_is_seeded():
    (page,) = draw_pages(1, 5)
    scan, again, other = (as_scanned(page, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(scan, again)
    assert scan.shape[2] == 3
    assert scan.shape != other.shape or (scan != other).any()

"""Tiny sets in the benchmarks' layouts, drawn in code, and metrics that take no time."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.train.drawing import draw_text_page
from train.evaluate.command import main


def write(path: Path, number: int = 0, size_hw: tuple[int, int] = (240, 180), shift_px: int = 0) -> None:
    """Write a page of text, moved to the right by some pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page = np.roll(draw_text_page(number, size_hw), shift_px, axis=1)
    assert cv2.imwrite(str(path), page)


def rows(folder: Path) -> dict[str, dict[str, str]]:
    """The lines of a run's CSV by page."""
    with (folder / "figures.csv").open(newline="", encoding="utf-8") as file:
        return {row["page"]: row for row in csv.DictReader(file)}


def evaluate(*arguments: object) -> int:
    """Run the command without a bar, one page at a time."""
    return main([*map(str, arguments), "--progress", "False", "--workers", "1"])


@pytest.fixture
def quick_metrics(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Stands in for the metrics of unwarping; returns the shapes of the predictions that it was called with."""
    called: list[tuple[int, ...]] = []

    def measure(prediction: np.ndarray, reference: np.ndarray, gradient_border: str) -> dict[str, float]:
        called.append(prediction.shape)
        same = prediction.shape == reference.shape and bool((prediction == reference).all())
        return {"ms_ssim": 1.0 if same else 0.5, "ld": 0.0 if same else 3.0, "ad": 0.0 if same else 0.2}

    monkeypatch.setattr("train.evaluate.measuring.unwarping_metrics", measure)
    return called


@pytest.fixture
def pairs_folder(tmp_path: Path) -> Path:
    """Three pairs; the first is equal, the others are not."""
    root = tmp_path / "set"
    for number in range(3):
        write(root / "reference" / f"page_{number}.png", number)
        write(root / "prediction" / f"page_{number}.png", number, shift_px=2 * number)
    return root

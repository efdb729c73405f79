"""Answers that must stay what they are: pixels in, scores and grid out, preprocessing and all.

``golden/answers.json`` was written by this file run as a program, once parity with the published files had been shown.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.orientation import OrientationClassifier
from docpre.unwarper import Unwarper

GOLDEN = Path(__file__).parent / "golden" / "answers.json"
EVERY_NODE = (slice(None), slice(None, None, 11), slice(None, None, 10))


def picture() -> np.ndarray:
    """A leaning sheet of ruled lines on a dark table, (1400, 1000, 3) RGB uint8, from arithmetic alone."""
    y, x = np.mgrid[:1400, :1000].astype(np.float64)
    u = (x - 130 - 0.06 * y) / 720
    v = (y - 110 - 30 * np.sin(3 * u)) / 1150
    paper = (u > 0) & (u < 1) & (v > 0) & (v < 1)
    is_line = (v > 0.08) & (v < 0.9) & (u > 0.1) & (u < 0.9 - 0.3 * (np.floor(40 * v) % 5 == 4)) & (40 * v % 1 < 0.45)
    ink = is_line & ((np.floor(97 * u) + 3 * np.floor(40 * v)) % 7 < 5)
    gray = np.where(paper, np.where(ink, 50, 225), 40 + 10 * np.sin(x / 30))
    return np.stack([gray, gray - 4 * paper, gray - 10 * paper], -1).clip(0, 255).astype(np.uint8)


def answers(engine: str) -> dict[str, np.ndarray]:
    options = RuntimeOptions(engine=engine, device="cpu")
    scores = OrientationClassifier(EnginePool("orientation", "PP-LCNet_x1_0_doc_ori", None, options)).scores(
        [picture()]
    )
    grid_xy = Unwarper(EnginePool("unwarping", "UVDoc", None, options)).grids([picture()])[0]
    return {"scores": scores[0], "grid_xy": grid_xy[EVERY_NODE]}


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino", "torch"])
def test_answers_are_what_they_were(engine):
    pytest.importorskip(engine, reason=f"needs the extra {engine}")
    expected = json.loads(GOLDEN.read_text())
    found = answers(engine)
    assert_allclose(found["scores"], expected["scores"], atol=5e-4)
    assert_allclose(found["grid_xy"], expected["grid_xy"], atol=2e-3)


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    content = {name: np.round(value.astype(float), 5).tolist() for name, value in answers("onnxruntime").items()}
    GOLDEN.write_text(json.dumps(content) + "\n")

"""unwarping_metrics: known answers, golden figures of pages drawn here, and the original code's figures."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("numba", reason="numba isn't installed")

from docpre.errors import ConfigError, InputError
from docpre.metrics import unwarping_metrics, unwarping_metrics_many

REFERENCE = Path(__file__).parents[2] / ".." / "shared" / "data" / "metrics_reference"
REFERENCE_CSV = REFERENCE / "reference.csv"
EVALUATION_SIZE = (880, 680)  # exactly 598,400 pixels: nothing is resized


@pytest.fixture
def small_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of about 200x150 instead of 880x680, where the figures themselves don't matter."""
    monkeypatch.setattr("docpre.metrics.unwarping.EVALUATION_AREA", 30000)


def test_identity(draw_page) -> None:
    page = draw_page(EVALUATION_SIZE, seed=0)
    figures = unwarping_metrics(page, page)
    assert dict(figures) == {"ms_ssim": pytest.approx(1.0001), "ld": 0, "ad": 0}


def test_a_shift_of_ten_pixels_is_five_in_the_flow(draw_page) -> None:
    # Cut out of a larger page, so that marks reach the border: blank margins may stay where they were.
    page = draw_page((1200, 1000), seed=1)[120:1000, 100:790]
    figures = unwarping_metrics(page[:, :-10], page[:, 10:])
    assert figures["ld"] == pytest.approx(5, rel=0.02)
    assert figures["ad"] == pytest.approx(0, abs=0.1)
    assert figures["ms_ssim"] < 0.6


@pytest.mark.parametrize(
    ("prediction_hw", "reference_hw", "amplitude", "golden"),
    [
        ((600, 500), (900, 700), 6.0, (0.50843, 2.56283, 0.385728, 0.378784)),
        ((1200, 800), (1200, 800), 25.0, (0.346637, 8.58579, 1.48627, 1.47541)),
    ],
)
def test_golden_figures(draw_page, warp_page, prediction_hw, reference_hw, amplitude, golden) -> None:
    reference = draw_page(reference_hw, seed=2)
    warped = warp_page(reference, amplitude)
    rows = np.linspace(0, reference_hw[0] - 1, prediction_hw[0]).round().astype(int)
    columns = np.linspace(0, reference_hw[1] - 1, prediction_hw[1]).round().astype(int)
    prediction = warped[np.ix_(rows, columns)]
    figures = unwarping_metrics(prediction, reference)
    matlab = unwarping_metrics(prediction, reference, gradient_border="replicate")
    assert (*figures.values(), matlab["ad"]) == pytest.approx(golden, rel=2e-3)


def test_figures_of_the_original_code() -> None:
    if not REFERENCE_CSV.is_file():
        pytest.skip("the original code's pairs (shared/data/metrics_reference) are not here")
    with REFERENCE_CSV.open() as file:
        rows = list(csv.DictReader(file))
    pairs = [(REFERENCE / row["prediction"], REFERENCE / row["reference"]) for row in rows]
    for row, figures in zip(rows, unwarping_metrics_many(pairs, progress=False), strict=True):
        assert isinstance(figures, dict), figures
        # The figures are printed to four digits, and agree to all of them.
        for name, value in figures.items():
            assert value == pytest.approx(float(row[name]), abs=6e-5, rel=1e-4), (row["prediction"], name)


def test_channels_and_alpha_change_nothing(draw_page, warp_page, small_evaluation) -> None:
    page = draw_page((210, 160), seed=3)
    prediction = warp_page(page, 3.0)
    figures = unwarping_metrics(prediction, page)
    assert unwarping_metrics(prediction[..., None], page[..., None]) == figures
    bgr = np.repeat(prediction[..., None], 3, axis=2)
    assert unwarping_metrics(bgr, page) == figures
    alpha = np.random.default_rng(0).integers(0, 256, (210, 160, 1), np.uint8)
    assert unwarping_metrics(np.concatenate([bgr, alpha], axis=2), page) == figures


def test_repeats_to_the_last_digit(draw_page, warp_page, small_evaluation) -> None:
    page = draw_page((210, 160), seed=4)
    prediction = warp_page(page, 4.0)
    assert unwarping_metrics(prediction, page) == unwarping_metrics(prediction, page)


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (300, 2), (2, 3, 4)])
def test_any_size(shape, draw_page, small_evaluation) -> None:
    page = draw_page((210, 160), seed=5)
    tiny = np.random.default_rng(6).integers(0, 256, shape, np.uint8)
    for figures in (unwarping_metrics(tiny, page), unwarping_metrics(page, tiny)):
        assert np.isfinite(figures["ms_ssim"])
        assert figures["ld"] >= 0


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((5, 5)), "float64"),
        (np.zeros((5, 5), np.uint16), "uint16"),
        ([[0, 1]], "list"),
        ("page.png", "str"),
        (np.zeros((5, 5, 2), np.uint8), r"\(5, 5, 2\)"),
        (np.zeros((1, 5, 5, 3), np.uint8), r"\(1, 5, 5, 3\)"),
        (np.zeros(5, np.uint8), r"\(5,\)"),
        (np.zeros((0, 5), np.uint8), "empty"),
        (np.zeros((5, 0, 3), np.uint8), "empty"),
    ],
)
def test_wrong_images_are_named(image, message: str) -> None:
    page = np.zeros((5, 5), np.uint8)
    with pytest.raises(InputError, match=f"the prediction .*{message}"):
        unwarping_metrics(image, page)
    with pytest.raises(InputError, match=f"the reference .*{message}"):
        unwarping_metrics(page, image)


def test_unknown_gradient_border() -> None:
    page = np.zeros((5, 5), np.uint8)
    with pytest.raises(ConfigError, match="zero, replicate"):
        unwarping_metrics(page, page, gradient_border="mirror")
    with pytest.raises(ConfigError, match="zero, replicate"):
        unwarping_metrics_many([(page, page)], gradient_border="mirror")


def test_many_keeps_order_and_leaves_an_error_with_its_pair(
    draw_page, warp_page, small_evaluation, tmp_path, capsys
) -> None:
    page = draw_page((210, 160), seed=7)
    predictions = [warp_page(page, amplitude) for amplitude in (0.0, 2.0, 6.0)]
    written = tmp_path / "page.png"
    cv2.imwrite(str(written), predictions[1])
    (tmp_path / "broken.png").write_bytes(b"no image")
    pairs = [
        (predictions[0], page),
        (tmp_path / "missing.png", page),
        (written, page),
        (predictions[0].astype(float), page),
        (tmp_path / "broken.png", page),
        (predictions[2], page),
        predictions[2],
    ]
    results = unwarping_metrics_many((pair for pair in pairs), workers=2)
    assert len(results) == len(pairs)
    for k, prediction in ((0, predictions[0]), (2, predictions[1]), (5, predictions[2])):
        assert results[k] == unwarping_metrics(prediction, page)
    for k, message in ((1, "missing.png: there is no such file"), (3, "float64"), (4, "broken.png: not an image")):
        assert isinstance(results[k], InputError)
        assert message in str(results[k])
    assert isinstance(results[6], Exception)
    assert "7pair" in capsys.readouterr().err


def test_many_without_progress_or_pairs(capsys) -> None:
    assert unwarping_metrics_many([], progress=False) == []
    assert capsys.readouterr().err == ""
    with pytest.raises(ConfigError, match="at least 1"):
        unwarping_metrics_many([], workers=0)

"""Top-1, confusion matrix, tables, calibration and abstaining, by hand and by property."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docpre.errors import ConfigError, InputError
from docpre.metrics import abstaining, confusion_matrix, expected_calibration_error, per_class, per_subset, top1

ANGLES = (0, 90, 180, 270)
TRUTH = [0, 0, 0, 90, 180, 180]
PREDICTED = [0, 180, 0, 90, 180, 0]


def test_top1_and_confusion_matrix() -> None:
    assert top1(PREDICTED, TRUTH) == pytest.approx(4 / 6)
    matrix = confusion_matrix(PREDICTED, TRUTH, ANGLES)
    assert matrix.tolist() == [[2, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]


def test_per_class() -> None:
    table = per_class(confusion_matrix(PREDICTED, TRUTH, ANGLES), ANGLES)
    assert table[0] == pytest.approx({"count": 3, "precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3})
    assert table[180] == pytest.approx({"count": 2, "precision": 0.5, "recall": 0.5, "f1": 0.5})
    assert table[270] == pytest.approx({"count": 0, "precision": np.nan, "recall": np.nan, "f1": np.nan}, nan_ok=True)


def test_per_subset_keeps_the_order_of_appearance() -> None:
    table = per_subset(PREDICTED, TRUTH, ["scan", "photo", "scan", "scan", "photo", "photo"])
    assert list(table) == ["scan", "photo"]
    assert table["scan"] == {"count": 3, "top1": 1.0}
    assert table["photo"] == pytest.approx({"count": 3, "top1": 1 / 3})


@given(st.lists(st.tuples(st.sampled_from(ANGLES), st.sampled_from(ANGLES)), min_size=1))
def test_confusion_matrix_sums_to_the_samples_and_its_diagonal_to_top1(samples: list[tuple[int, int]]) -> None:
    predicted, truth = zip(*samples, strict=True)
    matrix = confusion_matrix(predicted, truth, ANGLES)
    assert matrix.sum() == len(samples)
    assert np.trace(matrix) / matrix.sum() == pytest.approx(top1(predicted, truth))
    assert [row["count"] for row in per_class(matrix, ANGLES).values()] == [truth.count(a) for a in ANGLES]


def test_ece_by_hand() -> None:
    # ten bins: (0.9, 1] holds 0.95 right and 0.91 wrong, (0.5, 0.6] holds 0.6 right
    confidence, correct = [0.95, 0.91, 0.6], [True, False, True]
    expected = (abs(1 - 1.86) + abs(1 - 0.6)) / 3
    assert expected_calibration_error(confidence, correct, bins=10) == pytest.approx(expected)
    assert expected_calibration_error([0.0, 1.0], [False, True]) == 0
    assert expected_calibration_error([1.0, 1.0], [False, False]) == 1


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1), st.integers(1, 20))
def test_ece_is_at_least_the_gap_of_the_means(samples: list[tuple[float, bool]], bins: int) -> None:
    confidence, correct = (np.array(column, float) for column in zip(*samples, strict=True))
    ece = expected_calibration_error(confidence, correct, bins)
    assert abs(confidence.mean() - correct.mean()) - 1e-9 <= ece <= 1


def test_abstaining_by_hand() -> None:
    confidence, correct = [0.9, 0.8, 0.7, 0.6], [True, False, True, False]
    assert abstaining(confidence, correct, 0.7) == pytest.approx(
        {"threshold": 0.7, "coverage": 0.75, "accuracy": 2 / 3, "risk": 1 / 3, "harm": 0.25}
    )
    everything = abstaining(confidence, correct, 0)
    assert (everything["coverage"], everything["accuracy"]) == (1, 0.5)
    nothing = abstaining(confidence, correct, 0.95)
    assert (nothing["coverage"], nothing["harm"]) == (0, 0)
    assert np.isnan(nothing["accuracy"])


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_answers_less_and_harms_less(samples, low: float, high: float) -> None:
    low, high = sorted((low, high))
    confidence, correct = zip(*samples, strict=True)
    less, more = abstaining(confidence, correct, high), abstaining(confidence, correct, low)
    assert less["coverage"] <= more["coverage"]
    assert less["harm"] <= more["harm"]


def test_errors_name_the_cause() -> None:
    with pytest.raises(InputError, match="not equally many"):
        top1([0], [0, 90])
    with pytest.raises(InputError, match="no samples"):
        top1([], [])
    with pytest.raises(InputError, match="the label 45 is none of the classes"):
        confusion_matrix([45], [0], ANGLES)
    with pytest.raises(InputError, match="for 3 classes"):
        per_class(np.zeros((4, 4), np.int64), ANGLES[:3])
    with pytest.raises(InputError, match="outside"):
        expected_calibration_error([1.5], [True])
    with pytest.raises(InputError, match="outside"):
        abstaining([float("nan")], [True], 0.5)
    with pytest.raises(InputError, match="more than true and false"):
        abstaining([0.5], [2], 0.5)
    with pytest.raises(InputError, match="both are"):
        abstaining([[0.5]], [[True]], 0.5)
    with pytest.raises(ConfigError, match="at least 1"):
        expected_calibration_error([0.5], [True], bins=0)

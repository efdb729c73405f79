"""Figures of a classifier: Top-1, confusion matrix, tables by class and subset, calibration, abstaining."""

from collections.abc import Hashable, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from docpre.errors import ConfigError, InputError

Labels = Sequence[Hashable]


class ClassFigures(TypedDict):
    """One class: how often it is true, and precision, recall and F1 of predicting it (NaN where nothing is counted)."""

    count: int
    precision: float
    recall: float
    f1: float


class SubsetFigures(TypedDict):
    """One subset: its samples and the share of them predicted right."""

    count: int
    top1: float


class SelectiveFigures(TypedDict):
    """What abstaining below a threshold gives (El-Yaniv and Wiener, JMLR 2010).

    threshold: the confidence below which no answer is given.
    coverage: the share of samples that are answered.
    accuracy: the share of the answered that are right; NaN where nothing is answered.
    risk: 1 - accuracy.
    harm: the share of all samples that are answered wrong.
    """

    threshold: float
    coverage: float
    accuracy: float
    risk: float
    harm: float


def top1(predicted: Labels, truth: Labels) -> float:
    """The share of samples whose predicted label is the true one.

    Args:
        predicted: n labels.
        truth: n labels.

    Raises:
        InputError: not equally many, or none.
    """
    _check_lengths(predicted=predicted, truth=truth)
    return sum(p == t for p, t in zip(predicted, truth, strict=True)) / len(truth)


def confusion_matrix(predicted: Labels, truth: Labels, classes: Labels) -> NDArray[np.int64]:
    """How often each true class was predicted as which.

    Args:
        predicted: n labels.
        truth: n labels.
        classes: c labels, in the order of rows and columns.

    Returns:
        (c, c): truth by row, prediction by column, in counts; sums to n.

    Raises:
        InputError: not equally many, none, or a label that is not in classes.
    """
    _check_lengths(predicted=predicted, truth=truth)
    position = {label: k for k, label in enumerate(classes)}
    matrix = np.zeros((len(position), len(position)), np.int64)
    try:
        for p, t in zip(predicted, truth, strict=True):
            matrix[position[t], position[p]] += 1
    except KeyError as error:
        raise InputError(f"the label {error.args[0]!r} is none of the classes {list(classes)}") from error
    return matrix


def per_class(matrix: NDArray[np.int64], classes: Labels) -> dict[Hashable, ClassFigures]:
    """Count, precision, recall and F1 of each class.

    Args:
        matrix: (c, c), see `confusion_matrix`.
        classes: c labels.
    """
    if matrix.shape != (len(classes), len(classes)):
        raise InputError(f"the matrix is {matrix.shape} for {len(classes)} classes")
    table: dict[Hashable, ClassFigures] = {}
    for k, label in enumerate(classes):
        right, true, predicted = int(matrix[k, k]), int(matrix[k].sum()), int(matrix[:, k].sum())
        table[label] = ClassFigures(
            count=true,
            precision=_share(right, predicted),
            recall=_share(right, true),
            f1=_share(2 * right, true + predicted),
        )
    return table


def per_subset(predicted: Labels, truth: Labels, subsets: Labels) -> dict[Hashable, SubsetFigures]:
    """Count and Top-1 of each subset, in the order in which they first appear.

    Args:
        predicted: n labels.
        truth: n labels.
        subsets: n names of the subset that a sample belongs to.

    Raises:
        InputError: not equally many, or none.
    """
    _check_lengths(predicted=predicted, truth=truth, subsets=subsets)
    right_by_subset: dict[Hashable, list[bool]] = {}
    for p, t, subset in zip(predicted, truth, subsets, strict=True):
        right_by_subset.setdefault(subset, []).append(p == t)
    return {
        subset: SubsetFigures(count=len(right), top1=sum(right) / len(right))
        for subset, right in right_by_subset.items()
    }


def expected_calibration_error(confidence: ArrayLike, correct: ArrayLike, bins: int = 15) -> float:
    """ECE: how far confidence is from accuracy, in the mean over samples (Guo et al., ICML 2017).

    Confidence is put in bins of equal width, the k-th holding ((k - 1) / bins, k / bins] and the first 0 too; each
    bin gives |accuracy - mean confidence|, weighted by its share of the samples.

    Args:
        confidence: (n,) in [0, 1], of the predicted class.
        correct: (n,) bool, whether the prediction is right.
        bins: how many.

    Returns:
        0 to 1; 0 is best.

    Raises:
        InputError: not equally many, none, or a confidence outside [0, 1].
        ConfigError: fewer than one bin.
    """
    if bins < 1:
        raise ConfigError(f"bins is {bins}; it is at least 1")
    confidences, right = _check_confidence(confidence, correct)
    edges = np.arange(1, bins) / bins
    bin_of = np.searchsorted(edges, confidences, side="left")
    gap = np.bincount(bin_of, weights=right - confidences, minlength=bins)
    return float(np.abs(gap).sum() / len(confidences))


def abstaining(confidence: ArrayLike, correct: ArrayLike, threshold: float) -> SelectiveFigures:
    """Coverage, accuracy and risk when predictions of a confidence below the threshold are withheld.

    Args:
        confidence: (n,) in [0, 1], of the predicted class.
        correct: (n,) bool, whether the prediction is right.
        threshold: the least confidence that is answered.

    Raises:
        InputError: not equally many, none, or a confidence outside [0, 1].
    """
    confidences, right = _check_confidence(confidence, correct)
    answered = confidences >= threshold
    wrong = int(np.count_nonzero(answered & ~right))
    risk = _share(wrong, int(np.count_nonzero(answered)))
    return SelectiveFigures(
        threshold=float(threshold),
        coverage=float(answered.mean()),
        accuracy=1 - risk,
        risk=risk,
        harm=wrong / len(right),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _check_lengths(**columns: Labels) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise InputError(f"not equally many: {lengths}")
    if 0 in lengths.values():
        raise InputError("there are no samples to measure")


def _check_confidence(confidence: ArrayLike, correct: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    confidences, right = np.asarray(confidence, np.float64), np.asarray(correct)
    if confidences.ndim != 1 or confidences.shape != right.shape:
        raise InputError(f"confidence is {confidences.shape} and correct {right.shape}; both are (n,)")
    if confidences.size == 0:
        raise InputError("there are no samples to measure")
    if not np.all((confidences >= 0) & (confidences <= 1)):
        raise InputError("a confidence lies outside [0, 1]: pass the probability of the predicted class")
    if not np.isin(right, (0, 1)).all():
        raise InputError("correct holds more than true and false")
    return confidences, right.astype(bool)

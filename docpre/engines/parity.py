"""How far a network's answers are from the reference's, and how far they may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docpre.registry import ModelSpec, Task

# fp32: rounding alone may differ. Scores stay far below; UVDoc multiplies it to 1e-3 of the grid's range of 2 on pages
# that it is unsure of, with any pair of engines.
WORST_DIFFERENCE_FP32: Mapping[Task, float] = {"orientation": 1e-4, "unwarping": 2e-3}
NODE_SHIFT_P99_PERCENT = 0.3
NODE_SHIFT_WORST_PERCENT = 1.5
LABEL_AGREEMENT = 1.0
_SURE_LEAD = 0.3


@dataclass(frozen=True)
class Parity:
    """What sets a network's answers apart from the reference's on the same pictures.

    Args:
        pictures: how many were compared.
        worst_difference: of any element of an answer.
        node_shift_p99_percent, node_shift_worst_percent: how far a grid's nodes moved in the picture, in per cent of
            the diagonal of the page there: the 99th percentile over all nodes and pictures, and the worst. None: the
            network gives no grid.
        label_agreement: share of the pictures with the same best label, among those of which the reference is sure
            (its best score leads by 0.3). None: the network gives no scores.
    """

    pictures: int
    worst_difference: float
    node_shift_p99_percent: float | None = None
    node_shift_worst_percent: float | None = None
    label_agreement: float | None = None

    def failure(self, precision: str) -> str | None:
        """Why the answers are too far off for a precision; None: they are not."""
        if precision == "fp32":
            task: Task = "unwarping" if self.label_agreement is None else "orientation"
            return _above("an element differs by", self.worst_difference, WORST_DIFFERENCE_FP32[task])
        if self.label_agreement is not None:
            is_enough = self.label_agreement >= LABEL_AGREEMENT
            return None if is_enough else f"only {self.label_agreement:.1%} of the sure labels agree, not all"
        assert self.node_shift_p99_percent is not None
        assert self.node_shift_worst_percent is not None
        return _above(
            "grid nodes move (99th percentile, % of the diagonal) by",
            self.node_shift_p99_percent,
            NODE_SHIFT_P99_PERCENT,
        ) or _above("a grid node moves (% of the diagonal) by", self.node_shift_worst_percent, NODE_SHIFT_WORST_PERCENT)

    def to_json(self) -> dict[str, Any]:
        """For a record; figures that don't apply are left out."""
        return {key: round(value, 6) for key, value in asdict(self).items() if value is not None}

    def __str__(self) -> str:
        if self.node_shift_p99_percent is not None:
            shift = f"grid nodes move by {self.node_shift_p99_percent:.3f} % of the diagonal (99th percentile; "
            return shift + f"{self.node_shift_worst_percent:.3f} % at worst)"
        if self.label_agreement is not None:
            return f"{self.label_agreement:.1%} of the sure labels agree; scores differ by {self.worst_difference:.2g}"
        return f"elements differ by {self.worst_difference:.2g}"


def compare(spec: ModelSpec, expected: NDArray[np.float32], found: NDArray[np.float32]) -> Parity:
    """Compare a network's answers with the reference's.

    Args:
        spec: the network's model.
        expected: the reference's answers, (N, classes) scores or (N, 2, rows, columns) grids in [-1, 1].
        found: the answers to judge.
    """
    count = len(expected)
    if expected.shape != found.shape or not np.isfinite(found).all():
        infinite = float("inf")
        if spec.task == "unwarping":
            return Parity(count, infinite, infinite, infinite)
        return Parity(count, infinite, label_agreement=0.0)
    worst = float(np.abs(expected - found).max())
    if spec.task == "unwarping":
        shift = node_shift_percent(expected, found, spec.size_hw)
        return Parity(count, worst, float(np.percentile(shift, 99)), float(shift.max()))
    ranked = np.sort(expected, axis=1)
    is_sure = ranked[:, -1] - ranked[:, -2] >= _SURE_LEAD
    agrees = (expected.argmax(1) == found.argmax(1))[is_sure]
    return Parity(count, worst, label_agreement=float(agrees.mean()) if len(agrees) else 1.0)


def node_shift_percent(
    expected: NDArray[np.float32], found: NDArray[np.float32], size_hw: tuple[int, int]
) -> NDArray[np.float64]:
    """How far each node of grids moved, in per cent of the page's diagonal in the picture.

    Args:
        expected: the reference's grids (N, 2, rows, columns), x then y, in [-1, 1].
        found: the grids to judge.
        size_hw: the picture's size, for its proportions.

    Returns:
        (N, rows, columns). The diagonal is the mean of the two between the reference's corners.
    """
    half = np.array([size_hw[1] - 1, size_hw[0] - 1]).reshape(1, 2, 1, 1) / 2
    nodes = expected.astype(np.float64) * half
    falling = np.linalg.norm(nodes[:, :, -1, -1] - nodes[:, :, 0, 0], axis=1)
    rising = np.linalg.norm(nodes[:, :, -1, 0] - nodes[:, :, 0, -1], axis=1)
    diagonal = np.maximum((falling + rising) / 2, 1.0)
    return 100 * np.linalg.norm(found * half - nodes, axis=1) / diagonal[:, None, None]


def _above(what: str, value: float, bound: float) -> str | None:
    return None if value <= bound else f"{what} {value:.3g}, more than {bound:.3g}"

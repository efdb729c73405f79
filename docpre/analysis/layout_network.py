"""What a page's blocks are, as a small network sees them: PicoDet, trained on pages of Chinese papers (CDLA)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docpre.engine_pool import EnginePool
from docpre.loading import ImageArray
from docpre.network_input import normalised, resized

_STRIDES_PX = (8, 16, 32, 64)
_LEAST_SCORE = 0.3
_MOST_OVERLAP = 0.5
_MOST_COVERED = 0.8


@dataclass(frozen=True, eq=False)
class Block:
    """What the network found.

    Attributes:
        label: one of the model's classes.
        box: (4,) float64, left, top, right, bottom in pixels of the picture.
        score: 0 to 1.
    """

    label: str
    box: NDArray[np.float64]
    score: float


class LayoutDetector:
    """Finds the blocks of a page.

    Args:
        pool: of the model.
    """

    def __init__(self, pool: EnginePool) -> None:
        self.pool = pool

    def find(self, image: ImageArray, device: str | None = None) -> list[Block]:
        """The blocks on a page, the surest first; none of them overlaps another one by much.

        Args:
            image: (H, W, 3) RGB uint8, upright.
            device: another one than the pool's.

        Raises:
            EngineError: the engine failed.
        """
        spec = self.pool.spec
        outputs = self.pool.run_all(normalised([resized(image, spec)], spec), device)
        boxes, scores = decoded(outputs, spec.size_hw)
        boxes *= np.tile([image.shape[1] / spec.size_hw[1], image.shape[0] / spec.size_hw[0]], 2)
        boxes = boxes.clip(0, np.tile([image.shape[1], image.shape[0]], 2))
        best = scores.max(1)
        kept = unlike(boxes, best)
        return [Block(spec.classes[int(scores[index].argmax())], boxes[index], float(best[index])) for index in kept]


def decoded(
    outputs: tuple[NDArray[np.float32], ...], size_hw: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Boxes and scores out of the network's outputs (generalised focal loss, arXiv:2006.04388).

    Args:
        outputs: for each stride scores (1, cells, classes), then for each stride (1, cells, 4 * bins): how likely each
            distance, in strides, from the cell's middle to the left, top, right and bottom is, as logits.
        size_hw: of the network's picture.

    Returns:
        (N, 4) left, top, right, bottom in pixels of the network's picture, and (N, classes); those that score enough.
    """
    boxes, kept_scores = [], []
    for stride, scores, logits in zip(_STRIDES_PX, outputs[:4], outputs[4:], strict=True):
        likely = np.flatnonzero(scores[0].max(1) >= _LEAST_SCORE)
        columns = -(-size_hw[1] // stride)
        middles = (np.stack([likely % columns, likely // columns], 1) + 0.5) * stride
        bins = logits[0, likely].reshape(len(likely), 4, logits.shape[2] // 4).astype(np.float64)
        weights = np.exp(bins - bins.max(2, keepdims=True))
        distances = (weights * np.arange(bins.shape[2])).sum(2) / weights.sum(2) * stride
        boxes.append(np.concatenate([middles - distances[:, :2], middles + distances[:, 2:]], 1))
        kept_scores.append(scores[0, likely])
    return np.concatenate(boxes), np.concatenate(kept_scores)


def unlike(boxes: NDArray[np.float64], scores: NDArray[np.float32]) -> list[int]:
    """The boxes that remain, the surest first, when each takes away the ones that are nearly its own place or in it."""
    remaining = list(np.argsort(-scores, kind="stable"))
    area = (boxes[:, 2:] - boxes[:, :2]).clip(0).prod(1)
    kept = []
    while remaining:
        first = remaining.pop(0)
        kept.append(int(first))
        others = np.array(remaining, int)
        low, high = np.maximum(boxes[first, :2], boxes[others, :2]), np.minimum(boxes[first, 2:], boxes[others, 2:])
        common = (high - low).clip(0).prod(1)
        overlap = common / (area[first] + area[others] - common + 1e-9)
        covered = common / (np.minimum(area[first], area[others]) + 1e-9)
        remaining = list(others[(overlap < _MOST_OVERLAP) & (covered < _MOST_COVERED)])
    return kept

"""Training of the page finder."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from docpre.models.convert import load_page_finder
from docpre.models.page_finder import PageFinder
from docpre.registry import published_model
from train.data.page_photos import MaskSample
from train.fine_tuning import FineTuned
from train.pictures import labelled, tiled, to_uint8
from train.start import NOTHING, starting_point

_FIGURES = ("iou", "found", "loss")
_FOUND_IOU = 0.9


class PageFinding(FineTuned):
    """The page finder, and how it is trained.

    Args:
        start: a model directory as ``python -m train export`` makes it; or ``nothing``.
        lr: highest learning rate.
        weight_decay: of AdamW.
        warm_up: share of all steps in which the learning rate rises.
        dice: weight of the Dice loss, which counts a small page as much as a large one, beside cross-entropy.
    """

    def __init__(
        self,
        start: str = NOTHING,
        lr: float = 3e-3,
        weight_decay: float = 1e-4,
        warm_up: float = 0.05,
        dice: float = 1.0,
    ) -> None:
        super().__init__(lr, weight_decay, warm_up, (), False)
        self.save_hyperparameters()
        self._dice = dice
        self.spec = published_model("page_finding")
        self._start = start
        self.network = PageFinder().to(memory_format=torch.channels_last)
        self.figures: dict[str, float] = {}
        self._sums = torch.zeros(0)
        self.freeze_parts()

    def setup(self, stage: str) -> None:
        """Load what training starts from; a checkpoint, if one is given, is loaded over it by Lightning."""
        if (found := starting_point(self._start, self.spec)) is not None:
            self.network.load_state_dict(load_page_finder(found[1]).state_dict())

    def forward(self, image: Tensor) -> Tensor:
        """See ``PageFinder.forward``."""
        return self.network(image.to(memory_format=torch.channels_last))  # much quicker on a CPU

    def loss(self, logits: Tensor, mask: Tensor) -> Tensor:
        """Cross-entropy and Dice of each photo, (N)."""
        entropy = functional.binary_cross_entropy_with_logits(logits, mask, reduction="none").mean((1, 2, 3))
        share = logits.sigmoid()
        overlap = (share * mask).sum((1, 2, 3))
        dice = 1 - (2 * overlap + 1) / (share.sum((1, 2, 3)) + mask.sum((1, 2, 3)) + 1)
        return entropy + self._dice * dice

    def training_step(self, batch: MaskSample, batch_idx: int) -> Tensor:
        loss = self.loss(self(batch["image"]).float(), batch["mask"]).mean()
        self.log("train/loss", loss.detach(), prog_bar=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        self._sums = torch.zeros(len(_FIGURES) + 1, dtype=torch.float64, device=self.device)

    def validation_step(self, batch: MaskSample, batch_idx: int) -> None:
        logits = self(batch["image"]).float()
        overlap = iou(logits, batch["mask"])
        values = [overlap.sum(), (overlap >= _FOUND_IOU).sum(), self.loss(logits, batch["mask"]).sum()]
        values.append(torch.tensor(len(overlap), device=self.device))
        self._sums += torch.stack([value.double() for value in values])

    def log_figures(self, part: str) -> None:
        self.log_means(part, _FIGURES, self._sums)

    def draw(self, batch: MaskSample) -> Tensor:
        """Photos beside the predicted mask and the true one, as one (3, H, W) uint8."""
        logits = self(batch["image"]).float()
        overlaps = iou(logits, batch["mask"])
        size_hw = (batch["image"].shape[2], batch["image"].shape[3])
        masks = [
            functional.interpolate(mask, size_hw, mode="bilinear")[:, 0].cpu().numpy()
            for mask in (logits.sigmoid(), batch["mask"])
        ]
        rows = []
        for i, photo in enumerate(to_uint8(batch["image"], self.spec)):
            shown = [np.repeat((mask[i, ..., None] * 255).astype(np.uint8), 3, 2) for mask in masks]
            overlap = float(overlaps[i])
            rows.append(labelled(np.hstack([photo, *shown]), f"IoU {overlap:.3f}", overlap >= _FOUND_IOU))
        return tiled(rows)


def iou(logits: Tensor, mask: Tensor) -> Tensor:
    """(N): overlap over union of the predicted and the true mask, both cut at a half."""
    predicted, true = logits > 0, mask > 0.5
    return ((predicted & true).sum((1, 2, 3)) + 1e-6) / ((predicted | true).sum((1, 2, 3)) + 1e-6)

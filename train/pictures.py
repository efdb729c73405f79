"""Pictures of predictions: drawn from a batch, and put into the logs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import lightning
import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_only
from numpy.typing import NDArray
from torch import Tensor

from docpre.registry import ModelSpec


def to_uint8(image: Tensor, spec: ModelSpec) -> list[NDArray[np.uint8]]:
    """Network inputs (N, 3, H, W) back to pictures (H, W, 3) RGB uint8."""
    mean = torch.tensor(spec.mean, device=image.device).view(1, 3, 1, 1)
    std = torch.tensor(spec.std, device=image.device).view(1, 3, 1, 1)
    if spec.channel_order == "BGR":
        image = image.flip(1)
    pictures = ((image.float() * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)
    return list(pictures.permute(0, 2, 3, 1).cpu().numpy())


def labelled(picture: NDArray[np.uint8], text: str, is_good: bool) -> NDArray[np.uint8]:
    """A picture (H, W, 3) with a line of text above it, green if all is well and red if not."""
    bar = np.full((18, picture.shape[1], 3), 255, np.uint8)
    colour = (0, 120, 0) if is_good else (200, 0, 0)
    cv2.putText(bar, text, (3, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)
    return np.vstack([bar, picture])


def with_grid(picture: NDArray[np.uint8], grid_xy: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) with a grid (2, rows, columns) in [-1, 1] drawn over it."""
    height, width = picture.shape[:2]
    nodes = (np.moveaxis(grid_xy, 0, -1) + 1) / 2 * (width - 1, height - 1)
    drawn = picture.copy()
    for line in (*nodes[::4], *nodes[:, ::3].swapaxes(0, 1)):
        cv2.polylines(drawn, [line.round().astype(np.int32)], False, (230, 30, 60), 1, cv2.LINE_AA)
    return drawn


def tiled(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
    """Pictures of one size (H, W, 3) side by side in rows, as one (3, H', W') uint8."""
    columns = math.ceil(math.sqrt(len(pictures)))
    blank = np.full_like(pictures[0], 255)
    cells = [*pictures, *[blank] * (-len(pictures) % columns)]
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    return torch.from_numpy(np.ascontiguousarray(np.vstack(rows).transpose(2, 0, 1)))


class LogPictures(lightning.Callback):
    """Draws the first batch of each validation into TensorBoard's log and, as PNG, into ``folder``.

    Args:
        count: at most so many samples.
        every_n_validations: draw at each so manyth validation.
        folder: where PNG files go; None: into TensorBoard alone.
    """

    def __init__(self, count: int = 8, every_n_validations: int = 1, folder: str | None = None) -> None:
        self._count, self._every = count, every_n_validations
        self._folder = None if folder is None else Path(folder).expanduser()
        self._validations = 0

    @rank_zero_only
    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: Any,
        outputs: Any,
        batch: dict[str, Any],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if batch_idx > 0 or trainer.sanity_checking:
            return
        self._validations += 1
        if (self._validations - 1) % self._every:
            return
        few = {name: values[: self._count] for name, values in batch.items()}
        with torch.no_grad():
            picture = pl_module.draw(few)
        for logger in trainer.loggers:
            add_image = getattr(getattr(logger, "experiment", None), "add_image", None)
            if add_image is not None:
                add_image("val/pictures", picture, trainer.global_step)
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"step_{trainer.global_step:07d}.png"
            cv2.imwrite(str(path), picture.permute(1, 2, 0).numpy()[..., ::-1])

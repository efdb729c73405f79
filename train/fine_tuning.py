"""What the LightningModules share: which parts learn, how fast, and how figures are logged and kept."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from docpre.errors import ConfigError
from docpre.registry import ModelSpec


class FineTuned(lightning.LightningModule):
    """A LightningModule around ``self.network``, parts of which may be frozen.

    Args:
        lr: highest learning rate of AdamW.
        weight_decay: of AdamW; on weights alone, not on biases and norms.
        warm_up: share of all steps in which the learning rate rises; it falls by a cosine after that.
        frozen: parts that don't learn, by the beginnings of their names in the network.
        fixed_norms: keep batch norms' statistics as they are: for batches of a few pictures.
    """

    network: nn.Module
    spec: ModelSpec
    #: Of the last validation or test, by name; they go into the checkpoint.
    figures: dict[str, float]

    def __init__(
        self, lr: float, weight_decay: float, warm_up: float, frozen: Sequence[str], fixed_norms: bool
    ) -> None:
        super().__init__()
        if lr <= 0 or weight_decay < 0 or not 0 <= warm_up < 1:
            raise ConfigError("lr is above 0, weight_decay at least 0, and warm_up between 0 and 1.")
        self._lr, self._weight_decay, self._warm_up = lr, weight_decay, warm_up
        self._frozen, self._fixed_norms = tuple(frozen), fixed_norms

    def freeze_parts(self) -> None:
        """Stop the frozen parts from learning; call it once the network is there.

        Raises:
            ConfigError: a name fits no part, or nothing is left to learn.
        """
        names = [name for name, _ in self.network.named_parameters()]
        for beginning in self._frozen:
            if not any(name.startswith(beginning) for name in names):
                parts = ", ".join(name for name, _ in self.network.named_children())
                raise ConfigError(f"frozen: no part of the network begins with {beginning!r}. Its parts are: {parts}.")
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(not name.startswith(self._frozen) if self._frozen else True)
        if not any(parameter.requires_grad for parameter in self.network.parameters()):
            raise ConfigError("frozen: nothing is left that could learn.")
        self.train(self.training)

    def train(self, mode: bool = True) -> FineTuned:
        """Switch to training; batch norms that are frozen or fixed stay as they are."""
        super().train(mode)
        for name, module in self.network.named_modules():
            is_frozen = bool(self._frozen) and f"{name}.".startswith(self._frozen)
            if is_frozen or (self._fixed_norms and isinstance(module, _BatchNorm)):
                module.training = False
        return self

    def configure_optimizers(self) -> Any:
        steps = self.trainer.estimated_stepping_batches
        if not 0 <= steps < math.inf:
            raise ConfigError(
                "The learning rate falls towards the end of training, so that must be known: set trainer.max_steps, or "
                "trainer.max_epochs, to a number."
            )
        learning = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        groups = [
            {"params": [p for p in learning if p.ndim > 1], "weight_decay": self._weight_decay},
            {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=self._lr)
        rise = max(1, round(self._warm_up * steps))
        schedules: list[Any] = [
            torch.optim.lr_scheduler.LinearLR(optimizer, 1 / rise, 1.0, rise),
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, int(steps) - rise), eta_min=self._lr / 100),
        ]
        schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, schedules, [rise])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Let chance within a step (dropout) depend on the step alone, so that a resumed run repeats what it was."""
        seed = int(os.environ.get("PL_GLOBAL_SEED", "0"))
        step = (
            self.global_step * self.trainer.accumulate_grad_batches + batch_idx % self.trainer.accumulate_grad_batches
        )
        torch.manual_seed((seed * 1_000_000_007 + step * 1009 + self.global_rank) % 2**63)

    def on_validation_epoch_end(self) -> None:
        self.log_figures("val")

    def on_test_epoch_start(self) -> None:
        self.on_validation_epoch_start()

    def test_step(self, batch: Any, batch_idx: int) -> None:
        """A test is a validation of other samples."""
        self.validation_step(batch, batch_idx)

    def on_test_epoch_end(self) -> None:
        self.log_figures("test")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["docpre"] = {"task": self.spec.task, "figures": self.figures}
        if self._trainer is not None and getattr(self._trainer, "datamodule", None) is not None:
            checkpoint["docpre"]["data"] = self._trainer.datamodule.describe()  # type: ignore[attr-defined]

    def log_figures(self, part: str) -> None:
        """Log what was counted on a part of the data, ``val`` or ``test``, and keep it as ``figures``."""
        raise NotImplementedError

    def log_means(self, part: str, names: Sequence[str], sums: Tensor) -> None:
        """Log figures that are means over all samples of all processes.

        Args:
            part: ``val`` or ``test``.
            names: of the figures.
            sums: (len(names) + 1,), of each figure over this process's samples, and last how many samples.
        """
        sums = self.over_processes(sums)
        means = sums[:-1] / sums[-1].clamp_min(1)
        self.figures = {f"{part}/{name}": float(mean) for name, mean in zip(names, means, strict=True)}
        self.log_dict(self.figures, prog_bar=True)
        self.figures[f"{part}/samples"] = float(sums[-1])
        self.log(f"{part}/samples", float(sums[-1]))

    def over_processes(self, sums: Tensor) -> Tensor:
        """Add up what each process has counted."""
        gathered = self.all_gather(sums)
        assert isinstance(gathered, Tensor)
        return gathered.reshape(-1, *sums.shape).sum(0)

    def progress(self) -> float:
        """How much of the training is over, from 0 to 1."""
        steps = float(self.trainer.estimated_stepping_batches)
        return self.global_step / steps if steps > 0 else 0.0

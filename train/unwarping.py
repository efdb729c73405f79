"""Training of the unwarping network UVDoc."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from docpre.errors import ConfigError
from docpre.metrics.ms_ssim import ms_ssim
from docpre.models.convert import load_uvdoc, unfold_batch_norms
from docpre.models.uvdoc import ARCHITECTURES, UVDoc
from docpre.registry import published_model
from train.data.samples import UnwarpingSample
from train.fine_tuning import FineTuned
from train.grid_figures import grid_error_percent, line_tilt_deg
from train.losses import at_nodes, axis_alignment, l1, reconstruction, ssim, unwarp
from train.pictures import labelled, tiled, to_uint8, with_grid
from train.start import OFFICIAL, starting_point

_FIGURES = ("grid_error_percent", "line_tilt_deg", "ms_ssim")


@dataclass
class LossWeights:
    """How much each loss counts; the first three are UVDoc's.

    Args:
        grid: L1 on the grid in the photo.
        mesh: L1 on the grid in space.
        reconstruction: L1 between the photo unwarped by the prediction and by the truth.
        ssim: 1 less SSIM of the same two.
        axes: the tilt and bend of the page's lines after unwarping (see ``losses.axis_alignment``).
        pictures_from: share of the training after which ``reconstruction`` and ``ssim`` count.
    """

    grid: float = 5.0
    mesh: float = 5.0
    reconstruction: float = 1.0
    ssim: float = 0.0
    axes: float = 0.0
    pictures_from: float = 0.5


class Unwarping(FineTuned):
    """UVDoc, and how it is trained.

    Args:
        start: ``official``, ``nothing``, a model directory or a weight file.
        size_hw: size of the network's input; (712, 488) is the published one. Smaller is quicker and coarser. The
            published weights want sides of a multiple of 16 and 4 to 8 pixels more: the grid's last nodes lie at the
            picture's rim then, as they do where 712 and 488 are.
        architecture: ``UVDoc``; or ``UVDocLight``, the same weights seeing as much of a picture of half the sides.
        lr: highest learning rate.
        weight_decay: of AdamW.
        warm_up: share of all steps in which the learning rate rises.
        weights: of the losses.
        frozen: parts that don't learn, by the beginnings of their names: ``resnet_head``, ``resnet_down``,
            ``bridge_`` ...
        fixed_norms: keep batch norms' statistics as they are.
        unfold_pictures: how many pictures the statistics of batch norms are measured on where the starting weights
            have them folded into the convolutions, as the published ones have. Not needed with ``fixed_norms``.
    """

    def __init__(
        self,
        start: str = OFFICIAL,
        size_hw: tuple[int, int] = (712, 488),
        architecture: str = "UVDoc",
        lr: float = 2e-4,
        weight_decay: float = 1e-4,
        warm_up: float = 0.05,
        weights: LossWeights | None = None,
        frozen: list[str] | None = None,
        fixed_norms: bool = False,
        unfold_pictures: int = 16,
    ) -> None:
        weights = LossWeights(**weights) if isinstance(weights, dict) else weights or LossWeights()
        # A head that no loss asks for is frozen: several processes would wait for its gradients in vain.
        unasked = () if weights.mesh else ("out_point_positions3D",)
        super().__init__(lr, weight_decay, warm_up, (*(frozen or ()), *unasked), fixed_norms)
        self.save_hyperparameters(ignore=["weights"])
        self.save_hyperparameters({"weights": vars(weights)})
        if min(size_hw) < 64:
            raise ConfigError(f"size_hw is at least 64 each way, not {size_hw}.")
        if architecture not in ARCHITECTURES:
            raise ConfigError(f"architecture is one of {', '.join(ARCHITECTURES)}, not {architecture!r}.")
        self._start, self._weights, self._unfold_pictures = start, weights, unfold_pictures
        published = published_model("unwarping")
        self.spec = replace(published, size_hw=(size_hw[0], size_hw[1]), architecture=architecture)
        # Much quicker on a CPU.
        self.network = UVDoc(ARCHITECTURES[architecture]).to(memory_format=torch.channels_last)
        self.figures: dict[str, float] = {}
        self._sums = torch.zeros(0)
        self.freeze_parts()

    def setup(self, stage: str) -> None:
        """Load what training starts from; a checkpoint, if one is given, is loaded over it by Lightning."""
        base = replace(published_model("unwarping"), architecture=self.spec.architecture)
        found = starting_point(self._start, base)
        if found is None:
            return
        self.network.load_state_dict(load_uvdoc(found[1]).state_dict())
        is_resumed = self.trainer.ckpt_path is not None
        if stage == "fit" and not self._fixed_norms and not is_resumed and has_folded_norms(self.network):
            datamodule: Any = self.trainer.datamodule  # type: ignore[attr-defined]
            pictures = datamodule.first_pictures(self._unfold_pictures, self.spec)
            with torch.no_grad():
                unfold_batch_norms(self.network, (picture[None] for picture in pictures))
            self.train(self.training)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """See ``UVDoc.forward``."""
        return self.network(image.to(memory_format=torch.channels_last))

    def losses(self, batch: UnwarpingSample) -> dict[str, Tensor]:
        """Each loss that counts now, unweighted, and ``loss``, their weighted sum."""
        weights = self._weights
        grid_xy, mesh = (tensor.float() for tensor in self(batch["image"]))
        nodes_hw = (grid_xy.shape[2], grid_xy.shape[3])
        true_xy, true_mesh = at_nodes(batch["grid_xy"], nodes_hw), at_nodes(batch["mesh"], nodes_hw)
        terms: dict[str, Tensor] = {"grid": l1(grid_xy, true_xy)}
        if weights.mesh:
            terms["mesh"] = l1(mesh, true_mesh)
        if weights.axes:
            terms["axes"] = axis_alignment(grid_xy, true_xy)
        if self.progress() >= weights.pictures_from:
            image = batch["image"].float()
            if weights.reconstruction:
                terms["reconstruction"] = reconstruction(image, grid_xy, true_xy)
            if weights.ssim:
                size_hw = (image.shape[2], image.shape[3])
                terms["ssim"] = 1 - ssim(unwarp(image, grid_xy, size_hw), unwarp(image, true_xy, size_hw))
        terms["loss"] = torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()
        return terms

    def training_step(self, batch: UnwarpingSample, batch_idx: int) -> Tensor:
        terms = self.losses(batch)
        self.log_dict({f"train/{name}": term.detach() for name, term in terms.items() if name != "loss"})
        self.log("train/loss", terms["loss"].detach(), prog_bar=True)
        return terms["loss"]

    def on_validation_epoch_start(self) -> None:
        self._sums = torch.zeros(len(_FIGURES) + 1, dtype=torch.float64, device=self.device)

    def validation_step(self, batch: UnwarpingSample, batch_idx: int) -> None:
        predicted_xy = self(batch["image"])[0].float()
        true_xy = at_nodes(batch["grid_xy"], (predicted_xy.shape[2], predicted_xy.shape[3]))
        values = [
            grid_error_percent(predicted_xy, true_xy, batch["size_hw"]).sum(),
            line_tilt_deg(predicted_xy, true_xy, batch["size_hw"]).sum(),
            self._similarity(batch["image"].float(), predicted_xy, true_xy).sum(),
            torch.tensor(len(true_xy), device=self.device),
        ]
        self._sums += torch.stack([value.double().to(self.device) for value in values])

    def log_figures(self, part: str) -> None:
        self.log_means(part, _FIGURES, self._sums)

    def _similarity(self, image: Tensor, predicted_xy: Tensor, true_xy: Tensor) -> Tensor:
        """MS-SSIM, as DocUNet's protocol has it, of photos unwarped by prediction and truth, at the network's size."""
        size_hw = (image.shape[2], image.shape[3])
        gray = torch.tensor([0.2989, 0.5870, 0.1140], device=image.device).view(1, 3, 1, 1)
        pairs = []
        for grid_xy in (predicted_xy, true_xy):
            page = (unwarp(image, grid_xy, size_hw) * gray).sum(1) * 255
            pairs.append(page.round().clamp(0, 255).to(torch.uint8).cpu().numpy())
        return torch.tensor([ms_ssim(np.asarray(a), np.asarray(b)) for a, b in zip(*pairs, strict=True)])

    def draw(self, batch: UnwarpingSample) -> Tensor:
        """Photos with the predicted grid, unwarped by it, and unwarped by the truth, as one (3, H, W) uint8."""
        image = batch["image"]
        predicted_xy = self(image)[0].float()
        errors = grid_error_percent(
            predicted_xy, at_nodes(batch["grid_xy"], (predicted_xy.shape[2], predicted_xy.shape[3])), batch["size_hw"]
        )
        size_hw = (image.shape[2], image.shape[3])
        by_prediction = to_uint8(unwarp(image.float(), predicted_xy, size_hw), self.spec)
        by_truth = to_uint8(unwarp(image.float(), batch["grid_xy"], size_hw), self.spec)
        rows = []
        for i, photo in enumerate(to_uint8(image, self.spec)):
            row = np.hstack([with_grid(photo, predicted_xy[i].cpu().numpy()), by_prediction[i], by_truth[i]])
            text = f"grid error {float(errors[i]):.2f} % | unwarped by prediction | by truth"
            rows.append(labelled(row, text, float(errors[i]) < 2))
        return tiled(rows)


def has_folded_norms(network: torch.nn.Module) -> bool:
    """Whether the statistics of all batch norms are those of weights with batch norm folded: mean 0 and variance 1."""
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    return all(
        norm.running_mean is not None
        and norm.running_var is not None
        and not norm.running_mean.any()
        and bool((norm.running_var == 1).all())
        for norm in norms
    )

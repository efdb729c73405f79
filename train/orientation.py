"""Training of the orientation classifier."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from docpre.errors import ConfigError
from docpre.models.convert import load_pp_lcnet, timm_state_dict
from docpre.models.pp_lcnet import ConvNormAct, PPLCNet
from docpre.registry import ModelSpec, published_model
from train.data.samples import OrientationSample
from train.data.source import NO_ANGLE
from train.fine_tuning import FineTuned
from train.pictures import labelled, tiled, to_uint8
from train.quick_convolutions import with_quick_convolutions
from train.start import NOTHING, OFFICIAL, starting_point

PRETRAINED = "pretrained"
_SOFTNESS = 2.0  # the temperature at which scores are held: beside the best one the others count too, as in the paper


class Orientation(FineTuned):
    """A classifier of four turns, and how it is trained: cross-entropy, AdamW.

    Args:
        backbone: ``PPLCNet``, or the name of a timm model.
        start: for PPLCNet ``official``, ``nothing``, a model directory or a weight file. For a timm model ``nothing``
            or ``pretrained`` (timm's own weights, which timm fetches); ``lcnet_100``, which is the same network as
            PPLCNet, takes PPLCNet's starts too.
        size_hw: size of the network's input.
        resize_short: the page's shorter side before the centre is cut out; None: the whole page is squeezed into it.
        max_aspect: of strips longer than this the middle is seen; None: all.
        fold_aspect: strips from this on are folded (``docpre.folding``); None: never.
        lr: highest learning rate.
        weight_decay: of AdamW.
        warm_up: share of all steps in which the learning rate rises.
        label_smoothing: of the cross-entropy. Pages without a way up are to be given the same score for each turn.
        min_score: below it docpre leaves a page alone with this model; ``python -m train calibrate`` sets it.
        near: docpre shows pages from near; the share of samples to train on that are seen so is ``data.near``.
        look_again_below: pages with a lower best score docpre looks at again: in four parts, which costs four times the
            network's time for such pages, or with ``near`` whole and, if need be, from near and whole turned by each
            quarter, once to seven times; None: never. It plays no part in training or its figures.
        frozen: parts that don't learn, by the beginnings of their names.
        fixed_norms: keep batch norms' statistics as they are.
        keep: how much the network is held to the scores that its start gives, where the start is right; 0: not at all.
            What is trained on then costs less of what was known before ("Learning without Forgetting", Li and Hoiem,
            ECCV 2016).
        keep_from: the weights that it is held to instead of its start's, named as a start is: what was forgotten by an
            earlier training can be learnt again from those that had not; None: the start's.
    """

    def __init__(
        self,
        backbone: str = "PPLCNet",
        start: str = OFFICIAL,
        size_hw: tuple[int, int] = (224, 224),
        resize_short: int | None = 256,
        max_aspect: float | None = None,
        fold_aspect: float | None = None,
        near: bool = False,
        lr: float = 3e-4,
        weight_decay: float = 1e-4,
        warm_up: float = 0.1,
        label_smoothing: float = 0.0,
        min_score: float | None = None,
        look_again_below: float | None = None,
        frozen: list[str] | None = None,
        fixed_norms: bool = False,
        keep: float = 0.0,
        keep_from: str | None = None,
    ) -> None:
        super().__init__(lr, weight_decay, warm_up, frozen or (), fixed_norms)
        self.save_hyperparameters()
        if keep < 0:
            raise ConfigError(f"keep is a weight, 0 or more, not {keep}.")
        self._start, self._label_smoothing = start, label_smoothing
        self._keep, self._keep_from = keep, keep_from
        self._kept: tuple[nn.Module, ...] = ()  # in a tuple it is no part of checkpoints
        self._shared = ""  # the last part that is the same in both
        spec = replace(
            published_model("orientation"),
            architecture=backbone if backbone == "PPLCNet" else f"timm/{backbone}",
            size_hw=(size_hw[0], size_hw[1]),
            resize_short=resize_short,
            max_aspect=max_aspect,
            fold_aspect=fold_aspect,
            near=near,
            min_score=min_score,
            look_again_below=look_again_below,
        )
        self.network, self.spec = _network(backbone, start, spec)
        self.figures: dict[str, float] = {}
        self._confusion = torch.zeros(0)
        self.freeze_parts()

    def setup(self, stage: str) -> None:
        """Load what training starts from; a checkpoint, if one is given, is loaded over it by Lightning."""
        self.network.to(memory_format=torch.channels_last)  # several times as fast on a CPU
        if self._start not in (NOTHING, PRETRAINED):
            self._load(self.network, self._start)
        if self._keep and stage == "fit":
            if (self._keep_from or self._start) == NOTHING:
                raise ConfigError("keep holds the network to what weights know; those of 'nothing' know nothing.")
            kept = deepcopy(self.network).requires_grad_(False).eval()
            if self._keep_from is not None:
                self._load(kept, self._keep_from)
            if self._keep_from is None and isinstance(kept, PPLCNet):
                self._shared = _leading_frozen(kept, self._frozen)
            self._kept = (_without_norms(kept),)
        if stage == "fit":
            with_quick_convolutions(self.network)

    def _load(self, network: nn.Module, start: str) -> None:
        found = starting_point(start, published_model("orientation"))
        assert found is not None
        weights = load_pp_lcnet(found[1], len(self.spec.classes))
        network.load_state_dict(weights.state_dict() if isinstance(network, PPLCNet) else timm_state_dict(weights))

    def on_fit_start(self) -> None:
        for network in self._kept:
            network.to(self.device)

    def forward(self, image: Tensor) -> Tensor:
        """Pictures (N, 3, H, W), normalised, to logits (N, 4)."""
        return self.network(image)

    def training_step(self, batch: OrientationSample, batch_idx: int) -> Tensor:
        label: Tensor = batch["label"]  # type: ignore[assignment]
        picture: Tensor = batch["image"]
        if self._shared:  # what doesn't learn is the same in both networks, and is run once
            with torch.no_grad():
                picture = cast(PPLCNet, self._kept[0]).until(picture, self._shared)
            logits = cast(PPLCNet, self.network).after(picture, self._shared)
        else:
            logits = self(picture)
        loss = functional.cross_entropy(logits, targets(label, logits.shape[1], self._label_smoothing))
        for network in self._kept:
            with torch.no_grad():
                known = cast(PPLCNet, network).after(picture, self._shared) if self._shared else network(picture)
            forgotten = forgetting(logits, known, label)
            self.log("train/forgotten", forgotten)
            loss = loss + self._keep * forgotten
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        classes = len(self.spec.classes)
        self._confusion = torch.zeros(classes, classes, dtype=torch.float64, device=self.device)
        self._loss_sum = torch.zeros((), dtype=torch.float64, device=self.device)
        self._blank_sums = torch.zeros(2, dtype=torch.float64, device=self.device)

    def validation_step(self, batch: OrientationSample, batch_idx: int) -> None:
        logits = self(batch["image"]).float()
        label: Tensor = batch["label"]  # type: ignore[assignment]
        has_angle = label != NO_ANGLE
        self._blank_sums += torch.stack([(~has_angle).sum(), logits[~has_angle].softmax(1).amax(1).sum()])
        logits, label = logits[has_angle], label[has_angle]
        self._loss_sum += functional.cross_entropy(logits, label, reduction="sum").double()
        ones = torch.ones(len(label), dtype=torch.float64, device=self.device)
        self._confusion.index_put_((label, logits.argmax(1)), ones, accumulate=True)

    def log_figures(self, part: str) -> None:
        """Top-1 in per cent, of all samples and of each class, over all processes."""
        confusion, loss_sum = self.over_processes(self._confusion), self.over_processes(self._loss_sum)
        total = confusion.sum().clamp_min(1)
        figures = {"loss": float(loss_sum / total), "top1": float(100 * confusion.trace() / total)}
        for row, name in enumerate(self.spec.classes):
            if confusion[row].sum() > 0:
                figures[f"top1_{name}"] = float(100 * confusion[row, row] / confusion[row].sum())
        blank_count, blank_score = self.over_processes(self._blank_sums).tolist()
        if blank_count:
            figures["best_score_without_way_up"] = blank_score / blank_count
        self.figures = {f"{part}/{name}": value for name, value in figures.items()}
        self.figures[f"{part}/samples"] = float(total)
        self.log_dict(self.figures)

    def draw(self, batch: OrientationSample) -> Tensor:
        """Pictures of a batch, each with the angle that it has and the one that is said, as one (3, H, W) uint8."""
        scores, answers = self(batch["image"]).softmax(1).max(1)
        names = self.spec.classes
        pictures = to_uint8(batch["image"], self.spec)
        label: Tensor = batch["label"]  # type: ignore[assignment]
        texts = [
            f"{'none' if true == NO_ANGLE else names[int(true)]}: {names[int(said)]} ({float(score):.2f})"
            for true, said, score in zip(label, answers, scores, strict=True)
        ]
        right = (label == answers).tolist()
        return tiled([labelled(*args) for args in zip(pictures, texts, right, strict=True)])


def targets(label: Tensor, classes: int, smoothing: float) -> Tensor:
    """Classes (N,) as shares (N, classes) that add up to 1; where there is no angle each turn has the same."""
    even = torch.full((len(label), classes), 1 / classes, device=label.device)
    sure = functional.one_hot(label.clamp_min(0), classes) * (1 - smoothing) + even * smoothing
    return torch.where((label == NO_ANGLE)[:, None], even, sure)


def forgetting(logits: Tensor, known: Tensor, label: Tensor) -> Tensor:
    """How far scores have gone from those of the start: a mean, of samples on which the start is right.

    Args:
        logits: (N, classes).
        known: the start's (N, classes).
        label: (N,), ``NO_ANGLE`` where there is none.

    Returns:
        (), nats at a temperature of 2, times its square, so that gradients are as large as those of the cross-entropy.
    """
    scores, wanted = ((values.float() / _SOFTNESS).log_softmax(1) for values in (logits, known))
    divergence = functional.kl_div(scores, wanted, reduction="none", log_target=True).sum(1)
    return _SOFTNESS**2 * (divergence * (known.argmax(1) == label)).mean()


def _leading_frozen(network: PPLCNet, frozen: Sequence[str]) -> str:
    """The last of the parts, from the first one on, that don't learn; empty if the first one learns."""
    last = ""
    for name in network.trunk:
        if name not in frozen:
            break
        last = name
    return last


def _without_norms(network: nn.Module) -> nn.Module:
    """A network that is only asked, with each batch norm worked into the convolution before it, which is quicker."""
    for part in network.modules():
        if isinstance(part, ConvNormAct):
            part.conv = fuse_conv_bn_eval(part.conv, part.bn)
            part.register_module("bn", nn.Identity())
    return network


def _network(backbone: str, start: str, spec: ModelSpec) -> tuple[nn.Module, ModelSpec]:
    classes = len(spec.classes)
    if backbone == "PPLCNet":
        if start == PRETRAINED:
            raise ConfigError("start: PPLCNet's published weights are called 'official', not 'pretrained'.")
        return PPLCNet(classes), spec
    try:
        import timm
        from timm.data import resolve_model_data_config
    except ModuleNotFoundError as error:
        raise ConfigError("A backbone other than PPLCNet needs the package timm: pip install timm.") from error
    if backbone not in timm.list_models():
        near = ", ".join(timm.list_models(f"*{backbone}*")[:5]) or "see timm.list_models()"
        raise ConfigError(f"backbone: there is neither a network nor a timm model {backbone!r}. Near it: {near}.")
    if backbone == "lcnet_100" and start not in (NOTHING, PRETRAINED):
        return timm.create_model(backbone, num_classes=classes), spec
    if start not in (NOTHING, PRETRAINED):
        raise ConfigError(
            f"start: {backbone} starts from 'nothing' or from timm's 'pretrained' weights, not {start!r}."
        )
    try:
        network = timm.create_model(backbone, pretrained=start == PRETRAINED, num_classes=classes)
    except Exception as error:  # timm and the hub raise whatever they meet
        raise ConfigError(f"timm can't make {backbone!r} from {start!r}: {error}") from error
    config = resolve_model_data_config(network)
    return network, replace(spec, mean=tuple(config["mean"]), std=tuple(config["std"]))

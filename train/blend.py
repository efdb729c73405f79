"""``python -m train blend``: trained weights moved a part of the way to the published ones, or to another training's.

What a fine-tuned network gains on pages like those it saw it mostly keeps half way; what it forgot of others comes back
("Robust fine-tuning of zero-shot models", Wortsman et al., CVPR 2022; several trainings of one start: "Model soups",
Wortsman et al., ICML 2022).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from docpre.errors import ConfigError, ModelError
from docpre.models.convert import load_pp_lcnet, load_uvdoc
from docpre.models.uvdoc import ARCHITECTURES
from docpre.registry import published_model
from train.export import read_checkpoint, trained_network
from train.start import OFFICIAL, starting_point

_NETWORK = "network."


def main(arguments: list[str]) -> None:
    """The command line of ``python -m train blend``."""
    parser = argparse.ArgumentParser(prog="python -m train blend", description=__doc__)
    parser.add_argument("--ckpt", type=Path, required=True, help="checkpoint of training: PPLCNet, UVDoc or UVDocLight")
    parser.add_argument(
        "--other", default=OFFICIAL, help="'official', a model directory or a weight file (%(default)s)"
    )
    parser.add_argument("--share", type=float, required=True, help="of the other weights, from 0 to 1")
    parser.add_argument("--output", type=Path, required=True, help="checkpoint to write")
    chosen = parser.parse_args(arguments)
    if not 0 <= chosen.share <= 1:
        raise ConfigError(f"--share lies between 0 and 1, not at {chosen.share}.")
    content = read_checkpoint(chosen.ckpt)
    task, (_, spec) = content["docpre"]["task"], trained_network(content)
    if spec.architecture not in ("PPLCNet", *ARCHITECTURES):
        raise ModelError(f"{chosen.ckpt}: a network {spec.architecture} can't be blended.")
    found = starting_point(chosen.other, replace(published_model(task), architecture=spec.architecture))
    if found is None:
        raise ConfigError(f"--other: {chosen.other!r} has no weights.")
    loaded: nn.Module
    if task == "orientation":
        loaded = load_pp_lcnet(found[1], len(found[0].classes))
    else:
        loaded = load_uvdoc(found[1], spec.architecture)
    other = loaded.state_dict()
    state: dict[str, Tensor] = content["state_dict"]
    content["state_dict"] = {**state, **blended(state, other, chosen.share)}
    torch.save(content, chosen.output)


def blended(state: dict[str, Tensor], other: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights between trained ones, whose names begin with ``network.``, and others; counters stay."""
    return {
        _NETWORK + key: torch.lerp(state[_NETWORK + key], weight, share)
        for key, weight in other.items()
        if weight.is_floating_point()
    }

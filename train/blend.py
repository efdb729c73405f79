"""``python -m train blend``: trained weights moved a part of the way to the published ones, or to another training's.

What a fine-tuned network gains on pages like those it saw it mostly keeps half way; what it forgot of others comes back
("Robust fine-tuning of zero-shot models", Wortsman et al., CVPR 2022; several trainings of one start: "Model soups",
Wortsman et al., ICML 2022).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from docpre.errors import ConfigError, ModelError
from docpre.models.convert import load_pp_lcnet
from docpre.registry import published_model
from train.export import read_checkpoint
from train.start import OFFICIAL, starting_point

_NETWORK = "network."


def main(arguments: list[str]) -> None:
    """The command line of ``python -m train blend``."""
    parser = argparse.ArgumentParser(prog="python -m train blend", description=__doc__)
    parser.add_argument("--ckpt", type=Path, required=True, help="checkpoint of training (orientation, PPLCNet)")
    parser.add_argument(
        "--other", default=OFFICIAL, help="'official', a model directory or a weight file (%(default)s)"
    )
    parser.add_argument("--share", type=float, required=True, help="of the other weights, from 0 to 1")
    parser.add_argument("--output", type=Path, required=True, help="checkpoint to write")
    chosen = parser.parse_args(arguments)
    if not 0 <= chosen.share <= 1:
        raise ConfigError(f"--share lies between 0 and 1, not at {chosen.share}.")
    found = starting_point(chosen.other, published_model("orientation"))
    if found is None:
        raise ConfigError(f"--other: {chosen.other!r} has no weights.")
    content = read_checkpoint(chosen.ckpt)
    other = load_pp_lcnet(found[1], len(found[0].classes)).state_dict()
    state: dict[str, Tensor] = content["state_dict"]
    if {key.removeprefix(_NETWORK) for key in state if key.startswith(_NETWORK)} != set(other):
        raise ModelError(f"{chosen.ckpt}: it is not a checkpoint of the network PPLCNet.")
    content["state_dict"] = {**state, **blended(state, other, chosen.share)}
    torch.save(content, chosen.output)


def blended(state: dict[str, Tensor], other: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights between trained ones, whose names begin with ``network.``, and others; counters stay."""
    return {
        _NETWORK + key: torch.lerp(state[_NETWORK + key], weight, share)
        for key, weight in other.items()
        if weight.is_floating_point()
    }

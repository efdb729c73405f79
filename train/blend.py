"""``python -m train blend``: trained weights, moved a part of the way back to the published ones.

What a fine-tuned network gains on pages like those it saw it mostly keeps half way; what it forgot of others comes back
("Robust fine-tuning of zero-shot models", Wortsman et al., CVPR 2022).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from docpre.errors import ConfigError, ModelError
from docpre.models.convert import load_pp_lcnet
from train.export import read_checkpoint
from train.start import OFFICIAL, base_spec, starting_point

_NETWORK = "network."


def main(arguments: list[str]) -> None:
    """The command line of ``python -m train blend``."""
    parser = argparse.ArgumentParser(prog="python -m train blend", description=__doc__)
    parser.add_argument("--ckpt", type=Path, required=True, help="checkpoint of training (orientation, PPLCNet)")
    parser.add_argument("--official_share", type=float, required=True, help="of the published weights, from 0 to 1")
    parser.add_argument("--output", type=Path, required=True, help="checkpoint to write")
    chosen = parser.parse_args(arguments)
    if not 0 <= chosen.official_share <= 1:
        raise ConfigError(f"--official_share lies between 0 and 1, not at {chosen.official_share}.")
    content = read_checkpoint(chosen.ckpt)
    published = starting_point(OFFICIAL, base_spec("orientation"))
    assert published is not None
    official = load_pp_lcnet(published[1], len(published[0].classes)).state_dict()
    state: dict[str, Tensor] = content["state_dict"]
    if {key.removeprefix(_NETWORK) for key in state if key.startswith(_NETWORK)} != set(official):
        raise ModelError(f"{chosen.ckpt}: it is not a checkpoint of the network PPLCNet.")
    content["state_dict"] = {**state, **blended(state, official, chosen.official_share)}
    torch.save(content, chosen.output)


def blended(state: dict[str, Tensor], official: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights between trained ones, whose names begin with ``network.``, and the published ones; counters stay."""
    return {
        _NETWORK + key: torch.lerp(state[_NETWORK + key], weight, share)
        for key, weight in official.items()
        if weight.is_floating_point()
    }

"""``python -m train calibrate``: scores that are as often right as they say, and the score under which to abstain."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from docpre.errors import ModelError
from docpre.network_input import normalised, resized
from docpre.registry import ModelSpec
from train.data.corpus import Corpus
from train.data.source import NO_ANGLE, PageSource
from train.export import read_checkpoint, trained_network

_REAL = ["real", "printed"]


def main(arguments: list[str]) -> None:
    """The command line of ``python -m train calibrate``."""
    parser = argparse.ArgumentParser(prog="python -m train calibrate", description=__doc__)
    parser.add_argument("--ckpt", type=Path, required=True, help="checkpoint of training (orientation, PPLCNet)")
    parser.add_argument("--data", type=Path, required=True, help="the orientation corpus; its validation part is used")
    parser.add_argument("--output", type=Path, required=True, help="checkpoint to write, for python -m train export")
    parser.add_argument("--wrong", type=float, default=0.001, help="most wrong answers above the bound (%(default)s)")
    parser.add_argument("--coverage", type=float, default=0.97, help="least share answered (%(default)s)")
    chosen = parser.parse_args(arguments)
    content = read_checkpoint(chosen.ckpt)
    network, spec = trained_network(content)
    head = getattr(network, "fc", None)
    if not isinstance(head, nn.Linear):
        raise ModelError(f"{chosen.ckpt}: the temperature goes into the last layer, fc; {spec.architecture} has none.")
    logits, labels = logits_of(network, spec, Corpus(chosen.data, "val", _REAL))
    temperature = fitted_temperature(logits, labels)
    scores = (logits / temperature).softmax(1).numpy()
    min_score = least_sure_score(scores, labels.numpy(), chosen.wrong, chosen.coverage)
    with torch.no_grad():
        content["state_dict"]["network.fc.weight"] = head.weight / temperature
        content["state_dict"]["network.fc.bias"] = head.bias / temperature
    content["hyper_parameters"]["min_score"] = min_score
    torch.save(content, chosen.output)
    covered = float((scores.max(1) >= min_score).mean())
    print(
        f"temperature {temperature:.3f}; min_score {min_score:.2f}, which answers {100 * covered:.2f} % of validation"
    )


def logits_of(network: nn.Module, spec: ModelSpec, source: PageSource) -> tuple[Tensor, Tensor]:
    """Logits (N, 4) of each page in its four turns, and the labels (N,); pages without a way up are left out."""
    logits, labels = [], []
    for index in tqdm(range(len(source)), desc="validation", unit="page"):
        if source.angles_cw_deg[index] == NO_ANGLE:
            continue
        page = source.read(index)
        turned = [resized(np.ascontiguousarray(np.rot90(page, -turn)), spec) for turn in range(4)]
        with torch.inference_mode():
            logits.append(network(torch.from_numpy(normalised(turned, spec))))
        stored = source.angles_cw_deg[index]
        labels += [spec.classes.index(str((stored + 90 * turn) % 360)) for turn in range(4)]
    return torch.cat(logits), torch.tensor(labels)


def fitted_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature of least cross-entropy ("On Calibration of Modern Neural Networks", Guo et al., ICML 2017)."""
    candidates = torch.logspace(-1, 1, 401)
    losses = [float(functional.cross_entropy(logits / candidate, labels)) for candidate in candidates]
    return float(candidates[int(np.argmin(losses))])


def least_sure_score(
    scores: NDArray[np.float32], labels: Sequence[int] | NDArray[np.int64], wrong: float, coverage: float
) -> float:
    """The lowest bound, in steps of 0.01, above which so few of all answers are wrong, or the highest of good coverage.

    Args:
        scores: (N, classes), each row adding up to 1.
        labels: (N,).
        wrong: answers above the bound that are wrong, as a share of all samples.
        coverage: share of the samples that is answered at least, even if more are wrong then.
    """
    best, is_wrong = scores.max(1), scores.argmax(1) != np.asarray(labels)
    chosen = 0.3
    for bound in np.arange(30, 100) / 100:
        if (best >= bound).mean() < coverage:
            break
        chosen = float(bound)
        if (is_wrong & (best >= bound)).mean() < wrong:
            break
    return chosen

"""``python -m train handwriting``: the classifier of lines by hand and in print, from drawn lines alone."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from tqdm import tqdm

from docpre.analysis.handwriting import features_of
from docpre.analysis.recognition import LineRecogniser, cut_out
from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.engines.base import available_cores
from docpre.loading import ImageArray
from docpre.registry import sha256_of
from train.written_lines import Font, draw_line, fold_of, fonts, scripts_of, texts

_PIECE_HEIGHTS = (1.5, 5.0)  # of lines that are shown in part, as mixed lines are looked at
_STEPS = 60


@dataclass(frozen=True)
class Sample:
    """The features of a line, or of a piece of one, and how it was written."""

    features: NDArray[np.float32]
    is_handwriting: bool
    fold: int
    is_piece: bool


def main(arguments: list[str]) -> None:
    """Draw lines, take their features, fit, and write ``docpre_handwriting.npz``; prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m train handwriting", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/handwriting.yaml"), help="%(default)s")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a folder for all that is made")
    parser.add_argument("--fetched", type=Path, help="where packages are kept (OUTPUT/fetched)")
    options = parser.parse_args(arguments)
    config = yaml.safe_load(options.config.read_text("utf-8"))
    torch.manual_seed(config["seed"])
    samples = list(_samples(config, options.fetched or options.output / "fetched", options.output / "unpacked"))
    evidence = held_out_evidence(samples, config["weight_decay"])
    for name, is_piece in (("lines", False), ("pieces", True)):
        chosen = [index for index, sample in enumerate(samples) if sample.is_piece == is_piece]
        accuracy = balanced_accuracy(evidence[chosen], [samples[index].is_handwriting for index in chosen])
        print(f"{len(chosen):5} {name:6}  balanced accuracy in families that were held out {accuracy:.4f}")
    path = options.output / "docpre_handwriting.npz"
    np.savez(path, **fitted(samples, config["weight_decay"]))  # type: ignore[arg-type]
    print(f"{path}  sha256 {sha256_of(path)}")


def held_out_evidence(samples: list[Sample], weight_decay: float) -> NDArray[np.float64]:
    """What is said of each sample by a classifier that has seen no font of its family (N,)."""
    evidence = np.zeros(len(samples))
    folds = np.array([sample.fold for sample in samples])
    features = np.stack([sample.features for sample in samples])
    for fold in np.unique(folds):
        weights = fitted([sample for sample in samples if sample.fold != fold], weight_decay)
        own = folds == fold
        evidence[own] = ((features[own] - weights["mean"]) / weights["scale"]) @ weights["weight"] + weights["bias"]
    return evidence


def fitted(samples: list[Sample], weight_decay: float) -> dict[str, NDArray[np.float32]]:
    """Logistic regression on standardised features, both classes alike in weight.

    Args:
        samples: to learn from.
        weight_decay: times the sum of the squared weights, per sample.
    """
    features = torch.tensor(np.stack([s.features for s in samples]))
    by_hand = torch.tensor([float(s.is_handwriting) for s in samples])
    mean, scale = features.mean(0), features.std(0).clamp_min(1e-4)
    standard = (features - mean) / scale
    weight = torch.zeros(standard.shape[1], requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    importance = torch.where(by_hand > 0, 0.5 / by_hand.mean(), 0.5 / (1 - by_hand).mean())
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        logits = standard @ weight + bias
        value = torch.nn.functional.binary_cross_entropy_with_logits(logits, by_hand, importance)
        value = value + weight_decay * weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    tensors = {"mean": mean, "scale": scale, "weight": weight.detach(), "bias": bias.detach()[0]}
    return {name: np.asarray(tensor.numpy(), np.float32) for name, tensor in tensors.items()}


def balanced_accuracy(evidence: NDArray[np.float64], is_handwriting: Sequence[bool]) -> float:
    """The mean of the two classes' accuracies."""
    by_hand = np.array(is_handwriting)
    is_right = (evidence > 0) == by_hand
    return float((is_right[by_hand].mean() + is_right[~by_hand].mean()) / 2)


def _samples(config: dict[str, Any], fetched: Path, folder: Path) -> Iterator[Sample]:
    sentences = texts(config["texts"]["package"], config["texts"]["files"], fetched, folder)
    known = [
        *fonts(config["print_fonts"], False, fetched, folder),
        *fonts(config["handwriting_fonts"], True, fetched, folder),
        *fonts(config["copied_fonts"], True, fetched, folder, is_copied=True),
    ]
    families: dict[tuple[str, bool], dict[tuple[str, bool], list[Font]]] = {}
    for font in known:
        for script in scripts_of(font):
            own = families.setdefault((script, font.is_handwriting), {})
            own.setdefault((font.family, font.is_copied), []).append(font)
    threads = available_cores()
    pool = EnginePool("text_recognition", None, None, RuntimeOptions(device="cpu", cpu_threads=1))
    pool.engine()

    def drawn(number: int) -> list[Sample]:
        random = np.random.default_rng((config["seed"], number))
        picture = None
        while picture is None:  # a font may lack the characters of a text
            script = "Chinese" if random.random() < config["chinese"] else "Latin"
            own = families[script, bool(number % 2)]
            members = own[sorted(own)[random.integers(len(own))]]
            font = members[random.integers(len(members))]
            picture = draw_line(font, script, sentences, random)
        return _features(recogniser, picture, font, random)

    with ThreadPoolExecutor(threads) as executor:
        recogniser = LineRecogniser(pool, executor)
        for found in tqdm(executor.map(drawn, range(config["lines"])), total=config["lines"]):
            yield from found


def _features(recogniser: LineRecogniser, picture: ImageArray, font: Font, random: np.random.Generator) -> list[Sample]:
    """Of the whole line and, of a long one, of a piece."""
    height, width = picture.shape[:2]
    strip = cut_out(picture, np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32))
    inner = recogniser.outputs(strip, with_inner=True)[1:]
    found = [Sample(features_of(inner, 0.0, 1.0), font.is_handwriting, fold_of(font), False)]
    heights = width / height
    piece = random.uniform(*_PIECE_HEIGHTS)
    if piece < 0.8 * heights:
        left = random.uniform(0, 1 - piece / heights)
        features = features_of(inner, left, left + piece / heights)
        found.append(Sample(features, font.is_handwriting, fold_of(font), True))
    return found

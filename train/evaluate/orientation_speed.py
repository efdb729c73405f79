"""``python -m train evaluate orientation-speed``: milliseconds a page that orientation models take, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from docpre.bench.machine import this_machine
from docpre.errors import ConfigError
from docpre.geometry import turned_back
from docpre.orientation import DocImgOrientationClassification
from train.corpus.manifest import MANIFEST
from train.data.corpus import Corpus
from train.data.pages import Pages
from train.data.source import PageSource
from train.evaluate.predictions import model_name_and_dir
from train.evaluate.run_folder import write_json

_NETWORK_RUNS = 100
_OTHER_TURNS = (90, 180, 270)


def evaluate_speed(
    data: Path, models: Sequence[str], output: Path, most: int = 300, rounds: int = 3, progress: bool = True
) -> str:
    """Time each page as it is, and turned by a quarter that changes from page to page, in the default engine.

    A page is decoded already; models take turns on it, and the best of the rounds counts.

    Args:
        data: a folder of upright pages; or the corpus's, of which the real pages of validation are taken.
        models: names or directories; ratios are to the first.
        output: where ``speed.json`` goes.
        most: at most so many pages, spread evenly.
        rounds: over all pages.
        progress: show a bar.

    Returns:
        A table, as Markdown.

    Raises:
        ConfigError: a count is below 1.
        InputError: there are no pages, or one can't be read.
    """
    if min(most, rounds) < 1:
        raise ConfigError("most and rounds are 1 or more.")
    machine, pages = this_machine(), _pages(data, most)
    modules = {name: _module(name) for name in models}
    names = list(modules)
    best_ms = {name: np.full((len(pages), 2), np.inf) for name in names}  # upright, turned
    for _ in tqdm(range(rounds), desc="rounds", disable=not progress):
        for index, page_bgr in enumerate(pages):
            turned = turned_back(page_bgr, _OTHER_TURNS[index % len(_OTHER_TURNS)])
            for column, image in enumerate((page_bgr, turned)):
                for name in names:
                    took = _milliseconds(partial(modules[name].predict, image, num_workers=0))
                    best_ms[name][index, column] = min(best_ms[name][index, column], took)
    network_ms = _network_ms(modules)
    figures = {name: _figures(best_ms[name], network_ms[name]) for name in names}
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / "speed.json", {"cpu": machine.cpu, "pages": len(pages), "milliseconds": figures})
    first = figures[names[0]]
    lines = [f"{len(pages)} pages, {machine.cpu}, {machine.cores} cores; milliseconds (ratio)", ""]
    lines += [machine.warning, ""] if machine.warning else []
    lines += [f"| | {' | '.join(first)} |", f"|---|{'---:|' * len(first)}"]
    for name, own in figures.items():
        lines.append(f"| {name} | " + " | ".join(f"{own[k]:.2f} ({own[k] / first[k]:.2f})" for k in first) + " |")
    return "\n".join(lines)


def _pages(data: Path, most: int) -> list[NDArray[np.uint8]]:
    """Pages (H, W, 3) BGR uint8."""
    is_corpus = (data / MANIFEST).is_file()
    source: PageSource = Corpus(data, "val", ["real", "printed"]) if is_corpus else Pages(data)
    count = min(most, len(source))
    return [
        np.ascontiguousarray(source.read(index * len(source) // count)[..., ::-1])
        for index in tqdm(range(count), desc="pages", leave=False)
    ]


def _module(model: str) -> DocImgOrientationClassification:
    name, directory = model_name_and_dir(model)
    return DocImgOrientationClassification(name, directory)


def _milliseconds(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - started)


def _network_ms(modules: Mapping[str, DocImgOrientationClassification]) -> dict[str, float]:
    """Medians of the networks alone, on one picture, in turns."""
    taken_ms: dict[str, list[float]] = {name: [] for name in modules}
    random = np.random.default_rng(0)
    for _ in range(_NETWORK_RUNS):
        for name, module in modules.items():
            pool = module._classifier.pool
            picture = random.standard_normal((1, 3, *pool.spec.size_hw), np.float32)
            taken_ms[name].append(_milliseconds(partial(pool.run, picture)))
    return {name: float(np.median(taken)) for name, taken in taken_ms.items()}


def _figures(best_ms: NDArray[np.float64], network_ms: float) -> dict[str, float]:
    upright, turned = best_ms.T
    return {
        "network, one look": network_ms,
        "upright, median": float(np.median(upright)),
        "upright, mean": float(upright.mean()),
        "turned, mean": float(turned.mean()),
        "four turns, mean": float((upright.mean() + 3 * turned.mean()) / 4),
    }

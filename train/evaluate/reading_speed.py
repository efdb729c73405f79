"""``python -m train evaluate reading-speed``: seconds a page by step, and of rapidocr and rapid_layout."""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml

from docpre.errors import EngineError
from docpre.loading import ImageArray
from train.evaluate.read_pages import true_pages

Seconds = dict[str, tuple[float, float]]


def main(config_path: Path, fetched: Path, output: Path, rounds: int, most_pages: int) -> int:
    """Measure in turns on the same pages and print a table: wall-clock and processor seconds a page.

    Args:
        config_path: ``configs/reading_pages.yaml``.
        fetched: where packages are kept.
        output: a folder for what is unpacked.
        rounds: how often each page is done by each.
        most_pages: the first pages of each kind, so many in all.
    """
    config = yaml.safe_load(config_path.read_text("utf-8"))
    kinds: dict[str, list[ImageArray]] = {}
    for page in true_pages(config, fetched, output / "unpacked"):
        kinds.setdefault(page.kind, []).append(page.image)
    share = max(1, most_pages // len(kinds))
    pages = [np.ascontiguousarray(image[..., ::-1]) for images in kinds.values() for image in images[:share]]
    contestants = {"docpre": _docpre(), "rapidocr, rapid_layout": _peers()}
    found: dict[str, list[Seconds]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for page_bgr in pages[: 1 if number == 0 else None]:  # a first round warms up
            for name, run in contestants.items():
                seconds = run(page_bgr)
                if number:
                    found[name].append(seconds)
    print(f"{len(pages)} pages, {rounds} rounds; median seconds a page: wall clock, processor")
    totals = {}
    for name, runs in found.items():
        print(name)
        for step in runs[0]:
            wall, cpu = (statistics.median(run[step][index] for run in runs) for index in (0, 1))
            print(f"  {step:14} {wall:7.3f} {cpu:7.3f}")
        totals[name] = [
            statistics.median(sum(step[index] for step in run.values()) for run in runs) for index in (0, 1)
        ]
        print(f"  {'all':14} {totals[name][0]:7.3f} {totals[name][1]:7.3f}")
    own, others = totals.values()
    print(f"docpre takes {others[0] / own[0]:.2f} times less of the clock, {others[1] / own[1]:.2f} of the processor")
    return 0


def _docpre() -> Callable[[np.ndarray], Seconds]:
    from docpre.analysis.analyzer import DocAnalyzer

    analyzer = DocAnalyzer(use_doc_orientation_classify=False, use_doc_unwarping=False, device="cpu")

    def run(page_bgr: np.ndarray) -> Seconds:
        wall, cpu = time.perf_counter(), time.process_time()
        (result,) = analyzer.predict(page_bgr)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        steps = {name: ms / 1000 for name, ms in result.elapsed_ms.items()}
        steps["others"] = max(0.0, wall - sum(steps.values()))
        return {name: (seconds, cpu * seconds / wall) for name, seconds in steps.items()}

    return run


def _peers() -> Callable[[np.ndarray], Seconds]:
    try:
        rapidocr, rapid_layout = (importlib.import_module(name) for name in ("rapidocr", "rapid_layout"))
    except ModuleNotFoundError as error:
        raise EngineError(f"{error.name} is not installed: pip install --no-deps rapidocr rapid-layout") from error
    reader, layout = rapidocr.RapidOCR(params={"Global.log_level": "error"}), rapid_layout.RapidLayout()

    def run(page_bgr: np.ndarray) -> Seconds:
        found = {}
        for name, work in (("rapidocr", reader), ("rapid_layout", layout)):
            wall, cpu = time.perf_counter(), time.process_time()
            work(page_bgr)
            found[name] = (time.perf_counter() - wall, time.process_time() - cpu)
        return found

    return run

"""How well a page's blocks, sections, formulas and reading order are found, on pages laid out in the browser.

python -m train.evaluate.page_structure --output runs/structure
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]
from scipy.stats import kendalltau  # type: ignore[import-untyped]

from docpre.analysis.elements import Structure, TextLine
from docpre.analysis.layout import structure_of
from docpre.analysis.layout_network import Block, LayoutDetector
from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.errors import DocpreError
from docpre.loading import ImageArray
from train.corpus.browser import browser
from train.corpus.packages import unpacked
from train.evaluate.page_truth import Truth, drawn, lines_from_json, lines_to_json, load, save, scanned
from train.evaluate.structured_pages import FONTS_FROM, page, sentences

Box = NDArray[np.float64]
Counts = dict[str, NDArray[np.int64]]
LAYOUTS = ("table", "figure", "text", "title", "contents")
SECTIONS = ("section", "header", "footer", "number", "footnote")
FORMULAS = ("display", "inline")
_IOU = 0.5


def matches(found: Sequence[Box], true: Sequence[Box]) -> int:
    """How many boxes pair up, one to one, with an IoU of at least 0.5."""
    if not found or not true:
        return 0
    return int((iou(np.stack(found), np.stack(true)) >= _IOU)[_paired(found, true)].sum())


def iou(first: Box, second: Box) -> Box:
    """(N, M) intersection over union of boxes (N, 4) and (M, 4)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = (high - low).clip(0).prod(2)
    areas = (first[:, 2:] - first[:, :2]).prod(1)[:, None] + (second[:, 2:] - second[:, :2]).prod(1)[None]
    return np.asarray(common / np.maximum(areas - common, 1e-9), np.float64)


def _paired(found: Sequence[Box], true: Sequence[Box]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    overlap = iou(np.stack(found), np.stack(true))
    first, second = linear_sum_assignment(-np.where(overlap >= _IOU, 1 + overlap, 0))
    return first, second


def count(structure: Structure, truth: Truth) -> Counts:
    """For each class: how many were found rightly, found, and there."""
    counts: Counts = {}
    groups: tuple[tuple[Sequence[str], Sequence[tuple[str, Box]], Sequence[tuple[str, Box]]], ...] = (
        (LAYOUTS, [(x.kind.value, _box(x.quad)) for x in structure.layouts], truth.layouts),
        (SECTIONS, [(x.kind.value, _box(x.quad)) for x in structure.sections], truth.sections),
        (FORMULAS, [(x.kind.value, _box(x.quad)) for x in structure.formulas], truth.formulas),
    )
    for classes, found, true in groups:
        for name in classes:
            own, wanted = [box for kind, box in found if kind == name], [box for kind, box in true if kind == name]
            counts[name] = np.array([matches(own, wanted), len(own), len(wanted)])
    return counts


def order_figures(structure: Structure, lines: Sequence[TextLine], truth: Truth) -> tuple[float, float]:
    """Kendall's tau and the normalised edit distance between the reading order of lines and the true one.

    A line's true place is that of the true line that it shares the most of itself with.
    """
    wanted = [_box(line.quad) for line in truth.lines]
    places = []
    for index in structure.reading_order:
        own = _box(lines[index].quad)
        shared = [float((np.minimum(own[2:], w[2:]) - np.maximum(own[:2], w[:2])).clip(0).prod()) for w in wanted]
        if shared and max(shared) > 0:
            places.append(int(np.argmax(shared)))
    if len(places) < 2:
        return 1.0, 0.0
    tau = float(kendalltau(range(len(places)), places).statistic)
    return tau if np.isfinite(tau) else 1.0, float(Levenshtein.normalized_distance(places, sorted(places)))


def report(
    totals: Mapping[str, NDArray[np.int64]], orders: Sequence[tuple[float, float]], grids: Sequence[bool]
) -> str:
    """The table of a set."""
    rows = [f"{'class':<10}{'true':>6}{'found':>7}{'precision':>11}{'recall':>8}{'F1':>7}"]
    for name in (*LAYOUTS, *SECTIONS, *FORMULAS):
        right, found, true = totals[name]
        precision, recall = right / max(found, 1), right / max(true, 1)
        f1 = 2 * right / max(found + true, 1)
        rows.append(f"{name:<10}{true:>6}{found:>7}{precision:>11.3f}{recall:>8.3f}{f1:>7.3f}")
    tau, distance = np.array(orders).mean(0)
    rows.append(f"reading order of lines: Kendall tau {tau:.4f}, edit distance {distance:.4f}")
    rows.append(f"grid of columns right on {np.mean(grids):.1%} of {len(grids)} pages")
    return "\n".join(rows)


def draw_pages(folder: Path, packages: Path, seeds: Sequence[int], held_out: bool) -> list[Path]:
    """Pages and their truth in a folder; those that are there already are kept. Every second one is scanned."""
    folder.mkdir(parents=True, exist_ok=True)
    stems = [folder / f"{seed:04}" for seed in seeds]
    missing = [(seed, stem) for seed, stem in zip(seeds, stems, strict=True) if not stem.with_suffix(".json").is_file()]
    if missing:
        texts = sentences(packages)
        fonts = packages / "fonts"
        for package in FONTS_FROM:
            unpacked(package, packages, fonts, ("*.ttf", "*.otf", "*.ttc"))
        with browser(fonts) as running:
            for seed, stem in missing:
                image, truth = drawn(running, page(seed, texts, held_out))
                if seed % 2:
                    image, truth = scanned(image, truth, np.random.default_rng(seed))
                save(image, truth, stem)
    return stems


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the pages, find their structure, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder for pages, truth and figures")
    parser.add_argument("--packages", type=Path, help="where Debian's packages are kept (default: OUTPUT/packages)")
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--first", type=int, default=0, help="the number of the first page (default: %(default)s)")
    parser.add_argument("--tuning", action="store_true", help="the pages that the rules were tuned on, not the others")
    parser.add_argument(
        "--lines", choices=("ocr", "true"), default="ocr", help="lines as they are read, or as they are"
    )
    parser.add_argument("--show", action="store_true", help="print what went wrong on each page")
    options = parser.parse_args(arguments)
    try:
        name = "tuning" if options.tuning else "held_out"
        first = options.first + (0 if options.tuning else 10_000)
        stems = draw_pages(
            options.output / name,
            options.packages or options.output / "packages",
            range(first, first + options.pages),
            not options.tuning,
        )
        print(evaluate(stems, options.lines, options.show))
    except DocpreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def evaluate(stems: Sequence[Path], source: str, show: bool = False) -> str:
    """The figures on pages that were drawn."""
    detector = LayoutDetector(EnginePool("layout", None, None, RuntimeOptions()))
    read = reader() if source == "ocr" else None
    totals: defaultdict[str, NDArray[np.int64]] = defaultdict(lambda: np.zeros(3, np.int64))
    orders, grids = [], []
    for stem in stems:
        image, truth = load(stem)
        lines: Sequence[TextLine] = truth.lines if read is None else _kept(stem, image, read)
        structure = structure_of(image, lines, _seen(stem, image, detector))
        counts = count(structure, truth)
        for name, values in counts.items():
            totals[name] += values
        orders.append(order_figures(structure, lines, truth))
        grids.append((structure.rows, structure.columns) == truth.grid)
        if show:
            wrong = {name: values.tolist() for name, values in counts.items() if len(set(values.tolist())) > 1}
            grid = "" if grids[-1] else f"grid {structure.rows}x{structure.columns} for {truth.grid}"
            print(stem.name, wrong, f"tau {orders[-1][0]:.3f}", grid)
    return report(totals, orders, grids)


def reader() -> Callable[[ImageArray], list[TextLine]]:
    """Reads the lines of a page as rapidocr does."""
    from rapidocr import RapidOCR

    engine: Any = RapidOCR(params={"Global.use_cls": False, "Global.log_level": "error"})

    def read(image: ImageArray) -> list[TextLine]:
        found = engine(np.ascontiguousarray(image[..., ::-1]), use_cls=False)
        if found.boxes is None:
            return []
        return [
            TextLine(text, np.asarray(quad, np.float32), float(score), float(score))
            for text, quad, score in zip(found.txts, found.boxes, found.scores, strict=True)
        ]

    return read


def _kept(stem: Path, image: ImageArray, read: Callable[[ImageArray], list[TextLine]]) -> tuple[TextLine, ...]:
    """A page's lines as they were read the first time."""
    path = stem.with_suffix(".lines")
    if not path.is_file():
        path.write_text(lines_to_json(read(image)), "utf-8")
    return lines_from_json(path.read_text("utf-8"))


def _seen(stem: Path, image: ImageArray, detector: LayoutDetector) -> list[Block]:
    """A page's blocks as the network saw them the first time."""
    path = stem.with_suffix(".blocks")
    if not path.is_file():
        blocks = [[b.label, b.box.tolist(), b.score] for b in detector.find(image)]
        path.write_text(json.dumps(blocks), "utf-8")
    return [Block(label, np.array(box), score) for label, box, score in json.loads(path.read_text("utf-8"))]


def _box(quad: NDArray[np.float32]) -> Box:
    return np.concatenate([quad.min(0), quad.max(0)]).astype(np.float64)


if __name__ == "__main__":
    sys.exit(main())

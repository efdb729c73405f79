"""``python -m train evaluate reading``: character recall and precision on rendered pages whose text is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from docpre.analysis.elements import TextLine
from docpre.errors import EngineError
from docpre.loading import ImageArray
from train.evaluate.read_pages import SeenText, TruePage, seen_text, true_pages, without_leaders
from train.evaluate.same_characters import folded, matched, order_agreement

Reader = Callable[[ImageArray], tuple[SeenText, list[int]]]


@dataclass(frozen=True)
class PageFigures:
    """How well a page was read: characters in truth, found, and common; right spaces; agreement of the lines' order."""

    kind: str
    name: str
    true: int
    found: int
    common: int
    same_spaces: int
    order: float


def main(config_path: Path, fetched: Path, output: Path, reader: str, layout: bool, kinds: Sequence[str]) -> int:
    """Measure, print a table, and write ``reading-READER.json``; pages that are in it already are not read again.

    Args:
        config_path: ``configs/reading_pages.yaml``.
        fetched: where packages are kept.
        output: a folder.
        reader: ``docpre`` or ``rapidocr``, with its defaults.
        layout: docpre's order of reading, or lines from the top down.
        kinds: of pages; none: all.
    """
    config = yaml.safe_load(config_path.read_text("utf-8"))
    output.mkdir(parents=True, exist_ok=True)
    read = _docpre(layout) if reader == "docpre" else _rapidocr()
    path = output / f"reading-{reader}.json"
    known = {}
    if path.is_file():
        known = {values["name"]: PageFigures(**values) for values in json.loads(path.read_text("utf-8"))}
    figures: list[PageFigures] = []
    for page in true_pages(config, fetched, output / "unpacked"):
        if kinds and page.kind not in kinds:
            continue
        if page.name not in known:
            known[page.name] = page_figures(page, *read(page.image))
            path.write_text(json.dumps([vars(figure) for figure in known.values()], indent=1), "utf-8")
        figures.append(known[page.name])
        print(_row(page.name, figures[-1:]), flush=True)
    print()
    for kind in dict.fromkeys(figure.kind for figure in figures):
        print(_row(kind, [figure for figure in figures if figure.kind == kind]))
    print(_row("all", figures))
    return 0


def page_figures(page: TruePage, found: SeenText, line_of: list[int]) -> PageFigures:
    """Compare what was read with the truth, rows of leading dots left out on both sides.

    Args:
        page: the truth.
        found: what was read, in the order of reading.
        line_of: of each character found, its line.
    """
    true, kept = _part(page.text, without_leaders(page.text, page.text)), without_leaders(found, page.text)
    lines = np.array(line_of)[kept]
    found = _part(found, kept)
    pairs = matched(true.texts, true.middles_xy, true.heights, found.texts, found.middles_xy)
    same_spaces = int((true.is_after_space[pairs[:, 0]] == found.is_after_space[pairs[:, 1]]).sum())
    lines = lines[pairs[:, 1]]
    places = [float(np.median(pairs[lines == line, 0])) for line in dict.fromkeys(np.sort(lines).tolist())]
    order = order_agreement(np.argsort(np.argsort(places)))
    return PageFigures(page.kind, page.name, len(true.texts), len(found.texts), len(pairs), same_spaces, order)


def _part(text: SeenText, kept: NDArray[np.intp]) -> SeenText:
    own = tuple(text.texts[index] for index in kept)
    return SeenText(own, text.middles_xy[kept], text.heights[kept], text.is_after_space[kept])


def in_reading_order(lines: Sequence[TextLine], order: Sequence[int]) -> tuple[SeenText, list[int]]:
    """docpre's lines as characters, and the place of each one's line."""
    line_of: list[int] = []

    def characters() -> Iterator[tuple[str, NDArray[np.float64], float, bool]]:
        for place, index in enumerate(order):
            line = lines[index]
            height = float(np.linalg.norm(line.quad[3] - line.quad[0]))
            chars = iter(line.chars)
            is_after_space = True
            for text in line.text:
                if text.isspace():
                    is_after_space = True
                    continue
                char = next(chars)
                line_of.extend([place] * len(folded(text)))
                yield text, char.quad.mean(0).astype(np.float64), height, is_after_space
                is_after_space = False

    return seen_text(characters()), line_of


def _docpre(layout: bool) -> Reader:
    from docpre.analysis.analyzer import DocAnalyzer

    analyzer = DocAnalyzer(
        layout_analysis=layout, use_doc_orientation_classify=False, use_doc_unwarping=False, device="cpu"
    )

    def read(image: ImageArray) -> tuple[SeenText, list[int]]:
        (result,) = analyzer.predict(np.ascontiguousarray(image[..., ::-1]))
        return in_reading_order(result.lines, result.reading_order)

    return read


def _rapidocr() -> Reader:
    try:
        from rapidocr import RapidOCR
    except ModuleNotFoundError as error:
        raise EngineError("rapidocr is not installed: pip install 'docpre[analysis]'") from error
    engine = RapidOCR(params={"Global.log_level": "error"})

    def read(image: ImageArray) -> tuple[SeenText, list[int]]:
        found: Any = engine(np.ascontiguousarray(image[..., ::-1]), return_word_box=True, return_single_char_box=True)
        line_of: list[int] = []

        def characters() -> Iterator[tuple[str, NDArray[np.float64], float, bool]]:
            for place, (text, words, quad) in enumerate(
                zip(found.txts or (), found.word_results, found.boxes, strict=True)
            ):
                height = float(np.linalg.norm(quad[3] - quad[0]))
                boxes = iter(words)
                is_after_space = True
                for char in text:
                    if char.isspace():
                        is_after_space = True
                        continue
                    _, _, box = next(boxes, (char, 0.0, quad))
                    line_of.extend([place] * len(folded(char)))
                    yield char, np.asarray(box, float).mean(0), height, is_after_space
                    is_after_space = False

        return seen_text(characters()), line_of

    return read


def _row(name: str, figures: Sequence[PageFigures]) -> str:
    true, found = sum(f.true for f in figures), sum(f.found for f in figures)
    common, spaces = sum(f.common for f in figures), sum(f.same_spaces for f in figures)
    order = float(np.mean([f.order for f in figures])) if figures else 1.0
    return (
        f"{name:36} pages {len(figures):3}  characters {true:6}  recall {common / max(true, 1):.4f}  "
        f"precision {common / max(found, 1):.4f}  spaces {spaces / max(common, 1):.4f}  order {order:.4f}"
    )

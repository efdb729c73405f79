"""Models (and Tesseract) side by side on a split of the orientation corpus, each page in its four turns."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.errors import EngineError
from docpre.loading import ImageArray
from docpre.orientation import OrientationClassifier
from train.corpus.manifest import IN_PRINT, WORDLESS, Entry
from train.data.corpus import Corpus
from train.evaluate.orientation import TURNS_CW_DEG, orientation_figures, orientation_table
from train.evaluate.predictions import model_name_and_dir, model_record
from train.evaluate.resumed import resumed
from train.evaluate.run_folder import write_json
from train.pictures import labelled, tiled

TESSERACT = "tesseract-osd"
_CLASSES = tuple(str(angle) for angle in TURNS_CW_DEG)
_REAL = ("real", "printed")
_MOST_ERRORS_SHOWN = 64
Results = Mapping[str, Mapping[str, Any]]


def evaluate_corpus(
    corpus: Corpus,
    models: Sequence[str],
    output: Path,
    workers: int = 1,
    tesseract_pages: int = 0,
    progress: bool = True,
) -> str:
    """Measure models on a split, and write the table, the figures and the pictures of errors.

    Args:
        corpus: the split.
        models: names or directories; the last one's errors are shown.
        output: folder of the runs; what is done is not done again.
        workers: pages at a time.
        tesseract_pages: on so many pages, spread evenly, Tesseract's orientation and script detection is measured too.
        progress: show a bar.

    Returns:
        The table, as Markdown.
    """
    results: dict[str, Results] = {}
    for model in models:
        name, directory = model_name_and_dir(model)
        pool = EnginePool("orientation", name, directory, RuntimeOptions(cpu_threads=1))
        classifier = OrientationClassifier(pool)
        label = pool.spec.name
        settings: dict[str, Any] = {"data": corpus.describe(), "model": model_record(pool)}
        found = _run(corpus, corpus.entries, classifier.scores, output / label, settings, workers, progress)
        results[label] = found
        _write_figures(corpus.entries, found, pool.spec.min_score, output / label)
    _draw_errors(corpus, results[label], output / label / "errors.png")
    if tesseract_pages:
        oriented = [entry for entry in corpus.entries if entry.kind != WORDLESS]
        step = max(1, len(oriented) // tesseract_pages)
        settings = {"data": corpus.describe(), "model": TESSERACT, "pages": tesseract_pages}
        results[TESSERACT] = _run(
            corpus, oriented[::step], tesseract_scores, output / TESSERACT, settings, workers, progress
        )
    table = side_by_side(corpus.entries, results)
    (output / "table.md").write_text(table + "\n", "utf-8")
    return table


def tesseract_scores(images: list[ImageArray]) -> NDArray[np.float32]:
    """What Tesseract's OSD says of pages (H, W, 3) RGB, as scores (N, 4) of 0 and 1; all 0 where it says nothing.

    Raises:
        EngineError: tesseract or its data for OSD is missing.
    """
    scores = np.zeros((len(images), 4), np.float32)
    for row, image in zip(scores, images, strict=True):
        png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
        command = ["tesseract", "stdin", "stdout", "--psm", "0", "-l", "osd", "--dpi", "100"]
        try:
            said = subprocess.run(command, input=png, capture_output=True, timeout=120)
        except FileNotFoundError as error:
            raise EngineError("Tesseract is missing: apt-get install tesseract-ocr") from error
        for line in said.stdout.decode(errors="replace").splitlines():
            if line.startswith("Rotate:"):  # clockwise, to make it upright
                row[_CLASSES.index(str(-int(line.split()[1]) % 360))] = 1
    return scores


def side_by_side(entries: Sequence[Entry], results: Mapping[str, Results]) -> str:
    """Top-1 by subset and by script, a column a competitor, as Markdown; wordless pages have no truth and no row."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.kind == WORDLESS:
            continue
        origin = "real" if entry.kind in _REAL else entry.kind
        groups.setdefault(f"0|all {origin}", []).append(entry)
        groups.setdefault(f"1|{origin}: {entry.subset}", []).append(entry)
        if origin == "real":
            groups.setdefault(f"2|{origin}, in {entry.script}", []).append(entry)
        if origin in ("drawn", IN_PRINT):
            groups.setdefault(f"3|{origin}, in {entry.script}", []).append(entry)
    lines = [f"| pages | count | {' | '.join(results)} |", f"|---|---:|{'---:|' * len(results)}"]
    for group in sorted(groups):
        cells = []
        for found in results.values():
            right = [found[entry.file]["figures"]["top1"] for entry in groups[group] if entry.file in found]
            cells.append(f"{100 * np.mean(right):.2f}" if right else "-")
        note = ""
        sampled = {len([1 for e in groups[group] if e.file in found]) for found in results.values()}
        if len(sampled) > 1:
            note = f" ({min(sampled)})"
        lines.append(f"| {group[2:]} | {len(groups[group])}{note} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _run(
    corpus: Corpus,
    entries: Sequence[Entry],
    scores_of: Callable[[list[ImageArray]], NDArray[np.float32]],
    output: Path,
    settings: Mapping[str, Any],
    workers: int,
    progress: bool,
) -> Results:
    """Scores of each page's turns, by its file."""
    index_by_file = {entry.file: index for index, entry in enumerate(corpus.entries)}

    def classify(entry: Entry) -> dict[str, Any]:
        image = corpus.read(index_by_file[entry.file])
        scores = scores_of([np.ascontiguousarray(np.rot90(image, -turn // 90)) for turn in TURNS_CW_DEG])
        right = [row.max() > 0 and row.argmax() == k for k, row in enumerate(scores)]
        return {
            "figures": {"top1": sum(right) / len(right)},
            "angles_cw_deg": list(TURNS_CW_DEG),
            "scores": [[round(float(score), 6) for score in row] for row in scores],
        }

    items = {entry.file: entry for entry in entries}
    return resumed(output, settings, items, classify, workers, progress)[0]


def _write_figures(entries: Sequence[Entry], found: Results, min_score: float | None, output: Path) -> None:
    """``summary.json``, ``summary.txt`` and ``reliability.png``: of real pages, and how wordless ones were taken."""
    by_file = {entry.file: entry for entry in entries}
    real = {file: result for file, result in found.items() if by_file[file].kind in _REAL}
    if not real:
        return
    figures = orientation_figures(real, {file: by_file[file].subset for file in real}, _CLASSES, min_score)
    upright = np.array([result["scores"][0] for result in real.values()])
    text = [orientation_table(figures)]
    if min_score is not None:
        sure = upright.max(1) >= min_score
        figures["upright_pages_turned"] = float((sure & (upright.argmax(1) != 0)).mean())
        figures["coverage"] = float(sure.mean())
        text.append(
            f"upright pages wrongly turned: {100 * figures['upright_pages_turned']:.3f} % of {len(upright)}"
            f", coverage {100 * figures['coverage']:.2f} %"
        )
        for subset in ("blank pages", "pictures"):
            rows = [found[file]["scores"] for file in found if by_file[file].subset == subset]
            if rows:
                left = float((np.array(rows).max(2) < min_score).mean())
                figures[f"{subset} left alone"] = left
                text.append(f"{subset} left alone: {100 * left:.1f} %")
    write_json(output / "summary.json", figures)
    (output / "summary.txt").write_text("\n\n".join(text) + "\n", "utf-8")
    scores = np.array([row for result in real.values() for row in result["scores"]])
    truth = np.tile(np.arange(4), len(real))
    cv2.imwrite(str(output / "reliability.png"), reliability_plot(scores.max(1), scores.argmax(1) == truth)[..., ::-1])


def reliability_plot(confidence: NDArray[np.float64], correct: NDArray[np.bool_], bins: int = 15) -> ImageArray:
    """Accuracy over confidence in bins of equal width, as a picture (420, 420, 3) RGB; a dot's size tells its count."""
    side, rim = 420, 30
    plot = np.full((side, side, 3), 255, np.uint8)
    cv2.rectangle(plot, (rim, rim), (side - rim, side - rim), (0, 0, 0), 1)
    cv2.line(plot, (rim, side - rim), (side - rim, rim), (160, 160, 160), 1, cv2.LINE_AA)
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    span = side - 2 * rim
    for k in range(bins):
        if not (inside := number == k).any():
            continue
        x, y = rim + int(span * confidence[inside].mean()), side - rim - int(span * correct[inside].mean())
        cv2.circle(plot, (x, y), 2 + int(np.log10(inside.sum()) * 3), (30, 80, 200), -1, cv2.LINE_AA)
    cv2.putText(plot, "confidence", (170, side - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    cv2.putText(plot, "accuracy", (4, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return plot


def _draw_errors(corpus: Corpus, found: Results, path: Path) -> None:
    """A sheet of the pages that are wrong in some turn, the surest first: what is said of the first wrong turn."""
    wrong: list[tuple[float, int, int, int]] = []
    for index, entry in enumerate(corpus.entries):
        if entry.kind == WORDLESS or entry.file not in found:
            continue
        scores = np.array(found[entry.file]["scores"])
        missed = [turn for turn in range(4) if scores[turn].argmax() != turn]
        if missed:
            worst = max(missed, key=lambda turn: scores[turn].max())
            wrong.append((-float(scores[worst].max()), index, worst, int(scores[worst].argmax())))
    cells = []
    for score, index, turn, said in sorted(wrong)[:_MOST_ERRORS_SHOWN]:
        entry, image = corpus.entries[index], np.rot90(corpus.read(index), -turn)
        scale = 260 / max(image.shape[:2])
        cell = np.full((260, 260, 3), 128, np.uint8)
        small = cv2.resize(np.ascontiguousarray(image), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[
            :260, :260
        ]
        cell[: small.shape[0], : small.shape[1]] = small
        text = f"{entry.subset[:11]} {entry.script[:6]} {turn * 90}:{said * 90} {-score:.2f}"
        cells.append(labelled(cell, text, False))
    if cells:
        sheet = tiled(cells).numpy().transpose(1, 2, 0)
        cv2.imwrite(str(path), sheet[..., ::-1])

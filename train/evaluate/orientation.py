"""How well a model tells which way up pages are: any reader of training, each page in its four turns."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.errors import ConfigError
from docpre.metrics import abstaining, confusion_matrix, expected_calibration_error, per_class, per_subset, top1
from docpre.orientation import OrientationClassifier
from train.data.source import PageSource
from train.evaluate.environment import environment
from train.evaluate.predictions import model_name_and_dir, model_record
from train.evaluate.report import aligned
from train.evaluate.resumed import resumed
from train.evaluate.run_folder import write_json

INTERRUPTED = 130
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
TURNS_CW_DEG = (0, 90, 180, 270)
_SHOWN = 20


def evaluate_orientation(
    source: PageSource,
    indices: Sequence[int],
    output: Path,
    model: str = "PP-LCNet_x1_0_doc_ori",
    workers: int = 1,
    engine: str | None = None,
    device: str | None = None,
    progress: bool = True,
) -> int:
    """Measure a model on pages, print tables, and write ``samples.csv`` and ``summary.json``.

    Args:
        source: the pages.
        indices: which of them.
        output: the run's folder; a run that was stopped goes on.
        model: name, or a directory with weights.
        workers: pages at a time.
        engine, device: see ``docpre.engines.RuntimeOptions``.
        progress: show a bar.

    Returns:
        0, 1 if a page failed, 130 if the run was interrupted.

    Raises:
        ConfigError: the folder holds results of other settings.
        EngineError, ModelError: the model can't run.
    """
    name, directory = model_name_and_dir(model)
    pool = EnginePool("orientation", name, directory, RuntimeOptions(engine=engine, device=device, cpu_threads=1))
    classifier = OrientationClassifier(pool)
    settings = {"data": source.describe(), "model": model_record(pool)}
    documents = [source.documents[index] for index in indices]
    names = [f"{index}:{document}" for index, document in zip(indices, documents, strict=True)]
    subset_by_name = dict(zip(names, subsets_of(documents), strict=True))

    def classify(index: int) -> dict[str, Any]:
        """The scores of each turn; the angles are those that the pages then have."""
        image = source.read(index)
        stored_cw_deg = source.angles_cw_deg[index]
        pages = [np.ascontiguousarray(np.rot90(image, -turn // 90)) for turn in TURNS_CW_DEG]
        scores = classifier.scores(pages)
        angles = [(stored_cw_deg + turn) % 360 for turn in TURNS_CW_DEG]
        right = [pool.spec.classes[row.argmax()] == str(angle) for row, angle in zip(scores, angles, strict=True)]
        return {
            "figures": {"top1": sum(right) / len(right)},
            "document": source.documents[index],
            "angles_cw_deg": angles,
            "scores": [[round(float(score), 6) for score in row] for row in scores],
        }

    items = dict(zip(names, indices, strict=True))
    good, failed, is_whole = resumed(output, settings, items, classify, workers, progress)
    if good:
        classes, min_score = pool.spec.classes, pool.spec.min_score
        figures = orientation_figures(good, subset_by_name, classes, min_score)
        write_samples(output / "samples.csv", good, subset_by_name, classes)
        write_json(
            output / "summary.json",
            {"figures": figures, "failed": failed, "settings": settings, "environment": environment()},
        )
        print(orientation_table(figures))
        print(f"\nsamples.csv and summary.json are in {output}")
    for name, error in list(failed.items())[:_SHOWN]:
        print(f"failed: {name}: {error}", file=sys.stderr)
    if not is_whole:
        return INTERRUPTED
    return 1 if failed else 0


def orientation_figures(
    results: Mapping[str, Mapping[str, Any]],
    subset_by_name: Mapping[str, str],
    classes: Sequence[str],
    min_score: float | None,
) -> dict[str, Any]:
    """All figures of a classifier.

    Args:
        results: for each page its ``angles_cw_deg`` and, for each of these, the ``scores`` of the classes.
        subset_by_name: which subset a page belongs to.
        classes: labels of the scores.
        min_score: the bound under which docpre leaves a page alone with this model; None: it has none.

    Returns:
        ``samples``, ``top1``, ``ece``, ``classes`` (count, precision, recall, F1), ``subsets``, ``confusion`` (truth by
        row), ``abstaining`` by threshold; shares are 0 to 1, and None where nothing was counted.
    """
    truth = [str(angle) for result in results.values() for angle in result["angles_cw_deg"]]
    scores = np.array([row for result in results.values() for row in result["scores"]], np.float64)
    predicted = [classes[k] for k in scores.argmax(1)]
    confidence = scores.max(1).clip(0, 1)
    correct = np.array([p == t for p, t in zip(predicted, truth, strict=True)])
    subsets = [subset_by_name[name] for name, result in results.items() for _ in result["scores"]]
    matrix = confusion_matrix(predicted, truth, classes)
    thresholds = sorted({*THRESHOLDS, *([] if min_score is None else [min_score])})
    return _plain(
        {
            "samples": len(truth),
            "pages": len(results),
            "top1": top1(predicted, truth),
            "ece": expected_calibration_error(confidence, correct),
            "classes": per_class(matrix, classes),
            "subsets": per_subset(predicted, truth, subsets),
            "confusion": {"classes": list(classes), "counts": matrix.tolist()},
            "abstaining": [abstaining(confidence, correct, threshold) for threshold in thresholds],
            "min_score": min_score,
        }
    )


def orientation_table(figures: Mapping[str, Any]) -> str:
    """The figures as text."""
    parts = [
        f"Top-1 {_percent(figures['top1'])} of {figures['samples']} samples ({figures['pages']} pages in four turns), "
        f"ECE {figures['ece']:.4f}"
    ]
    rows = [["class", "samples", "recall", "precision", "F1"]]
    rows += [
        [name, str(row["count"]), *(_percent(row[key]) for key in ("recall", "precision", "f1"))]
        for name, row in figures["classes"].items()
    ]
    parts.append(aligned(rows))
    classes, counts = figures["confusion"]["classes"], figures["confusion"]["counts"]
    rows = [["truth \\ said", *classes]]
    rows += [[name, *map(str, row)] for name, row in zip(classes, counts, strict=True)]
    parts.append(aligned(rows))
    if len(figures["subsets"]) > 1:
        rows = [["subset", "samples", "Top-1"]]
        rows += [[name, str(row["count"]), _percent(row["top1"])] for name, row in figures["subsets"].items()]
        parts.append(aligned(rows))
    rows = [["abstaining below", "answered", "right of these", "wrong of all"]]
    for row in figures["abstaining"]:
        mark = " (the model's bound)" if row["threshold"] == figures["min_score"] else ""
        cells = [_percent(row[key]) for key in ("coverage", "accuracy", "harm")]
        rows.append([f"{row['threshold']:g}{mark}", *cells])
    parts.append(aligned(rows))
    return "\n\n".join(parts)


def write_samples(
    path: Path,
    results: Mapping[str, Mapping[str, Any]],
    subset_by_name: Mapping[str, str],
    classes: Sequence[str],
) -> None:
    """Write a CSV line for each page and turn: truth, answer and scores."""
    unfinished = path.with_suffix(".tmp")
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["page", "subset", "angle_cw_deg", "said_cw_deg", *(f"score_{name}" for name in classes)])
        for name, result in results.items():
            for angle, scores in zip(result["angles_cw_deg"], result["scores"], strict=True):
                said = classes[int(np.argmax(scores))]
                writer.writerow([name, subset_by_name[name], angle, said, *scores])
    unfinished.replace(path)


def subsets_of(documents: Sequence[str]) -> list[str]:
    """For each document the folder that it lies in, from where the folders part; of one folder, its name."""
    folders = [os.path.dirname(document) for document in documents]
    if len(set(folders)) == 1:
        return [os.path.basename(folders[0]) or "all"] * len(folders)
    try:
        common = os.path.commonpath(folders)
    except ValueError:  # some are absolute paths, some are not
        common = ""
    return [folder.removeprefix(common).strip("/") or "." for folder in folders]


def training_part(arguments: list[str], part: str) -> tuple[PageSource, list[int]]:
    """The pages of a part of a training configuration.

    Args:
        arguments: the options of training: ``--config FILE`` and others.
        part: ``train``, ``val`` or ``test``.
    """
    from train.cli import command_line

    datamodule: Any = command_line("orientation", arguments, run=False).datamodule
    source, indices = datamodule.indices(part)
    return source, list(indices)


def source_of(arguments: list[str]) -> tuple[PageSource, list[int]]:
    """The pages of a reader.

    Args:
        arguments: ``--data READER`` and its options, ``--data.path DIR`` and so on.

    Raises:
        ConfigError: there is no such reader.
    """
    from jsonargparse import ArgumentParser

    import train.data  # noqa: F401  readers are found by their short names once they are imported

    parser = ArgumentParser(prog="python -m train evaluate orientation", exit_on_error=False)
    parser.add_subclass_arguments(PageSource, "data", required=True)
    try:
        source = parser.instantiate(parser.parse_args(arguments)).data
    except (Exception, SystemExit) as error:  # jsonargparse's own, or whatever a reader raises
        raise ConfigError(f"--data: {error}") from error
    return source, list(range(len(source)))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def _plain(value: Any) -> Any:
    """Values that JSON has; NaN becomes None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if np.isnan(value) else float(value)
    return value

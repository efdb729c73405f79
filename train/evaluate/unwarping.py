"""A run over the pages of a set: what is done already is left, the rest is measured, and reports are written."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import cv2

from docpre.errors import ConfigError, InputError
from train.evaluate.environment import environment
from train.evaluate.in_parallel import in_parallel
from train.evaluate.measuring import Measuring
from train.evaluate.page import EvaluationPage, EvaluationSet, Missing, measurable
from train.evaluate.predictions import ModelPredictions
from train.evaluate.report import write_report
from train.evaluate.run_folder import RunFolder, file_stamps

INTERRUPTED = 130
_SHOWN = 20


def evaluate(
    evaluation_set: EvaluationSet,
    measuring: Measuring,
    output: Path,
    set_options: Mapping[str, Any],
    workers: int,
    only: Collection[str] = (),
    progress: bool = True,
) -> int:
    """Measure the pages of a set that are not done yet, print a table, and write the reports.

    Args:
        evaluation_set: the pages.
        measuring: what is measured.
        output: the run's folder.
        set_options: how the set was chosen; goes into the settings.
        workers: pages at a time.
        only: names of pages; none: all.
        progress: show a bar.

    Returns:
        0, 1 if a page failed, 130 if the run was interrupted.

    Raises:
        ConfigError: the folder holds results of other settings, or a page in ``only`` is unknown.
        InputError: nothing can be measured.
    """
    by_model = isinstance(measuring.predictor, ModelPredictions)
    good, missing = measurable(evaluation_set, by_model, measuring.paddle_words is not None)
    if unknown := sorted(set(only) - {page.name for page in evaluation_set.pages}):
        raise ConfigError(f"The set {evaluation_set.name} has no pages {', '.join(unknown)}.")
    chosen = [page for page in good if not only or page.name in only]
    for line in missing:
        print(f"missing: {line}", file=sys.stderr)
    if not chosen:
        raise InputError("Nothing can be measured; what is missing stands above.\n" + _wanted(missing))
    settings = {"set": {"name": evaluation_set.name, **set_options}, **measuring.describe()}
    if workers > 1:
        cv2.setNumThreads(1)
    with RunFolder(output, settings) as folder:
        measuring.pictures = output / "pictures"
        stamps = {page.name: _stamps(page, measuring) for page in chosen}
        rest = [page for page in chosen if not folder.is_done(page.name, stamps[page.name])]
        if len(rest) < len(chosen):
            print(f"{len(chosen) - len(rest)} pages are done already; {len(rest)} are left.", file=sys.stderr)

        def keep(page: EvaluationPage, outcome: dict[str, Any] | str) -> None:
            result = {"error": outcome, "document": page.document} if isinstance(outcome, str) else outcome
            folder.add(page.name, {**result, "files": stamps[page.name]})

        is_whole = in_parallel(rest, measuring.measure, keep, workers, progress=progress)
        results = {page.name: folder.results[page.name] for page in good if page.name in folder.results}
        table = write_report(
            output,
            f"docpre on {evaluation_set.name}",
            results,
            _expected(evaluation_set),
            settings,
            [str(line) for line in missing],
            environment(),
        )
    print(table)
    print(f"\nfigures.csv, summary.json and index.html (pictures) are in {output}")
    failed = {name: result["error"] for name, result in results.items() if result.get("error")}
    for name, error in list(failed.items())[:_SHOWN]:
        print(f"failed: {name}: {error}", file=sys.stderr)
    if len(failed) > _SHOWN:
        print(f"... and {len(failed) - _SHOWN} more; all are in summary.json", file=sys.stderr)
    if not is_whole:
        return INTERRUPTED
    return 1 if failed else 0


def _stamps(page: EvaluationPage, measuring: Measuring) -> dict[str, list[int]]:
    others = [path for path in (page.photo, page.reference) if path is not None]
    return file_stamps(sorted({*measuring.predictor.files(page), *others})) | (
        {} if page.text is None else {"text": [len(page.text), _checksum(page.text)]}
    )


def _checksum(text: str) -> int:
    from zlib import crc32

    return crc32(text.encode())


def _expected(evaluation_set: EvaluationSet) -> dict[str, int]:
    counts = dict.fromkeys(("ms_ssim", "ld", "ad", "word_f1"), len(evaluation_set.pages))
    for setting, ending in (("uvdoc", "_uvdoc"), ("doctr", "_doctr"), ("plain", "")):
        read = sum(setting in page.ocr for page in evaluation_set.pages)
        counts |= {f"cer{ending}": read, f"ed{ending}": read}
    return counts


def _wanted(missing: list[Missing]) -> str:
    return "\n".join(f"  - {line.what}: {line.place or 'see the list'}" for line in missing)

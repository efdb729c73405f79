"""Two runs on the same pages: differences with paired bootstrap intervals."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from docpre.errors import ConfigError, InputError
from train.evaluate.comparison_sheet import write_sheets
from train.evaluate.report import HIGHER_IS_BETTER, LABELS, aligned, figure_names
from train.evaluate.run_folder import differences, read_results, read_settings, write_json

FEWEST_DOCUMENTS = 5
_CHUNK = 1 << 22  # draws at a time


@dataclass(frozen=True)
class Comparison:
    """One figure of two runs, over the pages that both have.

    Args:
        pages, documents: how many.
        a, b: means.
        a_median, b_median: medians.
        difference: b - a.
        low, high: bootstrap interval of the difference.
        b_is_better: the share of pages on which b is better; where both are equal, half counts.
    """

    pages: int
    documents: int
    a: float
    b: float
    a_median: float
    b_median: float
    difference: float
    low: float
    high: float
    b_is_better: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves 0 out, and stands on enough documents to say so."""
        return self.documents >= FEWEST_DOCUMENTS and (self.low > 0 or self.high < 0)


def paired_bootstrap(
    a: ArrayLike,
    b: ArrayLike,
    documents: Sequence[str],
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of mean(b) - mean(a), by drawing documents anew (Efron and Tibshirani, 1993).

    Documents are drawn with all their pages, since two photos of one document are no independent samples.

    Args:
        a, b: (n,) a figure of the same pages.
        documents: n names of the document that a page belongs to.
        resamples: how often they are drawn.
        confidence: share of the draws within the interval.
        seed: of the draws; the same one gives the same interval.

    Returns:
        Lower and upper end.

    Raises:
        InputError: not equally many pages, or none.
        ConfigError: resamples below 1, or a confidence outside (0, 1).
    """
    if resamples < 1 or not 0 < confidence < 1:
        raise ConfigError(f"resamples is at least 1 and confidence in (0, 1), not {resamples} and {confidence}.")
    difference = np.asarray(b, np.float64) - np.asarray(a, np.float64)
    if difference.ndim != 1 or len(difference) != len(documents) or len(difference) == 0:
        raise InputError(f"a, b and documents are of one length, and not empty: {difference.shape}, {len(documents)}.")
    _, group = np.unique(np.asarray(documents), return_inverse=True)
    sums, counts = np.bincount(group, difference), np.bincount(group).astype(np.float64)
    random = np.random.default_rng(seed)
    means: list[NDArray[np.float64]] = []
    left = resamples
    while left:
        rows = min(left, max(1, _CHUNK // len(sums)))
        drawn = random.integers(0, len(sums), (rows, len(sums)))
        means.append(sums[drawn].sum(1) / counts[drawn].sum(1))
        left -= rows
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(means), (tail, 1 - tail))
    return float(low), float(high)


def compare(
    a: Mapping[str, Mapping[str, Any]],
    b: Mapping[str, Mapping[str, Any]],
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Comparison]:
    """Compare each figure over the pages that have it in both runs.

    Args:
        a, b: results by page, as a run's folder holds them.
        resamples, confidence, seed: see ``paired_bootstrap``.
    """
    compared = {}
    for figure in figure_names(a):
        pages = [
            name for name in a if figure in a[name].get("figures", {}) and figure in b.get(name, {}).get("figures", {})
        ]
        if not pages:
            continue
        of_a = np.array([a[name]["figures"][figure] for name in pages])
        of_b = np.array([b[name]["figures"][figure] for name in pages])
        documents = [str(a[name].get("document", name)) for name in pages]
        better = of_b > of_a if figure in HIGHER_IS_BETTER else of_b < of_a
        low, high = paired_bootstrap(of_a, of_b, documents, resamples, confidence, seed)
        compared[figure] = Comparison(
            pages=len(pages),
            documents=len(set(documents)),
            a=float(of_a.mean()),
            b=float(of_b.mean()),
            a_median=float(np.median(of_a)),
            b_median=float(np.median(of_b)),
            difference=float((of_b - of_a).mean()),
            low=low,
            high=high,
            b_is_better=float((better + 0.5 * (of_a == of_b)).mean()),
        )
    return compared


def compare_runs(
    a: Path,
    b: Path,
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
    output: Path | None = None,
    by_kind: bool = False,
    sheets: Path | None = None,
) -> int:
    """Compare the runs in two folders, and print a table.

    Args:
        a, b: their folders.
        resamples, confidence, seed: see ``paired_bootstrap``.
        output: JSON file to write.
        by_kind: also compare each kind of page alone, which is its name up to the last underscore.
        sheets: folder for sheets of pictures, see ``train.evaluate.comparison_sheet``.

    Returns:
        0.

    Raises:
        InputError: a folder holds no run, or the runs have no page in common.
    """
    settings_a, settings_b = read_settings(a), read_settings(b)
    results_a, results_b = read_results(a), read_results(b)
    compared = compare(results_a, results_b, resamples, confidence, seed)
    if not compared:
        raise InputError(f"{a} and {b} have no page with a figure in common.")
    apart = differences(settings_a, settings_b)
    print(f"A: {a}\nB: {b}")
    for line in apart:
        print(f"  {line}".replace(" was ", ": A has ", 1).replace(" and is ", ", B has ", 1))
    for key in ("gradient_border", "tesseract", "word_f1"):
        of_a, of_b = settings_a.get(key), settings_b.get(key)
        if of_a is not None and of_b is not None and of_a != of_b:
            print(f"The runs were measured differently, by {key}; see above.", file=sys.stderr)
    print("\n" + _table(compared, confidence))
    kinds = {}
    for kind in sorted({name.rpartition("_")[0] for name in results_a}) if by_kind else ():
        pages = {name: result for name, result in results_a.items() if name.rpartition("_")[0] == kind}
        kinds[kind] = compare(pages, results_b, resamples, confidence, seed)
        print(f"\n{kind or 'of no kind'}\n" + _table(kinds[kind], confidence))
    print(f"\n* the interval leaves 0 out; documents drawn anew {resamples} times, seed {seed}")
    if any(row.documents < FEWEST_DOCUMENTS for row in compared.values()):
        print(f"Under {FEWEST_DOCUMENTS} documents an interval says little, and has no *.")
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        content: dict[str, Any] = {"a": str(a), "b": str(b), "resamples": resamples, "confidence": confidence}
        content |= {"seed": seed, "settings_apart": apart, "figures": _plain(compared)}
        if by_kind:
            content["kinds"] = {kind: _plain(rows) for kind, rows in kinds.items()}
        write_json(output, content)
    if sheets is not None:
        written = write_sheets(sheets, a, b, results_a, results_b)
        print(f"{len(written)} sheets of pictures (photo, A, B) are in {sheets}")
    return 0


def _plain(compared: Mapping[str, Comparison]) -> dict[str, Any]:
    return {figure: {**asdict(row), "is_clear": row.is_clear} for figure, row in compared.items()}


def _table(compared: Mapping[str, Comparison], confidence: float) -> str:
    percent = f"{100 * confidence:g} %"
    rows = [["figure", "A", "B", "A median", "B median", "B - A", f"{percent} interval", "B better", "pages"]]
    for figure, row in compared.items():
        means = [f"{value:.4f}" for value in (row.a, row.b, row.a_median, row.b_median)]
        interval = f"{row.low:+.4f} to {row.high:+.4f}{' *' if row.is_clear else '  '}"
        share = f"{100 * row.b_is_better:.0f} %"
        rows.append([LABELS[figure], *means, f"{row.difference:+.4f}", interval, share, str(row.pages)])
    return aligned(rows)

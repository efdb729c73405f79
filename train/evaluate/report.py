"""A run's results as a table, CSV, JSON and a page of pictures."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

from train.evaluate.picture_page import write_picture_page
from train.evaluate.run_folder import write_json

HIGHER_IS_BETTER = ("ms_ssim", "word_f1", "top1")
LABELS = {
    "ms_ssim": "MS-SSIM (more is better)",
    "ld": "LD, px (less)",
    "ad": "AD (less)",
    "cer_uvdoc": "CER, UVDoc's setting (less)",
    "ed_uvdoc": "ED, UVDoc's setting (less)",
    "cer_doctr": "CER, DocTr's setting (less)",
    "ed_doctr": "ED, DocTr's setting (less)",
    "cer": "CER (less)",
    "ed": "ED (less)",
    "word_f1": "Word F1, PP-OCRv6 (more)",
    "nodes_off": "True nodes off, % of the page (less)",
    "lines_off": "True lines off, degrees (less)",
    "top1": "Top-1 (more)",
}
Results = Mapping[str, Mapping[str, Any]]


def figure_names(results: Results) -> list[str]:
    """The figures that any page has, in the order in which they are shown."""
    present = {name for result in results.values() for name in result.get("figures", ())}
    return [name for name in LABELS if name in present]


def summarise(results: Results, expected: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """Mean, median and number of pages of each figure; a mean over pages, as the papers have it.

    Args:
        results: by page.
        expected: how many pages should have a figure, by its name.
    """
    table = {}
    for name in figure_names(results):
        values = [result["figures"][name] for result in results.values() if name in result.get("figures", ())]
        row = {"mean": fmean(values), "median": median(values), "pages": len(values)}
        table[name] = row | {"of": expected.get(name, len(values))}
    return table


def table_rows(summary: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """The summary as rows of text, the first being the head."""
    rows = [["figure", "mean", "median", "pages"]]
    for name, row in summary.items():
        counted = f"{row['pages']:.0f} of {row['of']:.0f}"
        rows.append([LABELS[name], f"{row['mean']:.4f}", f"{row['median']:.4f}", counted])
    return rows


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as a table: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if not i else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def write_report(
    folder: Path,
    title: str,
    results: Results,
    expected: Mapping[str, int],
    settings: Mapping[str, Any],
    missing: Sequence[str],
    environment: Mapping[str, Any],
) -> str:
    """Write ``figures.csv``, ``summary.json`` and ``index.html`` into a run's folder.

    Args:
        folder: the run's.
        title: of the page of pictures.
        results: by page, in order.
        expected: how many pages should have a figure.
        settings: that determine the figures.
        missing: what was missing, in words.
        environment: see ``environment``.

    Returns:
        The table, for printing.
    """
    summary = summarise(results, expected)
    failed = {name: result["error"] for name, result in results.items() if result.get("error")}
    write_json(
        folder / "summary.json",
        {
            "figures": summary,
            "pages": len(results),
            "failed": failed,
            "missing": list(missing),
            "settings": settings,
            "environment": environment,
        },
    )
    _write_csv(folder / "figures.csv", results)
    facts = [("missing", line) for line in missing]
    facts += [(key, json.dumps(value, ensure_ascii=False)) for key, value in {**settings, **environment}.items()]
    rows = table_rows(summary)
    write_picture_page(folder / "index.html", title, facts, rows, results.items())
    return aligned(rows)


def _write_csv(path: Path, results: Results) -> None:
    names = figure_names(results)
    unfinished = path.with_suffix(".tmp")
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["page", "document", *names, "unwarped", "seconds", "notes", "error"])
        for page, result in results.items():
            figures = result.get("figures", {})
            unwarped = (result.get("unwarping") or {}).get("applied", "")
            cells = [figures.get(name, "") for name in names]
            notes = "; ".join(result.get("notes", ()))
            writer.writerow(
                [
                    page,
                    result.get("document", ""),
                    *cells,
                    unwarped,
                    result.get("seconds", ""),
                    notes,
                    result.get("error") or "",
                ]
            )
    unfinished.replace(path)

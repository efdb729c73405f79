"""A row of the table of results, and what comes with it from a worker."""

from __future__ import annotations

import json
from typing import Any

from docpre import __version__
from docpre.batch.arrow import pyarrow
from docpre.results import Result

#: A row a page. Times are in ``elapsed_ms`` alone: all else is the same whoever did the work.
SCHEMA = pyarrow.schema(
    [
        ("source", pyarrow.string()),
        ("sha256", pyarrow.string()),
        ("page", pyarrow.int32()),
        ("pages", pyarrow.int32()),
        ("output", pyarrow.string()),
        ("error", pyarrow.string()),
        ("notes", pyarrow.list_(pyarrow.string())),
        ("angle", pyarrow.int16()),
        ("scores", pyarrow.map_(pyarrow.string(), pyarrow.float64())),
        ("orientation", pyarrow.string()),
        ("unwarping", pyarrow.string()),
        ("light", pyarrow.string()),
        ("transform", pyarrow.string()),
        ("engines", pyarrow.string()),
        ("docpre", pyarrow.string()),
        ("elapsed_ms", pyarrow.map_(pyarrow.string(), pyarrow.float64())),
    ]
)
#: What a worker gives: the rows, the pages' files where they go into a tar, how many inputs are done by it, and what
#: ends the whole run.
WORK = pyarrow.schema(
    [*SCHEMA, ("content", pyarrow.binary()), ("inputs_done", pyarrow.int32()), ("fatal", pyarrow.string())]
)


def result_row(result: Result, source: str, sha256: str, pages: int) -> dict[str, Any]:
    """The row of a page.

    Args:
        result: of ``DocPreprocessor``.
        source: the input's name.
        sha256: of the input's file.
        pages: of the input.
    """
    row = {"source": source, "sha256": sha256, "page": result["page_index"], "pages": pages, "docpre": __version__}
    row["notes"] = list(result.notes)
    if result.error is not None:
        return row | {"error": str(result.error)}
    values = result.json["res"]
    return row | {
        "angle": values["angle"],
        "scores": values["orientation"].get("scores"),
        "elapsed_ms": values["elapsed_ms"],
        **{name: json.dumps(values[name]) for name in ("orientation", "unwarping", "light", "transform", "engines")},
    }


def error_row(source: str, sha256: str | None, page: int | None, pages: int, error: str) -> dict[str, Any]:
    """The row of a page, or of a whole input, that failed."""
    return {
        "source": source,
        "sha256": sha256,
        "page": page,
        "pages": pages,
        "notes": [],
        "docpre": __version__,
        "error": error,
    }


def work_table(rows: list[dict[str, Any]], inputs_done: int = 0, fatal: str | None = None) -> Any:
    """Rows as a worker gives them; the last one says how many inputs are done."""
    for row in rows:
        row["inputs_done"] = 0
    if rows:
        rows[-1] |= {"inputs_done": inputs_done, "fatal": fatal}
    return pyarrow.Table.from_pylist(rows, WORK)

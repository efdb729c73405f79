"""Where a batch's results go: rows into parts of the table, pages into shards where that is asked for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from docpre.batch.arrow import pyarrow
from docpre.batch.page_files import PAGES_FOLDER, Shard
from docpre.batch.results_table import ResultsTable

_MOST_ROWS = 1000
_MOST_S = 30.0
_MOST_SHARD_BYTES = 1 << 30


class Sink:
    """Takes what workers give. A row is only ever written when its page is.

    Args:
        folder: of the batch.
        table: its results.
        shard_pages: pages of a tar shard; a shard also ends at a gigabyte.
    """

    def __init__(self, folder: Path, table: ResultsTable, shard_pages: int) -> None:
        self._pages_folder = folder / PAGES_FOLDER
        self._table = table
        self._shard_pages = shard_pages
        self._shard: Shard | None = None
        self._shard_number: int | None = None
        self._waiting: list[Any] = []
        self._rows = 0
        self._since = time.monotonic()

    def add(self, work: Any) -> None:
        """Take a table of ``docpre.batch.rows.WORK``.

        Raises:
            OutputError: it can't be written.
        """
        if work["content"].null_count < len(work):
            self._add_with_pages(work)
            return
        self._wait(work)
        if self._shard is None and (self._rows >= _MOST_ROWS or time.monotonic() - self._since > _MOST_S):
            self.commit()

    def commit(self) -> None:
        """Write what waits: the shard first, then its rows.

        Raises:
            OutputError: it can't be written.
        """
        if self._shard is not None:
            self._shard.close()
            self._shard = None
        if self._waiting:
            self._table.append(self._waiting)
        self._waiting, self._rows, self._since = [], 0, time.monotonic()

    def _add_with_pages(self, work: Any) -> None:
        """Row by row, so that the shards are the same in whatever pieces the rows come."""
        position = work.schema.get_field_index("output")
        for number, (output, content) in enumerate(
            zip(work["output"].to_pylist(), work["content"].to_pylist(), strict=True)
        ):
            row = work.slice(number, 1)
            if content is not None:
                shard = self._shard = self._shard or self._next_shard()
                shard.add(output, content)
                named = pyarrow.array([f"{PAGES_FOLDER}/{shard.path.name}/{output}"], pyarrow.string())
                row = row.set_column(position, "output", named)
            self._wait(row)
            if self._shard is not None and self._is_full(self._shard):
                self.commit()

    def _is_full(self, shard: Shard) -> bool:
        return shard.pages >= self._shard_pages or shard.bytes >= _MOST_SHARD_BYTES

    def _wait(self, work: Any) -> None:
        self._waiting.append(work.drop_columns(["content"]))
        self._rows += len(work)

    def _next_shard(self) -> Shard:
        if self._shard_number is None:
            self._shard_number = self._last_shard()
        self._shard_number += 1
        return Shard(self._pages_folder / f"shard-{self._shard_number:06d}.tar")

    def _last_shard(self) -> int:
        """The number of the last shard that the results know; one beyond it was begun by a run that was stopped."""
        outputs = (row["output"] for rows in self._table.rows(["output"]) for row in rows if row["output"])
        numbers = (output.split("/")[1] for output in outputs if output.count("/") == 2)
        return max((int(name[6:12]) for name in numbers if name.startswith("shard-")), default=0)

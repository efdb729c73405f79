"""The table of results while it grows: parts that are written whole, and in the end one file.

A run appends parts. When all is done the parts are merged into ``results.parquet``. Whatever is interrupted, what the
parts and the merged file say together is true; where two have the same page, the later one counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docpre.batch.arrow import pyarrow
from docpre.batch.finished import Finished, input_key
from docpre.batch.rows import SCHEMA
from docpre.errors import InputError, OutputError

_COMPRESSION = "zstd"
_ROWS_AT_A_TIME = 4096


class ResultsTable:
    """The results in a batch's folder.

    Raises:
        InputError: what is there can't be read.
        OutputError: results can't be written.
    """

    def __init__(self, folder: Path) -> None:
        #: What is read in the end.
        self.path = folder / "results.parquet"
        self._parts = folder / "results"
        self._number = max((int(part.stem.split("-")[1]) for part in self._part_files()), default=0)

    def append(self, tables: list[Any]) -> None:
        """Write rows as a new part."""
        self._number += 1
        with _Written(self._parts / f"part-{self._number:06d}.parquet") as writer:
            writer.write_table(pyarrow.concat_tables(tables).select(SCHEMA.names))

    def finished(self, retry_errors: bool = False) -> Finished:
        """What is done.

        Args:
            retry_errors: what failed is not.
        """
        return Finished.of(
            (row["source"], row["page"], row["pages"])
            for rows in self.rows(["source", "page", "pages", "error"])
            for row in rows
            if not (retry_errors and row["error"] is not None)
        )

    def rows(self, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
        """Some columns of all rows, a list of rows at a time."""
        for path in self._files():
            for batch in _batches(path, columns):
                yield batch.to_pylist()

    def merge(self) -> None:
        """Make one file of all parts."""
        files = self._files()
        if files in ([], [self.path]):
            return
        with _Written(self.path) as writer:
            for path, is_kept in zip(files, _latest(files), strict=True):
                start = 0
                for batch in _batches(path, SCHEMA.names):
                    kept = is_kept[start : start + len(batch)]
                    start += len(batch)
                    if kept.any():
                        writer.write_batch(batch.filter(pyarrow.array(kept)))
        for part in self._part_files():
            part.unlink()
        self._parts.rmdir()
        self._number = 0

    def _files(self) -> list[Path]:
        """Oldest first."""
        return [path for path in (self.path, *self._part_files()) if path.is_file()]

    def _part_files(self) -> list[Path]:
        return sorted(self._parts.glob("part-*.parquet"))


class _Written:
    """A writer of a file that takes its name when it is complete."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = path.with_name(f".{path.name}.part")

    def __enter__(self) -> Any:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pyarrow.parquet.ParquetWriter(self._unfinished, SCHEMA, compression=_COMPRESSION)
        except OSError as error:
            raise OutputError(f"{self._path} can't be written: {error}.") from error
        return self._writer

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            self._writer.close()
            if error is None:
                os.replace(self._unfinished, self._path)
        except OSError as failure:
            raise OutputError(f"{self._path} can't be written: {failure}.") from failure
        if isinstance(error, OSError):
            raise OutputError(f"{self._path} can't be written: {error}.") from error


def _batches(path: Path, columns: list[str]) -> Iterator[Any]:
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield from file.iter_batches(_ROWS_AT_A_TIME, columns=columns)
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path} can't be read as the results of a batch: {error}.") from error


def _latest(files: list[Path]) -> list[NDArray[np.bool_]]:
    """For each file a mask of the rows that no later row replaces."""
    seen: set[bytes] = set()
    masks = []
    for path in reversed(files):
        names = [
            (source, page)
            for batch in _batches(path, ["source", "page"])
            for source, page in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        ]
        mask: NDArray[np.bool_] = np.zeros(len(names), bool)
        for number in reversed(range(len(names))):
            source, page = names[number]
            key = input_key(f"{page} {source}")
            mask[number] = key not in seen
            # A row without a page, of an input that could not be read, is replaced by that of any page.
            seen.update((key, input_key(f"None {source}")))
        masks.append(mask)
    return masks[::-1]

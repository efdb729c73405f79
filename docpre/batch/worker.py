"""The work on a unit: read, clean up, write. The same on one machine and on a cluster."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from docpre.batch.page_files import PAGES_FOLDER, name_hash, page_name
from docpre.batch.rows import error_row, result_row, work_table
from docpre.batch.settings import BatchSettings
from docpre.batch.units import Unit
from docpre.errors import ConfigError, DocpreError, EngineError, InputError, ModelError, OutputError
from docpre.loading import Limits, NamedContent, count_pages, read_content
from docpre.pipeline import DocPreprocessor
from docpre.results import Result

#: Errors that would meet every page alike, so that they end the run.
FATAL: tuple[type[DocpreError], ...] = (ConfigError, EngineError, ModelError, OutputError)
#: Where files are written before they get their names.
UNFINISHED_FOLDER = ".unfinished"


class PageWorker:
    """A pipeline with all around it; may be shared by threads.

    Args:
        settings: what is done.
        folder: of the batch.
    """

    def __init__(self, settings: BatchSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._limits = limits_of(settings)
        self._lock = threading.Lock()
        self._pipeline: DocPreprocessor | None = None
        self._document: tuple[NamedContent, str] | None = None

    def start(self) -> DocPreprocessor:
        """The pipeline, loaded now if it has not been yet.

        Raises:
            ConfigError, EngineError, ModelError: it can't run here.
        """
        with self._lock:
            if self._pipeline is None:
                self._pipeline = DocPreprocessor(**self._settings.pipeline)
            return self._pipeline

    def table(self, unit: Unit) -> Any:
        """What became of a unit, as ``docpre.batch.rows.WORK``; its pages are written, or in the table for a tar."""
        try:
            self.start()
            return work_table(self._rows(unit), unit.inputs_done)
        except FATAL as error:
            return work_table(_failed(unit, None, str(error)), fatal=type(error).__name__)

    def _rows(self, unit: Unit) -> list[dict[str, Any]]:
        if unit.error is not None:
            return _failed(unit, None, unit.error)
        try:
            content, sha256 = self._content(unit)
        except InputError as error:
            return _failed(unit, None, str(error))
        try:
            return self._pages(content, sha256, unit)
        except FATAL:
            raise
        except Exception as error:  # a fault of ours or of a library; it must cost no other page
            count = unit.page_count or count_pages(content) or 1
            numbers = range(count) if unit.pages is None else unit.pages
            if len(numbers) < 2:
                return _failed(unit, sha256, f"{unit.source}: unexpected {type(error).__name__}: {error}.")
            each = [replace(unit, pages=(number,), page_count=count) for number in numbers]
            return [row for one in each for row in self._rows(one)]

    def _content(self, unit: Unit) -> tuple[NamedContent, str]:
        """The file and its sha256. The last document is kept for its next pages."""
        last = self._document
        if unit.pages is not None and last is not None and last[0].name == unit.source:
            return last
        if unit.content is None:
            content = read_content(unit.source, self._limits)
        else:
            content = NamedContent(unit.content, unit.source)
        found = content, hashlib.sha256(content.content).hexdigest()
        self._document = found if unit.pages is not None else None
        return found

    def _pages(self, content: NamedContent, sha256: str, unit: Unit) -> list[dict[str, Any]]:
        chosen = None if unit.pages is None else ",".join(str(page + 1) for page in unit.pages)
        results = self.start().predict_iter([content], num_workers=0, pages=chosen, **self._settings.reading)
        rows = list(self._written(results, unit.source, sha256))
        for row in rows:
            row["pages"] = unit.page_count or len(rows)
        if unit.pages is not None and any(row["page"] is None for row in rows):  # the whole document was refused
            return _failed(unit, sha256, rows[0]["error"])
        return rows

    def _written(self, results: Iterable[Result], source: str, sha256: str) -> Iterator[dict[str, Any]]:
        for result in results:
            row = result_row(result, source, sha256, 1)
            if result.error is None and self._settings.layout != "none":
                started = time.perf_counter()
                try:
                    row |= self._kept(result, source)
                    row["elapsed_ms"] |= {"writing": round(1000 * (time.perf_counter() - started), 3)}
                except InputError as error:
                    if isinstance(error.__cause__, OSError) and error.__cause__.errno is not None:
                        raise OutputError(f"{self._folder}: {error}") from error
                    row = error_row(source, sha256, result["page_index"], 1, f"{source}: {error}")
            yield row

    def _kept(self, result: Result, source: str) -> dict[str, Any]:
        """Write a page's file, whole or not at all."""
        page_format = self._settings.page_format
        suffix = result.page_suffix if page_format == "same" else f".{page_format}"
        name = page_name(source, result["page_index"], suffix)
        if self._settings.layout == "tar":
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, name)
                result.save_page(path)
                return {"output": name, "content": path.read_bytes()}
        output = Path(PAGES_FOLDER, name_hash(source)[:2], name)
        unfinished = self._folder / UNFINISHED_FOLDER / f"{uuid.uuid4().hex}{suffix}"
        try:
            result.save_page(unfinished)
            (self._folder / output).parent.mkdir(parents=True, exist_ok=True)
            os.replace(unfinished, self._folder / output)
        except OSError as error:
            raise OutputError(f"{self._folder / output} can't be written: {error}.") from error
        finally:
            unfinished.unlink(missing_ok=True)
        return {"output": output.as_posix()}


def limits_of(settings: BatchSettings) -> Limits:
    """The limits on reading that the settings name.

    Raises:
        ConfigError: one is wrong.
    """
    known = {field.name for field in fields(Limits)}
    return Limits(**{name: value for name, value in settings.reading.items() if name in known})


def raise_fatal(table: Any) -> None:
    """Raise what a worker met that ends the run.

    Raises:
        ConfigError, EngineError, ModelError, OutputError: if it met one.
    """
    kinds = {kind.__name__: kind for kind in FATAL}
    for name, error in zip(table["fatal"].to_pylist(), table["error"].to_pylist(), strict=True):
        if name is not None:
            raise kinds[name](error)


def _failed(unit: Unit, sha256: str | None, error: str) -> list[dict[str, Any]]:
    return [error_row(unit.source, sha256, page, unit.page_count or 1, error) for page in unit.pages or (None,)]

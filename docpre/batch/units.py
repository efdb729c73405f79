"""A place becomes units of work: a picture, or some pages of a document."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from docpre.batch.arrow import pyarrow
from docpre.batch.finished import Finished
from docpre.batch.places import Place, folder_of, open_parquet
from docpre.errors import InputError
from docpre.loading import IMAGE_SUFFIXES, PDF_SUFFIXES, NamedContent, count_pages, is_url

#: So many pages of a document are one unit.
PAGES_TOGETHER = 8
_ROWS_TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Unit:
    """Some work.

    Args:
        source: the input: a path, a URL, ``PATH/MEMBER`` of a tar or ``PATH#ROW`` of a table.
        content: of the file, where it lies in a tar or a table; None: ``source`` is to be read.
        pages: which pages of the document, from 0; None: all.
        page_count: of the document, where ``pages`` says which; else None.
        inputs_done: 1 where this is the last unit of its input, else 0.
        error: why the place can't be read (any further); there is nothing to do but to say so.
    """

    source: str
    content: bytes | None = None
    pages: tuple[int, ...] | None = None
    page_count: int | None = None
    inputs_done: int = 1
    error: str | None = None


def unfinished(places: list[Place], finished: Finished) -> list[Place]:
    """The places that may have work left: all but the files that are done."""
    return [place for place in places if place.kind != "file" or place.path not in finished]


def units(place: Place, finished: Finished, max_pages: int | None, together: int = PAGES_TOGETHER) -> Iterator[Unit]:
    """What is left to do in a place.

    Args:
        place: where.
        finished: what has been done.
        max_pages: a document of more is one unit, and refused by its reader.
        together: pages of a document in a unit.
    """
    try:
        for source, content in _inputs(place, finished):
            yield from _document(source, content, finished, max_pages, together)
    except InputError as error:
        if place.path not in finished:
            yield Unit(place.path, error=str(error))


def _document(
    source: str, content: bytes | None, finished: Finished, max_pages: int | None, together: int
) -> Iterator[Unit]:
    left = finished.missing_pages(source)
    if left is None:
        count = None
        if content is not None:
            count = count_pages(NamedContent(content, source))
        elif not is_url(source) and Path(source).suffix.lower() in PDF_SUFFIXES:
            count = count_pages(source)
        if count is None or count < 2 or (max_pages is not None and count > max_pages):
            yield Unit(source, content)
            return
        left = range(count)
    else:
        count = finished.page_count(source)
    for start in range(0, len(left), together):
        is_last = start + together >= len(left)
        yield Unit(source, content, tuple(left[start : start + together]), count, int(is_last))


def _inputs(place: Place, finished: Finished) -> Iterator[tuple[str, bytes | None]]:
    """Names and contents of the inputs in a place that are not done; None: the name is where it is."""
    if place.kind == "file":
        if place.path not in finished:
            yield place.path, None
    elif place.kind == "tar":
        yield from _members(place.path, finished)
    else:
        yield from _rows(place, finished)


def _members(path: str, finished: Finished) -> Iterator[tuple[str, bytes | None]]:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # or it would remember them all
                name = posixpath.join(path, member.name)
                suffix = PurePosixPath(member.name).suffix.lower()
                if not member.isfile() or suffix not in (*IMAGE_SUFFIXES, *PDF_SUFFIXES) or name in finished:
                    continue
                file = archive.extractfile(member)
                assert file is not None  # of a regular file
                yield name, file.read()
    except (OSError, tarfile.TarError, EOFError) as error:
        raise InputError(f"{path} can't be read as a tar: {error}.") from error


def _rows(place: Place, finished: Finished) -> Iterator[tuple[str, bytes | None]]:
    number = place.first_row
    for batch in _batches(place, finished):
        for value in batch.column(0).to_pylist():
            name, content = f"{place.path}#{number}", value
            number += 1
            if isinstance(value, dict):  # as datasets keeps pictures
                content = value.get("bytes") or value.get("path")
            if isinstance(content, str):
                is_whole = is_url(content) or posixpath.isabs(content)
                name, content = (content if is_whole else posixpath.join(folder_of(place.path), content)), None
                if name not in finished:
                    yield name, None
            elif name not in finished:
                yield name, content or b""  # which its reader refuses


def _batches(place: Place, finished: Finished) -> Iterator[Any]:
    try:
        if place.kind == "arrow":
            with pyarrow.memory_map(place.path) as file:
                for batch in pyarrow.ipc.open_stream(file):
                    yield batch.select([place.column])
            return
        numbers = range(place.first_row, place.first_row + (place.inputs or 0))
        if all(f"{place.path}#{number}" in finished for number in numbers):
            return
        with open_parquet(place.path) as table:
            yield from table.iter_batches(_ROWS_TOGETHER, [place.row_group], [place.column])
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{place.path} can't be read: {error}.") from error

"""What a user names as input of a batch becomes a list of places: files, URLs, tars and parts of tables."""

from __future__ import annotations

import glob
import json
import os
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from docpre.batch.arrow import pyarrow
from docpre.errors import ConfigError, InputError
from docpre.loading import files_in, is_url

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz")
#: Columns of tables that are taken if none is named, the first that there is.
COLUMNS = ("image", "bytes", "content", "path", "file", "url")
_LIST_SUFFIXES = (".txt", ".list")
_HUB = "hf://datasets/"
_PARQUET_BRANCH = "@~parquet"  # where the hub keeps every set as parquet files, whatever its own format


@dataclass(frozen=True, slots=True)
class Place:
    """Where one input or several are.

    Args:
        kind: a file or URL, which is one input; a tar; a row group of a parquet file; an Arrow file of Hugging Face's
            ``datasets``.
        path: of the file; with a scheme such as ``s3://`` or ``hf://`` if it is a table elsewhere.
        inputs: how many there are; None where that is not known without reading them.
        column: of a table: which one holds paths, URLs or files' contents.
        row_group: of a parquet file.
        first_row: the number in its file of the row group's first row.
    """

    kind: Literal["file", "tar", "parquet", "arrow"]
    path: str
    inputs: int | None = 1
    column: str = ""
    row_group: int = 0
    first_row: int = 0


def find_places(inputs: Sequence[str], column: str | None = None) -> list[Place]:
    """The places that a user names, each once.

    Args:
        inputs: each a picture, PDF, URL, directory (with all its folders), glob, text file with a path or URL a line,
            parquet file, WebDataset tar, a folder that ``datasets`` has saved, or a set on Hugging Face's hub as
            ``hf://datasets/OWNER/NAME``. Relative paths in lists and tables start from the list's or table's folder.
        column: of tables; None: the first of ``COLUMNS`` that there is.

    Raises:
        InputError: there is nothing there, or it can't be read.
        ConfigError: a table has no such column.
    """
    finder = _Finder(column)
    return list(dict.fromkeys(place for text in inputs for place in finder.named(text)))


class _Finder:
    def __init__(self, column: str | None) -> None:
        self._column = column

    def named(self, text: str) -> Iterator[Place]:
        """The places of one input."""
        path = Path(os.path.abspath(Path(text).expanduser()))  # the same wherever it is looked at
        if is_url(text):
            yield Place("file", text)
        elif "://" in text:
            yield from self._tables_elsewhere(text)
        elif path.is_dir():
            yield from self._directory(path)
        elif path.is_file():
            yield from self._list(path) if path.suffix.lower() in _LIST_SUFFIXES else self._file(path)
        elif found := sorted(glob.iglob(str(path), recursive=True)):
            for name in found:
                yield from self._directory(Path(name)) if os.path.isdir(name) else self._file(Path(name))
        else:
            hint = f" A set on Hugging Face's hub is {_HUB}{text}." if text.count("/") == 1 else ""
            raise InputError(f"{text}: there is no such file or directory, and no file has such a name.{hint}")

    def _directory(self, directory: Path) -> Iterator[Place]:
        if (directory / "dataset_dict.json").is_file():
            for split in _json(directory / "dataset_dict.json")["splits"]:
                yield from self._directory(directory / split)
        elif (directory / "state.json").is_file() and (directory / "dataset_info.json").is_file():
            for entry in _json(directory / "state.json")["_data_files"]:
                yield self._arrow(directory / entry["filename"])
        else:
            pages, _ = files_in(directory)
            others = [path for path in sorted(directory.rglob("*")) if path.is_file() and _is_container(path)]
            if not pages and not others:
                raise InputError(f"The directory {directory} has no pictures, PDFs, parquet files or tars.")
            for path in (*pages, *others):
                yield from self._file(path)

    def _list(self, path: Path) -> Iterator[Place]:
        try:
            with path.open(encoding="utf-8") as lines:
                for line in lines:
                    if name := line.strip():
                        yield from self._listed(name, path.parent)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} can't be read as a list of paths and URLs, one a line: {error}.") from error

    def _listed(self, name: str, folder: Path) -> Iterator[Place]:
        """A line of a list. What is wrong with a file is said in its row of the results, so it need not be there."""
        if is_url(name):
            yield Place("file", name)
        else:
            yield from self._file(folder / Path(name).expanduser())

    def _file(self, path: Path) -> Iterator[Place]:
        suffix = path.suffix.lower()
        if path.name.lower().endswith(TAR_SUFFIXES):
            yield Place("tar", str(path), None)
        elif suffix == ".parquet":
            yield from self._parquet(str(path))
        elif suffix == ".arrow":
            yield self._arrow(path)
        else:
            yield Place("file", str(path))

    def _arrow(self, path: Path) -> Place:
        try:
            with pyarrow.memory_map(str(path)) as file:
                column = self._chosen(pyarrow.ipc.open_stream(file).schema, str(path))
        except (OSError, pyarrow.ArrowInvalid) as error:
            raise InputError(f"{path} can't be read as an Arrow stream, as datasets saves it: {error}.") from error
        return Place("arrow", str(path), None, column)

    def _tables_elsewhere(self, uri: str) -> Iterator[Place]:
        scheme = uri.split("://")[0]
        if uri.startswith(_HUB) and "@" not in uri:
            owner_and_name, _, rest = (uri.removeprefix(_HUB) + "/").partition("/")
            name, _, rest = rest.partition("/")
            uri = f"{_HUB}{owner_and_name}/{name}{_PARQUET_BRANCH}/{rest}".rstrip("/")
        try:
            filesystem, inner = pyarrow.fs.FileSystem.from_uri(uri)
            selected: Any = inner
            if filesystem.get_file_info(inner).type == pyarrow.fs.FileType.Directory:
                selected = pyarrow.fs.FileSelector(inner, recursive=True)
            found = filesystem.get_file_info(selected if selected is not inner else [inner])
        except Exception as error:  # a filesystem raises whatever its service answers
            raise InputError(f"{uri} can't be reached: {error}.") from error
        paths = sorted(info.path for info in found if info.path.endswith(".parquet"))
        if not paths:
            raise InputError(f"{uri} has no parquet files.")
        for path in paths:
            yield from self._parquet(f"{scheme}://{path}")

    def _parquet(self, path: str) -> Iterator[Place]:
        with open_parquet(path) as file:
            column = self._chosen(file.schema_arrow, path)
            first_row = 0
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                yield Place("parquet", path, rows, column, group, first_row)
                first_row += rows

    def _chosen(self, schema: Any, path: str) -> str:
        names = [self._column] if self._column is not None else COLUMNS
        for name in names:
            if name in schema.names:
                return str(name)
        wanted = f"no column {self._column!r}" if self._column else f"none of the columns {', '.join(COLUMNS)}"
        raise ConfigError(f"{path} has {wanted}; it has {', '.join(schema.names)}. Name one with --column.")


def open_parquet(path: str) -> Any:
    """pyarrow's ``ParquetFile`` of a path, or of a URI such as ``s3://bucket/table.parquet``.

    Raises:
        InputError: it can't be read.
    """
    try:
        if "://" not in path:
            return pyarrow.parquet.ParquetFile(path)
        filesystem, inner = pyarrow.fs.FileSystem.from_uri(path)
        return pyarrow.parquet.ParquetFile(inner, filesystem=filesystem)
    except Exception as error:  # a filesystem raises whatever its service answers
        raise InputError(f"{path} can't be read as parquet: {error}.") from error


def folder_of(path: str) -> str:
    """The folder that relative paths in a table start from."""
    return posixpath.dirname(path) if "://" in path else os.path.dirname(path)


def _is_container(path: Path) -> bool:
    return path.suffix.lower() == ".parquet" or path.name.lower().endswith(TAR_SUFFIXES)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read: {error}.") from error

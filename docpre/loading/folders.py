"""The pictures and PDFs in a folder."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from docpre.errors import InputError
from docpre.loading.content import is_url
from docpre.loading.formats import IMAGE_SUFFIXES, PDF_SUFFIXES, READABLE

_LOG = logging.getLogger("docpre")


def as_directory(item: Any) -> Path | None:
    """The directory that an item of an input names; None if it names something else."""
    if not isinstance(item, (str, os.PathLike)) or is_url(item):
        return None
    path = Path(item).expanduser()
    try:
        return path if path.is_dir() else None
    except (OSError, ValueError):
        return None


def files_in(directory: Path) -> tuple[list[Path], int]:
    """Pictures and PDFs in a directory and its folders, by name, and how many other files there are."""
    files, ignored = [], 0
    for folder, subfolders, names in os.walk(directory):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            if Path(name).suffix.lower() in (*IMAGE_SUFFIXES, *PDF_SUFFIXES):
                files.append(Path(folder, name))
            else:
                ignored += 1
    return files, ignored


def files_to_read(directory: Path) -> list[Path]:
    """``files_in`` a directory; how many others there are is logged.

    Raises:
        InputError: there are none.
    """
    files, ignored = files_in(directory)
    if not files:
        raise InputError(f"The directory {directory} has no pictures or PDFs. {READABLE}")
    if ignored:
        _LOG.warning("%s: left out %d files that are neither pictures nor PDFs", directory, ignored)
    return files

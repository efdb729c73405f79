"""The list of the corpus's pages: ``pages.csv``, a line a page."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from docpre.errors import InputError
from train.corpus.recipe import Split

MANIFEST = "pages.csv"
WORDLESS = "wordless"
SCANNED = "scanned"
IN_PRINT = "in print"
VERTICAL = "vertical"
SIGNS = "signs"
MADE = ("drawn", IN_PRINT, VERTICAL, SIGNS, SCANNED, "photographed", WORDLESS)


@dataclass(frozen=True)
class Entry:
    """A page of the corpus.

    Args:
        file: its JPEG, from the corpus's folder.
        split: train, val or test.
        kind: ``real`` (as its document has it), ``printed`` (HTML of a real document, printed by a browser), ``drawn``
            (made for the corpus, of real sentences, in many kinds), ``in print`` (likewise: running text, lists and
            tables), ``vertical`` (likewise: lines that run down the page), ``signs`` (likewise: a few
            large words), ``scanned`` (a page of these as a scanner gives it), ``photographed`` (one through the
            synthesiser) or ``wordless`` (no way up).
        subset: what it is like.
        script: what it is written in.
        document: pages of one document are in one split.
    """

    file: str
    split: Split
    kind: str
    subset: str
    script: str
    document: str


def write_manifest(path: Path, entries: Iterable[Entry]) -> None:
    """Write a list of pages, whole or not at all."""
    unfinished = path.with_suffix(".tmp")
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in fields(Entry)])
        writer.writerows(astuple(entry) for entry in entries)
    unfinished.replace(path)


def read_manifest(path: Path) -> list[Entry]:
    """Read a list of pages.

    Raises:
        InputError: it is missing or malformed.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [Entry(**row) for row in csv.DictReader(file)]  # type: ignore[arg-type]
    except (OSError, UnicodeDecodeError, TypeError) as error:
        raise InputError(
            f"{path}: the corpus's list can't be read ({error}). Build it: python -m train.corpus build --help"
        ) from error

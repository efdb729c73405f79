"""Pages of the orientation corpus, as ``python -m train.corpus build`` makes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from docpre.loading import ImageArray
from train.corpus.manifest import MADE, MANIFEST, WORDLESS, read_manifest
from train.corpus.writer import RIGHT_TO_LEFT
from train.data.pages import read_page
from train.data.source import NO_ANGLE, PageSource


class Corpus(PageSource):
    """A split of the corpus.

    Args:
        path: the corpus's folder.
        split: which part of it.
        kinds: of pages that are taken, see ``train.corpus.manifest.Entry``; None: all.
        rare_scripts: how many times a page of a document counts that is not in Latin script.
        right_to_left: how many times a page in Arabic or Hebrew script counts; None: as other rare scripts.
        made: how many times a page counts that was drawn, scanned or photographed for the corpus; None: as others do.
        most: at most so many pages, spread evenly; None: all.
    """

    def __init__(
        self,
        path: Path,
        split: Literal["train", "val", "test"],
        kinds: list[str] | None = None,
        rare_scripts: int = 1,
        right_to_left: int | None = None,
        made: int | None = None,
        most: int | None = None,
    ) -> None:
        self.path, self.split = Path(path).expanduser(), split
        entries = [entry for entry in read_manifest(self.path / MANIFEST) if entry.split == split]
        entries = [entry for entry in entries if kinds is None or entry.kind in kinds]
        times = dict.fromkeys(RIGHT_TO_LEFT, rare_scripts if right_to_left is None else right_to_left) | {"Latin": 1}
        entries = [
            entry
            for entry in entries
            for _ in range(times.get(entry.script, rare_scripts) if made is None or entry.kind not in MADE else made)
        ]
        if most is not None and most < len(entries):
            entries = [entries[index * len(entries) // most] for index in range(most)]
        self.entries = entries
        self.documents = [entry.document for entry in entries]
        self.angles_cw_deg = [NO_ANGLE if entry.kind == WORDLESS else 0 for entry in entries]

    def read(self, index: int) -> ImageArray:
        return read_page(self.path / self.entries[index].file)

    def describe(self) -> dict[str, Any]:
        return self._described(path=str(self.path), split=self.split)

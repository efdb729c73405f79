"""Pages of the corpus as scans: a scan stays in its page's split and document."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import tqdm

from train.corpus.build import Folders, save_jpeg
from train.corpus.manifest import IN_PRINT, SCANNED, WORDLESS, Entry
from train.corpus.paper import scanned
from train.corpus.recipe import SPLITS, Recipe, Split, chance
from train.data.pages import read_page

_BATCH = 40
# What mostly comes as a scan is scanned more often.
_OFTEN = {"receipts": 0.25, "letters and forms": 0.5, "forms": 0.5, "invoices": 0.5, "typewriter": 0.5}
_OFTEN |= {"handwriting": 0.5, "handwritten passages": 0.5, "forms filled in by hand": 0.5}


def scanned_entries(
    pool: ProcessPoolExecutor, recipe: Recipe, folders: Folders, entries: Sequence[Entry]
) -> list[Entry]:
    """Scan some of the pages."""
    tasks: list[tuple[Split, list[Entry], int]] = []
    for split in SPLITS:
        pages = [entry for entry in entries if entry.split == split and entry.kind not in (WORDLESS, IN_PRINT)]
        pages.sort(key=lambda entry: chance(recipe.seed, "scan", entry.file) * _OFTEN.get(entry.subset, 1))
        chosen = pages[: recipe.scanned[split]]
        tasks += [(split, chosen[start : start + _BATCH], start) for start in range(0, len(chosen), _BATCH)]
    done = pool.map(partial(_scan, recipe, folders.output), *zip(*tasks, strict=True))
    return [entry for part in tqdm.tqdm(done, total=len(tasks), desc="scans", leave=False) for entry in part]


def _scan(recipe: Recipe, output: Path, split: Split, entries: list[Entry], start: int) -> list[Entry]:
    found = []
    for number, entry in enumerate(entries, start):
        path = Path(split, SCANNED, f"{number:05d}.jpg")
        found.append(replace(entry, file=str(path), kind=SCANNED))
        if not (output / path).is_file():  # else of a build that was stopped
            random = np.random.default_rng([recipe.seed, SPLITS.index(split), number])
            save_jpeg(scanned(read_page(output / entry.file), random), output / path)
    return found

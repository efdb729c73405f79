"""Pages of the corpus as photographs: the synthesiser bends, lights and photographs them, the right way up."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import tqdm

from train.corpus.build import Folders, save_jpeg
from train.corpus.manifest import IN_PRINT, WORDLESS, Entry
from train.corpus.recipe import SPLITS, Recipe, Split, chance
from train.data.pages import read_page

_BATCH = 10
_FRAME_WH = (768, 1120)  # letters are then about as large as on the page
_SEED_OFFSET = 7919  # photos are drawn by another stream of chance than the training of unwarping


def photographed_entries(
    pool: ProcessPoolExecutor, recipe: Recipe, folders: Folders, entries: Sequence[Entry]
) -> list[Entry]:
    """Photograph some of the pages; a photo stays in its page's split and document."""
    tasks: list[tuple[Split, list[Entry], int]] = []
    for split in SPLITS:
        pages = [entry for entry in entries if entry.split == split and entry.kind not in (WORDLESS, IN_PRINT)]
        pages.sort(key=lambda entry: chance(recipe.seed, "photo", entry.file) ** (1 if entry.script == "Latin" else 2))
        chosen = pages[: recipe.photographed[split]]
        tasks += [(split, chosen[start : start + _BATCH], start) for start in range(0, len(chosen), _BATCH)]
    done = pool.map(partial(_photograph, recipe, folders.output), *zip(*tasks, strict=True))
    return [entry for part in tqdm.tqdm(done, total=len(tasks), desc="photos", leave=False) for entry in part]


def _photograph(recipe: Recipe, output: Path, split: Split, entries: list[Entry], start: int) -> list[Entry]:
    import torch

    from train.synth import SynthConfig, Synthesiser

    torch.set_num_threads(1)
    found = []
    tall, wide = (
        Synthesiser(SynthConfig(any_turn=0.0, turn_jitter_deg=8.0, size_wh=size), recipe.seed + _SEED_OFFSET)
        for size in (_FRAME_WH, _FRAME_WH[::-1])
    )
    for number, entry in enumerate(entries, start):
        path = Path(split, "photographed", f"{number:05d}.jpg")
        found.append(replace(entry, file=str(path), kind="photographed"))
        if (output / path).is_file():  # of a build that was stopped
            continue
        page = read_page(output / entry.file)
        # Photos are as a person holds the camera: a wide page is photographed with a wide frame.
        synthesiser = wide if page.shape[1] > page.shape[0] else tall
        photo = synthesiser([page], [number]).image[0].cpu().numpy()
        scale = recipe.long_side_px[split] / max(photo.shape[:2])
        if scale < 1:
            photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        save_jpeg(np.asarray(photo, np.uint8), output / path)
    return found

"""Pages without a way up: blank paper, rules and patterns, and pieces of pictures without text."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from docpre.loading import IMAGE_SUFFIXES, ImageArray
from train.corpus.build import Folders, save_jpeg
from train.corpus.manifest import WORDLESS, Entry
from train.corpus.packages import unpacked
from train.corpus.recipe import SPLITS, Recipe

_PICTURE_SHARE = 0.4


def wordless_entries(recipe: Recipe, folders: Folders) -> list[Entry]:
    """Draw all pages without text that a recipe asks for."""
    pictures: list[Path] = []
    for source in recipe.pictures:
        folder = unpacked(source.package, folders.fetched, folders.unpacked, (source.files,))
        pictures += sorted(file for file in folder.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES)
    by_split = {split: [file for file in pictures if recipe.split_of(file.stem) == split] for split in SPLITS}
    entries = []
    for split in SPLITS:
        for number in range(recipe.wordless[split]):
            random = np.random.default_rng([recipe.seed, SPLITS.index(split), number])
            side = recipe.long_side_px[split]
            is_picture = bool(by_split[split]) and random.random() < _PICTURE_SHARE
            if is_picture:
                file = by_split[split][int(random.integers(len(by_split[split])))]
                image, document = piece_of(file, random, side), f"picture:{file.stem}"
            else:
                image, document = blank_page(random, side), f"blank:{split}"
            path = Path(split, WORDLESS, f"{number:05d}.jpg")
            save_jpeg(image, folders.output / path)
            entries.append(
                Entry(str(path), split, WORDLESS, "pictures" if is_picture else "blank pages", "none", document)
            )
    return entries


def blank_page(random: np.random.Generator, long_side_px: int) -> ImageArray:
    """Paper without a word, (H, W, 3) RGB uint8: plain, shaded, noisy, ruled, squared or dotted."""
    height, width = long_side_px, int(long_side_px / random.uniform(1.0, 1.6))
    colour = (
        random.uniform(60, 255, 3) if random.random() < 0.3 else random.uniform(215, 255) - random.uniform(0, 18, 3)
    )
    page = np.broadcast_to(colour, (height, width, 3)).astype(np.float32)
    if random.random() < 0.5:
        slope = random.uniform(-40, 40, 2)
        y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
        page = page + (slope[0] * x + slope[1] * y)[..., None].astype(np.float32)
    if random.random() < 0.4:
        step, ink = int(random.integers(10, 60)), float(random.uniform(20, 120))
        kind = random.integers(3)
        if kind < 2:
            page[step // 2 :: step] -= ink
        if kind > 0:
            page[:, step // 2 :: step] -= ink
    if random.random() < 0.3:  # a dark rim, as of a scanner
        for edge in (page[: int(random.integers(1, 30))], page[:, -int(random.integers(1, 30)) :]):
            edge *= random.uniform(0.1, 0.8)
    noisy = page + random.normal(0, random.uniform(0, 9), page.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def piece_of(file: Path, random: np.random.Generator, long_side_px: int) -> ImageArray:
    """A piece of a picture, turned by any quarter, (H, W, 3) RGB uint8."""
    image = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
    if image is None:
        return blank_page(random, long_side_px)
    height, width = (int(side * random.uniform(0.25, 1)) for side in image.shape[:2])
    top, left = int(random.integers(image.shape[0] - height + 1)), int(random.integers(image.shape[1] - width + 1))
    scale = long_side_px / max(height, width)
    piece = cv2.resize(
        image[top : top + height, left : left + width], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )
    return np.ascontiguousarray(np.rot90(piece, int(random.integers(4)))).astype(np.uint8)

"""``python -m train page_photos``: small photos of flat pages with the page's place in each, kept in files.

The page finder learns from many of them, changed anew each time, so they are drawn once. A run that is stopped goes on
with the next file.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.errors import DocpreError, InputError
from docpre.loading import ImageArray
from train.data.page_photos import VALIDATION_EVERY, is_for_validation
from train.data.pages import Pages
from train.drawn_files import draw_files
from train.panels import with_panels
from train.synth import SynthConfig, Synthesiser

#: Photos are kept in this size, whatever their proportions, and so many to a file.
STORED_HW = (256, 256)
PHOTOS_PER_FILE = 50

_FRAMES_WH = ((256, 336), (336, 256), (288, 288), (212, 376), (376, 212), (256, 336))
_COVERAGES = ((0.03, 0.2), (0.1, 0.45), (0.35, 0.85), (0.6, 1.15))
_PAGE_SIDE = 480
_SCAN_SHARE, _SCAN_SKEW_DEG = 0.2, 1.5
_PANELS, _PANELS_ON_SCANS = 0.3, 0.5
_CARD_SHARE, _STRIP_SHARE, _TINTED_SHARE, _DARK_SHARE = 0.08, 0.1, 0.25, 0.08
_KINDS = {"bend": 0.2, "cone": 0.13, "fold": 0.2, "curl": 0.12, "book": 0.05, "crumple": 0.15, "mixed": 0.15}
_BASE = SynthConfig(
    kinds=_KINDS,
    mesh_factor=1,
    key_lights=4,
    turn_jitter_deg=8,
    any_turn=0.6,
    flattened=0.3,
    crumple=(0.4, 2.2),
    blur_px=(0.2, 1.4),
    fingers=0.4,
    clutter=0.5,
    photographer_shadow=0.4,
)


def main(arguments: list[str]) -> None:
    """The command line of ``python -m train page_photos``."""
    parser = argparse.ArgumentParser(prog="python -m train page_photos", description=__doc__)
    parser.add_argument("--pages", type=Path, required=True, metavar="DIR", help="flat pages: pictures and PDFs")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a folder for the photos")
    parser.add_argument("--count", type=int, default=4000, help="photos in all (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="%(default)s")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw (%(default)s)")
    options = parser.parse_args(arguments)
    draw(options.pages, options.output, options.count, options.seed, options.workers)


def draw(pages: Path, output: Path, count: int, seed: int, workers: int = 1) -> None:
    """Write ``NNNN.npz``: ``images`` (N, H, W, 3) and ``masks`` (N, H, W), uint8 at ``STORED_HW``; ``aspects`` (N,).

    Args:
        pages: a folder of pictures and PDFs.
        output: the folder to make; files that are there are kept.
        count: photos in all; fewer where a page can't be read or isn't seen.
        seed: of the choice of pages and of the photos.
        workers: processes; the photos don't depend on how many.

    Raises:
        InputError: there are no pages, or none of a file's can be read and seen.
    """
    draw_files(output, count, PHOTOS_PER_FILE, partial(_Artist, pages, seed), workers)


class _Artist:
    """Draws photos, one file after another."""

    def __init__(self, pages: Path, seed: int) -> None:
        self._pages, self._seed = Pages(pages, dpi=72), seed
        order = np.random.default_rng(seed).permutation(len(self._pages))
        # A page is photographed several times, but for training or for validation alone.
        self._kept, self._others = np.split(order, [len(order) // VALIDATION_EVERY])
        self._synthesisers = [
            Synthesiser(replace(_BASE, size_wh=frame, coverage=coverage), seed)
            for coverage in _COVERAGES
            for frame in _FRAMES_WH
        ]

    def write(self, path: Path, numbers: range) -> None:
        own = self._kept if is_for_validation(int(path.stem)) else self._others
        done = [_photo(self._pages, own, self._synthesisers, self._seed, number) for number in numbers]
        photos = [photo for photo in done if photo is not None]
        if not photos:
            raise InputError(f"{path.name}: none of {len(numbers)} pages in a row can be read and seen.")
        images, masks, aspects = zip(*photos, strict=True)
        work = path.with_suffix(".part.npz")
        np.savez(work, images=np.stack(images), masks=np.stack(masks), aspects=np.array(aspects, np.float32))
        os.replace(work, path)


def _photo(
    pages: Pages, own: NDArray[np.int64], synthesisers: list[Synthesiser], seed: int, number: int
) -> tuple[ImageArray, NDArray[np.uint8], float] | None:
    """A photo and its mask at ``STORED_HW``, and its width over its height; None where the page can't be read."""
    random = np.random.default_rng([seed, number, 99])
    is_scan = random.random() < _SCAN_SHARE
    has_panels = random.random() < (_PANELS_ON_SCANS if is_scan else _PANELS)
    try:
        page, other = (pages.read(int(own[random.integers(len(own))])) for _ in range(2))
    except DocpreError:
        return None
    page = shaped(page, random)
    if has_panels:
        page = with_panels(page, other, random)
    if is_scan:
        image = scanned(page, random)
        stored = cv2.resize(image, STORED_HW[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        return stored, np.full(STORED_HW, 255, np.uint8), image.shape[1] / image.shape[0]
    synthesiser = synthesisers[int(random.integers(len(synthesisers)))]
    photo = synthesiser([page], [number])
    width, height = synthesiser.config.size_wh
    image, mask = photo.image[0].numpy(), photo.mask[0].numpy().astype(np.uint8) * 255
    if not mask.any():
        return None
    size = STORED_HW[::-1]
    return (
        cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False),
        cv2.resize(mask, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False),
        width / height,
    )


def scanned(page: ImageArray, random: np.random.Generator) -> ImageArray:
    """A page that fills the picture, a little askew and with a scanner's noise: all of it is page."""
    height, width = page.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.normal(0, _SCAN_SKEW_DEG), random.uniform(1, 1.05))
    paper = tuple(float(level) for level in np.median(page.reshape(-1, 3), axis=0))
    page = cv2.warpAffine(page, turn, (width, height), borderValue=paper).astype(np.float32)
    shade = np.linspace(1, random.uniform(0.9, 1), width)[None, :, None]
    noise = random.normal(0, random.uniform(0, 6), page.shape)
    return np.clip(page * shade * random.uniform(0.85, 1) + noise, 0, 255).astype(np.uint8)


def shaped(page: ImageArray, random: np.random.Generator) -> ImageArray:
    """A page as it is, or a strip or a card of it, on white, coloured or dark paper.

    Args:
        page: (H, W, 3) RGB uint8.
        random: source of chance.
    """
    height, width = page.shape[:2]
    kind = random.random()
    if kind < _STRIP_SHARE:
        narrow = max(16, round(min(width, height / random.uniform(2, 4.5))))
        left = int(random.integers(0, width - narrow + 1))
        page = page[:, left : left + narrow]
    elif kind < _STRIP_SHARE + _CARD_SHARE:
        low = max(16, round(min(height, width / random.uniform(1.3, 2))))
        top = int(random.integers(0, height - low + 1))
        page = page[top : top + low]
    scale = _PAGE_SIDE / max(page.shape[:2])
    size = tuple(max(16, round(side * scale)) for side in page.shape[1::-1])
    resized = cv2.resize(page, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    page = resized.astype(np.uint8, copy=False)
    colour = random.random()
    if colour < _DARK_SHARE:
        page = 255 - page
    elif colour < _DARK_SHARE + _TINTED_SHARE:
        tint = random.uniform(0.45, 1, 3) * random.uniform(0.7, 1)
        page = np.clip(page * tint, 0, 255)
    return page.astype(np.uint8)

"""``python -m train synthetic_pairs``: photos of flat pages, equally many of each kind, beside pages and true grids.

A folder for ``python -m train evaluate pairs``, to compare models where nothing was trained: give it pages and a seed
that no training has seen. A run that is stopped goes on with the next photo.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from docpre.errors import ConfigError, InputError
from docpre.loading import ImageArray
from train.data.pages import Pages
from train.evaluate.predictions import write_png
from train.synth import SynthConfig, Synthesiser
from train.synth.config import KINDS

_PHOTO_WH = (976, 1424)
_DPI = 150.0
# A flat page is compared as a scanner gives it. Blank paper without any grain has no descriptor in SIFT flow, which
# then looks for the smoothest place of the photo: LD would tell of light and noise where nothing is printed.
_WHITE, _GRAIN = 0.97, 2.0  # of full scale; standard deviation in levels
# Pages with less ink than this, as a share of their pixels, show nothing that a measure could compare.
_LEAST_INK, _INK_UNDER = 0.01, 160


def main(arguments: list[str]) -> None:
    """The command line of ``python -m train synthetic_pairs``."""
    parser = argparse.ArgumentParser(prog="python -m train synthetic_pairs", description=__doc__)
    parser.add_argument("--pages", type=Path, required=True, metavar="DIR", help="flat pages: pictures and PDFs")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="for photo/, reference/, grid/")
    parser.add_argument("--count", type=int, default=200, help="photos in all (%(default)s)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS[1:]), help="default: all but scan")
    parser.add_argument("--coverage", nargs=2, type=float, default=(0.4, 0.9), help="see SynthConfig (%(default)s)")
    parser.add_argument("--any_turn", type=float, default=0.0, help="share of pages at any turn (%(default)s)")
    parser.add_argument(
        "--photo_wh", nargs=2, type=int, default=_PHOTO_WH, help="width and height in pixels (%(default)s)"
    )
    parser.add_argument("--dpi", type=float, default=_DPI, help="at which PDFs are rendered (%(default)s)")
    parser.add_argument("--seed", type=int, default=20_000, help="%(default)s")
    options = parser.parse_args(arguments)
    write_pairs(
        options.pages,
        options.output,
        options.count,
        tuple(options.kinds),
        (options.coverage[0], options.coverage[1]),
        options.any_turn,
        options.seed,
        (options.photo_wh[0], options.photo_wh[1]),
        options.dpi,
    )


def write_pairs(
    pages: Path,
    output: Path,
    count: int,
    kinds: tuple[str, ...],
    coverage: tuple[float, float],
    any_turn: float,
    seed: int,
    photo_wh: tuple[int, int] = _PHOTO_WH,
    dpi: float = _DPI,
) -> None:
    """Write ``photo/KIND_NUMBER.png``, ``reference/KIND_NUMBER.png`` and ``grid/KIND_NUMBER.npy``.

    The reference is the flat page with a scanner's grain, as the benchmarks' references have it; the grid is the true
    one, see ``train.synth.Photos.grid_xy``. Each document gives a page before any gives two.

    Args:
        pages: a folder of pictures and PDFs.
        output: the folder to make; photos that are there are kept.
        count: photos in all; the kinds take turns.
        kinds: see ``train.synth.config.KINDS``.
        coverage, any_turn: see ``SynthConfig``.
        seed: of the choice of pages and of the photos.
        photo_wh: width and height of the photos in pixels.
        dpi: at which PDF pages are rendered.

    Raises:
        ConfigError: there is nothing to do by these arguments.
        InputError: there are no pages, or none of them shows anything.
    """
    if count < 1 or not kinds:
        raise ConfigError(f"There is nothing to draw: {count} photos of {len(kinds)} kinds.")
    source = Pages(pages, dpi=dpi)
    order = _each_document_in_turn(source.documents, np.random.default_rng(seed))
    try:
        config = SynthConfig(size_wh=photo_wh, coverage=coverage, any_turn=any_turn, blur_px=(0.2, 0.6))
    except ValueError as error:
        raise ConfigError(f"Such photos can't be drawn: {error}.") from error
    photographers = {kind: Synthesiser(replace(config, kinds={kind: 1.0}), seed) for kind in kinds}
    place = 0
    for number in tqdm(range(count), unit="photo"):
        kind = kinds[number % len(kinds)]
        name = f"{kind}_{number:03d}"
        photo, reference = (output / what / f"{name}.png" for what in ("photo", "reference"))
        grid = output / "grid" / f"{name}.npy"
        for _ in range(len(order)):
            flat = source.read(order[place % len(order)])
            place += 1
            if (flat.min(2) < _INK_UNDER).mean() >= _LEAST_INK:
                break
        else:
            raise InputError(f"{pages}: no page has anything on it.")
        if photo.is_file() and reference.is_file() and grid.is_file():
            continue
        shot = photographers[kind]([flat], [number])
        write_png(reference, scanned(flat, np.random.default_rng((seed, number))))
        grid.parent.mkdir(parents=True, exist_ok=True)
        np.save(grid, shot.grid_xy[0].cpu().numpy())
        write_png(photo, shot.image[0].cpu().numpy())


def scanned(flat: ImageArray, random: np.random.Generator) -> ImageArray:
    """A drawn page (H, W, 3) uint8 with the white and the grain of a scanner, which is gray."""
    grain = random.normal(0, _GRAIN, (*flat.shape[:2], 1))
    return np.clip(np.round(_WHITE * flat + grain), 0, 255).astype(np.uint8)


def _each_document_in_turn(documents: Sequence[str], random: np.random.Generator) -> list[int]:
    """All pages in a random order in which each document comes once before any comes again."""
    shuffled = random.permutation(len(documents))
    seen: dict[str, int] = {}
    turns = []
    for index in shuffled:
        turns.append(seen.get(documents[index], 0))
        seen[documents[index]] = turns[-1] + 1
    return [int(index) for index in shuffled[np.argsort(turns, kind="stable")]]

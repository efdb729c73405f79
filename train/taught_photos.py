"""``python -m train taught_photos``: photos of flat pages with their true grids and a teacher's, kept in files.

A light network for unwarping learns from many of them, changed anew each time, so they are drawn, and the teacher is
asked, once. A run that is stopped goes on with the next file.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.errors import DocpreError, InputError
from docpre.loading import ImageArray
from docpre.unwarping import Unwarper, UnwarpingOptions
from train.data.flat_pages import FlatPages
from train.data.source import GRID_HW, WarpedPage
from train.losses import at_nodes
from train.synth import SynthConfig

#: Photos are kept in this size, half as large again as the light network's input, and so many to a file.
STORED_HW = (480, 336)
PHOTOS_PER_FILE = 40

_CONFIG = SynthConfig(mesh_factor=1, key_lights=4, turn_jitter_deg=8, any_turn=0.02, coverage=(0.33, 1.1))


def main(arguments: list[str]) -> None:
    """The command line of ``python -m train taught_photos``."""
    parser = argparse.ArgumentParser(prog="python -m train taught_photos", description=__doc__)
    parser.add_argument("--pages", type=Path, required=True, metavar="DIR", help="flat pages: pictures and PDFs")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a folder for the photos")
    parser.add_argument("--count", type=int, default=2000, help="photos in all (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="%(default)s")
    parser.add_argument("--teacher", default="UVDoc", help="an unwarping model (%(default)s)")
    options = parser.parse_args(arguments)
    draw(options.pages, options.output, options.count, options.seed, options.teacher)


def draw(pages: Path, output: Path, count: int, seed: int, teacher: str, config: SynthConfig = _CONFIG) -> None:
    """Write ``NNNN.npz``: ``images`` (N, 480, 336, 3) uint8, ``true_xy`` and ``taught_xy`` (N, 2, 45, 31), ``names``.

    The teacher sees a photo in full size. A page that can't be read is left out, and said.

    Args:
        pages: a folder of pictures and PDFs, which take turns in a random order.
        output: the folder to make; files that are there are kept.
        count: photos in all.
        seed: of the order of the pages and of the photos.
        teacher: name of an unwarping model.
        config: what the photos are like.

    Raises:
        InputError: there are no pages, or none of a file's can be read.
    """
    output.mkdir(parents=True, exist_ok=True)
    source = FlatPages(pages, config, seed=seed, keep_pages=False)
    unwarper = Unwarper(EnginePool("unwarping", teacher, None, RuntimeOptions()), UnwarpingOptions(refine=False))
    order = np.random.default_rng(seed).permutation(len(source))
    for file in tqdm(range(-(-count // PHOTOS_PER_FILE)), unit="file"):
        path = output / f"{file:04d}.npz"
        if path.exists():
            continue
        done: list[tuple[str, WarpedPage]] = []
        for number in range(file * PHOTOS_PER_FILE, min((file + 1) * PHOTOS_PER_FILE, count)):
            index = int(order[number % len(order)])
            try:
                done.append((source.documents[index], source.read(index, number)))
            except DocpreError as error:
                tqdm.write(f"left out: {error}")
        if not done:
            raise InputError(f"{pages}: none of {PHOTOS_PER_FILE} pages in a row can be read.")
        photos = [photo for _, photo in done]
        work = path.with_suffix(".part.npz")
        np.savez(
            work,
            images=np.stack([_stored(photo.image) for photo in photos]),
            true_xy=np.stack([photo.grid_xy for photo in photos]),
            taught_xy=np.stack([_taught(unwarper, photo.image) for photo in photos]),
            names=np.array([name for name, _ in done]),
        )
        os.replace(work, path)


def _stored(image: ImageArray) -> ImageArray:
    return cv2.resize(image, STORED_HW[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _taught(unwarper: Unwarper, image: ImageArray) -> NDArray[np.float32]:
    return at_nodes(torch.from_numpy(unwarper.grids([image])), GRID_HW)[0].numpy()

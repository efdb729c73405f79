"""``python -m train taught_photos``: photos of flat pages with their true grids and a teacher's, kept in files.

A network for unwarping learns from many of them, changed anew each time, so they are drawn, and the teacher is asked,
once. A run that is stopped goes on with the next file.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from functools import partial
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
from docpre.unwarper import Unwarper
from docpre.unwarping_options import UnwarpingOptions
from train.data.flat_pages import FlatPages
from train.data.source import GRID_HW, WarpedPage
from train.drawn_files import draw_files
from train.losses import at_nodes
from train.synth import SynthConfig

PHOTOS_PER_FILE = 40
_JPEG_QUALITY = 95

# Real sheets were mostly in a pocket or a letter: creases are drawn more often, and deeper, than by default.
_KINDS = {
    "scan": 0.06,
    "bend": 0.13,
    "cone": 0.1,
    "fold": 0.2,
    "curl": 0.1,
    "book": 0.1,
    "crumple": 0.18,
    "mixed": 0.13,
}
_CONFIG = SynthConfig(
    mesh_factor=1,
    kinds=_KINDS,
    extra_folds=0.5,
    flattened=0.6,
    crumple=(0.5, 2.5),
    turn_jitter_deg=8,
    any_turn=0.02,
    coverage=(0.33, 1.1),
    key_lights=4,
    blur_px=(0.25, 1.0),
)


@dataclass(frozen=True)
class Teacher:
    """An unwarping model, and what runs it: see ``docpre.engines.RuntimeOptions``."""

    name: str = "UVDoc"
    engine: str = "onnxruntime"
    precision: str = "fp32"


def main(arguments: list[str]) -> None:
    """The command line of ``python -m train taught_photos``."""
    parser = argparse.ArgumentParser(prog="python -m train taught_photos", description=__doc__)
    parser.add_argument("--pages", type=Path, required=True, metavar="DIR", help="flat pages: pictures and PDFs")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a folder for the photos")
    parser.add_argument("--count", type=int, default=2000, help="photos in all (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="%(default)s")
    parser.add_argument("--teacher", default="UVDoc", help="an unwarping model (%(default)s)")
    parser.add_argument("--engine", default="onnxruntime", help="which runs the teacher (%(default)s)")
    parser.add_argument("--precision", default="fp32", help="of the teacher (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw (%(default)s)")
    options = parser.parse_args(arguments)
    teacher = Teacher(options.teacher, options.engine, options.precision)
    draw(options.pages, options.output, options.count, options.seed, teacher, workers=options.workers)


def draw(
    pages: Path,
    output: Path,
    count: int,
    seed: int,
    teacher: Teacher,
    config: SynthConfig = _CONFIG,
    workers: int = 1,
) -> None:
    """Write ``NNNN.npz``: the photos as JPEG, all in ``jpegs`` (bytes), each up to its place in ``ends`` (N,);
    ``size_hw``, ``true_xy`` and ``taught_xy`` (N, 2, 45, 31), ``names``.

    A page that can't be read is left out, and said.

    Args:
        pages: a folder of pictures and PDFs, which take turns in a random order.
        output: the folder to make; files that are there are kept.
        count: photos in all.
        seed: of the order of the pages and of the photos.
        teacher: what is asked about each photo.
        config: what the photos are like.
        workers: processes; the photos don't depend on how many.

    Raises:
        InputError: there are no pages, or none of a file's can be read.
    """
    draw_files(output, count, PHOTOS_PER_FILE, partial(_Artist, pages, seed, teacher, config), workers)


class _Artist:
    """Draws photos and asks the teacher, one file after another."""

    def __init__(self, pages: Path, seed: int, teacher: Teacher, config: SynthConfig) -> None:
        self._source = FlatPages(pages, config, seed=seed, keep_pages=False)
        self._size_hw = config.size_wh[::-1]
        options = RuntimeOptions(engine=teacher.engine, precision=teacher.precision)
        pool = EnginePool("unwarping", teacher.name, None, options)
        self._unwarper = Unwarper(pool, UnwarpingOptions(refine=False))
        self._order = np.random.default_rng(seed).permutation(len(self._source))

    def write(self, path: Path, numbers: range) -> None:
        done: list[tuple[str, WarpedPage]] = []
        for number in numbers:
            index = int(self._order[number % len(self._order)])
            try:
                done.append((self._source.documents[index], self._source.read(index, number)))
            except DocpreError as error:
                tqdm.write(f"left out: {error}")
        if not done:
            raise InputError(f"{path.name}: none of {len(numbers)} pages in a row can be read.")
        photos = [photo for _, photo in done]
        jpegs = [_jpeg(photo.image) for photo in photos]
        work = path.with_suffix(".part.npz")
        np.savez(
            work,
            jpegs=np.concatenate(jpegs),
            ends=np.cumsum([len(jpeg) for jpeg in jpegs]),
            size_hw=np.array(self._size_hw),
            true_xy=np.stack([photo.grid_xy for photo in photos]),
            taught_xy=np.stack([self._taught(photo.image) for photo in photos]),
            names=np.array([name for name, _ in done]),
        )
        os.replace(work, path)

    def _taught(self, image: ImageArray) -> NDArray[np.float32]:
        return at_nodes(torch.from_numpy(self._unwarper.grids([image])), GRID_HW)[0].numpy()


def _jpeg(image: ImageArray) -> NDArray[np.uint8]:
    return cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]

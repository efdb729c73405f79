"""Files that are drawn once for a training, by several processes; a run that is stopped goes on with the next file."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Protocol

import cv2
import torch
from tqdm import tqdm


class Artist(Protocol):
    """Draws the samples of some numbers into one file."""

    def write(self, path: Path, numbers: range) -> None: ...


def draw_files(output: Path, count: int, per_file: int, start: Callable[[], Artist], workers: int) -> None:
    """Write ``0000.npz``, ``0001.npz`` and so on, each with its share of the numbers from 0 to ``count``.

    Args:
        output: the folder to make; files that are there are kept.
        count: samples in all.
        per_file: samples to a file.
        start: makes an artist, in each process anew; what it draws may hang on the numbers alone.
        workers: processes; 1: this one alone.

    Raises:
        DocpreError: what ``start`` and ``Artist.write`` raise.
    """
    output.mkdir(parents=True, exist_ok=True)
    places = range(0, count, per_file)
    files = {output / f"{file:04d}.npz": range(at, min(at + per_file, count)) for file, at in enumerate(places)}
    missing = [(path, numbers) for path, numbers in files.items() if not path.exists()]
    artist = start()  # also where others draw: what is wrong with the pages is said by this process
    with tqdm(total=len(files), initial=len(files) - len(missing), unit="file") as bar:
        if workers < 2:
            for path, numbers in missing:
                artist.write(path, numbers)
                bar.update()
            return
        threads = max(1, torch.get_num_threads() // workers)
        started = partial(_start, start, threads)
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), started) as pool:
            tasks = [pool.submit(_write, path, numbers) for path, numbers in missing]
            try:
                for task in as_completed(tasks):
                    task.result()
                    bar.update()
            finally:
                pool.shutdown(cancel_futures=True)


_artist: Artist  # of a process that draws


def _start(start: Callable[[], Artist], threads: int) -> None:
    global _artist
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    _artist = start()


def _write(path: Path, numbers: range) -> None:
    _artist.write(path, numbers)

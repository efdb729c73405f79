"""Draws a sheet of samples to look at.

`python -m train.synth.sheet --output sheet.png [--pages DIR] [--beside DIR]`
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from train.synth.config import KINDS, SynthConfig
from train.synth.page import draw_page
from train.synth.synthesiser import Synthesiser

_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")


def read_pages(folder: Path) -> list[NDArray[np.uint8]]:
    """Read a folder's pictures.

    Args:
        folder: a folder with one picture or more.

    Returns:
        RGB uint8 pages, (H, W, 3), in the order of their names.

    Raises:
        ValueError: if a picture can't be read or there is none.
    """
    pages = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _SUFFIXES:
            picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if picture is None:
                raise ValueError(f"{path}: not a picture that OpenCV reads")
            pages.append(np.ascontiguousarray(picture[..., ::-1]).astype(np.uint8))
    if not pages:
        raise ValueError(f"{folder}: no picture in it ({', '.join(_SUFFIXES)})")
    return pages


def crop_to(picture: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """The middle of a picture, scaled to fill a size.

    Args:
        picture: (H, W, 3) uint8.
        size_wh: width and height.

    Returns:
        (height, width, 3) uint8.
    """
    width, height = size_wh
    scale = max(width / picture.shape[1], height / picture.shape[0])
    size = max(width, round(picture.shape[1] * scale)), max(height, round(picture.shape[0] * scale))
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    top, left = (size[1] - height) // 2, (size[0] - width) // 2
    return scaled[top : top + height, left : left + width]


def draw_sheet(
    pages: list[NDArray[np.uint8]],
    count: int,
    columns: int,
    config: SynthConfig,
    seed: int,
    show_grid: bool,
    beside: list[NDArray[np.uint8]],
) -> NDArray[np.uint8]:
    """Draw samples side by side.

    Args:
        pages: RGB uint8 pages, taken in turn.
        count: how many samples.
        columns: samples a row.
        config: the synthesiser's ranges.
        seed: the synthesiser's seed.
        show_grid: whether the true grid is drawn over every sample.
        beside: real photos, RGB uint8, that rows of samples alternate with while there are any.

    Returns:
        (H, W, 3) RGB uint8.
    """
    synthesiser = Synthesiser(config, seed)
    width, height = config.size_wh
    cells = []
    for first in range(0, count, 8):
        numbers = range(first, min(first + 8, count))
        photos = synthesiser([pages[n % len(pages)] for n in numbers], list(numbers))
        for i in range(len(photos)):
            picture = np.ascontiguousarray(photos.image[i].cpu().numpy())
            if show_grid:
                nodes = photos.grid_xy[i].permute(1, 2, 0).cpu().numpy()
                nodes = (nodes + 1) / 2 * [width - 1, height - 1]
                lines = [*nodes[::4], *nodes.transpose(1, 0, 2)[::3]]
                for line in lines:
                    cv2.polylines(picture, [line.round().astype(np.int32)], False, (255, 0, 60), 1, cv2.LINE_AA)
            cells.append(picture)
    blank = np.full((height, width, 3), 255, np.uint8)
    cells += [blank] * (-len(cells) % columns)
    real = [crop_to(photo, config.size_wh) for photo in beside]
    real += [blank] * (-len(real) % columns)
    rows = []
    for i in range(0, max(len(cells), len(real)), columns):
        rows += [np.hstack(some[i : i + columns]) for some in (real, cells) if some[i : i + columns]]
    return np.vstack(rows)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, draw the sheet, write it."""
    parser = argparse.ArgumentParser(prog="python -m train.synth.sheet", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="picture file to write")
    parser.add_argument("--pages", type=Path, help="folder of flat pages; drawn ones without it")
    parser.add_argument("--beside", type=Path, help="folder of real photos to lay the samples beside")
    parser.add_argument("--count", type=int, default=24, help="samples (24)")
    parser.add_argument("--columns", type=int, default=8, help="samples a row (8)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the samples (0)")
    parser.add_argument("--kind", choices=KINDS, help="only this kind of page")
    parser.add_argument("--grid", action="store_true", help="draw the true grid over each sample")
    chosen = parser.parse_args(arguments)
    config = SynthConfig(kinds={chosen.kind: 1.0}) if chosen.kind else SynthConfig()
    pages = read_pages(chosen.pages) if chosen.pages else [draw_page(i) for i in range(12)]
    beside = read_pages(chosen.beside) if chosen.beside else []
    sheet = draw_sheet(pages, chosen.count, chosen.columns, config, chosen.seed, chosen.grid, beside)
    if not cv2.imwrite(str(chosen.output), np.ascontiguousarray(sheet[..., ::-1])):
        parser.error(f"can't write {chosen.output}")
    print(f"{chosen.count} samples in {chosen.output}")


if __name__ == "__main__":
    main()

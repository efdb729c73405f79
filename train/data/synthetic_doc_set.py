"""SyntheticDoc: uncompressed zip shards, one folder a sample, with a backward map."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.errors import InputError
from docpre.loading import ImageArray, array_to_rgb
from train.data.pages import page_files
from train.data.source import GRID_HW, WarpedPage, WarpedSource
from train.data.tight_crop import normalised_grid

_MAP_HW = (177, 121)
_STEP = (_MAP_HW[0] - 1) // (GRID_HW[0] - 1)
_BEYOND = 1.5  # how far outside the frame, in half frames, a map may point before it counts as damaged

MapUnit = Literal["normalised", "pixel"]


class SyntheticDocSet(WarpedSource):
    """SyntheticDoc's ``train_000.zip`` and so on, read in place: ``render.png`` and ``backward_map.npy`` a sample.

    A document is the flat page that was rendered (``files.document`` in ``metadata.json``). The set has no 3D grids
    that UVDoc's head could learn from.

    Args:
        path: one shard, or a folder of them.
        map_unit: what the maps are in: ``normalised``, [-1, 1] with corners aligned, or ``pixel`` of the render. Every
            map is checked against it, and refused if it is in the other, or in neither.
    """

    def __init__(self, path: Path, map_unit: MapUnit = "normalised") -> None:
        self.path, self._map_unit = Path(path).expanduser(), map_unit
        self._samples: list[tuple[Path, str]] = []
        self.documents = []
        for shard in page_files(self.path, (".zip",)):
            with _opened(shard) as content:
                names = sorted(name for name in content.namelist() if name.endswith("/render.png"))
                if not names:
                    raise InputError(f"{shard}: it has no folder with a render.png.")
                for name in names:
                    folder = name.removesuffix("render.png")
                    self._samples.append((shard, folder))
                    self.documents.append(_document(content, shard, folder))
        self._open: dict[Path, zipfile.ZipFile] = {}

    def read(self, index: int, number: int) -> WarpedPage:
        shard, folder = self._samples[index]
        if shard not in self._open:
            self._open = {shard: _opened(shard)}  # one at a time: a set has a thousand shards
        content = self._open[shard]
        where = f"{shard}, {folder}"
        image = _picture(_member(content, shard, folder + "render.png"), where)
        raw = _member(content, shard, folder + "backward_map.npy")
        try:
            backward_map = np.load(io.BytesIO(raw), allow_pickle=False)
        except ValueError as error:
            raise InputError(f"{where}backward_map.npy: it is not a NumPy array ({error}).") from error
        grid_xy = checked_map(backward_map, image.shape[:2], self._map_unit, where + "backward_map.npy")
        return WarpedPage(image, grid_xy)

    def describe(self) -> dict[str, Any]:
        return self._described(path=str(self.path), map_unit=self._map_unit)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}  # open files don't travel to loader processes


def checked_map(backward_map: NDArray[Any], size_hw: tuple[int, int], unit: MapUnit, where: str) -> NDArray[np.float32]:
    """A backward map as a grid.

    Args:
        backward_map: (177, 121, 2).
        size_hw: the render's size.
        unit: what the map is said to be in.
        where: name of the map for messages.

    Returns:
        (2, 45, 31) in [-1, 1], corners aligned.

    Raises:
        InputError: the shape or the range is wrong.
    """
    if backward_map.shape != (*_MAP_HW, 2) or backward_map.dtype.kind != "f":
        raise InputError(f"{where}: {backward_map.shape} {backward_map.dtype}, not {(*_MAP_HW, 2)} of floats.")
    nodes = backward_map[::_STEP, ::_STEP].astype(np.float64)
    if not np.isfinite(nodes).all():
        raise InputError(f"{where}: it holds values that are not finite.")
    low, high = nodes.min((0, 1)), nodes.max((0, 1))
    found = f"x from {low[0]:.3g} to {high[0]:.3g}, y from {low[1]:.3g} to {high[1]:.3g}"
    grid_xy = np.moveaxis(nodes, -1, 0).astype(np.float32) if unit == "normalised" else normalised_grid(nodes, size_hw)
    spread = np.ptp(grid_xy, (1, 2))
    # A map in pixels read as normalised is hundreds wide; a normalised one read as pixels is a speck in the corner.
    if np.abs(grid_xy).max() > 1 + 2 * _BEYOND or spread.min() < 0.05:
        raise InputError(f"{where}: its range ({found}) is not that of a map in {unit} units; see map_unit.")
    return grid_xy


def _opened(shard: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(shard)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{shard}: it is not a zip file, or it is damaged ({error}).") from error


def _member(content: zipfile.ZipFile, shard: Path, name: str) -> bytes:
    try:
        return content.read(name)
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{shard}: can't read {name} in it ({error}).") from error


def _document(content: zipfile.ZipFile, shard: Path, folder: str) -> str:
    try:
        return str(json.loads(_member(content, shard, folder + "metadata.json"))["files"]["document"])
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{shard}: {folder}metadata.json does not say files.document ({error!r}).") from error


def _picture(raw: bytes, where: str) -> ImageArray:
    decoded = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise InputError(f"{where}render.png: it is not a picture.")
    return array_to_rgb(decoded.astype(np.uint8, copy=False))

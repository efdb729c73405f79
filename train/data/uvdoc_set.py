"""The UVDoc set (Verhoeven et al., 2023) in the layout in which it is published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from docpre.errors import InputError
from train.data.hdf5 import read_mat
from train.data.pages import page_files, read_page
from train.data.source import WarpedPage, WarpedSource
from train.data.tight_crop import crop_to_grid, drawn_margins

# Maximum and minimum of x, y and z (towards the camera, right, up) over the set; UVDoc's meshes are scaled by them.
MESH_MAX = (0.11433014, 0.12401487, 0.1952378)
MESH_MIN = (-0.12551452, -0.12401487, -0.1952378)
_CAPTURED_HW = (89, 61)


class UVDocSet(WarpedSource):
    """UVDoc: ``img/{id}.png``, ``metadata_sample/{id}.json``, ``grid2d/{geometry}.mat``, ``grid3d/{geometry}.mat``.

    A document is a geometry: a sheet as it was captured, with whatever texture.

    Args:
        path: the set's folder.
        margin_px: least and most pixels kept around the page on each side; the rest of the photo is cut away.
    """

    def __init__(self, path: Path, margin_px: tuple[int, int] = (0, 20)) -> None:
        self.path, self._margin_px = Path(path).expanduser(), margin_px
        for folder in ("img", "metadata_sample", "grid2d", "grid3d"):
            if not (self.path / folder).is_dir():
                raise InputError(f"{self.path}: a UVDoc set has a folder {folder}; this one has not.")
        self._images = page_files(self.path / "img", (".png",))
        self.documents = [self._geometry(image.stem) for image in self._images]

    def read(self, index: int, number: int) -> WarpedPage:
        geometry = self.documents[index]
        nodes_xy = read_mat(self.path / "grid2d" / f"{geometry}.mat", "grid2d", (*_CAPTURED_HW, 2))[::2, ::2]
        mesh = read_mat(self.path / "grid3d" / f"{geometry}.mat", "grid3d", (*_CAPTURED_HW, 3))[::2, ::2]
        mesh = (mesh - MESH_MIN) / np.subtract(MESH_MAX, MESH_MIN)
        image, grid_xy = crop_to_grid(read_page(self._images[index]), nodes_xy, drawn_margins(self._margin_px, number))
        return WarpedPage(image, grid_xy, np.moveaxis(mesh, -1, 0).astype(np.float32))

    def describe(self) -> dict[str, Any]:
        return self._described(path=str(self.path))

    def _geometry(self, name: str) -> str:
        path = self.path / "metadata_sample" / f"{name}.json"
        try:
            return str(json.loads(path.read_text("utf-8"))["geom_name"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: it does not say geom_name, which the grids are found by ({error!r}).") from error

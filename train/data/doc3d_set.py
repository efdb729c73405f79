"""Doc3D (Das et al., 2019) with the grids that UVDoc's authors made for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docpre.errors import InputError
from train.data.hdf5 import read_mat
from train.data.pages import read_page
from train.data.source import GRID_HW, WarpedPage, WarpedSource
from train.data.tight_crop import crop_to_grid, drawn_margins

_X = (1.2539363, -1.2442188)
_Y = (1.2396319, -1.2289206)
_Z = (0.6436657, -0.67492497)
_SIZE_HW = (448, 448)


def scaled_mesh(grid3d: NDArray[np.float64]) -> NDArray[np.float32]:
    """Doc3D's 3D grid (45, 31, 3) as UVDoc scales and turns it: (3, 45, 31) in about [0, 1]."""
    ranges = np.array([_Z, _Y, _X])
    mesh = (grid3d - ranges[:, 1]) / (ranges[:, 0] - ranges[:, 1])
    mesh[..., 1] = 1 - mesh[:, ::-1, 1]
    return np.moveaxis(mesh, -1, 0).astype(np.float32)


class Doc3DSet(WarpedSource):
    """Doc3D: ``img/{n}/{name}.png``, ``grid2D/{n}/{name}.mat``, ``grid3D/{n}/{name}.mat``, and lists of names.

    A document is a sheet: the part of the name before ``-``.

    Args:
        path: the set's folder.
        list_file: which samples, one ``{n}/{name}`` a line: ``traindoc.txt`` or ``valdoc3D.txt``.
        margin_px: least and most pixels kept around the page on each side; the rest of the photo is cut away.
    """

    def __init__(self, path: Path, list_file: str = "traindoc.txt", margin_px: tuple[int, int] = (0, 20)) -> None:
        self.path, self.list_file, self._margin_px = Path(path).expanduser(), list_file, margin_px
        try:
            text = (self.path / list_file).read_text("utf-8")
        except OSError as error:
            raise InputError(f"{self.path / list_file}: the list can't be read ({error.strerror or error}).") from error
        self._names = [line.strip() for line in text.splitlines() if line.strip()]
        if not self._names:
            raise InputError(f"{self.path / list_file}: it names no samples.")
        for name in self._names:
            if not (self.path / "img" / f"{name}.png").is_file():
                raise InputError(f"{self.path / list_file} names {name}, but there is no img/{name}.png.")
        self.documents = [name.split("-")[0] for name in self._names]

    def read(self, index: int, number: int) -> WarpedPage:
        name = self._names[index]
        image = read_page(self.path / "img" / f"{name}.png")
        if image.shape[:2] != _SIZE_HW:
            raise InputError(f"{self.path / 'img' / name}.png: {image.shape[1]}x{image.shape[0]} pixels, not 448x448.")
        nodes_xy = read_mat(self.path / "grid2D" / f"{name}.mat", "grid2D", (*GRID_HW, 2))
        mesh = scaled_mesh(read_mat(self.path / "grid3D" / f"{name}.mat", "grid3D", (*GRID_HW, 3)))
        image, grid_xy = crop_to_grid(image, nodes_xy, drawn_margins(self._margin_px, number))
        return WarpedPage(image, grid_xy, mesh)

    def describe(self) -> dict[str, Any]:
        return self._described(path=str(self.path), list_file=self.list_file)

"""Photos made from flat pages alone: the synthesiser as a source of training data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.errors import ConfigError, InputError
from docpre.loading import ImageArray
from train.data.pages import Pages
from train.data.source import WarpedPage, WarpedSource
from train.synth import SynthConfig, Synthesiser

# Offset and slope by page length of UVDoc's mesh channels (towards the camera, right, up). Fitted to what the
# published network says of synthetic photos of sheets at known places.
_MESH_OFFSET = (0.434, 0.5, 0.5)
_MESH_SLOPE = (-1.5, 1.09, -0.89)


class FlatPages(WarpedSource):
    """Flat pages, photographed anew each time they are read.

    The photo depends on the seed and the sample's number alone, so a run that is resumed sees what it would have seen.

    Args:
        path: a folder of flat pages, pictures or PDFs, or one such file.
        config: what the photos are like; the synthesiser's defaults when None.
        photos_per_page: how many samples a page counts for in one pass.
        seed: of all photos; take another one for pages that are held out.
        dpi: at which PDF pages are rendered.
        max_side_px: longer pages are shrunk to this, once, since photos are small.
        keep_pages: keep the shrunk pages in memory.
        device: where photos are drawn. With ``cuda`` they are drawn by the training process itself: set
            ``data.workers`` to 0.
    """

    def __init__(
        self,
        path: Path,
        config: SynthConfig | None = None,
        photos_per_page: int = 1,
        seed: int = 0,
        dpi: float = 150,
        max_side_px: int = 1600,
        keep_pages: bool = True,
        device: str = "cpu",
    ) -> None:
        if photos_per_page < 1:
            raise ConfigError(f"photos_per_page is at least 1, not {photos_per_page}.")
        self._pages = Pages(path, dpi)
        self._per_page, self._max_side_px, self._seed = photos_per_page, max_side_px, seed
        self._synthesiser = Synthesiser(config, seed, device)
        self._kept: dict[int, ImageArray] | None = {} if keep_pages else None
        self.documents = [name for name in self._pages.documents for _ in range(photos_per_page)]

    def read(self, index: int, number: int) -> WarpedPage:
        return self.read_many([index], [number])[0]

    def read_many(self, indices: Sequence[int], numbers: Sequence[int]) -> list[WarpedPage]:
        pages = [self.flat(index) for index in indices]
        try:
            photos = self._synthesiser(pages, numbers)
        except ValueError as error:
            names = ", ".join(sorted({self.documents[index] for index in indices}))
            raise InputError(f"No photos can be made of {names}: {error}.") from error
        images, grids_xy = photos.image.cpu().numpy(), photos.grid_xy.cpu().numpy()
        meshes = [mesh_from_xyz(grid_xyz) for grid_xyz in photos.grid_xyz.cpu().double().numpy()]
        return [WarpedPage(*parts) for parts in zip(images, grids_xy, meshes, strict=True)]

    def flat(self, index: int) -> ImageArray:
        """The flat page itself that a sample is made from, (H, W, 3) RGB uint8."""
        return self._page(index // self._per_page)

    def describe(self) -> dict[str, Any]:
        return self._described(
            path=str(self._pages.path), seed=self._seed, synthesiser=vars(self._synthesiser.config).copy()
        )

    def _page(self, index: int) -> ImageArray:
        if self._kept is not None and index in self._kept:
            return self._kept[index]
        page = self._pages.read(index)
        scale = self._max_side_px / max(page.shape[:2])
        if scale < 1:
            size_wh = max(1, round(page.shape[1] * scale)), max(1, round(page.shape[0] * scale))
            page = cv2.resize(page, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        if self._kept is not None:
            self._kept[index] = page
        return page


def mesh_from_xyz(grid_xyz: NDArray[np.float64]) -> NDArray[np.float32]:
    """Nodes before the camera as UVDoc's mesh: seen in the page's own frame, and scaled.

    Args:
        grid_xyz: (3, rows, columns): x to the right, y down, z ahead, in lengths of the page.

    Returns:
        (3, rows, columns): towards the camera, right, up, in about [0, 1].
    """
    nodes = np.moveaxis(grid_xyz, 0, -1)
    nodes = nodes - nodes.mean((0, 1))
    right = nodes[:, -1].mean(0) - nodes[:, 0].mean(0)
    right /= np.linalg.norm(right)
    down = nodes[-1].mean(0) - nodes[0].mean(0)
    down -= right * (down @ right)
    down /= np.linalg.norm(down)
    own = np.stack([nodes @ np.cross(right, down), nodes @ right, nodes @ down])
    return (np.reshape(_MESH_OFFSET, (3, 1, 1)) + np.reshape(_MESH_SLOPE, (3, 1, 1)) * own).astype(np.float32)

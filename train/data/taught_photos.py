"""Photos with true and taught grids, as ``python -m train taught_photos`` keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from docpre.errors import ConfigError, InputError
from docpre.loading import ImageArray
from train.data.source import WarpedPage, WarpedSource
from train.data.tight_crop import normalised_grid
from train.fine_structure import fine
from train.grid_figures import grid_error_percent

# Of the picture's sides: what is seen around a page that fills it; below 0, what is cut off.
_AROUND = (-0.03, 0.06)


class TaughtPhotos(WarpedSource):
    """Photos whose grids lie between the truth and what a teacher said.

    A teacher knows how real photos look, which drawn ones only resemble; but it errs. Where its nodes are within
    ``trusted_percent`` of the truth on average (in per cent of the page), the grid is a mean with ``teacher`` parts of
    the teacher's; from there the teacher's part falls, and where it is off by ``distrusted_percent`` the grid is the
    true one.

    Args:
        path: the folder that ``python -m train taught_photos`` made.
        teacher: the teacher's part where it is trusted, 0 to 1. 0: the true grids.
        trusted_percent, distrusted_percent: see above.
        filled: share of the photos that are brought upright by the page's corners, so that it fills the picture with
            its bends: as a network sees a page that is looked at again. Their grids are the true ones, but for the
            teacher's fine structure.
        fine_only: the teacher's part is taken in its grid's fine structure alone (``train.fine_structure``), and the
            percentages above are of that: where the page lies is learnt from the truth, how creases run from a
            teacher that knows real ones.
    """

    def __init__(
        self,
        path: Path,
        teacher: float = 0.5,
        trusted_percent: float = 3.0,
        distrusted_percent: float = 9.0,
        filled: float = 0.0,
        fine_only: bool = False,
    ) -> None:
        if not 0 <= teacher <= 1 or not 0 <= trusted_percent < distrusted_percent or not 0 <= filled <= 1:
            raise ConfigError(
                "teacher and filled lie between 0 and 1, trusted_percent is at least 0 and below distrusted_percent."
            )
        self.path = Path(path).expanduser()
        files = [file for file in sorted(self.path.glob("[0-9]*.npz")) if ".part" not in file.name]
        if not files:
            raise InputError(f"{self.path}: no photos in it. Make them with python -m train taught_photos.")
        kept = [np.load(file) for file in files]
        if any("jpegs" not in content for content in kept):
            raise InputError(f"{self.path}: these photos were drawn by an earlier docpre. Draw them anew.")
        self._jpegs = [jpeg for content in kept for jpeg in np.split(content["jpegs"], content["ends"])[:-1]]
        self._settings = {"teacher": teacher, "trusted_percent": trusted_percent}
        self._settings |= {"distrusted_percent": distrusted_percent, "filled": filled, "fine_only": fine_only}
        true_xy = np.concatenate([content["true_xy"] for content in kept])
        taught_xy = np.concatenate([content["taught_xy"] for content in kept])
        if fine_only:
            taught_xy = true_xy + fine(taught_xy - true_xy)
        part = teacher * trust(true_xy, taught_xy, tuple(kept[0]["size_hw"]), trusted_percent, distrusted_percent)
        self._grids_xy = true_xy + part[:, None, None, None] * (taught_xy - true_xy)
        self._filled, self._filled_xy = filled, self._grids_xy if fine_only else true_xy
        self.documents = [str(name) for content in kept for name in content["names"]]

    def read(self, index: int, number: int) -> WarpedPage:
        random = np.random.default_rng([2411, number])
        decoded = cv2.imdecode(self._jpegs[index], cv2.IMREAD_COLOR_RGB)
        if decoded is None:
            raise InputError(f"{self.path}: photo {index} is damaged.")
        image = decoded.astype(np.uint8, copy=False)
        if random.random() < self._filled:
            return filling(image, self._filled_xy[index], random.uniform(*_AROUND, (4, 2)))
        return WarpedPage(image, self._grids_xy[index])

    def describe(self) -> dict[str, Any]:
        return self._described(path=str(self.path), **self._settings)


def filling(image: ImageArray, grid_xy: NDArray[np.float32], around: NDArray[np.float64]) -> WarpedPage:
    """A photo brought upright by a homography, so that its page fills the picture.

    Args:
        image: (H, W, 3) RGB uint8.
        grid_xy: (2, rows, columns), where the page lies in it.
        around: (4, 2), how far from the picture's corner each of the page's corners comes to lie, inwards, in parts of
            the picture's width and height: top left, top right, bottom right, bottom left.
    """
    height, width = image.shape[:2]
    last_xy = np.array([width - 1, height - 1], np.float64)
    nodes = (np.moveaxis(grid_xy.astype(np.float64), 0, -1) + 1) / 2 * last_xy
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    places = (corners + around * (1 - 2 * corners)) * last_xy
    found = np.stack([nodes[-row, -column] for column, row in corners])
    way = cv2.getPerspectiveTransform(found.astype(np.float32), places.astype(np.float32))
    seen = cv2.warpPerspective(image, way, (width, height), borderMode=cv2.BORDER_REPLICATE)
    moved = np.asarray(cv2.perspectiveTransform(nodes.reshape(1, -1, 2), way), np.float64).reshape(nodes.shape)
    return WarpedPage(seen.astype(np.uint8, copy=False), normalised_grid(moved, (height, width)))


def trust(
    true_xy: NDArray[np.float32],
    taught_xy: NDArray[np.float32],
    size_hw: tuple[int, ...],
    trusted_percent: float,
    distrusted_percent: float,
) -> NDArray[np.float32]:
    """How far a teacher is to be believed on each photo: 1 where it is nearly right, 0 where it is far off.

    Args:
        true_xy, taught_xy: (N, 2, rows, columns).
        size_hw: of the photos.
        trusted_percent, distrusted_percent: see ``TaughtPhotos``.

    Returns:
        (N,) in [0, 1].
    """
    sizes = torch.tensor(size_hw).repeat(len(true_xy), 1)
    off = grid_error_percent(torch.from_numpy(taught_xy), torch.from_numpy(true_xy), sizes).numpy()
    return np.clip((distrusted_percent - off) / (distrusted_percent - trusted_percent), 0, 1).astype(np.float32)

"""From a source to what networks take: sources with turns, augmentation and docpre's own preprocessing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypedDict

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from docpre.closer_look import LONG_SIDE, closer_look
from docpre.loading import ImageArray
from docpre.network_input import has_second_look, normalised, resized
from docpre.registry import ModelSpec
from train.data.augment import Augmenter
from train.data.source import GRID_HW, NO_ANGLE, PageSource, WarpedPage, WarpedSource

Turns = Literal["all", "none"]
# Of a page to train on that is seen from near: the least share of each side that windows are looked for in, so that
# the closer look takes other windows each time.
_LEAST_PART = 0.4
NEAR_SCALES = (0.6, 1.7)
_INK = 10.0  # the standard deviation of a part with a few words in it


class OrientationSample(TypedDict):
    """``image`` (3, H, W) normalised; ``label``: which class of the spec, or ``NO_ANGLE``; ``index``: of the sample in
    its set."""

    image: Tensor
    label: int
    index: int


class UnwarpingSample(TypedDict):
    """``image`` (3, H, W) normalised; ``grid_xy`` (2, 45, 31) in [-1, 1]; ``mesh`` (3, 45, 31), NaN where there is
    none; ``size_hw`` of the photo in pixels, which figures are taken in."""

    image: Tensor
    grid_xy: Tensor
    mesh: Tensor
    size_hw: Tensor


class OrientationSamples(Dataset[OrientationSample]):
    """Pages, each turned by every angle or left as it is.

    Args:
        source: the pages.
        indices: which of them.
        spec: size, normalisation and classes of the network.
        turns: ``all``: each page counts four times, turned by 0, 90, 180 and 270 degrees more; ``none``: as stored.
        augmenter: for training; None: docpre's preprocessing alone.
        max_side_px: for training, longer pages are shrunk to this before they are augmented, which is quicker.
        keep_pages: keep the shrunk pages in memory.
        near: for training, share of samples that show the page from near (``docpre.closer_look``).
        near_scales: the least and largest scale at which a page is seen so, so that letters have many sizes.
    """

    def __init__(
        self,
        source: PageSource,
        indices: Sequence[int],
        spec: ModelSpec,
        turns: Turns = "all",
        augmenter: Augmenter | None = None,
        max_side_px: int = 1024,
        keep_pages: bool = False,
        near: float = 0.0,
        near_scales: tuple[float, float] = NEAR_SCALES,
    ) -> None:
        self._source, self._indices, self._spec = source, indices, spec
        self._quarters = 4 if turns == "all" else 1
        self._augmenter, self._max_side_px = augmenter, max_side_px
        self._kept: dict[int, ImageArray] | None = {} if keep_pages else None
        self._near, self._near_scales = near, near_scales

    def __len__(self) -> int:
        return len(self._indices) * self._quarters

    def __getitem__(self, key: tuple[int, int]) -> OrientationSample:
        index, number = key
        page_index = self._indices[index // self._quarters]
        turn = index % self._quarters
        random = np.random.default_rng([number, 3])
        is_near = self._augmenter is not None and random.random() < self._near
        image = self._seen_from_near(page_index, turn, random) if is_near else np.rot90(self._page(page_index), -turn)
        stored_cw_deg = self._source.angles_cw_deg[page_index]
        angle_cw_deg = (stored_cw_deg + 90 * turn) % 360
        if self._augmenter is not None:
            image, angle_cw_deg = self._augmenter.page(image, angle_cw_deg, number, is_whole=not is_near)
        spec = self._spec if self._augmenter is None else replace(self._spec, near=False)  # seen as it is to be already
        tensor = torch.from_numpy(normalised([resized(np.ascontiguousarray(image), spec)], spec)[0])
        label = NO_ANGLE if stored_cw_deg == NO_ANGLE else self._spec.classes.index(str(angle_cw_deg))
        return {"image": tensor, "label": label, "index": index}

    def _seen_from_near(self, page_index: int, turn: int, random: np.random.Generator) -> ImageArray:
        """A part of a page from near, of the network's size; a line of text comes as it is; turned clockwise by so many
        quarters before windows are looked for, as pages come: which are taken hangs a little on how a page lies."""
        page = self._source.read(page_index)
        if not has_second_look(page, self._spec):
            return np.rot90(page, -turn)
        height, width = page.shape[:2]
        scale = math.exp(random.uniform(*np.log(self._near_scales)))
        largest = min(1.0, 1 / scale)  # a larger part would be shrunk again by the closer look
        part_hw = [max(1, round(side * largest * random.uniform(_LEAST_PART, 1))) for side in (height, width)]
        top, left = int(random.integers(height - part_hw[0] + 1)), int(random.integers(width - part_hw[1] + 1))
        part = page[top : top + part_hw[0], left : left + part_hw[1]]
        if part[::2, ::2].std() < _INK:
            part = page
        scale *= min(1, LONG_SIDE / max(height, width))
        size_wh = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        part = cv2.resize(part, size_wh, interpolation=how).astype(np.uint8, copy=False)
        return closer_look(np.ascontiguousarray(np.rot90(part, -turn)), self._spec.size_hw)

    def _page(self, page_index: int) -> ImageArray:
        if self._kept is not None and page_index in self._kept:
            return self._kept[page_index]
        page = self._source.read(page_index)
        scale = self._max_side_px / max(page.shape[:2])
        if self._augmenter is not None and scale < 1:
            size_wh = max(1, round(page.shape[1] * scale)), max(1, round(page.shape[0] * scale))
            page = cv2.resize(page, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        if self._kept is not None:
            self._kept[page_index] = page
        return page


class UnwarpingSamples(Dataset[UnwarpingSample]):
    """Photos with their grids.

    Args:
        source: the photos.
        indices: which of them.
        spec: size and normalisation of the network.
        augmenter: for training; None: docpre's preprocessing alone.
    """

    def __init__(
        self, source: WarpedSource, indices: Sequence[int], spec: ModelSpec, augmenter: Augmenter | None = None
    ) -> None:
        self._source, self._indices, self._spec, self._augmenter = source, indices, spec, augmenter

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, key: tuple[int, int]) -> UnwarpingSample:
        return self.__getitems__([key])[0]

    def __getitems__(self, keys: Sequence[tuple[int, int]]) -> list[UnwarpingSample]:
        """A batch at once, which torch's loader asks for where it can: a synthesiser is quicker so."""
        pages = self._source.read_many([self._indices[index] for index, _ in keys], [number for _, number in keys])
        if self._augmenter is not None:
            pages = [self._augmenter.warped(page, number) for page, (_, number) in zip(pages, keys, strict=True)]
        return [network_sample(page, self._spec) for page in pages]


def network_sample(page: WarpedPage, spec: ModelSpec) -> UnwarpingSample:
    """A photo as the network sees it. The grid stays as it is: in [-1, 1] it doesn't depend on the picture's size."""
    mesh = np.full((3, *GRID_HW), np.nan, np.float32) if page.mesh is None else page.mesh
    return {
        "image": torch.from_numpy(normalised([resized(page.image, spec)], spec)[0]),
        "grid_xy": torch.from_numpy(np.ascontiguousarray(page.grid_xy, np.float32)),
        "mesh": torch.from_numpy(np.ascontiguousarray(mesh)),
        "size_hw": torch.tensor(page.image.shape[:2]),
    }

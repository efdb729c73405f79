"""LightningDataModules: which sets are trained on and held out, and how they are loaded."""

from __future__ import annotations

from collections.abc import Sized
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import lightning
from torch import Tensor
from torch.utils.data import Dataset

from docpre.errors import ConfigError
from docpre.registry import ModelSpec
from train.data.augment import Augment, Augmenter
from train.data.loader import NumberedLoader
from train.data.page_photos import MaskSamples, PagePhotos
from train.data.samples import NEAR_SCALES, OrientationSamples, Turns, UnwarpingSamples
from train.data.source import PageSource, Source, WarpedSource
from train.data.split import split_by_document

Part = Literal["train", "val", "test"]
AnySource = TypeVar("AnySource", bound=Source)


class SampleData(lightning.LightningDataModule, Generic[AnySource]):
    """What both data modules share: the split, and the loaders."""

    def __init__(
        self,
        train: AnySource,
        val: AnySource | None,
        test: AnySource | None,
        held_out_share: float,
        seed: int,
        batch_size: int,
        workers: int,
    ) -> None:
        super().__init__()
        if batch_size < 1 or workers < 0:
            raise ConfigError(f"batch_size is at least 1 and workers at least 0, not {batch_size} and {workers}.")
        self._seed, self._batch_size, self._workers = seed, batch_size, workers
        if val is None:
            kept, held_out = split_by_document(train.documents, held_out_share, seed)
            self._parts: dict[Part, tuple[AnySource, list[int]]] = {"train": (train, kept), "val": (train, held_out)}
        else:
            self._parts = {"train": (train, list(range(len(train)))), "val": (val, list(range(len(val))))}
        self._training: NumberedLoader | None = None
        self._place: dict[str, int] | None = None
        self._parts["test"] = self._parts["val"] if test is None else (test, list(range(len(test))))

    def samples(self, part: Part, spec: ModelSpec) -> Dataset[Any]:
        """The samples of a part; they are asked for by pairs of index and number."""
        raise NotImplementedError

    def indices(self, part: Part) -> tuple[AnySource, list[int]]:
        """The source of a part, and which of its samples belong to the part."""
        return self._parts[part]

    def describe(self) -> dict[str, Any]:
        """All parts as plain values: goes into checkpoints and into the exported model's record."""
        return {part: {**source.describe(), "used": len(kept)} for part, (source, kept) in self._parts.items()}

    def first_pictures(self, count: int, spec: ModelSpec) -> list[Tensor]:
        """So many pictures (3, H, W) to train on, normalised; the same ones each time."""
        samples = self.samples("train", spec)
        assert isinstance(samples, Sized)
        size = len(samples)
        return [samples[i * size // min(count, size), i]["image"] for i in range(min(count, size))]

    def train_dataloader(self) -> NumberedLoader:
        self._training = self._loader("train")
        if self._place is not None:
            self._training.load_state_dict(self._place)
            self._place = None
        return self._training

    def state_dict(self) -> dict[str, Any]:
        """The place within the pass. Lightning restores loaders too, but not those made while it sets optimizers up."""
        return {} if self._training is None else self._training.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._place = state_dict or None

    def val_dataloader(self) -> NumberedLoader:
        return self._loader("val")

    def test_dataloader(self) -> NumberedLoader:
        return self._loader("test")

    def _loader(self, part: Part) -> NumberedLoader:
        assert self.trainer is not None
        module: Any = self.trainer.lightning_module
        return NumberedLoader(
            self.samples(part, module.spec),
            self._batch_size,
            shuffle=part == "train",
            seed=self._seed,
            rank=self.trainer.global_rank,
            processes=self.trainer.world_size,
            num_workers=self._workers,
            pin_memory=self.trainer.strategy.root_device.type == "cuda",
            persistent_workers=self._workers > 0,
        )


class OrientationData(SampleData[PageSource]):
    """Pages for the orientation classifier.

    Args:
        train: pages to train on.
        val: pages for validation. None: some documents of ``train`` are held out.
        test: pages for the test. None: those for validation.
        held_out_share: share of the documents that is held out where ``val`` is None.
        turns: ``all``: each page counts four times, turned by 0, 90, 180 and 270 degrees; ``none``: as stored.
        augment: how pages to train on are changed.
        batch_size: per process.
        workers: processes that read and augment; 0: none of their own.
        seed: of the split, the order and the augmentation.
        max_side_px: longer pages to train on are shrunk to this before they are augmented.
        keep_pages: keep decoded pages to train on in memory.
        near: share of samples to train on that show the page from near (``docpre.closer_look``); a model that sees
            pages so, and looks twice, sees them both ways.
        near_scales: the least and largest scale at which they are seen so.
    """

    def __init__(
        self,
        train: PageSource,
        val: PageSource | None = None,
        test: PageSource | None = None,
        held_out_share: float = 0.1,
        turns: Turns = "all",
        augment: Augment | None = None,
        batch_size: int = 32,
        workers: int = 2,
        seed: int = 0,
        max_side_px: int = 1024,
        keep_pages: bool = False,
        near: float = 0.0,
        near_scales: tuple[float, float] = NEAR_SCALES,
    ) -> None:
        super().__init__(train, val, test, held_out_share, seed, batch_size, workers)
        if not 0 <= near <= 1:
            raise ConfigError(f"near is a share between 0 and 1, not {near}.")
        if not 0 < near_scales[0] <= near_scales[1]:
            raise ConfigError(f"near_scales are two scales above 0, the smaller one first, not {near_scales}.")
        self._near, self._near_scales = near, near_scales
        self._turns, self._max_side_px, self._keep_pages = turns, max_side_px, keep_pages
        self._augment = augment or Augment(tilt_deg=5, perspective=0.04, crop=0.1)

    def samples(self, part: Part, spec: ModelSpec) -> OrientationSamples:
        source, indices = self.indices(part)
        if part != "train":
            return OrientationSamples(source, indices, spec, self._turns)
        return OrientationSamples(
            source,
            indices,
            spec,
            self._turns,
            Augmenter(self._augment, self._seed),
            self._max_side_px,
            self._keep_pages,
            self._near,
            self._near_scales,
        )


class UnwarpingData(SampleData[WarpedSource]):
    """Photos with grids for the unwarping network.

    Args:
        train: photos to train on.
        val: photos for validation. None: some documents of ``train`` are held out.
        test: photos for the test. None: those for validation.
        held_out_share: share of the documents that is held out where ``val`` is None.
        augment: how photos to train on are changed.
        batch_size: per process.
        workers: processes that read, synthesise and augment; 0: none of their own.
        seed: of the split, the order and the augmentation.
    """

    def __init__(
        self,
        train: WarpedSource,
        val: WarpedSource | None = None,
        test: WarpedSource | None = None,
        held_out_share: float = 0.1,
        augment: Augment | None = None,
        batch_size: int = 8,
        workers: int = 2,
        seed: int = 0,
    ) -> None:
        super().__init__(train, val, test, held_out_share, seed, batch_size, workers)
        self._augment = augment or Augment()

    def samples(self, part: Part, spec: ModelSpec) -> UnwarpingSamples:
        source, indices = self.indices(part)
        augmenter = Augmenter(self._augment, self._seed) if part == "train" else None
        return UnwarpingSamples(source, indices, spec, augmenter)


class PageFinderData(SampleData[PagePhotos]):
    """Small photos for the page finder.

    Args:
        path: the folder that ``python -m train page_photos`` made.
        batch_size: per process.
        workers: processes that change photos; 0: none of their own.
        seed: of the order and the changes.
    """

    def __init__(self, path: Path, batch_size: int = 16, workers: int = 0, seed: int = 0) -> None:
        train, val = PagePhotos(path, for_validation=False), PagePhotos(path, for_validation=True)
        super().__init__(train, val, None, 0.0, seed, batch_size, workers)

    def samples(self, part: Part, spec: ModelSpec) -> MaskSamples:
        source, indices = self.indices(part)
        return MaskSamples(source, indices, spec, self._seed if part == "train" else None)

"""Samples in a seeded order that knows its place: a run that is resumed goes on with the next sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from docpre.errors import ConfigError

FIRST_HELD_OUT = 1 << 40  # numbers of held-out samples start here, out of the reach of those trained on


class NumberedSampler(DistributedSampler[Any]):
    """Gives pairs of a sample's index and its number in the whole run, apart for each process.

    In training every pass is a new permutation, and numbers go on from pass to pass; they seed augmentation and
    synthesis. Without shuffling the number follows from the index, so a held-out set is the same each time.
    Of several processes each takes every so manyth sample; in training what doesn't fill a batch of every process is
    left out of a pass.

    Args:
        samples: how many there are.
        batch_size: per process.
        shuffle: whether this is for training.
        seed: of the permutations.
        rank, processes: which of how many processes this is.
    """

    def __init__(self, samples: int, batch_size: int, shuffle: bool, seed: int, rank: int, processes: int) -> None:
        super().__init__(range(samples), processes, rank, shuffle, seed)  # type: ignore[arg-type]
        group = batch_size * processes
        self.used = samples // group * group if shuffle else samples
        if self.used == 0:
            raise ConfigError(
                f"A pass has {samples} samples, fewer than a batch of {batch_size} for each of {processes} processes. "
                "Lower data.batch_size or add samples."
            )
        self.start = 0

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order: Sequence[int] = range(self.used)
        if self.shuffle:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
            order = torch.randperm(len(self.dataset), generator=generator).tolist()[: self.used]  # type: ignore[arg-type]
        first, self.start = self.start, 0
        for position in range(self.rank + first * self.num_replicas, self.used, self.num_replicas):
            yield order[position], (self.epoch * self.used if self.shuffle else FIRST_HELD_OUT) + position

    def __len__(self) -> int:
        return len(range(self.rank, self.used, self.num_replicas))


class NumberedLoader(DataLoader[Any]):
    """A loader over a ``NumberedSampler`` whose place within a pass goes into Lightning's checkpoints.

    Args:
        dataset: takes pairs of index and number.
        batch_size: per process.
        shuffle: whether this is for training.
        seed, rank, processes: see ``NumberedSampler``.
        options: of torch's DataLoader.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        batch_size: int,
        shuffle: bool,
        seed: int,
        rank: int = 0,
        processes: int = 1,
        **options: Any,
    ) -> None:
        assert isinstance(dataset, Sized)
        self.numbers = NumberedSampler(len(dataset), batch_size, shuffle, seed, rank, processes)
        super().__init__(dataset, batch_size, sampler=self.numbers, **options)
        self._given = 0
        self._resume: tuple[int, int] | None = None

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        # A generator: what it reads here is read when the first batch is asked for, once the epoch has been set.
        self._given = 0
        if self._resume is not None and self._resume[0] == self.numbers.epoch:
            self._given = self._resume[1]
        self._resume = None
        assert self.batch_size is not None
        self.numbers.start = self._given * self.batch_size
        for batch in super().__iter__():
            self._given += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self.numbers.epoch, "batches_given": self._given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self._resume = (state["epoch"], state["batches_given"])

"""Order, numbers and shares of samples; going on in the middle of a pass."""

from __future__ import annotations

import pytest
from torch.utils.data import Dataset

from docpre.errors import ConfigError
from train.data.loader import FIRST_HELD_OUT, NumberedLoader


class Echo(Dataset):
    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, key):
        return {"index": key[0], "number": key[1]}


def rows(loader, epoch):
    loader.numbers.set_epoch(epoch)
    return [list(zip(b["index"].tolist(), b["number"].tolist(), strict=True)) for b in loader]


def test_passes_differ_and_numbers_go_on():
    loader = NumberedLoader(Echo(10), 4, shuffle=True, seed=1)
    first, second = rows(loader, 0), rows(loader, 1)
    assert len(loader) == len(first) == 2  # 8 of 10: what doesn't fill a batch is left out
    assert [n for batch in first + second for _, n in batch] == list(range(16))
    assert [i for b in first for i, _ in b] != [i for b in second for i, _ in b]
    assert len({i for b in first for i, _ in b}) == 8
    assert rows(NumberedLoader(Echo(10), 4, shuffle=True, seed=1), 1) == second


def test_processes_share_a_pass():
    whole = rows(NumberedLoader(Echo(16), 8, shuffle=True, seed=1), 3)
    parts = [rows(NumberedLoader(Echo(16), 4, True, 1, rank, 2), 3) for rank in range(2)]
    for batch, left, right in zip(whole, *parts, strict=True):
        assert sorted(batch) == sorted(left + right)


def test_held_out_samples_are_all_seen_once_and_repeat():
    parts = [rows(NumberedLoader(Echo(7), 2, False, 0, rank, 2), 0) for rank in range(2)]
    seen = [pair for part in parts for batch in part for pair in batch]
    assert sorted(seen) == [(i, FIRST_HELD_OUT + i) for i in range(7)]


@pytest.mark.parametrize("workers", [0, 2])
def test_goes_on_where_it_was(workers):
    whole = rows(NumberedLoader(Echo(40), 4, True, 5), 2)
    loader = NumberedLoader(Echo(40), 4, True, 5, num_workers=workers)
    loader.numbers.set_epoch(2)
    batches = iter(loader)
    for _ in range(3):
        next(batches)
    state = loader.state_dict()  # workers have read ahead; what counts is what was given out
    resumed = NumberedLoader(Echo(40), 4, True, 5, num_workers=workers)
    resumed.load_state_dict(state)
    assert rows(resumed, 2) == whole[3:]
    assert rows(resumed, 3) == rows(NumberedLoader(Echo(40), 4, True, 5), 3)


def test_fewer_samples_than_a_batch():
    with pytest.raises(ConfigError, match="fewer than a batch of 8"):
        NumberedLoader(Echo(5), 8, shuffle=True, seed=0)

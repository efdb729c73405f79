"""Samples to train on that show pages from near."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from docpre.errors import ConfigError
from docpre.registry import published_model
from train.data.augment import Augment, Augmenter
from train.data.module import OrientationData
from train.data.samples import OrientationSamples
from train.data.source import PageSource

SPEC = replace(published_model("orientation"), size_hw=(128, 128), resize_short=None, fold_aspect=2.5, near=True)
LEFT_ALONE = Augmenter(Augment(untouched=1.0), 0)


class Drawn(PageSource):
    """A page of text in the left half of large paper, and a strip."""

    documents = ("page", "strip")
    angles_cw_deg = (0, 0)

    def read(self, index):
        page = np.full(((1120, 800), (60, 900))[index] + (3,), 255, np.uint8)
        for line in range(1, page.shape[0] // 14):
            cv2.putText(page, "words of text", (5, 14 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1)
        return page

    def describe(self):
        return {}


def samples(near, augmenter=LEFT_ALONE, indices=(0,)):
    return OrientationSamples(Drawn(), indices, SPEC, "all", augmenter, near=near)


def ink(image):
    return float((image.mean(0) < 1).float().mean())


def test_letters_are_larger_from_near_and_each_sample_shows_other_windows():
    whole, near = samples(0.0)[0, 1]["image"], [samples(1.0)[0, number]["image"] for number in range(3)]
    assert whole.shape == near[0].shape == (3, 128, 128)
    assert min(map(ink, near)) > ink(whole)  # also where a part of the page was taken that is blank
    assert not torch.equal(near[0], near[1])
    assert not torch.equal(near[1], near[2])
    assert torch.equal(near[0], samples(1.0)[0, 0]["image"])


class Striped(Drawn):
    """Stripes of ten pixels each: six in a window of 64."""

    def read(self, index):
        return np.repeat(np.where(np.arange(1120) % 20 < 10, 0, 255).astype(np.uint8), 800 * 3).reshape(1120, 800, 3)


def stripes(**options):
    striped = OrientationSamples(Striped(), (0,), SPEC, "all", LEFT_ALONE, near=1.0, **options)
    columns = [striped[0, number]["image"][0, :64, 32] > 0 for number in range(40)]
    return [int((column[1:] != column[:-1]).sum()) for column in columns]


def test_letters_from_near_come_smaller_and_larger():
    assert min(stripes()) <= 4
    assert max(stripes()) >= 9


def test_letters_come_at_the_scales_that_were_asked_for():
    assert set(stripes(near_scales=(3.0, 3.0))) <= {1, 2, 3}


def test_a_share_of_the_samples_is_near_and_labels_go_with_the_turn():
    seen = [samples(0.5)[number % 4, number] for number in range(40)]
    whole = [samples(0.0)[number % 4, number] for number in range(40)]
    near = sum(not torch.equal(one["image"], other["image"]) for one, other in zip(seen, whole, strict=True))
    assert 10 <= near <= 30
    assert [sample["label"] for sample in seen[:4]] == [0, 1, 2, 3]


def test_a_strip_is_folded_however_it_is_to_be_seen():
    assert torch.equal(samples(1.0, indices=(1,))[0, 0]["image"], samples(1.0, indices=(1,))[0, 1]["image"])


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (40, 30)])
def test_specks_can_be_seen_from_near(shape):
    class Speck(Drawn):
        def read(self, index):
            return np.zeros((*shape, 3), np.uint8)

    for number in range(4):
        sample = OrientationSamples(Speck(), (0,), SPEC, "all", LEFT_ALONE, near=1.0)[number, number]
        assert sample["image"].shape == (3, 128, 128)


def test_validation_sees_what_the_specification_says():
    near = samples(0.0, augmenter=None)[0, 0]["image"]
    whole = OrientationSamples(Drawn(), (0,), replace(SPEC, near=False), "all")[0, 0]["image"]
    assert not torch.equal(near, whole)


def test_a_share_beyond_one_is_refused():
    with pytest.raises(ConfigError, match="near"):
        OrientationData(Drawn(), near=1.5)


@pytest.mark.parametrize("scales", [(0.0, 1.0), (2.0, 1.0)])
def test_scales_that_are_none_are_refused(scales):
    with pytest.raises(ConfigError, match="near_scales"):
        OrientationData(Drawn(), near=0.5, near_scales=scales)


def test_windows_are_looked_for_on_the_page_as_it_is_turned():
    differ = 0
    for number in range(10):
        upright, turned = samples(1.0)[0, number]["image"], samples(1.0)[2, number]["image"]
        differ += not torch.allclose(torch.rot90(turned, 2, (1, 2)), upright)
    assert differ > 5  # else where text begins in a window would tell how the page is turned

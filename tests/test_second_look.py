"""Where a classifier is unsure of a page it looks at four parts of it too, or from near in all turns."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from docpre.calibration_pages import draw_pages
from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.loading import Pixels, array_to_rgb
from docpre.orientation import OrientationClassifier
from docpre.registry import MODELS


@pytest.fixture(scope="module")
def pool():
    pool = EnginePool("orientation", "docpre_ori", None, RuntimeOptions.from_arguments("cpu", {}))
    pool.spec = replace(pool.spec, near=False)
    return pool


def scores(pool, image, look_again_below):
    pool.spec = replace(pool.spec, look_again_below=look_again_below)
    return OrientationClassifier(pool).scores([image])[0]


def test_a_sure_page_is_looked_at_once(pool):
    (page,) = draw_pages(1, 3)
    once = scores(pool, page, None)
    assert once.max() > 0.99
    np.testing.assert_array_equal(scores(pool, page, 0.99), once)


def test_an_unsure_page_is_looked_at_in_four_parts_too(pool):
    image = np.random.default_rng(0).integers(0, 255, (700, 500, 3), dtype=np.uint8)
    looks = [image, image[:420, :300], image[:420, 200:], image[280:, :300], image[280:, 200:]]
    alone = np.array([scores(pool, look, None) for look in looks])
    expected = np.sqrt(alone.prod(0))
    assert scores(pool, image, None).max() < 0.99
    np.testing.assert_allclose(scores(pool, image, 0.99), expected / expected.sum(), atol=1e-4)


# A page longer than it is looked at is turned at that size: its first look differs a little from that.
@pytest.mark.parametrize(
    ("shape", "off"), [((700, 500), 1e-3), ((900, 300), 1e-3), ((1120, 140), 1e-3), ((1200, 150), 0.02)]
)
def test_how_an_unsure_page_lies_makes_no_difference_where_pages_are_seen_from_near(shape, off, monkeypatch):
    monkeypatch.setattr("docpre.orientation._IN_VAIN", 0)  # noise would be given up after a half turn
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    near = EnginePool("orientation", "docpre_ori", None, RuntimeOptions.from_arguments("cpu", {}))
    near.spec = replace(near.spec, look_again_below=1.01)
    as_it_lies, turned = OrientationClassifier(near).scores([image, np.ascontiguousarray(np.rot90(image, -1))])
    assert as_it_lies.max() < 0.9
    np.testing.assert_allclose(np.roll(as_it_lies, 1), turned, atol=off)


class Answers:
    """A pool whose network gives one row of scores after another, whatever it sees."""

    def __init__(self, *rows):
        self.spec = replace(MODELS["docpre_ori"], look_again_below=0.97)
        self._rows, self.looks = np.array(rows, np.float32), 0

    def run(self, batch, device=None):
        self.looks += len(batch)
        return self._rows[self.looks - len(batch) : self.looks]


UNSURE, UPRIGHT, ON_ITS_HEAD = [0.55, 0.05, 0.35, 0.05], [0.96, 0.02, 0.01, 0.01], [0.01, 0.01, 0.97, 0.01]


@pytest.mark.parametrize(
    ("rows", "looks"),
    [
        ([[0.98, 0.01, 0.01, 0]], 1),
        ([UPRIGHT, UPRIGHT], 2),
        ([UNSURE, UNSURE, ON_ITS_HEAD, ON_ITS_HEAD], 4),  # turned by 180 degrees, so it was upright
        ([UNSURE, UNSURE, UNSURE, ON_ITS_HEAD, [0.01, 0.01, 0.01, 0.97], [0.01, 0.01, 0.01, 0.97]], 6),
        ([UNSURE, UNSURE] * 4, 8),
    ],
)
def test_a_page_is_looked_at_until_the_looks_are_sure(rows, looks):
    answers = Answers(*rows)
    (scores,) = OrientationClassifier(answers).scores([np.full((700, 500, 3), 255, np.uint8)])
    assert answers.looks == looks
    assert scores.sum() == pytest.approx(1, abs=1e-5)
    if looks < 8:
        assert scores.argmax() == 0
        assert scores[0] > 0.9


def test_a_page_that_a_turn_leaves_hardly_surer_than_chance_is_given_up_however_it_lies():
    answers = Answers(*[[0.24, 0.28, 0.26, 0.22]] * 8)
    (scores,) = OrientationClassifier(answers).scores([np.full((700, 500, 3), 255, np.uint8)])
    assert answers.looks == 4
    assert scores.sum() == pytest.approx(1, abs=1e-5)
    assert scores.max() < 0.3
    near = EnginePool("orientation", "docpre_ori", None, RuntimeOptions.from_arguments("cpu", {}))
    near.spec = replace(near.spec, look_again_below=1.01)
    noise = np.random.default_rng(0).integers(0, 255, (700, 500, 3), dtype=np.uint8)
    turned = [np.ascontiguousarray(np.rot90(noise, turns)) for turns in range(4)]
    assert OrientationClassifier(near).scores(turned).max() < 0.3


def test_each_page_of_a_batch_has_its_own_looks(pool):
    (page,) = draw_pages(1, 3)
    noise = np.random.default_rng(0).integers(0, 255, (700, 500, 3), dtype=np.uint8)
    pool.spec = replace(pool.spec, look_again_below=0.99)
    classifier = OrientationClassifier(pool)
    together = classifier.scores([noise, page, noise[:, ::-1].copy()])
    alone = [classifier.scores([image])[0] for image in (noise, page, noise[:, ::-1].copy())]
    np.testing.assert_allclose(together, alone, atol=1e-4)
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-5)


def test_a_strip_was_folded_and_is_not_looked_at_again(pool):
    strip = np.random.default_rng(0).integers(0, 255, (60, 900, 3), dtype=np.uint8)
    np.testing.assert_array_equal(scores(pool, strip, 1.0), scores(pool, strip, None))


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (900, 800)])
def test_specks_and_blank_pages_can_be_looked_at_again(pool, shape):
    assert scores(pool, np.full((*shape, 3), 90, np.uint8), 1.0).sum() == pytest.approx(1, abs=1e-5)


def test_glimpses_are_looked_at_again_too(pool):
    noise = np.random.default_rng(0).integers(0, 255, (90, 70, 3), dtype=np.uint8)
    large = np.kron(noise, np.ones((30, 30, 1), np.uint8))
    classifier = OrientationClassifier(pool)
    pool.spec = replace(pool.spec, look_again_below=None)
    once = classifier.glimpsed_scores([Pixels(large[..., ::-1], array_to_rgb)])
    pool.spec = replace(pool.spec, look_again_below=1.0)
    again = classifier.glimpsed_scores([Pixels(large[..., ::-1], array_to_rgb)])
    assert np.abs(again - once).max() > 1e-3
    np.testing.assert_allclose(again, classifier.scores([large]), atol=0.05)


@pytest.mark.parametrize("shape", [(2400, 1800), (1800, 2400), (300, 200), (1300, 6000), (6000, 1300)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_glimpse_of_a_page_says_what_the_page_says(pool, shape, channels):
    (page,) = draw_pages(1, 3)
    large = np.asarray(Image.fromarray(page).resize(shape[::-1]))
    opaque = np.full((*shape, 1), 255, np.uint8)
    array = {1: large[..., :1], 3: large[..., ::-1], 4: np.dstack([large[..., ::-1], opaque])}[channels]
    classifier = OrientationClassifier(pool)
    expected = classifier.scores([array_to_rgb(array)])
    np.testing.assert_allclose(classifier.glimpsed_scores([Pixels(array, array_to_rgb)]), expected, atol=0.1)

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from docpre import ConfigError, DocPreprocessor, InputError
from docpre.overlap import default_workers, in_order
from tests.conftest import photograph


@given(st.integers(0, 30), st.integers(0, 4), st.randoms(use_true_random=False))
def test_order_is_kept_whatever_each_item_takes(count, workers, random):
    delays = [random.random() / 2000 for _ in range(count)]

    def work(index):
        time.sleep(delays[index])
        return index * index

    assert list(in_order(work, iter(range(count)), workers)) == [index * index for index in range(count)]


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_is_read_than_there_is_room_for(workers):
    read = []

    def items():
        for index in range(100):
            read.append(index)
            yield index

    outcomes = in_order(lambda item: item, items(), workers)
    for taken in range(1, 6):
        next(outcomes)
        time.sleep(0.05)  # for as much reading ahead as there may be
        assert taken <= len(read) <= taken + workers + 1


@pytest.mark.parametrize("workers", [0, 2])
def test_an_exception_comes_in_its_turn_and_ends_it(workers):
    def work(item):
        if item == 3:
            raise InputError("the third")
        return item

    outcomes = in_order(work, iter(range(10)), workers)
    assert [next(outcomes) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match="the third"):
        next(outcomes)
    assert list(outcomes) == ([] if workers else list(range(4, 10)))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_exception_of_the_reading_comes_after_what_was_read(workers):
    def items():
        yield 1
        yield 2
        raise InputError("unreadable")

    outcomes = in_order(str, items(), workers)
    assert [next(outcomes), next(outcomes)] == ["1", "2"]
    with pytest.raises(InputError, match="unreadable"):
        next(outcomes)


def test_giving_up_closes_the_reading_and_leaves_no_threads():
    closed = threading.Event()

    def items():
        try:
            yield from range(1000)
        finally:
            closed.set()

    before = threading.active_count()
    outcomes = in_order(str, items(), 3)
    assert next(outcomes) == "0"
    outcomes.close()
    assert closed.is_set()
    assert threading.active_count() == before


@pytest.mark.parametrize("workers", [-1, 1.5, True, "2"])
def test_a_wrong_number_of_workers(workers):
    with pytest.raises(ConfigError, match="num_workers is a whole number"):
        in_order(str, iter(()), workers)


def test_pictures_in_memory_need_no_threads():
    assert default_workers(np.zeros((2, 2), np.uint8)) == 0
    assert 1 <= default_workers(["a.jpg", "b.jpg"]) <= 4


@pytest.fixture(scope="module")
def pages(page_rgb, photo_rgb):
    others = [np.rot90(page_rgb), photograph(page_rgb, bend=0.08), np.zeros((0, 4), np.uint8), page_rgb[:900]]
    return [np.ascontiguousarray(page) for page in (photo_rgb, *others)]


@pytest.fixture(scope="module")
def serial(pages):
    with_threads_off = DocPreprocessor(device="cpu")
    return with_threads_off.predict(pages, num_workers=0)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_overlapping_pages_are_the_serial_ones(pages, serial, batch_size):
    """To the last bit one by one; in batches the networks may round otherwise."""
    results = DocPreprocessor(device="cpu").predict(pages, num_workers=2, batch_size=batch_size)
    assert [str(result.error) for result in results] == [str(result.error) for result in serial]
    for result, alone in zip(results, serial, strict=True):
        if alone.error is not None:
            continue
        assert result["angle"] == alone["angle"]
        if batch_size == 1:
            assert_array_equal(result["output_img"], alone["output_img"])
        else:
            corners = [(0, 0), (100, 900), (500, 300)]
            difference = result.transform.to_original(corners) - alone.transform.to_original(corners)
            assert np.abs(difference).max() < 0.01
        assert set(result.elapsed_ms) == {"loading", "orientation", "unwarping", "sampling"}


def test_threads_that_share_a_pipeline_get_what_serial_calls_get(pipeline, pages, serial):
    good = [(page, alone) for page, alone in zip(pages, serial, strict=True) if alone.error is None]
    wrong = []

    def work(page, alone):
        (result,) = pipeline.predict(page)
        if not np.array_equal(result["output_img"], alone["output_img"]):
            wrong.append(page.shape)

    threads = [threading.Thread(target=work, args=pair) for pair in good * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong

"""Several pages under way at once: their order is kept, and so few are in memory as there are workers, and two more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from docpre.engines.base import available_cores
from docpre.errors import ConfigError

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

_MOST_WORKERS = 4


def default_workers(input: Any) -> int:
    """As many workers as there are cores, four at most (each holds a page); none for one picture in memory."""
    if isinstance(input, (list, tuple)) and len(input) == 1:
        return default_workers(input[0])
    return 0 if isinstance(input, (np.ndarray, Image.Image)) else min(available_cores(), _MOST_WORKERS)


def in_order(function: Callable[[Item], Outcome], items: Iterator[Item], num_workers: int) -> Iterator[Outcome]:
    """``map(function, items)``, with the items read by a thread of their own and the function run by others.

    An item is read when there is room for it: ``num_workers + 1`` items at most are read and not yet asked for. An
    exception of the function or of the items is raised in its turn, and ends the iteration. Where the iteration is
    given up, what has not begun is dropped.

    Args:
        function: safe to call from several threads.
        items: read by one thread alone, and closed by it if it can be.
        num_workers: threads; 0: everything happens in the caller's thread, when it is asked for.

    Raises:
        ConfigError: ``num_workers`` is not a whole number of at least 0.
    """
    if isinstance(num_workers, bool) or not isinstance(num_workers, int) or num_workers < 0:
        raise ConfigError(f"num_workers is a whole number of at least 0, not {num_workers!r}.")
    return _by_threads(function, items, num_workers) if num_workers else map(function, items)


def _by_threads(function: Callable[[Item], Outcome], items: Iterator[Item], num_workers: int) -> Iterator[Outcome]:
    room = threading.Semaphore(num_workers + 1)
    given_up = threading.Event()
    outcomes: SimpleQueue[Future[Outcome] | None] = SimpleQueue()  # None: there are no more

    def read() -> None:
        try:
            while room.acquire() and not given_up.is_set():
                try:
                    item = next(items)
                except StopIteration:
                    break
                except BaseException as error:  # raised where the item would have been
                    failed: Future[Outcome] = Future()
                    failed.set_exception(error)
                    outcomes.put(failed)
                    break
                outcomes.put(pool.submit(function, item))
                del item
        except RuntimeError:
            pass  # the pool was shut down because the iteration was given up
        finally:
            outcomes.put(None)
            if close := getattr(items, "close", None):
                close()

    # The reader is a daemon: an iteration that was begun and forgotten must not keep the program from ending.
    reader = threading.Thread(target=read, name="docpre-reader", daemon=True)
    with ThreadPoolExecutor(num_workers, "docpre-worker") as pool:
        reader.start()
        try:
            while (outcome := outcomes.get()) is not None:
                value = outcome.result()
                del outcome
                room.release()
                yield value
                del value
        finally:
            given_up.set()
            room.release()
            pool.shutdown(cancel_futures=True)
            reader.join()

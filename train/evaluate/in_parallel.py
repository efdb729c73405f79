"""Many pages in threads: progress, failures kept apart, and an orderly stop at Ctrl-C."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

from tqdm import tqdm

from docpre.errors import DocpreError

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
_LOG = logging.getLogger("docpre")


def in_parallel(
    items: list[Item],
    work: Callable[[Item], Outcome],
    keep: Callable[[Item, Outcome | str], None],
    workers: int,
    unit: str = "page",
    progress: bool = True,
) -> bool:
    """Do some work on each item in threads.

    Args:
        items: in the order in which they are begun.
        work: called in a thread. What it raises is that item's failure and no other's.
        keep: called in this thread with each outcome as it comes, or with the words of a failure.
        workers: items at a time.
        unit: of the progress bar.
        progress: whether to show the bar, on stderr.

    Returns:
        Whether all items were done. Ctrl-C lets those in progress finish, and leaves the others out.
    """
    waiting: dict[Future[Outcome], Item] = {}
    left: Iterator[Item] = iter(items)
    with ThreadPoolExecutor(workers) as pool, tqdm(total=len(items), unit=unit, disable=not progress) as bar:

        def take(done: Iterable[Future[Outcome]]) -> None:
            for future in done:
                outcome = _outcome(future)
                keep(waiting[future], outcome)
                del waiting[future]  # not before: Ctrl-C may come between, and twice kept is better than lost
                bar.update()

        try:
            while True:
                for item in islice(left, 2 * workers - len(waiting)):
                    waiting[pool.submit(work, item)] = item
                if not waiting:
                    return True
                take(wait(waiting, return_when=FIRST_COMPLETED).done)
        except KeyboardInterrupt:
            message = "Stopping: pages in progress are finished; what is done is kept, and the same command goes on."
            bar.write(message, file=sys.stderr)
            for future in list(waiting):
                if future.cancel():
                    del waiting[future]
            # Ctrl-C reaches programs that pages were read by, too: what fails now is simply not done yet.
            take(future for future in wait(waiting).done if future.exception() is None)
            return False


def _outcome(future: Future[Outcome]) -> Outcome | str:
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, DocpreError):
        _LOG.warning("A page failed unexpectedly.", exc_info=error)
    return f"{type(error).__name__}: {error}"

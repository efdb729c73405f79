"""Pages of all requests wait in one line; those that wait together go through the networks together."""

from __future__ import annotations

import asyncio
import math
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from docpre.loading import ImageArray, Limits, Page, iter_pages
from docpre.pipeline import DocPreprocessor
from docpre.results import DocPreprocessorResult

Switches = tuple[bool | None, bool | None]


@dataclass(eq=False)
class _Waiting:
    image: ImageArray
    switches: Switches
    is_drawn: bool
    future: Future[DocPreprocessorResult] = field(default_factory=Future)

    def page(self) -> Page:
        """For the pipeline. The service reads files itself: here are pixels, within the service's own limits."""
        return replace(next(iter_pages(self.image, limits=Limits(max_pixels=None))), is_drawn=self.is_drawn)


class Batcher:
    """Threads that run a pipeline on pages.

    Args:
        pipeline: shared by the threads.
        threads: how many.
        max_batch: pages that a thread takes at once; on a GPU they go through the networks together. It never waits
            for more than are there.
        on_batch: told how many pages each batch has.
    """

    def __init__(
        self, pipeline: DocPreprocessor, threads: int, max_batch: int, on_batch: Callable[[int], Any] = lambda _: None
    ) -> None:
        self._pipeline = pipeline
        self._max_batch = max_batch
        # On a CPU the networks take as long for pages together as one by one, and far more memory.
        self._is_together = any(engine["device"] != "cpu" for engine in pipeline.engines.values())
        self._on_batch = on_batch
        self._line: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._threads = [threading.Thread(target=self._run, name=f"network-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    async def process(self, image: ImageArray, switches: Switches, is_drawn: bool = False) -> DocPreprocessorResult:
        """A page's result. A task that is cancelled leaves the line.

        Args:
            image: (H, W, 3) BGR uint8.
            switches: use_doc_orientation_classify, use_doc_unwarping; None: as the pipeline has them.
            is_drawn: see ``docpre.loading.Page``.

        Raises:
            DocpreError: the page can't be processed.
        """
        waiting = _Waiting(image, switches, is_drawn)
        with self._changed:
            self._line.append(waiting)
            self._changed.notify()
        return await asyncio.wrap_future(waiting.future)

    def waiting(self) -> int:
        """How many pages are in the line."""
        return len(self._line)

    def close(self) -> None:
        """Finish what is in the line, and end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            self._on_batch(len(batch))
            self._process(batch)
            del batch  # or the pictures would stay until the next ones come

    def _next_batch(self) -> list[_Waiting]:
        """What waits, with equal switches, up to the limit; empty when all is done."""
        with self._changed:
            while True:
                batch: list[_Waiting] = []
                # The line is shared out evenly: on a CPU two threads with a page each beat one with both.
                share = min(self._max_batch, math.ceil(len(self._line) / len(self._threads)))
                while self._line and len(batch) < share:
                    if batch and self._line[0].switches != batch[0].switches:
                        break
                    waiting = self._line.popleft()
                    if waiting.future.set_running_or_notify_cancel():
                        batch.append(waiting)
                if batch or self._is_closed:
                    return batch
                self._changed.wait()

    def _process(self, batch: list[_Waiting]) -> None:
        orientation, unwarping = batch[0].switches
        options: dict[str, Any] = {
            "use_doc_orientation_classify": orientation,
            "use_doc_unwarping": unwarping,
            "batch_size": len(batch) if self._is_together else 1,
            "num_workers": 0,  # the threads are here
        }
        try:
            results = self._pipeline.predict([waiting.page() for waiting in batch], **options)
        except Exception as error:
            if len(batch) == 1:
                batch[0].future.set_exception(error)
                return
            for waiting in batch:  # one page's failure is no other page's
                self._process([waiting])
            return
        for waiting, result in zip(batch, results, strict=True):
            if result.error is not None:
                waiting.future.set_exception(result.error)
            else:
                waiting.future.set_result(result)

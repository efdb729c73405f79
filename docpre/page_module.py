"""What the single modules share: an input goes in, and batches of its pages become results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from docpre.loading import Page, batches, pages_from_arguments
from docpre.overlap import default_workers, in_order
from docpre.results import Result

AnyResult = TypeVar("AnyResult", bound=Result)


class PageModule(ABC, Generic[AnyResult]):
    """A module with the interface of PaddleOCR's."""

    #: A module that can do with small pictures sets this; see ``docpre.loading.iter_pages``.
    _preview_side: int | None = None

    def predict(
        self,
        input: Any,
        batch_size: int = 1,
        *,
        device: str | None = None,
        num_workers: int | None = None,
        **reading: Any,
    ) -> list[AnyResult]:
        """Process every page of an input and keep all results in memory; see ``predict_iter``."""
        return list(self.predict_iter(input, batch_size, device=device, num_workers=num_workers, **reading))

    def predict_iter(
        self,
        input: Any,
        batch_size: int = 1,
        *,
        device: str | None = None,
        num_workers: int | None = None,
        **reading: Any,
    ) -> Iterator[AnyResult]:
        """Process the pages of an input, a few at a time.

        Args:
            input: see ``docpre.loading.iter_pages``.
            batch_size: pages that go through the network together.
            device: another device than the constructor's.
            num_workers: threads that work on pages while the next ones are read and the last ones are used; 0: none,
                each page is read when it is asked for. None: see ``docpre.overlap.default_workers``. At most
                ``(num_workers + 2) * batch_size`` pages are in memory.
            **reading: dpi, pages, on_error, max_bytes, max_pixels, max_pages, url_timeout_s; see
                ``docpre.loading.iter_pages`` and ``docpre.loading.Limits``.

        Yields:
            A result for each page, in order. Where there are several pages, one that fails is a result with
            ``error`` set.

        Raises:
            ConfigError: an argument is unknown or wrong.
            InputError: a single input can't be processed.
        """
        page_batches = batches(pages_from_arguments(input, reading, self._preview_side), batch_size)
        workers = default_workers(input) if num_workers is None else num_workers
        results = in_order(lambda batch: list(self._results(batch, device)), page_batches, workers)
        return (result for batch in results for result in batch)

    @abstractmethod
    def _results(self, batch: list[Page], device: str | None) -> Iterator[AnyResult]:
        """The results of one batch; its failed pages have no image."""

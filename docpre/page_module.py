"""What the single modules share: an input goes in, and batches of its pages become results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from docpre.loading import Page, batches, pages_from_arguments
from docpre.results import Result

AnyResult = TypeVar("AnyResult", bound=Result)


class PageModule(ABC, Generic[AnyResult]):
    """A module with the interface of PaddleOCR's."""

    def predict(self, input: Any, batch_size: int = 1, *, device: str | None = None, **reading: Any) -> list[AnyResult]:
        """Process every page of an input and keep all results in memory; see ``predict_iter``."""
        return list(self.predict_iter(input, batch_size, device=device, **reading))

    def predict_iter(
        self, input: Any, batch_size: int = 1, *, device: str | None = None, **reading: Any
    ) -> Iterator[AnyResult]:
        """Process the pages of an input one batch at a time.

        Args:
            input: see ``docpre.loading.iter_pages``.
            batch_size: pages that go through the network together.
            device: another device than the constructor's.
            **reading: dpi, pages, on_error, max_bytes, max_pixels, max_pages, url_timeout_s; see
                ``docpre.loading.iter_pages`` and ``docpre.loading.Limits``.

        Yields:
            A result for each page, in order. Where there are several pages, one that fails is a result with
            ``error`` set.

        Raises:
            ConfigError: an argument is unknown or wrong.
            InputError: a single input can't be processed.
        """
        page_batches = batches(pages_from_arguments(input, reading), batch_size)
        return (result for batch in page_batches for result in self._results(batch, device))

    @abstractmethod
    def _results(self, batch: list[Page], device: str | None) -> Iterator[AnyResult]:
        """The results of one batch; its failed pages have no image."""

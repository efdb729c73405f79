"""A document becomes processed pages: read by a reader, put through the networks, one page after the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from docpre.analysis.results import AnalysisResult
from docpre.errors import InputError
from docpre.results import DocPreprocessorResult
from docpre.service.analysis_pool import AnalysisPool
from docpre.service.batching import Batcher, Switches
from docpre.service.measures import Measures
from docpre.service.pipelines import Pipelines
from docpre.service.reader_process import ReadingLimits
from docpre.service.reading import Reader, ReaderPool, ReadPage
from docpre.service.refusal import Refusal
from docpre.service.settings import ServiceSettings

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class ProcessedPage:
    """A page and what became of it; either ``result`` or ``error`` is set."""

    read: ReadPage
    result: DocPreprocessorResult | None
    error: str | None


@dataclass(frozen=True, eq=False)
class Document:
    """A document under way.

    Args:
        reader: that reads it, and can write the clean PDF.
        total_pages: of a PDF; None of a picture.
        pages: to be awaited one by one.
    """

    reader: Reader
    total_pages: int | None
    pages: AsyncIterator[ProcessedPage]


class Processing:
    """Readers, networks and encoders, ready to work. Made inside the event loop."""

    def __init__(self, settings: ServiceSettings, measures: Measures, pipelines: Pipelines) -> None:
        limits = ReadingLimits(settings.dpi, settings.max_pixels, settings.max_read_s, settings.max_body_bytes)
        self._measures = measures
        self._max_pages = settings.max_pages
        self._readers = ReaderPool(settings.concurrency, limits)
        self._encoders = ThreadPoolExecutor(settings.concurrency, "encoder")
        engines = (pipelines.analyzer or pipelines.preprocessor).engines
        for step, engine in engines.items():
            measures.model.labels(step, engine["model"], engine["engine"], engine["precision"], engine["device"]).set(1)
        self._batcher = Batcher(
            pipelines.preprocessor,
            settings.network_threads,
            settings.max_batch,
            measures.batch_pages.observe,
        )
        self._analysis = None
        if pipelines.analyzer is not None:
            self._analysis = AnalysisPool(pipelines.analyzer, settings.network_threads)
        measures.waiting.set_function(self._waiting)

    @asynccontextmanager
    async def opened(
        self, content: bytes, is_pdf: bool, first_page: int = 0
    ) -> AsyncIterator[tuple[Reader, int | None]]:
        """A reader of one's own with a document in it, as soon as one is free; and how many pages a PDF has.

        Args:
            content: of the file.
            is_pdf: whether it is a PDF.
            first_page: of a PDF, from 0: where reading begins.

        Raises:
            Refusal: 422 where it can't be read, 413 where it is beyond a limit.
        """
        started = time.perf_counter()
        async with self._readers.reader() as reader:
            self._measures.step_seconds.labels("wait_for_reader").observe(time.perf_counter() - started)
            with self.step("open"):
                total_pages = await reader.open(content, is_pdf, first_page)
            yield reader, total_pages

    @asynccontextmanager
    async def document(self, content: bytes, is_pdf: bool, switches: Switches) -> AsyncIterator[Document]:
        """Begin with a document as soon as a reader is free.

        Raises:
            Refusal: 422 where it can't be read, 413 where it is beyond a limit.
        """
        async with self.opened(content, is_pdf) as (reader, total_pages):
            yield Document(reader, total_pages, self._pages(reader, switches))

    async def read(self, reader: Reader) -> ReadPage | None:
        """The next page of a reader's document; None behind the last one.

        Raises:
            Refusal: 422 where the document can't be read, 413 where it is beyond a limit.
        """
        with self.step("read"):
            return await reader.next_page()

    async def cleaned(self, page: ReadPage, switches: Switches) -> DocPreprocessorResult:
        """A page, turned upright and flattened.

        Raises:
            DocpreError: it can't be processed.
        """
        assert page.image is not None
        with self.step("process"):
            result = await self._batcher.process(page.image, switches, page.is_drawn)
        self._measure(result.elapsed_ms)
        return result

    async def analysed(self, page: DocPreprocessorResult, options: Mapping[str, Any]) -> AnalysisResult:
        """What is on a clean page; the analysis must be served.

        Args:
            page: cleaned up.
            options: of ``DocAnalyzer.predict``.

        Raises:
            DocpreError: it can't be analysed.
        """
        assert self._analysis is not None
        outcome = "failed"
        try:
            with self.step("analyse"):
                found = await self._analysis.analyse(page, options)
            outcome = "ok"
        finally:
            self._measures.pages.labels(outcome).inc()
        self._measure({name: ms for name, ms in found.elapsed_ms.items() if name not in page.elapsed_ms})
        return found

    async def encode(
        self, function: Callable[Arguments, Value], *arguments: Arguments.args, **options: Arguments.kwargs
    ) -> Value:
        """Run a function in one of the threads for encoding."""
        with self.step("encode"):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._encoders, lambda: function(*arguments, **options))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._measures.step_seconds.labels(name).observe(time.perf_counter() - started)

    def close(self) -> None:
        """Finish what is under way, and end."""
        self._batcher.close()
        if self._analysis is not None:
            self._analysis.close()
        self._readers.close()
        self._encoders.shutdown()

    async def _pages(self, reader: Reader, switches: Switches) -> AsyncIterator[ProcessedPage]:
        count = 0
        while self._max_pages is None or count < self._max_pages:
            page = await self.read(reader)
            if page is None:
                return
            count += 1
            processed = await self._processed(page, switches)
            self._measures.pages.labels("failed" if processed.error else "ok").inc()
            yield processed

    async def _processed(self, page: ReadPage, switches: Switches) -> ProcessedPage:
        if page.image is None:
            return ProcessedPage(page, None, page.error)
        try:
            return ProcessedPage(page, await self.cleaned(page, switches), None)
        except InputError as error:
            return ProcessedPage(page, None, str(error))

    def _measure(self, elapsed_ms: Mapping[str, float]) -> None:
        for name, elapsed in elapsed_ms.items():
            if name != "loading":  # there was nothing to load
                self._measures.step_seconds.labels(name).observe(elapsed / 1000)

    def _waiting(self) -> int:
        return self._batcher.waiting() + (0 if self._analysis is None else self._analysis.waiting())


def refused(page: ProcessedPage) -> Refusal:
    """A page's failure as that of the whole request."""
    return Refusal(413 if page.read.is_limit else 422, f"The file can't be read: {page.error}.".replace("..", "."))

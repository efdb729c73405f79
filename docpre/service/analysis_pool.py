"""Clean pages of all requests wait in one line to be analysed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from docpre.analysis.analyzer import DocAnalyzer
from docpre.analysis.results import AnalysisResult
from docpre.results import DocPreprocessorResult


class AnalysisPool:
    """Threads that analyse pages, one page at a time each.

    Args:
        analyzer: shared by the threads.
        threads: how many.
    """

    def __init__(self, analyzer: DocAnalyzer, threads: int) -> None:
        self._analyzer = analyzer
        self._threads = ThreadPoolExecutor(threads, "analysis")
        self._free = asyncio.Semaphore(threads)
        self._waiting = 0

    async def analyse(self, page: DocPreprocessorResult, options: Mapping[str, Any]) -> AnalysisResult:
        """What is on a page. A task that is cancelled leaves the line.

        Args:
            page: cleaned up.
            options: of ``DocAnalyzer.predict``.

        Raises:
            DocpreError: the page can't be analysed.
        """
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._analysed, page, options)
        finally:
            self._free.release()

    def waiting(self) -> int:
        """How many pages are in the line."""
        return self._waiting

    def close(self) -> None:
        """Finish what is under way, and end."""
        self._threads.shutdown()

    def _analysed(self, page: DocPreprocessorResult, options: Mapping[str, Any]) -> AnalysisResult:
        (found,) = self._analyzer.predict(page, num_workers=0, **options)
        if found.error is not None:
            raise found.error
        return found

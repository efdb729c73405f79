"""Documents are read by processes of their own; this is the service's end of them."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from docpre.errors import ConfigError
from docpre.geometry import Transform
from docpre.loading import ImageArray
from docpre.service.blob import receive_blob, send_blob
from docpre.service.reader_process import ReadingLimits, serve_reader
from docpre.service.refusal import Refusal

_GIVE_UP_S = 5.0


@dataclass(frozen=True, eq=False)
class ReadPage:
    """A page that was read, or the reason why it could not be.

    Args:
        image: (H, W, 3) BGR uint8, read-only; None if ``error`` is set.
        page_index: in a PDF or a file of several pages, from 0.
        transform: from the file's pixels (points) to ``image``.
        dpi: at which a PDF page was rendered.
        notes: what the client should know.
        error: set on a page that failed.
        is_limit: whether it failed because it is beyond a limit.
        is_drawn: see ``docpre.loading.Page``.
    """

    image: ImageArray | None
    page_index: int | None
    transform: Transform | None = None
    dpi: float | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None
    is_limit: bool = False
    is_drawn: bool = False


class Reader:
    """A process that reads one document at a time. Its methods are for one task at a time."""

    def __init__(self, context: Any, limits: ReadingLimits, threads: ThreadPoolExecutor) -> None:
        self._limits = limits
        self._threads = threads
        self._connection, remote = context.Pipe()
        self._process = context.Process(target=serve_reader, args=(remote, os.getpid(), limits), daemon=True)
        self._process.start()
        remote.close()
        #: Whether the next document may be given to it.
        self.is_idle = True

    async def open(self, content: bytes, is_pdf: bool, first_page: int = 0) -> int | None:
        """Begin with a document.

        Args:
            content: of the file.
            is_pdf: whether it is a PDF.
            first_page: of a PDF, from 0: where reading begins.

        Returns:
            How many pages a PDF has; None of a picture.

        Raises:
            Refusal: 422 where it can't be read, 413 where it is beyond a limit.
        """
        answer, _ = await self._ask({"do": "open", "is_pdf": is_pdf, "first_page": first_page}, content)
        return answer["total_pages"]

    async def next_page(self) -> ReadPage | None:
        """The next page; None behind the last one.

        Raises:
            Refusal: 422 where the document can't be read, 413 where it is beyond a limit.
        """
        answer, blob = await self._ask({"do": "next"})
        if answer.get("end"):
            return None
        if blob is None:
            error, is_limit = answer["page_error"], answer["is_limit"]
            return ReadPage(None, answer["page_index"], error=error, is_limit=is_limit)
        image = np.frombuffer(blob, np.uint8).reshape(*answer["size_hw"], 3)
        transform = Transform.from_json(answer["transform"])
        notes, is_drawn = tuple(answer["notes"]), answer["is_drawn"]
        return ReadPage(image, answer["page_index"], transform, answer["dpi"], notes, is_drawn=is_drawn)

    async def write_page(self, page: ReadPage, image: ImageArray | None, angle_cw_deg: int) -> None:
        """Append a page to the clean PDF: ``image`` (H, W, 3) RGB, or the file's own page, turned back."""
        request: dict[str, Any] = {
            "do": "pdf_page",
            "page_index": page.page_index,
            "angle_cw_deg": angle_cw_deg,
            "dpi": page.dpi,
        }
        if image is not None:
            request["size_hw"] = image.shape[:2]
        await self._ask(request, image)

    async def finished_pdf(self) -> memoryview:
        """The clean PDF."""
        _, blob = await self._ask({"do": "finish_pdf"})
        assert blob is not None
        return blob

    def is_alive(self) -> bool:
        """Whether its process still runs."""
        return self._process.is_alive()

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()

    def close(self) -> None:
        """End the process when it has done what it does."""
        self._connection.close()
        self._process.join(_GIVE_UP_S)

    async def _ask(self, request: dict[str, Any], blob: Any = None) -> tuple[dict[str, Any], memoryview | None]:
        self.is_idle = False
        exchange = asyncio.get_running_loop().run_in_executor(self._threads, self._exchange, request, blob)
        try:
            answer, received = await asyncio.shield(exchange)
        except asyncio.CancelledError:
            self.end()  # the client has gone, or its time is over
            # The thread must have let go of the connection before its descriptor may be another's.
            await asyncio.wait({exchange})
            exchange.exception()
            raise
        except (EOFError, OSError) as error:
            raise self._death() from error
        self.is_idle = True
        if "error" in answer:
            raise Refusal(413 if answer["is_limit"] else 422, f"The file can't be read: {answer['error']}.")
        return answer, received

    def _exchange(self, request: dict[str, Any], blob: Any) -> tuple[dict[str, Any], memoryview | None]:
        content = json.dumps(request | {"has_blob": blob is not None}).encode()
        self._connection.send_bytes(content)
        if blob is not None:
            send_blob(self._connection, blob, self._process.pid or 0)
        answer = json.loads(self._connection.recv_bytes())
        return answer, receive_blob(self._connection) if answer["has_blob"] else None

    def _death(self) -> Refusal:
        self._process.join(_GIVE_UP_S)
        if self._process.exitcode == -signal.SIGPROF:
            return Refusal(
                413,
                f"A page takes longer to be read than it may: {self._limits.max_read_s:g} s and 50 ms for each "
                "megapixel. Send it simpler or smaller, or raise the server's limit (max_read_s).",
            )
        return Refusal(422, "The file breaks its decoder. Save it again with another program.")


class ReaderPool:
    """As many readers as documents are read at once; one that has died, or was left in the middle, is replaced."""

    def __init__(self, count: int, limits: ReadingLimits) -> None:
        if "forkserver" not in multiprocessing.get_all_start_methods():
            raise ConfigError("docpre serve runs on Linux and macOS; on Windows run it in WSL or a container.")
        # A fork of this process would inherit its threads' locks; the fork server has none, and starts in 10 ms.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([serve_reader.__module__])
        self._threads = ThreadPoolExecutor(count, "reader")
        self._new: Callable[[], Reader] = lambda: Reader(self._context, limits, self._threads)
        self._free: asyncio.Queue[Reader] = asyncio.Queue()
        for _ in range(count):
            self._free.put_nowait(self._new())

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Reader]:
        """A reader of one's own, as soon as one is free."""
        reader = await self._free.get()
        try:
            if not reader.is_alive():
                reader = self._replaced(reader)
            yield reader
        finally:
            self._free.put_nowait(reader if reader.is_idle else self._replaced(reader))

    def _replaced(self, reader: Reader) -> Reader:
        reader.end()
        reader.close()
        return self._new()

    def close(self) -> None:
        """End all readers; none may be in use."""
        while not self._free.empty():
            self._free.get_nowait().close()
        self._threads.shutdown()

"""How many requests may be in the house, and what happens to those that leave, or stay too long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from prometheus_client import Gauge
from starlette.requests import Request

from docpre.service.refusal import Refusal

Answer = TypeVar("Answer")


class HungUpError(Exception):
    """The client has gone; there is nobody to answer."""


class Places:
    """Places for requests under way or waiting.

    Args:
        count: of places.
        under_way: shows how many are taken.
    """

    def __init__(self, count: int, under_way: Gauge) -> None:
        self._count = count
        self._under_way = under_way
        self._taken = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            Refusal: 429 where none is free.
        """
        if self._taken >= self._count:
            raise Refusal(429, "Too many requests are waiting. Try again in a second.", {"Retry-After": "1"})
        self._taken += 1
        self._under_way.inc()
        try:
            yield
        finally:
            self._taken -= 1
            self._under_way.dec()


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """End what takes longer.

    Raises:
        Refusal: 408.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Refusal(
            408, f"The request took longer than {seconds:g} s. Send fewer pages, or try again when there is less to do."
        ) from error


async def while_connected(request: Request, work: Awaitable[Answer]) -> Answer:
    """The result of ``work``, which is ended when the client hangs up. The request's body must have been read.

    Raises:
        HungUpError: it did.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise HungUpError
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

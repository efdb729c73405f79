"""A file from a URL that a stranger named: only http and https, only from public addresses, within limits.

The address is looked up once, checked, and connected to as it is: a name server that answers differently the next time
(rebinding) gains nothing, as there is no next time. Each redirect goes through the same door.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import Enum, auto
from urllib.parse import urljoin, urlsplit

import httpcore2

from docpre.service.public_address import Address, is_allowed
from docpre.service.refusal import Refusal

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

_REDIRECTS = (301, 302, 303, 307, 308)
_NOT_THERE = (404, 410)
_HEADERS = [(b"User-Agent", b"docpre"), (b"Accept", b"*/*"), (b"Accept-Encoding", b"identity")]
_STEP_TIMEOUT_S = 10.0
# Further files for one answer are never asked for, so no connection is kept.
_POOL = {"max_connections": 1, "max_keepalive_connections": 0}


class UrlFault(Enum):
    """What is wrong with a URL, or with what it gives."""

    MALFORMED = auto()
    FORBIDDEN = auto()
    UNKNOWN = auto()
    TIMEOUT = auto()
    BAD_ANSWER = auto()
    TOO_LARGE = auto()


_STATUS = {UrlFault.TIMEOUT: 408, UrlFault.TOO_LARGE: 413}


class UrlRefusal(Refusal):
    """A URL that gives no file: 413 where it is too large, 408 where the server does not answer, else 422."""

    def __init__(self, fault: UrlFault, message: str) -> None:
        super().__init__(_STATUS.get(fault, 422), message)
        self.fault = fault


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the system's resolver gives them."""
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(answer[4][0]) for answer in answers]


class _CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that have been checked, and to no others."""

    def __init__(self, allowed: Sequence[str], resolver: Resolver) -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        error: Exception | None = None
        for address in await self._addresses(host, port):
            try:
                return await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                error = failed
        raise error or httpcore2.ConnectError("the host has no address")

    async def _addresses(self, host: str, port: int) -> list[Address]:
        try:
            found = await self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise UrlRefusal(UrlFault.UNKNOWN, f"The host {host!r} of the URL is not known. Check its name.") from error
        addresses = [ipaddress.ip_address(text.split("%")[0]) for text in dict.fromkeys(found)]
        # One bad address spoils them all: an honest host does not mix public and private ones.
        if not all(is_allowed(host, address, self._allowed) for address in addresses):
            raise UrlRefusal(
                UrlFault.FORBIDDEN,
                f"The host {host!r} of the URL is not on the public internet and is not asked. Send the file itself.",
            )
        return addresses


async def fetch(
    url: str,
    *,
    max_bytes: int,
    max_redirects: int,
    allowed: Sequence[str] = (),
    resolver: Resolver = resolve,
) -> bytes:
    """The file at a URL. The time it may take is the caller's to limit.

    Args:
        url: http or https.
        max_bytes: of the file.
        max_redirects: that are followed.
        allowed: see ``is_allowed``.
        resolver: host and port to addresses.

    Raises:
        UrlRefusal: 413 where the file is too large, 408 where the server does not answer, 422 for all else.
    """
    for _ in range(max_redirects + 1):
        _check_url(url)
        network = _CheckedNetwork(allowed, resolver)
        async with httpcore2.AsyncConnectionPool(network_backend=network, **_POOL) as pool:  # type: ignore[arg-type]
            content, location = await _request(pool, url, max_bytes)
        if location is None:
            return content
        url = _joined(url, location)
    message = f"The URL redirects more than {max_redirects} times. Give the last address of the chain."
    raise UrlRefusal(UrlFault.BAD_ANSWER, message)


async def _request(pool: httpcore2.AsyncConnectionPool, url: str, max_bytes: int) -> tuple[bytes, str | None]:
    """The content, or where the file has gone to."""
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), _STEP_TIMEOUT_S)
    try:
        async with pool.stream("GET", url, headers=_HEADERS, extensions={"timeout": timeouts}) as answer:
            headers = {name.lower(): value for name, value in answer.headers}
            if answer.status in _REDIRECTS and b"location" in headers:
                return b"", headers[b"location"].decode("latin-1")
            if answer.status != 200:
                fault = UrlFault.UNKNOWN if answer.status in _NOT_THERE else UrlFault.BAD_ANSWER
                raise UrlRefusal(
                    fault, f"The server of the URL answered {answer.status}. Check that the file is there."
                )
            if headers.get(b"content-encoding", b"identity").lower() != b"identity":
                raise UrlRefusal(
                    UrlFault.BAD_ANSWER, "The server of the URL compresses its answers though it was asked not to."
                )
            parts, count = [], 0
            async for part in answer.aiter_stream():
                count += len(part)
                if count > max_bytes:
                    raise UrlRefusal(
                        UrlFault.TOO_LARGE, f"The file at the URL is over the limit of {max_bytes:,} bytes."
                    )
                parts.append(part)
            return b"".join(parts), None
    except httpcore2.TimeoutException as error:
        raise UrlRefusal(
            UrlFault.TIMEOUT, "The URL's server does not answer. Try again later, or send the file itself."
        ) from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, OSError) as error:
        raise UrlRefusal(
            UrlFault.BAD_ANSWER, f"The URL's server can't be reached ({type(error).__name__}). Check the URL."
        ) from error
    except (ValueError, UnicodeError) as error:
        raise UrlRefusal(UrlFault.MALFORMED, "The URL is malformed. Check it.") from error


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise UrlRefusal(UrlFault.BAD_ANSWER, "The URL redirects to one that is malformed.") from error


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise UrlRefusal(UrlFault.MALFORMED, "The URL is malformed. Check it.") from error
    if parts.scheme.lower() not in ("http", "https"):
        raise UrlRefusal(
            UrlFault.MALFORMED, f"URLs are http or https, not {parts.scheme[:20]}:. Send the file itself, as Base64."
        )
    if not host or port == 0:
        raise UrlRefusal(UrlFault.MALFORMED, "The URL names no host. Check it.")
    if parts.username is not None or parts.password is not None:
        raise UrlRefusal(
            UrlFault.FORBIDDEN, "URLs with a user name or a password are not fetched. Send the file itself, as Base64."
        )

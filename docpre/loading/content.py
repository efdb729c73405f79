"""The bytes of a file: at a path, behind a URL, or in memory already."""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docpre.errors import InputError
from docpre.loading.limits import Limits

_URL = re.compile(r"https?://", re.IGNORECASE)
_USER_AGENT = "docpre (document preprocessing)"


@dataclass(frozen=True, eq=False)
class NamedContent:
    """The content of a file, and the path, URL or other name that messages and results call it by."""

    content: bytes
    name: str


def is_url(item: Any) -> bool:
    """Whether an input is a URL that can be fetched."""
    return isinstance(item, str) and bool(_URL.match(item))


def path_of_url(url: str) -> str:
    """Where on its server a URL's file is."""
    try:
        return urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    except ValueError:  # malformed; what is wrong with it is said when it is fetched
        return url


def read_content(name: str, limits: Limits = Limits()) -> NamedContent:
    """What is in a file or at a URL.

    Raises:
        InputError: it can't be read, is empty, or is beyond a limit.
    """
    try:
        return NamedContent(content_of(name, limits), name)
    except InputError as error:
        raise type(error)(f"{name}: {error}.") from error


def content_of(item: Any, limits: Limits) -> bytes:
    """What a path or URL names, or bytes as they are.

    Raises:
        InputError: it is none of these, can't be read, is empty, or is beyond a limit.
    """
    if isinstance(item, NamedContent):
        item = item.content
    if isinstance(item, (bytes, bytearray, memoryview)):
        content = bytes(item)
        limits.check_bytes(len(content))
    elif isinstance(item, (str, os.PathLike)):
        content = _downloaded(str(item), limits) if is_url(item) else _read(Path(item).expanduser(), limits)
    else:
        raise InputError(
            f"docpre takes an ndarray, a PIL image, bytes, a path, a URL, a directory, or a list of these, "
            f"not {'None' if item is None else type(item).__name__}"
        )
    if not content:
        raise InputError("it is empty")
    return content


def _read(path: Path, limits: Limits) -> bytes:
    try:
        if not path.exists():
            raise InputError("there is no such file")
        if not path.is_file():
            raise InputError("it is not a regular file")
        limits.check_bytes(path.stat().st_size)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"it can't be read ({getattr(error, 'strerror', None) or error})") from error


def _downloaded(url: str, limits: Limits) -> bytes:
    limit = limits.max_bytes
    try:
        request = urllib.request.Request(url, headers={"User-Agent": _USER_AGENT})
        with urllib.request.urlopen(request, timeout=limits.url_timeout_s) as answer:
            content = answer.read() if limit is None else answer.read(limit + 1)
    except urllib.error.HTTPError as error:
        raise InputError(f"the server answered {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"it can't be reached ({getattr(error, 'reason', None) or error})") from error
    limits.check_bytes(len(content))
    return bytes(content)

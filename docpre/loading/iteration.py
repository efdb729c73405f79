"""The pages of an input, one by one or in lists."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from docpre.errors import ConfigError
from docpre.loading.limits import Limits
from docpre.loading.page import Page
from docpre.loading.page_ranges import parse_page_ranges
from docpre.loading.reader import OnError, Reader

Item = TypeVar("Item")


def iter_pages(
    input: Any,
    *,
    dpi: float = 200,
    pages: str | None = None,
    limits: Limits = Limits(),
    on_error: OnError = "result",
    preview_side: int | None = None,
) -> Iterator[Page]:
    """The pages of an input, in order, each decoded when it is asked for.

    Args:
        input: ndarray (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA, uint8; PIL image; bytes of a file, or
            ``NamedContent``; path of a picture or PDF; URL; directory (its pictures and PDFs, in all its folders, by
            name); a ``Page`` that was read already, which comes as it is; list of these.
        dpi: at which PDF pages are rendered.
        pages: which pages of PDFs and multi-page files, counted from 1: ``"1-3,7,12-"``. None: all.
        limits: see ``Limits``.
        on_error: ``result``: where there are several pages, one that fails becomes a page with ``error`` set, and the
            others are delivered. ``raise``: the first failure is raised.
        preview_side: for those to whom a small picture may be enough: pictures that can be decoded at a reduced scale
            for less, both sides keeping so many pixels at least, come with that as ``preview``, and are decoded in
            full when ``image`` is asked for. Arrays come as they are and are converted when ``image`` is asked for (so
            don't write into one while its page is in use).

    Raises:
        InputError: a single input can't be processed, or any with ``on_error="raise"``.
        ConfigError: ``dpi``, ``pages`` or ``on_error`` is malformed.
    """
    if not (isinstance(dpi, (int, float)) and not isinstance(dpi, bool) and 1 <= dpi <= 2400):
        raise ConfigError(f"dpi is a number from 1 to 2400, not {dpi!r}.")
    if on_error not in ("result", "raise"):
        raise ConfigError(f"on_error is 'result' or 'raise', not {on_error!r}.")
    reader = Reader(dpi, parse_page_ranges(pages), limits, on_error, preview_side)
    return reader.read(input)


def pages_from_arguments(input: Any, arguments: Mapping[str, Any], preview_side: int | None = None) -> Iterator[Page]:
    """The pages that the keyword arguments of a ``predict`` ask for.

    Args:
        input: see ``iter_pages``.
        arguments: ``dpi``, ``pages`` and ``on_error`` of ``iter_pages``, and the fields of ``Limits``.
        preview_side: see ``iter_pages``.

    Raises:
        ConfigError: one is unknown or wrong.
    """
    limit_names = [f.name for f in fields(Limits)]
    known = ["dpi", "pages", "on_error", *limit_names]
    if unknown := sorted(set(arguments) - set(known)):
        raise ConfigError(f"Unknown argument: {', '.join(unknown)}. Arguments on reading are {', '.join(known)}.")
    limits = Limits(**{name: arguments[name] for name in limit_names if name in arguments})
    others = {name: value for name, value in arguments.items() if name not in limit_names}
    return iter_pages(input, limits=limits, preview_side=preview_side, **others)


def batches(pages: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """Pages (or what comes of them) in lists of ``size``, the last one shorter.

    Raises:
        ConfigError: ``size`` is not a whole number of at least 1.
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ConfigError(f"batch_size is a whole number of at least 1, not {size!r}.")
    return iter(lambda: list(itertools.islice(pages, size)), [])

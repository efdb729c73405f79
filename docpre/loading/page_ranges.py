"""Which pages of a document are asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docpre.errors import ConfigError, InputError

# Half-open, counted from 0; None: to the end.
PageRanges = tuple[tuple[int, int | None], ...]


def parse_page_ranges(text: str | None) -> PageRanges | None:
    """``"1-3,7,12-"`` to ``((0, 3), (6, 7), (11, None))``: half-open ranges counted from 0.

    Raises:
        ConfigError: it is not such a list.
    """
    if text is None:
        return None
    ranges: list[tuple[int, int | None]] = []
    for part in str(text).split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:(-)\s*(\d+)?)?\s*", part)
        first = int(match[1]) if match else 0
        last = int(match[3]) if match and match[3] else (None if match and match[2] else first)
        if not match or first < 1 or (last is not None and last < first):
            raise ConfigError(f"pages is a list such as '1-3,7,12-', counted from 1, not {text!r}.")
        ranges.append((first - 1, last))
    return tuple(ranges)


def chosen_pages(ranges: PageRanges | None, count: int, label: str) -> Sequence[int]:
    """The pages, counted from 0, that ranges choose of a document of ``count`` pages; without ranges all.

    Raises:
        InputError: one is not there; the message calls the document by its label.
    """
    if ranges is None:
        return range(count)  # not a list: a forged file may say that it has billions
    chosen: list[int] = []
    for first, stop in ranges:
        if first >= count or (stop is not None and stop > count):
            raise InputError(
                f"{label} has {count} pages; page {(stop or first + 1) if stop else first + 1} is not there."
            )
        chosen.extend(range(first, count if stop is None else stop))
    return chosen

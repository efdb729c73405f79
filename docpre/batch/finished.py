"""Which inputs and pages the results have already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Finished:
    """Inputs whose pages are all done, and the pages of those that are done in part.

    Sixteen bytes an input, in one array, so that a million fit where a Ray task can look at them without a copy.
    """

    def __init__(self, keys: NDArray[np.void] | None = None, partial: dict[str, tuple[int, set[int]]] | None = None):
        self._keys = np.zeros(0, "S16") if keys is None else keys
        self._partial = partial or {}

    @classmethod
    def of(cls, rows: Iterable[tuple[str, int | None, int]]) -> Finished:
        """From results' ``source``, ``page`` and ``pages``."""
        keys: list[bytes] = []
        partial: dict[str, tuple[int, set[int]]] = {}
        for source, page, count in rows:
            done = partial.setdefault(source, (count, set()))[1]
            done.add(page or 0)
            if len(done) >= count:
                keys.append(input_key(source))
                del partial[source]
        return cls(np.unique(np.array(keys, "S16")), partial)

    def __contains__(self, source: str) -> bool:
        key = np.array(input_key(source), "S16")
        position = int(np.searchsorted(self._keys, key))
        return position < len(self._keys) and bool(self._keys[position] == key)

    @property
    def inputs(self) -> int:
        """How many inputs are done."""
        return len(self._keys)

    def missing_pages(self, source: str) -> Sequence[int] | None:
        """The pages that are not done of a document that is done in part; None of any other."""
        if source not in self._partial:
            return None
        count, done = self._partial[source]
        return [page for page in range(count) if page not in done]

    def page_count(self, source: str) -> int | None:
        """How many pages a document has that is done in part; None of any other."""
        return self._partial[source][0] if source in self._partial else None

    def __reduce__(self) -> tuple[Any, ...]:
        return Finished, (self._keys, self._partial)


def input_key(source: str) -> bytes:
    """Sixteen bytes that stand for an input's name."""
    return hashlib.blake2b(source.encode("utf-8", "surrogateescape"), digest_size=16).digest()

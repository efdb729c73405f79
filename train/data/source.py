"""What a reader of training data offers: pages with an angle, or photos with a grid; documents tell pages apart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docpre.errors import ConfigError
from docpre.loading import ImageArray

GRID_HW = (45, 31)
NO_ANGLE = -1  # of pages without a way up: blank ones, pictures without text


class Source(ABC):
    """A set of samples.

    Attributes:
        documents: for each sample the document that it belongs to; a split keeps documents whole.
    """

    documents: Sequence[str]

    def __len__(self) -> int:
        return len(self.documents)

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Reader, place and size, as plain values: goes into checkpoints and into the exported model's record."""

    def _described(self, **details: Any) -> dict[str, Any]:
        counts = {"samples": len(self), "documents": len(set(self.documents))}
        return {"reader": type(self).__name__, **details, **counts}


class PageSource(Source):
    """Pages for orientation.

    Attributes:
        angles_cw_deg: for each page how far it is turned clockwise as it is stored: 0, 90, 180 or 270; or ``NO_ANGLE``.
    """

    angles_cw_deg: Sequence[int]

    @abstractmethod
    def read(self, index: int) -> ImageArray:
        """One page as it is stored, (H, W, 3) RGB uint8.

        Raises:
            InputError: it can't be read; the message names the file.
        """


@dataclass(frozen=True, eq=False)
class WarpedPage:
    """A photo of a page, and where the page lies in it.

    Args:
        image: (H, W, 3) RGB uint8.
        grid_xy: (2, 45, 31): for each node of the flat page where it lies in the photo, x then y; -1 and 1 are the
            centres of the photo's first and last pixel, and nodes outside the frame lie beyond.
        mesh: (3, 45, 31): where each node lies in space, as UVDoc scales it to about [0, 1]: towards the camera, to
            the right, up. None where a set has none.
    """

    image: ImageArray
    grid_xy: NDArray[np.float32]
    mesh: NDArray[np.float32] | None = None


class WarpedSource(Source):
    """Photos with their grids, for unwarping."""

    @abstractmethod
    def read(self, index: int, number: int) -> WarpedPage:
        """One photo.

        Args:
            index: which sample.
            number: the sample's number in the whole run; what is drawn by chance depends on it alone.

        Raises:
            InputError: it can't be read, or is malformed; the message names the file.
        """

    def read_many(self, indices: Sequence[int], numbers: Sequence[int]) -> list[WarpedPage]:
        """Several photos, as ``read`` gives them; a source that makes them all at once says so here."""
        return [self.read(index, number) for index, number in zip(indices, numbers, strict=True)]


class Several(PageSource):
    """Several sources of pages as one.

    Args:
        sources: one or more.
    """

    def __init__(self, sources: list[PageSource]) -> None:
        self._sources, self._places = sources, _places(sources)
        self.documents = [f"{place[0]}:{sources[place[0]].documents[place[1]]}" for place in self._places]
        self.angles_cw_deg = [sources[part].angles_cw_deg[index] for part, index in self._places]

    def read(self, index: int) -> ImageArray:
        part, inner = self._places[index]
        return self._sources[part].read(inner)

    def describe(self) -> dict[str, Any]:
        return self._described(sources=[source.describe() for source in self._sources])


class SeveralWarped(WarpedSource):
    """Several sources of photos as one.

    Args:
        sources: one or more.
    """

    def __init__(self, sources: list[WarpedSource]) -> None:
        self._sources, self._places = sources, _places(sources)
        self.documents = [f"{place[0]}:{sources[place[0]].documents[place[1]]}" for place in self._places]

    def read(self, index: int, number: int) -> WarpedPage:
        part, inner = self._places[index]
        return self._sources[part].read(inner, number)

    def describe(self) -> dict[str, Any]:
        return self._described(sources=[source.describe() for source in self._sources])


def _places(sources: Sequence[Source]) -> list[tuple[int, int]]:
    if not sources:
        raise ConfigError("Several sources were announced, but the list of sources is empty.")
    return [(part, index) for part, source in enumerate(sources) for index in range(len(source))]

"""A page, as it is handed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from docpre.errors import DocpreError
from docpre.geometry import Transform

ImageArray = NDArray[np.uint8]


def _as_it_is(image: NDArray[np.uint8]) -> ImageArray:
    return image


@dataclass(frozen=True, eq=False)
class Pixels:
    """A picture in memory that is converted to RGB after it has been made smaller, which is cheaper.

    Args:
        array: (H, W) or (H, W, C) uint8, its channels in any order.
        to_rgb: what makes RGB of it, or of a smaller one.
    """

    array: NDArray[np.uint8]
    to_rgb: Callable[[NDArray[np.uint8]], ImageArray] = _as_it_is


@dataclass(frozen=True, eq=False)
class Decoded:
    """What the content of a page says of it, before it has a name; the fields mean what they mean in ``Page``."""

    pixels: ImageArray | Callable[[], ImageArray]
    transform: Transform
    exif_orientation: int | None = None
    dpi: float | None = None
    notes: tuple[str, ...] = ()
    preview: Pixels | None = None
    is_drawn: bool = False


@dataclass(frozen=True, eq=False)
class Page:
    """One page, decoded, or the reason why it could not be.

    Args:
        pixels: (H, W, 3) RGB uint8, or a function that decodes them; None if ``error`` is set.
        input_path: what the user named, as text; None for pictures in memory.
        page_index: counted from 0 in a PDF or a file of several pages, else None.
        stem: name for output files, unique within the run.
        suffix: extension for output pictures, with its dot.
        transform: from the original's pixels (points) to ``image``.
        exif_orientation: 1 to 8 if the file states one and it was applied, else None.
        dpi: at which a PDF page was rendered, else None.
        notes: what the user should know, such as that a file was truncated.
        error: set on a page that failed.
        preview: what is enough for those to whom a small picture may be enough, where that was asked for and comes
            cheaper than ``image``: the same picture at a reduced scale, or a user's array as it came.
        is_drawn: a PDF's page that is text and lines, not a picture: pictures cover less than half of it.
    """

    pixels: ImageArray | Callable[[], ImageArray] | None
    input_path: str | None
    page_index: int | None
    stem: str
    suffix: str
    transform: Transform = field(default_factory=lambda: Transform.identity((0, 0)))
    exif_orientation: int | None = None
    dpi: float | None = None
    notes: tuple[str, ...] = ()
    error: DocpreError | None = None
    preview: Pixels | None = None
    is_drawn: bool = False

    @cached_property
    def image(self) -> ImageArray | None:
        """(H, W, 3) RGB uint8, decoded now if it has not been yet; None if ``error`` is set."""
        return self.pixels() if callable(self.pixels) else self.pixels

    @property
    def glance(self) -> Pixels | None:
        """The preview, or without one ``image``; None if ``error`` is set."""
        return self.preview or (None if self.image is None else Pixels(self.image))

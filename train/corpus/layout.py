"""What a kind of drawn page gives: HTML and its size; and the sizes of paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from train.corpus.writer import Writer

A4 = (794, 1123)


@dataclass(frozen=True)
class Layout:
    """A page.

    Args:
        body: of the HTML.
        size_wh: in CSS pixels.
        css: more CSS.
        longest: None, or the page is as long as its text, in place of the height above, but not longer than this.
    """

    body: str
    size_wh: tuple[int, int] = A4
    css: str = ""
    longest: int | None = None


Kinds = Mapping[str, Callable[[Writer], Layout]]


def paper(writer: Writer) -> tuple[int, int]:
    """A sheet's width and height in CSS pixels: mostly upright A4."""
    width, height = writer.draw.choice([A4, A4, A4, (816, 1056), (620, 874), (700, 1240)])
    return (height, width) if writer.draw.random() < 0.12 else (width, height)

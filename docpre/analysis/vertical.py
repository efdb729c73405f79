"""Pages whose lines run down, from right to left, as Chinese and Japanese are often set.

Laid on their side they are like others, whose lines run level from the top down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from docpre.analysis.elements import Quad, Section, Structure, TextLine
from docpre.analysis.layout_network import Block
from docpre.loading import ImageArray


def runs_down(lines: Sequence[TextLine]) -> bool:
    """Whether most of a page's characters stand in lines that run down."""
    down = sum(len(line.text) for line in lines if _is_down(line.quad))
    return down > sum(len(line.text) for line in lines) / 2


def laid_level(
    image_rgb: ImageArray, lines: Iterable[TextLine], blocks: Iterable[Block]
) -> tuple[ImageArray, list[TextLine], list[Block]]:
    """A page with its lines and blocks, turned by a quarter against the clock: its right edge is the top then."""
    width = image_rgb.shape[1]

    def turned(quad: Quad) -> Quad:
        return np.stack([quad[:, 1], width - quad[:, 0]], 1).astype(np.float32)

    level = [
        replace(
            line,
            quad=turned(line.quad),
            chars=tuple(replace(char, quad=turned(char.quad)) for char in line.chars),
        )
        for line in lines
    ]
    found = []
    for block in blocks:
        left, top, right, bottom = block.box
        found.append(replace(block, box=np.array([top, width - right, bottom, width - left])))
    return np.ascontiguousarray(np.rot90(image_rgb)), level, found


def stood_up(structure: Structure, width: int) -> Structure:
    """How a page is built up that was laid level before: its outlines in the page again, rows and columns exchanged.

    Args:
        structure: of the page on its side.
        width: of the page, in pixels.
    """

    def back(quad: Quad) -> Quad:
        corners = np.stack([width - quad[:, 1], quad[:, 0]], 1)
        return np.roll(corners, 1, axis=0).astype(np.float32)  # from the top left again

    return Structure(
        tuple(replace(layout, quad=back(layout.quad)) for layout in structure.layouts),
        tuple(_exchanged(replace(section, quad=back(section.quad))) for section in structure.sections),
        structure.columns,
        structure.rows,
        tuple(replace(formula, quad=back(formula.quad)) for formula in structure.formulas),
        structure.reading_order,
    )


def _exchanged(section: Section) -> Section:
    return replace(section, row=section.column, column=section.row)


def _is_down(quad: Quad) -> bool:
    """Whether a line runs down: its quad begins where its writing does."""
    x, y = quad[1] - quad[0]
    return bool(y > abs(x))

"""A page with all that was found on it drawn over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from docpre.analysis.elements import LayoutKind, Quad, SectionKind, Structure, TextLine, WordsType
from docpre.loading import ImageArray

_LINES: Mapping[WordsType | None, str] = {
    None: "#1f77b4",
    WordsType.PRINT: "#1f77b4",
    WordsType.HANDWRITING: "#d62728",
}
_LAYOUTS: Mapping[LayoutKind, str] = {
    LayoutKind.TEXT: "#2ca02c",
    LayoutKind.TITLE: "#9467bd",
    LayoutKind.TABLE: "#ff7f0e",
    LayoutKind.FIGURE: "#17becf",
    LayoutKind.CONTENTS: "#8c564b",
}
_SECTIONS: Mapping[SectionKind, str] = dict.fromkeys(SectionKind, "#e377c2") | {SectionKind.COLUMN: "#bcbd22"}
_FORMULA = "#c000c0"


def drawn(
    image: ImageArray, lines: Sequence[TextLine], structure: Structure | None, reading_order: Sequence[int]
) -> Image.Image:
    """Lines with their place in the reading order (handwriting red, print blue), blocks, sections and formulas.

    Args:
        image: (H, W, 3) RGB uint8.
        lines: of the page.
        structure: of the page, or None.
        reading_order: indices of the lines.
    """
    picture = Image.fromarray(image.copy())
    draw = ImageDraw.Draw(picture, "RGBA")
    unit = max(1, round(max(picture.size) / 1200))
    font = ImageFont.load_default(12 * unit)
    if structure is not None:
        for section in structure.sections:
            place = "" if section.row is None else f" {section.row},{section.column}"
            _outline(draw, section.quad, _SECTIONS[section.kind], 4 * unit, f"{section.kind.value}{place}", font)
        for number, layout in enumerate(structure.layouts):
            _outline(draw, layout.quad, _LAYOUTS[layout.kind], 3 * unit, f"{number} {layout.kind.value}", font, 40)
        for formula in structure.formulas:
            _outline(draw, formula.quad, _FORMULA, 2 * unit, "", font, 30)
    places = {index: place for place, index in enumerate(reading_order)}
    for index, line in enumerate(lines):
        colour = _LINES[line.words_type]
        _outline(draw, line.quad, colour, unit, str(places.get(index, "")), font, 24)
        for char in line.chars:
            draw.polygon([tuple(point) for point in char.quad], outline=colour + "60")
    return picture


def _outline(
    draw: ImageDraw.ImageDraw,
    quad: Quad,
    colour: str,
    width: int,
    label: str,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    fill: int = 0,
) -> None:
    corners = [(float(x), float(y)) for x, y in quad]
    draw.polygon(corners, fill=f"{colour}{fill:02x}")
    draw.line([*corners, corners[0]], colour, width)
    if label:
        box = draw.textbbox(corners[0], label, font, anchor="rb" if label.isdigit() else "lb")
        draw.rectangle(box, colour)
        draw.text(corners[0], label, "white", font, anchor="rb" if label.isdigit() else "lb")

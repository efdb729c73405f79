"""A page as hOCR 1.2 (http://kba.github.io/hocr-spec/1.2/): XHTML with boxes of blocks, lines, words, characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.etree import ElementTree

import numpy as np

from docpre import __version__
from docpre.analysis.characters import is_wide
from docpre.analysis.elements import Char, LayoutKind, Quad, Structure, TextLine
from docpre.analysis.text_output import blocks

_CAPABILITIES = "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrx_cinfo"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
_HEAD += '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'


def hocr(
    lines: Sequence[TextLine],
    structure: Structure | None,
    reading_order: Iterable[int],
    size_hw: tuple[int, int],
    name: str,
) -> str:
    """The page's hOCR.

    Args:
        lines, structure, reading_order: of the page.
        size_hw: of its picture.
        name: of the picture's file.
    """
    root = ElementTree.Element("html", {"xmlns": "http://www.w3.org/1999/xhtml"})
    head = ElementTree.SubElement(root, "head")
    ElementTree.SubElement(head, "title").text = name
    ElementTree.SubElement(head, "meta", {"name": "ocr-system", "content": f"docpre {__version__}"})
    ElementTree.SubElement(head, "meta", {"name": "ocr-capabilities", "content": _CAPABILITIES})
    body = ElementTree.SubElement(root, "body")
    quoted = name.replace('"', "")
    title = f'image "{quoted}"; bbox 0 0 {size_hw[1]} {size_hw[0]}; ppageno 0'
    page = ElementTree.SubElement(body, "div", {"class": "ocr_page", "id": "page_1", "title": title})
    groups = [([index], None) for index in reading_order] if structure is None else blocks(structure, reading_order)
    for number, (group, layout) in enumerate(groups, 1):
        quads = [lines[index].quad for index in group] if layout is None else [layout.quad]
        area = _element(page, "div", "ocr_carea", f"block_1_{number}", quads)
        if layout is not None and layout.kind is LayoutKind.TABLE:
            area.set("class", "ocr_carea ocr_table")
        paragraph = _element(area, "p", "ocr_par", f"par_1_{number}", quads)
        for index in group:
            line = lines[index]
            own = _element(paragraph, "span", "ocr_line", f"line_1_{index + 1}", [line.quad])
            for place, chars in enumerate(words(line), 1):
                word = _element(own, "span", "ocrx_word", f"word_1_{index + 1}_{place}", [char.quad for char in chars])
                score = 100 * sum(char.score for char in chars) / len(chars)
                word.set("title", f"{word.get('title')}; x_wconf {score:.0f}")
                for char in chars:
                    seen = ElementTree.SubElement(word, "span", {"class": "ocrx_cinfo"})
                    seen.set("title", f"x_bboxes {_box([char.quad])}; x_conf {100 * char.score:.1f}")
                    seen.text = char.text
                word.tail = " "
    return _HEAD + ElementTree.tostring(root, "unicode") + "\n"


def words(line: TextLine) -> list[tuple[Char, ...]]:
    """A line's characters by words: spaces divide them, and each wide character is one by itself."""
    chars = iter(line.chars)
    found: list[tuple[Char, ...]] = []
    for part in line.text.split():
        own = [next(chars) for _ in part]
        for wide, group in groupby(own, key=lambda char: is_wide(char.text)):
            members = tuple(group)
            found += [(char,) for char in members] if wide else [members]
    return found


def _element(
    parent: ElementTree.Element, tag: str, kind: str, identifier: str, quads: Sequence[Quad]
) -> ElementTree.Element:
    values = {"class": kind, "id": identifier, "title": f"bbox {_box(quads)}"}
    return ElementTree.SubElement(parent, tag, values)


def _box(quads: Sequence[Quad]) -> str:
    points = np.concatenate(quads)
    low, high = np.floor(points.min(0)).astype(int), np.ceil(points.max(0)).astype(int)
    return f"{low[0]} {low[1]} {high[0]} {high[1]}"

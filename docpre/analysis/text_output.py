"""A page as plain text or Markdown, in reading order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from docpre.analysis.characters import is_wide
from docpre.analysis.elements import Layout, LayoutKind, Structure, TextLine

# What would be read as Markdown where it stands: anywhere, and at the beginning of a line.
_ANYWHERE = re.compile(r"([\\`*_\[\]<>|])")
_AT_START = re.compile(r"^(\s*)([#+-]|\d+(?=[.)]\s))")


def plain_text(lines: Sequence[TextLine], structure: Structure | None, reading_order: Iterable[int]) -> str:
    """The lines, one under the other, with an empty line between blocks."""
    if structure is None:
        return "".join(f"{lines[index].text}\n" for index in reading_order)
    paragraphs = ["\n".join(lines[index].text for index in group) for group, _ in blocks(structure, reading_order)]
    return "\n\n".join(paragraphs) + "\n" if paragraphs else ""


def markdown(lines: Sequence[TextLine], structure: Structure | None, reading_order: Iterable[int]) -> str:
    """Titles as headings, texts as paragraphs, contents as lists, the cells of tables row by row.

    A figure is a paragraph with its words. Without a structure, each line is a paragraph.
    """
    if structure is None:
        return "".join(f"{_escaped(lines[index].text)}\n\n" for index in reading_order)
    parts = []
    for group, layout in blocks(structure, reading_order):
        own = [lines[index] for index in group]
        kind = LayoutKind.TEXT if layout is None else layout.kind
        if kind is LayoutKind.TITLE:
            parts.append(f"## {_escaped(joined(own))}")
        elif kind is LayoutKind.CONTENTS:
            parts.append("\n".join(f"- {_escaped(line.text)}" for line in own))
        elif kind is LayoutKind.TABLE:
            parts.append(_table(own))
        else:
            parts.append(_escaped(joined(own)))
    return "\n\n".join(part for part in parts if part) + "\n" if parts else ""


def blocks(structure: Structure, reading_order: Iterable[int]) -> list[tuple[list[int], Layout | None]]:
    """The lines by the block that they stand in, in reading order; lines in no block are each by themselves."""
    home = {index: layout for layout in structure.layouts for index in layout.lines}
    found: list[tuple[list[int], Layout | None]] = []
    for index in reading_order:
        layout = home.get(index)
        if layout is not None and found and found[-1][1] is layout:
            found[-1][0].append(index)
        else:
            found.append(([index], layout))
    return found


def joined(lines: Sequence[TextLine]) -> str:
    """Lines of a paragraph as one: words that were divided are made whole, and Chinese needs no space between lines."""
    text = ""
    for line in lines:
        if not text or not line.text:
            text += line.text
        elif text.endswith("-") and text[-2:-1].isalpha() and line.text[0].islower():
            text = text[:-1] + line.text
        elif is_wide(text[-1]) or is_wide(line.text[0]):
            text += line.text
        else:
            text += " " + line.text
    return text


def _table(lines: Sequence[TextLine]) -> str:
    """Cells by where they stand: lines side by side are a row, and a row's lines its cells."""
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: float(line.quad[:, 1].mean())):
        height = float(line.quad[3, 1] - line.quad[0, 1])
        if rows and float(line.quad[:, 1].mean() - rows[-1][0].quad[:, 1].mean()) < height / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    if not rows:
        return ""
    width = max(len(row) for row in rows)
    texts = [[_escaped(cell.text) for cell in sorted(row, key=lambda cell: float(cell.quad[0, 0]))] for row in rows]
    padded = [row + [""] * (width - len(row)) for row in texts]
    body = [f"| {' | '.join(row)} |" for row in padded]
    return "\n".join([body[0], "|" + " --- |" * width, *body[1:]])


def _escaped(text: str) -> str:
    return _AT_START.sub(r"\1\\\2", _ANYWHERE.sub(r"\\\1", text))

"""Where formulas are: displayed ones as the layout network or their characters tell, inline ones by characters."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from docpre.analysis.boxes import Box, around, share_inside
from docpre.analysis.elements import Formula, FormulaKind, TextLine
from docpre.analysis.layout_network import Block
from docpre.analysis.straight import Straight

_STRONG = frozenset("=≠≈≡≤≥≪≫∑∏∫∮√∞∂∇∈∉⊂⊆∪∩∀∃→⇒⇔↦±∓×÷⋅∝∼≃≅")
_WEAK = frozenset("+-−*/^_|<>()[]{}′″°,.~'")
_GREEK = re.compile(r"[\u0391-\u03a9\u03b1-\u03c9]")
_TERM = re.compile(r"(?:sin|cos|tan|log|ln|exp|lim|max|min|sup|inf|det|arg|mod)?[A-Za-z]{0,2}")
_ATOM = (
    r"(?:\d+(?:[.,]\d+)*[A-Za-z]?(?![A-Za-z])|(?<![A-Za-z])[A-Za-z]\d?(?![A-Za-z\d])|[\u0391-\u03a9\u03b1-\u03c9]"
    r"|[^\w\s\u3000-\u303f\uff00-\uffef,.;:?!\"“”‘’])"
)
_RUN = re.compile(rf"{_ATOM}(?:\s?{_ATOM})+")
_DISPLAY_SHARE = 0.55
_SEEN_SHARE = 0.35  # is enough where the network sees a formula
_EQUATION_NUMBER = re.compile(r"[(（]\s*\d+(?:[.-]\d+)*\s*[)）]$")


def is_formula_char(char: str) -> bool:
    """Whether a character stands in formulas only."""
    return char in _STRONG or _GREEK.fullmatch(char) is not None


def displayed(
    lines: Sequence[TextLine], free: Sequence[int], page: Straight, blocks: Sequence[Block]
) -> list[list[int]]:
    """Lines that are displayed formulas, those of one formula together.

    Args:
        lines: of the page.
        free: indices of the lines that may be.
        page: as its lines run level.
        blocks: what the layout network sees, on the straight page.
    """
    seen = [block.box for block in blocks if block.label == "equation"]
    found: list[list[int]] = []
    taken: set[int] = set()
    for box in seen:
        inside = [i for i in free if i not in taken and share_inside(page.boxes[i], box) > 0.5]
        if inside and sum(_mathematical(lines[i].text) for i in inside) / len(inside) > _SEEN_SHARE:
            found.append(inside)
            taken.update(inside)
    for index in free:
        text = _EQUATION_NUMBER.sub("", lines[index].text.strip())
        has_sign = any(is_formula_char(c) for c in text)
        if index not in taken and has_sign and _mathematical(text) >= _DISPLAY_SHARE and len(text) >= 3:
            found.append([index])
    return found


def _mathematical(text: str) -> float:
    """The share of a text's characters that formulas are made of."""
    text = text.strip()
    if not text:
        return 0.0
    words = re.findall(r"[A-Za-z]{2,}|[^\sA-Za-z]|[A-Za-z]", text)
    total = sum(len(word) for word in words)
    mathematical = sum(
        len(word)
        for word in words
        if (len(word) == 1 and (is_formula_char(word) or word in _WEAK or word.isdigit() or word.isascii()))
        or _TERM.fullmatch(word) is not None
    )
    return mathematical / max(total, 1)


def inline(line: TextLine) -> list[Box]:
    """Boxes of the formulas within a line of text: runs of variables, numbers and signs, with a sign of mathematics."""
    if len(line.chars) != len(line.text.replace(" ", "")):
        return []
    found = []
    for run in _RUN.finditer(line.text):
        text = run[0].strip(" ,.;:")
        start = run.start() + run[0].index(text) if text else 0
        signs = [k for k, char in enumerate(text) if char in _STRONG]
        if (
            not signs
            or not any(c.isalnum() for c in text[: signs[0]])
            or not any(c.isalnum() for c in text[signs[-1] + 1 :])
        ):
            continue
        first = len(line.text[:start].replace(" ", ""))
        chars = line.chars[first : first + len(text.replace(" ", ""))]
        found.append(around(np.concatenate([c.quad.min(0), c.quad.max(0)]).astype(np.float64) for c in chars))
    return found


def formulas_of(
    lines: Sequence[TextLine], groups: Sequence[Sequence[int]], page: Straight, text_lines: Sequence[int]
) -> tuple[Formula, ...]:
    """The formulas of a page, from the top down.

    Args:
        lines: of the page.
        groups: lines of each displayed formula.
        page: as its lines run level.
        text_lines: indices of the lines that formulas may stand in.
    """
    found = [Formula(FormulaKind.DISPLAY, page.quad(around(page.boxes[i] for i in group)), None) for group in groups]
    shown = {i for group in groups for i in group}
    for index in text_lines:
        if index not in shown:
            for box in inline(lines[index]):
                corners = [[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]]
                found.append(Formula(FormulaKind.INLINE, np.array(corners, np.float32), None))
    return tuple(sorted(found, key=lambda formula: (float(formula.quad[0, 1]), float(formula.quad[0, 0]))))

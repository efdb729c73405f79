"""The text view: the page as it came beside the clean one, all lines on both, and a table; as HTML with SVG.

A line that is pointed at, in one of the three places, lights up in all of them (``explorer.js``).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from demo.drawing import Picture, preview, shown_xy
from demo.texts import Texts
from docpre import jpeg
from docpre.analysis.elements import Quad, WordsType
from docpre.analysis.results import AnalysisResult
from docpre.results import DocPreprocessorResult

_SIDE = 1300
_QUALITY = 82


def explorer(texts: Texts, came: DocPreprocessorResult, read: AnalysisResult) -> str:
    """HTML of the text view.

    Args:
        texts: of the page.
        came: the page before any step.
        read: the page with its lines.
    """
    if not read.lines:
        return message(texts["no_lines"])
    original, clean = preview(came.output_image, _SIDE), preview(read.output_image, _SIDE)
    original_scale = max(original.shape[:2]) / max(came.output_image.shape[:2])
    clean_scale = max(clean.shape[:2]) / max(read.output_image.shape[:2])
    quads = [line.quad.astype(float) for line in read.lines]
    in_original = [shown_xy(quad, read, came) * original_scale for quad in quads]
    layers = [("lines", _lines(texts, read, [quad * clean_scale for quad in quads]))]
    toggles = [("lines", texts["show_lines"])]
    if read.structure is not None:
        layers = [("blocks", _blocks(texts, read, clean_scale)), *layers, ("order", _order(read, clean_scale))]
        toggles = [("blocks", texts["show_blocks"]), *toggles, ("order", texts["show_order"])]
    boxes = "".join(
        f'<label><input type="checkbox" data-toggle="{name}"{"" if name == "order" else " checked"}> '
        f"{escape(label)}</label>"
        for name, label in toggles
    )
    left = _svg(original, [("lines", _lines(texts, read, in_original))], texts["in_original"])
    return (
        f'<div class="dp-explorer hide-order"><div class="dp-toggles">{boxes}{_legend(texts, read)}</div>'
        f'<p class="dp-said" role="status" aria-live="polite">{escape(texts["hover"])}</p>'
        f'<div class="dp-pair">{left}{_svg(clean, layers, texts["in_clean"])}</div>{_table(texts, read)}</div>'
    )


def message(text: str) -> str:
    """A line of text in place of a view."""
    return f'<p class="dp-note">{escape(text)}</p>'


def _svg(picture: Picture, layers: Sequence[tuple[str, str]], caption: str) -> str:
    height, width = picture.shape[:2]
    data = base64.b64encode(jpeg.encoded(picture, _QUALITY)).decode()
    groups = "".join(f'<g class="layer-{name}">{content}</g>' for name, content in layers)
    return (
        f'<figure><figcaption>{escape(caption)}</figcaption><svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(caption)}"><image href="data:image/jpeg;base64,{data}" width="{width}" '
        f'height="{height}"/>{groups}</svg></figure>'
    )


def _points(points_xy: NDArray[np.float64] | Quad) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points_xy)


def _lines(texts: Texts, read: AnalysisResult, quads: Sequence[NDArray[np.float64]]) -> str:
    """Each line as a polygon that says what was read when it is pointed at."""
    return "".join(
        f'<polygon class="{_kind(line.words_type)}" data-line="{index}" points="{_points(quad)}">'
        f"<title>{escape(line.text)} ({line.average:.0%})</title></polygon>"
        for index, (line, quad) in enumerate(zip(read.lines, quads, strict=True))
    )


def _blocks(texts: Texts, read: AnalysisResult, scale: float) -> str:
    assert read.structure is not None
    found = [(layout.kind.value, layout.quad) for layout in read.structure.layouts]
    found += [("formula", formula.quad) for formula in read.structure.formulas]
    return "".join(
        f'<polygon class="block {kind}" points="{_points(quad * scale)}">'
        f"<title>{escape(texts[f'kind_{kind}'])}</title></polygon>"
        for kind, quad in found
    )


def _order(read: AnalysisResult, scale: float) -> str:
    """A thread from block to block, numbered."""
    assert read.structure is not None
    middles = [layout.quad.mean(0) * scale for layout in read.structure.layouts]
    if not middles:
        return ""
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="19"/><text x="{x:.1f}" y="{y:.1f}">{number}</text>'
        for number, (x, y) in enumerate(middles, 1)
    )
    return f'<polyline points="{_points(np.array(middles))}"/>{marks}'


def _legend(texts: Texts, read: AnalysisResult) -> str:
    kinds = sorted({_kind(line.words_type) for line in read.lines})
    blocks: list[str] = []
    if read.structure is not None:
        blocks = list(dict.fromkeys(layout.kind.value for layout in read.structure.layouts))
        blocks += ["formula"] if read.structure.formulas else []
    entries = [*(("line", kind) for kind in kinds), *(("block", kind) for kind in blocks)]
    return "".join(
        f'<span class="dp-key {shape} {kind}">{escape(texts[f"kind_{kind}"])}</span>' for shape, kind in entries
    )


def _kind(words_type: WordsType | None) -> str:
    return (words_type or WordsType.PRINT).value


def _table(texts: Texts, read: AnalysisResult) -> str:
    in_original = read.lines_in_original
    heads = "".join(
        f'<th scope="col">{escape(texts[f"column_{name}"])}</th>' for name in ("order", "text", "sure", "kind", "place")
    )
    rows = []
    for place, index in enumerate(read.reading_order, 1):
        line, (x, y) = read.lines[index], in_original[index].quad[0]
        kind = _kind(line.words_type)
        rows.append(
            f'<tr data-line="{index}" tabindex="0"><td>{place}</td><td>{escape(line.text)}</td>'
            f"<td>{line.average:.0%}</td><td>{escape(texts[f'kind_{kind}'])}</td><td>{x:.0f}, {y:.0f}</td></tr>"
        )
    return (
        f'<div class="dp-scroll" tabindex="0" role="region" aria-label="{escape(texts["table_caption"])}"><table>'
        f"<caption>{escape(texts['table_caption'])}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )

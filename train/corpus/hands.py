"""Kinds of drawn pages that are written by hand: ``drawing`` gives them a hand's typeface."""

# ruff: noqa: E501  lines of HTML are easier to read whole
from __future__ import annotations

import html

from train.corpus.layout import Kinds, Layout, paper
from train.corpus.pictures_svg import colour, signature
from train.corpus.writer import Writer

# Scripts whose letters are not joined and whose words have no spaces between them are moved letter by letter.
_BY_LETTER = frozenset({"Chinese", "Japanese", "Korean", "Thai"})
_PRINT = "font-family:serif"


def written(w: Writer, text: str) -> str:
    """Text in which each word (or letter) sits a little off its line, larger or smaller, turned: as a hand does it."""
    draw = w.draw
    off, turn, size = draw.uniform(0, 2.5), draw.uniform(0, 3), draw.uniform(0, 0.09)
    is_letters = w.script in _BY_LETTER
    pieces = list(html.unescape(text)) if is_letters else html.unescape(text).split(" ")
    spans = [
        piece
        if piece.isspace() or not piece
        else f'<span style="display:inline-block;transform:translateY({draw.gauss(0, off):.1f}px) rotate({draw.gauss(0, turn):.1f}deg) scale({1 + draw.gauss(0, size):.2f})">{html.escape(piece)}</span>'
        for piece in pieces
    ]
    return ("" if is_letters else " ").join(spans)


def notes(w: Writer) -> Layout:
    """A page of notes, full or half empty."""
    step, size, ground = _ground(w)
    if w.draw.random() < 0.75:
        body = _paragraphs(w, w.draw.randint(1, 6))
    else:
        body = "<br>".join(written(w, w.label(30)) for _ in range(w.draw.randint(2, 14)))
    margin = w.draw.choice([20, 40, 60, 110])
    return Layout(
        body, paper(w), f"body{{padding:{margin}px;font-size:{size}px;line-height:{step}px;{ground}{_ink(w)}}}"
    )


def passage(w: Writer) -> Layout:
    """A part of a page: some lines without its margins."""
    step, size, ground = _ground(w)
    width = w.draw.randint(450, 1000)
    lines = w.draw.randint(2, 14)
    return Layout(
        written(w, w.text(lines * 2)),
        (width, min(1200, max(60, lines * step))),
        f"body{{padding:{w.draw.randint(2, 30)}px;min-height:0;font-size:{size}px;line-height:{step}px;{ground}{_ink(w)}}}",
    )


def line(w: Writer) -> Layout:
    """One line, cut out of a page."""
    size = w.draw.randint(24, 60)
    text = w.label(w.draw.choice([12, 20, 40])) if w.script in _BY_LETTER else w.sentence()
    letters = len(html.unescape(text)) * (1.0 if w.script in _BY_LETTER else 0.45)
    width = int(min(1100, max(160, letters * size)))
    paper_colour = w.draw.choice(["#fff", "#f4f4f0", "#e8e4da", "#dde6dd", "#d8d8d8"])
    return Layout(
        written(w, text),
        (width, int(size * w.draw.uniform(1.5, 2.6))),
        f"body{{padding:{w.draw.randint(2, 12)}px;min-height:0;white-space:nowrap;font-size:{size}px;line-height:1.3;background:{paper_colour};{_ink(w)}}}",
    )


def copied_text(w: Writer) -> Layout:
    """A form on which a printed text is written out by hand below it, between rules."""
    step, size, _ = _ground(w)
    text = w.text(w.draw.randint(3, 7))
    print_style = f"{_PRINT};font-size:{w.draw.randint(13, 18)}px;line-height:1.3;color:#111"
    name = f"<div style='{print_style};position:absolute;bottom:60px'>{w.label(8)}: <span style='font-size:30px'></span></div>"
    body = f"<div style='{print_style}'><p>{w.label(20)}<span style='float:right'>{w.code()}</span></p><hr>{text}<hr></div><div style='margin-top:20px'>{written(w, text)}</div><hr style='position:absolute;bottom:90px;left:60px;right:60px'>{name}"
    return Layout(body, paper(w), f"body{{font-size:{size}px;line-height:{step}px;background:#fff;{_ink(w)}}}")


def filled_form(w: Writer) -> Layout:
    """A printed form or exercise, filled in by hand."""
    print_style = f"{_PRINT};font-size:{w.draw.randint(12, 17)}px;color:#222"
    size = w.draw.randint(18, 30)
    edge = w.draw.choice(["border:1px solid #555", "border-bottom:1px solid #777", "border-bottom:1px dotted #555"])
    rows = "".join(
        f"<tr><td style='{print_style};width:35%'>{w.label(26)}</td><td style='{edge};height:{size + 16}px'>{written(w, w.draw.choice(['', w.label(30), w.code(), w.date()]))}</td></tr>"
        for _ in range(w.draw.randint(4, 18))
    )
    end = (
        f"<div style='position:absolute;bottom:40px;right:60px'>{signature(w.draw)}</div>"
        if w.draw.random() < 0.6
        else ""
    )
    return Layout(
        f"<h2 style='{_PRINT};color:#111'>{w.label(40)}</h2><table>{rows}</table>{end}",
        paper(w),
        f"body{{font-size:{size}px;{_ink(w)}}}",
    )


def squared_paper(w: Writer) -> Layout:
    """One letter a square, as compositions are written in East Asia."""
    cell = w.draw.randint(26, 46)
    columns = w.draw.randint(12, 22)
    letters = [char for char in html.unescape(w.text(40)) if not char.isspace()]
    rows = w.draw.randint(6, 24)
    count = min(len(letters), int(columns * rows * w.draw.uniform(0.3, 1)))
    ink = w.draw.choice(["#9bd", "#c66", "#8b8", "#999"])
    gap = w.draw.choice([0, 0, 10])
    turned = w.draw.uniform(0, 4)
    cells = "".join(
        f'<div class=c><span style="display:inline-block;transform:rotate({w.draw.gauss(0, turned):.0f}deg) translate({w.draw.gauss(0, 2):.0f}px,{w.draw.gauss(0, 2):.0f}px)">{html.escape(letters[k]) if k < count else ""}</span></div>'
        for k in range(columns * rows)
    )
    css = f".g{{display:grid;grid-template-columns:repeat({columns},{cell}px);row-gap:{gap}px}}.c{{width:{cell}px;height:{cell}px;box-sizing:border-box;border:1px solid {ink};text-align:center;line-height:{cell}px;font-size:{int(cell * 0.75)}px}}"
    size = (columns * cell + 120, rows * (cell + gap) + 160)
    title = f"<div style='text-align:center;font-size:{cell}px'>{written(w, w.label(12))}</div>"
    return Layout(f"{title}<div class=g>{cells}</div>", size, f"{css}body{{{_ink(w)}}}")


def board(w: Writer) -> Layout:
    """Chalk on a dark board, or pens on a white one."""
    ground, ink = w.draw.choice(
        [("#243", "#eee"), ("#222", "#f4f4e0"), ("#1d3a2f", "#ffd"), ("#fafafa", "#22a"), ("#f2f4f6", "#c22")]
    )
    lines = "".join(
        f"<div style='position:absolute;left:{w.draw.uniform(2, 45):.0f}%;top:{row * 14 + w.draw.uniform(2, 8):.0f}%;font-size:{w.draw.randint(26, 54)}px'>{written(w, w.label(34))}</div>"
        for row in range(w.draw.randint(2, 7))
    )
    return Layout(lines, (1100, 760), f"body{{background:{ground};color:{ink}}}")


def postcard(w: Writer) -> Layout:
    """A card, an envelope or a slip of paper."""
    size = w.draw.randint(20, 34)
    ground = w.draw.choice(["#fff", "#ffef9a", "#f7d9e3", "#e6f0d0", "#efe6d2", colour(w.draw, True)])
    return Layout(
        _paragraphs(w, w.draw.randint(1, 2)),
        w.draw.choice([(640, 440), (480, 480), (440, 640), (880, 440), (700, 250)]),
        f"body{{padding:30px;background:{ground};font-size:{size}px;line-height:1.4;{_ink(w)}}}",
    )


def _paragraphs(w: Writer, count: int) -> str:
    return "".join(f"<p>{written(w, w.text(w.draw.randint(1, 4)))}</p>" for _ in range(count))


def _ground(w: Writer) -> tuple[int, int, str]:
    """The step of lines and the size of letters in pixels, and the paper's CSS."""
    step = w.draw.randint(26, 60)
    size = int(step * w.draw.uniform(0.6, 0.95))
    rule = w.draw.choice(["#9bd", "#bbb", "#c9a", "#8aa"])
    ruled = f"repeating-linear-gradient(transparent,transparent {step - 1}px,{rule} {step}px)"
    squared = f"repeating-linear-gradient(90deg,transparent,transparent {step // 2 - 1}px,{rule} {step // 2}px)"
    paper_colour = w.draw.choice(["#fff", "#fff", "#fff", "#fdfbe8", "#fff6a8", "#f1ede4", "#e4e4e4"])
    picture = w.draw.choice(["none", "none", "none", ruled, ruled, f"{ruled},{squared}"])
    return step, size, f"background:{picture} {paper_colour};"


def _ink(w: Writer) -> str:
    shade = w.draw.choice(["#124", "#111", "#000", "#338", "#444", "#22c", "#777", "#999", "#a33", "#242"])
    slant = w.draw.choice(["", "", f"font-style:oblique {w.draw.randint(-14, 20)}deg;"])
    spacing = w.draw.choice(["", "", f"letter-spacing:{w.draw.uniform(-1, 2):.1f}px;"])
    return f"color:{shade};{slant}{spacing}font-weight:{w.draw.choice([400, 400, 700])};"


HANDS: Kinds = {
    "handwriting": notes, "handwritten passages": passage, "handwritten lines": line,
    "handwritten copies of print": copied_text, "forms filled in by hand": filled_form,
    "handwriting in squares": squared_paper, "boards": board, "handwritten cards": postcard,
}  # fmt: skip

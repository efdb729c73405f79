"""Receipts as tills print them: narrow strips in many forms and languages."""

# ruff: noqa: E501  lines of HTML are easier to read whole
from __future__ import annotations

import random

from train.corpus.layout import Kinds, Layout
from train.corpus.pictures_svg import barcode, drawing
from train.corpus.writer import Writer

_RULES = ("-", "=", "*", ".", "_")


def receipt(w: Writer) -> Layout:
    """A receipt, from a slip to a long strip; sometimes a small one on a large white scan."""
    draw = w.draw
    width = draw.randint(230, 520)
    size = draw.choice([10, 11, 12, 13, 14, 15, 17, 20])
    parts = [_head(w), _lines_of_facts(w), _items(w), _totals(w)]
    if draw.random() < 0.35:
        parts.append(_tax_table(w))
    parts.append(_foot(w))
    rule = _rule(w)
    body = rule.join(part for part in parts if part)
    ink = draw.choice(["#000", "#111", "#222", "#334", "#555", "#777", "#999", "#446"])
    css = (
        f".s{{width:{width}px;box-sizing:border-box;padding:{draw.randint(4, 30)}px;background:{draw.choice(['#fff', '#fff', '#fbfaf6', '#f3f1ec', '#eee'])};"
        f"color:{ink};font-size:{size}px;line-height:{draw.choice([1.1, 1.25, 1.4, 1.7])}}}"
        f".s table{{width:100%}}.s td{{padding:0 2px}}.u{{text-transform:uppercase}}.k{{text-align:center;overflow:hidden}}"
        f".x{{font-size:{draw.choice([1.3, 1.6, 2, 2.4])}em}}.rule{{overflow:hidden;white-space:nowrap;height:1.2em}}"
    )
    height = int(width * draw.uniform(1.2, 4))
    if draw.random() < 0.12:  # on the glass of a scanner
        frame = int(height * draw.uniform(1.05, 1.5))
        left, turn = draw.randint(0, max(1, frame - width)), draw.uniform(-4, 4)
        css += f"body{{padding:0;background:{draw.choice(['#fff', '#f4f4f4', '#ddd', '#333'])}}}.s{{margin:{draw.randint(0, 60)}px {left // 2}px;transform:rotate({turn:.1f}deg)}}"
        return Layout(f"<div class=s>{body}</div>", (max(frame * 2 // 3, width + 20), frame), css)
    longest = 5 * width if draw.random() < 0.85 else None
    return Layout(f"<div class=s>{body}</div>", (width, height), css + "body{padding:0;background:#fff}", longest)


#: What is drawn where receipts are asked for.
RECEIPTS: Kinds = {"receipts": receipt}


def till_css(draw: random.Random) -> str:
    """The narrow and wide letters of tills: printers stretch their one or two fonts to twice their width or height."""
    wide = draw.choice(["scale(2,1)", "scale(1.8,1)", "scale(1,1.8)", "scale(1.5,1)", "none"])
    css = f".s div.x,.s b{{display:inline-block;max-width:50%;transform:{wide};transform-origin:0 50%;font-weight:{draw.choice([400, 700])}}}"
    css += ".s .k div.x,.s .k b{transform-origin:50% 50%}.s .x b{transform:none;max-width:none}"
    if draw.random() < 0.5:
        css += f".s{{letter-spacing:{draw.choice([-1, -0.5, 0.5, 1, 2])}px}}"
    if draw.random() < 0.3:
        css += ".s{text-transform:uppercase}"
    return css


def _head(w: Writer) -> str:
    draw = w.draw
    logo = draw.choice(["", "", drawing(w, 120, 50), f"<div class=x>{w.code()}</div>"])
    lines = "<br>".join(draw.choice([w.label(26), w.label(20), w.code()]) for _ in range(draw.randint(1, 5)))
    title = draw.choice(["", f"<p><b class=u>{w.label(16)}</b></p>"])
    centred = draw.choice(["k", "k", "k", ""])
    return f"<div class='{centred} {draw.choice(['u', ''])}'>{logo}<div class={draw.choice(['x', ''])}><b>{w.label(18)}</b></div>{lines}{title}</div>"


def _lines_of_facts(w: Writer) -> str:
    draw = w.draw
    clock = f"{draw.randint(0, 23):02}:{draw.randint(0, 59):02}:{draw.randint(0, 59):02}"
    facts = [w.date(), f"{w.date()} {clock}", w.code(), w.label(14)]
    return "".join(
        f"<div>{w.label(12)}{draw.choice([': ', ' : ', ' #', ' '])}{draw.choice(facts)}</div>"
        for _ in range(draw.randint(1, 6))
    )


def _items(w: Writer) -> str:
    draw = w.draw
    kind = draw.randrange(3)
    rows = []
    for number in range(draw.randint(1, draw.choice([4, 10, 26]))):
        count, price = draw.randint(1, 9), f"{draw.uniform(0.2, 200):.2f}"
        if kind == 0:
            rows.append(f"<tr><td>{w.label(20)}</td><td class=r>{price}</td></tr>")
        elif kind == 1:
            rows.append(
                f"<tr><td colspan=3>{draw.choice([w.code() + ' ', ''])}{w.label(28)}</td></tr><tr><td>{count} x {price}</td><td></td><td class=r>{price} {draw.choice(['', 'A', 'SR', '*'])}</td></tr>"
            )
        else:
            rows.append(
                f"<tr><td>{number + 1}</td><td>{w.label(16)}</td><td class=r>{count}</td><td class=r>{price}</td></tr>"
            )
    head = f"<tr>{''.join(f'<td><b>{w.label(8)}</b></td>' for _ in range(3))}</tr>" if draw.random() < 0.5 else ""
    return f"<table>{head}{''.join(rows)}</table>"


def _totals(w: Writer) -> str:
    draw = w.draw
    rows = "".join(
        f"<tr class={draw.choice(['x', '', '', ''])}><td>{draw.choice(['', '<b>'])}{w.label(16)}</td><td class=r>{draw.choice(['', '', '$', '€ ', '¥', 'RM '])}{draw.uniform(1, 900):.2f}</td></tr>"
        for _ in range(draw.randint(2, 7))
    )
    return f"<table>{rows}</table>"


def _tax_table(w: Writer) -> str:
    row = "<tr>" + "".join(f"<td>{w.label(8)}</td>" for _ in range(3)) + "</tr>"
    figures = (
        f"<tr><td>{w.draw.choice('ABSZ')} {w.draw.randint(0, 25)}%</td><td>{w.amount()}</td><td>{w.amount()}</td></tr>"
    )
    return f"<table>{row}{figures * w.draw.randint(1, 3)}</table>"


def _foot(w: Writer) -> str:
    draw = w.draw
    thanks = "<br>".join(draw.choice([w.label(30), w.sentence()]) for _ in range(draw.randint(0, 4)))
    bars = draw.choice(["", barcode(draw, 180, 45), _squares(w)])
    return f"<div class=k>{thanks}<br>{bars}<br>{draw.choice(['', w.code()])}</div>"


def _squares(w: Writer) -> str:
    """What a QR code looks like from afar."""
    cells = "".join(
        f'<rect x="{x}" y="{y}" width="1" height="1"/>' for x in range(25) for y in range(25) if w.draw.random() < 0.5
    )
    eyes = "".join(
        f'<rect x="{x}" y="{y}" width="7" height="7" fill="#fff"/><rect x="{x}" y="{y}" width="7" height="7" fill="none" stroke="#000"/><rect x="{x + 2}" y="{y + 2}" width="3" height="3"/>'
        for x, y in ((0, 0), (18, 0), (0, 18))
    )
    return f'<svg width="110" height="110" viewBox="-1 -1 27 27">{cells}{eyes}</svg>'


def _rule(w: Writer) -> str:
    kind = w.draw.choice([*_RULES, "hr", ""])
    if kind == "hr":
        return "<hr>"
    return f"<div class=rule>{kind * 120}</div>" if kind else "<br>"

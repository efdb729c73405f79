"""Kinds of drawn pages of a few large words: signs, logos, labels of goods, title pages."""

# ruff: noqa: E501  lines of HTML are easier to read whole
from __future__ import annotations

from train.corpus.layout import Kinds, Layout
from train.corpus.pictures_svg import barcode, colour, drawing
from train.corpus.writer import Writer

_SQUARE_LETTERS = frozenset({"Chinese", "Japanese", "Korean"})  # as wide as they are high, others about half of it
_HALF = 0.55
_LEAST_LETTERS = 3  # fewer may look the same in two turns
_SIZES = ((800, 600), (900, 420), (1000, 250), (700, 700), (600, 900), (794, 1123), (1123, 794))


def sign(w: Writer) -> Layout:
    """One to three lines of a few words, as large as they can be."""
    width, height = w.draw.choice(_SIZES)
    ground, ink = _colours(w)
    lines = [_words(w, w.draw.choice([8, 14, 20])) for _ in range(w.draw.randint(1, max(1, min(3, height // 200))))]
    frame = ""
    if w.draw.random() < 0.4:
        frame = f'<rect x="12" y="12" width="{width - 24}" height="{height - 24}" rx="{w.draw.choice([0, 20, 60])}" fill="none" stroke="{ink}" stroke-width="{w.draw.choice([3, 8, 16])}"/>'
    return _page(w, (width, height), ground, frame + _stacked(w, lines, (0.06, 0.08, 0.94, 0.92), (width, height), ink))


def logo(w: Writer) -> Layout:
    """A name beside, over or on an emblem; sometimes along an arc; sometimes a small line of text below it."""
    width, height = w.draw.choice([(800, 600), (900, 420), (700, 700)])
    ground, ink = _colours(w)
    side, emblem = int(0.38 * height), colour(w.draw, w.draw.random() < 0.5)
    shape = w.draw.choice(  # around (0, 0)
        [
            f'<ellipse rx="{side * 0.6:.0f}" ry="{side / 2}" fill="{emblem}"/>',
            f'<rect x="{-side / 2}" y="{-side / 2}" width="{side}" height="{side}" rx="{w.draw.randint(0, 60)}" fill="{emblem}"/>',
            f'<g transform="translate({-side / 2} {-side / 2})">{drawing(w, side, side)}</g>',
        ]
    )
    manner = w.draw.choice(["over", "beside", "on", "arc", "alone"])
    name, more = _words(w, w.draw.choice([8, 14])), ""
    if manner == "arc":
        bend = w.draw.uniform(0.1, 0.35) * height * w.draw.choice([1, -1])
        y = 0.5 * height + bend / 2
        size = _size(w, name, 0.7 * width, 0.3 * height)
        more = (
            f'<path id="a" d="M{0.1 * width:.0f},{y:.0f} Q{0.5 * width:.0f},{y - 2 * bend:.0f} {0.9 * width:.0f},{y:.0f}" fill="none"/>'
            f'<text font-size="{size:.0f}" {_manner(w, ink)}><textPath href="#a" startOffset="50%" text-anchor="middle">{name}</textPath></text>'
        )
    else:
        boxes = {"over": (0.05, 0.55, 0.95, 0.85), "beside": (0.42, 0.2, 0.97, 0.8), "on": (0.1, 0.3, 0.9, 0.7)}
        places = {"over": (0.5, 0.3), "beside": (0.22, 0.5), "on": (0.5, 0.5)}
        if manner in places:
            x, y = (int(share * length) for share, length in zip(places[manner], (width, height), strict=True))
            more = f'<g transform="translate({x} {y})">{shape}</g>'
        more += _stacked(w, [name], boxes.get(manner, (0.05, 0.25, 0.95, 0.75)), (width, height), ink)
    if w.draw.random() < 0.4:
        more += _stacked(w, [_words(w, 40)], (0.2, 0.88, 0.8, 0.96), (width, height), ink)
    return _page(w, (width, height), ground, more)


def label(w: Writer) -> Layout:
    """A label of goods: a name, a few lines of small text, a barcode."""
    width, height = w.draw.choice([(600, 900), (800, 600), (700, 700), (500, 1000)])
    ground, ink = _colours(w)
    band = w.draw.uniform(0.1, 0.5)
    more = f'<rect y="{band * height:.0f}" width="{width}" height="{0.3 * height:.0f}" fill="{colour(w.draw, True)}"/>'
    more += _stacked(w, [_words(w, 12)], (0.06, band, 0.94, band + 0.22), (width, height), colour(w.draw))
    more += _stacked(w, [_words(w, 24)], (0.15, band + 0.23, 0.85, band + 0.29), (width, height), colour(w.draw))
    small = "".join(f"<div>{w.draw.choice([w.label(40), w.sentence(), w.amount()])}</div>" for _ in range(6))
    bars = barcode(w.draw, 150, 60) if w.draw.random() < 0.5 else ""
    foot = f'<div style="position:absolute;left:6%;top:{100 * (band + 0.33):.0f}%;width:88%;font-size:{w.draw.choice([12, 15, 20])}px;color:{ink}">{small}{bars}</div>'
    return _page(w, (width, height), ground, more, foot)


def title_page(w: Writer) -> Layout:
    """A title in large letters, an author, a publisher; on a picture, a panel or plain."""
    width, height = w.draw.choice([(794, 1123), (620, 960), (800, 800)])
    ground, ink = _colours(w)
    top = w.draw.uniform(0.05, 0.55)
    more = drawing(w, width, height) if w.draw.random() < 0.35 else ""
    if w.draw.random() < 0.4:
        more += f'<rect x="{0.04 * width:.0f}" y="{top * height:.0f}" width="{0.92 * width:.0f}" height="{0.34 * height:.0f}" fill="{ground}"/>'
    lines = [_words(w, w.draw.choice([8, 14, 20])) for _ in range(w.draw.randint(1, 3))]
    more += _stacked(w, lines, (0.07, top, 0.93, top + 0.32), (width, height), ink)
    for y in w.draw.sample([0.36, 0.41, 0.02, 0.46], w.draw.randint(0, 2)):
        if top + y < 0.94:
            more += _stacked(w, [_words(w, 30)], (0.2, top + y, 0.8, top + y + 0.035), (width, height), ink)
    return _page(w, (width, height), ground, more)


SIGNS: Kinds = {"signs": sign, "logos": logo, "labels of goods": label, "title pages": title_page}


def _words(w: Writer, longest: int) -> str:
    """A few words with letters enough to tell which way up they are."""
    for _ in range(20):
        text = w.label(longest)
        if sum(char.isalpha() for char in text) >= (1 if w.script in _SQUARE_LETTERS else _LEAST_LETTERS):
            break
    return text


def _colours(w: Writer) -> tuple[str, str]:
    """Of the ground and of the ink, one of them dark."""
    dark, light = colour(w.draw), w.draw.choice(["#fff", colour(w.draw, True)])
    return (dark, light) if w.draw.random() < 0.4 else (light, dark)


def _length(w: Writer, text: str) -> float:
    """About how many times as long as high a text is."""
    return max(1, len(text)) * (1.0 if w.script in _SQUARE_LETTERS else _HALF)


def _size(w: Writer, text: str, width: float, height: float) -> float:
    """Of letters, so that a text fills a place as well as it can without being squeezed much."""
    return min(height, width / _length(w, text))


def _stacked(
    w: Writer, lines: list[str], box: tuple[float, float, float, float], size_wh: tuple[int, int], ink: str
) -> str:
    """Lines below one another, each in the middle of its place; ``box``: left, top, right and bottom in shares."""
    left, top, right, bottom = (share * length for share, length in zip(box, size_wh * 2, strict=True))
    step, manner, parts = (bottom - top) / len(lines), _manner(w, ink), []
    for number, text in enumerate(lines):
        size = _size(w, text, right - left, 0.8 * step)
        length = min(right - left, size * _length(w, text) * w.draw.uniform(0.85, 1.3))
        fit = f'textLength="{length:.0f}" lengthAdjust="spacingAndGlyphs"'
        middle = top + (number + 0.5) * step + 0.35 * size
        parts.append(
            f'<text x="{(left + right) / 2:.0f}" y="{middle:.0f}" font-size="{size:.0f}" text-anchor="middle" {fit} {manner}>{text}</text>'
        )
    return "".join(parts)


def _manner(w: Writer, ink: str) -> str:
    """How letters are made: full, hollow, with a shadow, slanted, in capitals."""
    kind = w.draw.random()
    paint = f'fill="{ink}"'
    if kind < 0.12:
        paint = f'fill="none" stroke="{ink}" stroke-width="{w.draw.choice([1.5, 3])}"'
    elif kind < 0.25:
        paint += f' stroke="{colour(w.draw)}" stroke-width="{w.draw.choice([1, 3, 6])}"'
    elif kind < 0.4:
        paint += f' style="filter:drop-shadow({w.draw.randint(2, 8)}px {w.draw.randint(2, 8)}px {w.draw.choice([0, 3])}px #0008)"'
    capitals = " class=u" if w.draw.random() < 0.35 else ""
    slant = ' font-style="italic"' if w.draw.random() < 0.15 else ""
    return paint + slant + capitals


def _page(w: Writer, size_wh: tuple[int, int], ground: str, shapes: str, more: str = "") -> Layout:
    width, height = size_wh
    if w.draw.random() < 0.25:
        ground = f"linear-gradient({w.draw.randrange(360)}deg,{ground} 40%,{colour(w.draw, True)})"
    picture = f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}">{shapes}</svg>'
    css = f"html body{{padding:0;background:{ground}}}.u{{text-transform:uppercase}}svg{{display:block}}"
    return Layout(f"{picture}{more}", size_wh, css)

"""Charts, drawings, maps, seals and signatures as SVG; the words in them come from a ``Writer``."""

# ruff: noqa: E501  lines of HTML are easier to read whole
from __future__ import annotations

import math
import random

from train.corpus.writer import Writer


def colour(draw: random.Random, light: bool = False) -> str:
    """A colour of CSS."""
    lightness = draw.randint(70, 95) if light else draw.randint(15, 60)
    return f"hsl({draw.randrange(360)},{draw.randint(0, 90)}%,{lightness}%)"


def chart(writer: Writer, width: int, height: int) -> str:
    """A bar, line or pie chart with labels."""
    draw, parts = writer.draw, []
    kind, count = draw.choice(["bars", "lines", "pie"]), draw.randint(3, 10)
    values = [draw.uniform(0.08, 0.9) for _ in range(count)]
    size = draw.randint(8, 15)
    if kind == "pie":
        radius, start = min(width, height) * 0.4, 0.0
        for value in values:
            end = start + 2 * math.pi * value / sum(values)
            ends = [
                f"{width / 2 + radius * math.cos(a):.0f},{height / 2 + radius * math.sin(a):.0f}" for a in (start, end)
            ]
            large = int(end - start > math.pi)
            arc = f"M{width / 2},{height / 2} L{ends[0]} A{radius},{radius} 0 {large} 1 {ends[1]} Z"
            parts.append(f'<path d="{arc}" fill="{colour(draw)}"/>')
            start = end
        for index in range(count):
            parts.append(_text(4, 14 + index * (size + 4), writer.label(14), size))
    else:
        step = width * 0.85 / count
        points = [(width * 0.1 + step * (i + 0.5), height * (0.9 - 0.8 * value)) for i, value in enumerate(values)]
        if kind == "bars":
            ink = colour(draw)
            parts += [
                f'<rect x="{x - step * 0.35:.0f}" y="{y:.0f}" width="{step * 0.7:.0f}" height="{height * 0.9 - y:.0f}" fill="{ink}"/>'
                for x, y in points
            ]
        else:
            for _ in range(draw.randint(1, 3)):
                line = " ".join(f"{x:.0f},{y + draw.uniform(-30, 30):.0f}" for x, y in points)
                parts.append(f'<polyline points="{line}" fill="none" stroke="{colour(draw)}" stroke-width="2"/>')
        parts.append(
            f'<path d="M{width * 0.1},{height * 0.05} V{height * 0.9} H{width * 0.97}" fill="none" stroke="black"/>'
        )
        parts += [_text(x - step * 0.3, height * 0.96, writer.label(8), size) for x, _ in points]
        parts += [_text(2, height * (0.9 - 0.2 * i), f"{i * draw.randint(1, 50)}", size) for i in range(5)]
    return _svg(width, height, parts)


def drawing(writer: Writer, width: int, height: int) -> str:
    """Boxes, circles and lines with call-outs, as a technical drawing has them."""
    draw, parts = writer.draw, []
    for _ in range(draw.randint(4, 22)):
        x, y = draw.uniform(0.05, 0.85) * width, draw.uniform(0.05, 0.85) * height
        w, h = draw.uniform(0.03, 0.3) * width, draw.uniform(0.03, 0.3) * height
        style = f'fill="{draw.choice(["none", "none", colour(draw, True)])}" stroke="{draw.choice(["black", colour(draw)])}" stroke-width="{draw.choice([1, 1, 2, 4])}"'
        parts.append(
            draw.choice(
                [
                    f'<rect x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h:.0f}" {style}/>',
                    f'<ellipse cx="{x:.0f}" cy="{y:.0f}" rx="{w / 2:.0f}" ry="{h / 2:.0f}" {style}/>',
                    f'<path d="M{x:.0f},{y:.0f} q{w:.0f},{-h:.0f} {w * 2:.0f},0 t{w:.0f},{h:.0f}" {style}/>',
                    f'<path d="M{x:.0f},{y:.0f} l{w:.0f},{h:.0f} l{-w / 2:.0f},{h:.0f}" {style}/>',
                ]
            )
        )
        if draw.random() < 0.5:
            parts.append(_text(x, y - 3, writer.label(16), draw.randint(9, 16)))
    return _svg(width, height, parts)


def map_of(writer: Writer, width: int, height: int) -> str:
    """A map: areas, roads, a river, names of places."""
    draw = writer.draw
    parts = [f'<rect width="{width}" height="{height}" fill="{colour(draw, True)}"/>']
    for _ in range(draw.randint(3, 9)):
        points = " ".join(
            f"{draw.uniform(-0.1, 1.1) * width:.0f},{draw.uniform(-0.1, 1.1) * height:.0f}" for _ in range(6)
        )
        parts.append(f'<polygon points="{points}" fill="{colour(draw, True)}" opacity="0.6"/>')
    for _ in range(draw.randint(6, 30)):
        turns = " ".join(f"{draw.uniform(0, 1) * width:.0f},{draw.uniform(0, 1) * height:.0f}" for _ in range(3))
        start = f"{draw.uniform(0, 1) * width:.0f},{draw.uniform(0, 1) * height:.0f}"
        parts.append(
            f'<path d="M{start} C{turns}" fill="none" stroke="{colour(draw)}" stroke-width="{draw.choice([1, 2, 5])}"/>'
        )
    for _ in range(draw.randint(6, 40)):
        x, y, size = draw.uniform(0, 0.85) * width, draw.uniform(0.03, 1) * height, draw.choice([9, 10, 12, 14, 22])
        parts.append(_text(x, y, writer.label(14), size))
    return _svg(width, height, parts)


def seal(writer: Writer, size: int) -> str:
    """A round or square stamp, slightly turned."""
    draw = writer.draw
    ink = draw.choice(["#c22", "#b11", "#229", "#118", "#333", "#272"])
    edge = (
        f'<circle cx="50" cy="50" r="46" fill="none" stroke="{ink}" stroke-width="4"/>'
        if draw.random() < 0.7
        else f'<rect x="4" y="4" width="92" height="92" fill="none" stroke="{ink}" stroke-width="4"/>'
    )
    words = [_text(50, y, writer.label(9), 13, ink, "middle") for y in (35, 55, 75)[: draw.randint(1, 3)]]
    star = f'<polygon points="50,38 53,47 62,47 55,53 58,62 50,56 42,62 45,53 38,47 47,47" fill="{ink}"/>'
    inner = "".join(words) if draw.random() < 0.7 else star
    turn = draw.uniform(-35, 35)
    return (
        f'<svg width="{size}" height="{size}" viewBox="0 0 100 100" style="transform:rotate({turn:.0f}deg);'
        f'opacity:{draw.uniform(0.5, 0.95):.2f}">{edge}{inner}</svg>'
    )


def signature(draw: random.Random, width: int = 180) -> str:
    """A scrawl."""
    x, path = 5.0, "M5,35"
    while x < width - 30:
        step = draw.uniform(6, 26)
        path += f" q{step / 2:.0f},{draw.uniform(-45, 20):.0f} {step:.0f},{draw.uniform(-12, 12):.0f}"
        x += step
    return f'<svg width="{width}" height="70" overflow="visible"><path d="{path}" fill="none" stroke="{draw.choice(["#113", "#000", "#226"])}" stroke-width="{draw.uniform(1, 3):.1f}"/></svg>'


def barcode(draw: random.Random, width: int = 160, height: int = 40) -> str:
    """Bars without a figure."""
    parts, x = [], 0.0
    while x < width:
        bar = draw.choice([1, 1, 2, 3])
        parts.append(f'<rect x="{x}" width="{bar}" height="{height}"/>')
        x += bar + draw.choice([1, 2, 3])
    return _svg(width, height, parts)


def _svg(width: int, height: int, parts: list[str]) -> str:
    return f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'


def _text(x: float, y: float, text: str, size: int, ink: str = "currentColor", anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{ink}" text-anchor="{anchor}">{text}</text>'

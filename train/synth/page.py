"""Flat pages drawn in code: letters, invoices and articles, for tests, demos and sample sheets.

Set by pymupdf from HTML with the fonts it carries, so that pages look the same on every machine and need no files.
"""

import html

import numpy as np
import pymupdf
from numpy.typing import NDArray

KINDS = ("letter", "invoice", "article")

_SENTENCES = (
    "The committee met on Tuesday and went through the plans for the reading room once more.",
    "Paper that has been folded remembers the fold, however long it lies under a heavy book.",
    "We would like to thank everyone who sent drawings, corrections and patient questions.",
    "The second shipment arrived a week early, and two of the crates were damp.",
    "A camera held above the table sees the near edge of a sheet larger than the far one.",
    "Please return the signed copy by the end of the month, together with the old key.",
    "Most of the difference comes from the light: a single lamp leaves half the page in shade.",
    "The garden behind the mill was measured in spring and again after the harvest.",
    "Each reading was taken three times, and the middle one was written down.",
    "In the older part of town the numbers run down one side of the street and up the other.",
    "Nothing in this notice changes the hours of the library during the summer.",
    "The results hold for thin sheets; thick card bends less and springs back further.",
    "Our next step is to repeat the trial with coated paper and a softer lamp.",
    "Every parcel carries a slip with its weight, its sender and the name of the clerk.",
    "If the figures in the table do not agree with your own, write to the address above.",
    "The bridge was closed for eleven days while the bearings were replaced.",
    "A page is flat when the straight lines on it are straight in its picture.",
    "Half of the visitors came by train, a third on foot and the rest by bicycle.",
    "The text was set in two columns, as is usual for proceedings of this kind.",
    "What was saved on paper was spent on postage, so the balance is unchanged.",
)
_NAMES = ("Ada Lindqvist", "Tomas Herrera", "Mei Okafor", "Jonas Weber", "Priya Anand", "Clara Novak", "Idris Bello")
_TOPICS = ("paper", "lamps", "reading rooms", "bridges", "letters", "the harvest", "small archives", "parcels")
_GOODS = (
    "Copy paper, A4, 80 g",
    "Desk lamp, brass",
    "Ledger, 200 leaves",
    "Ink, blue-black",
    "Envelopes, C5",
    "Map of the harbour",
    "Bookbinding, half linen",
    "Courier, two parcels",
    "Ruler, steel, 30 cm",
    "Blotting paper",
)
_COLOURS = ("#1d4e89", "#9c2c2c", "#2f6b3c", "#5a3d7a", "#b3661a", "#2b2b2b", "#0f7173")


def _paragraph(rng: np.random.Generator, sentences: int) -> str:
    return " ".join(_SENTENCES[int(i)] for i in rng.integers(0, len(_SENTENCES), sentences))


def _table(rng: np.random.Generator, rows: int, colour: str) -> str:
    cells = []
    total = 0.0
    for _ in range(rows):
        count, price = int(rng.integers(1, 40)), float(rng.integers(90, 9000)) / 100
        total += count * price
        name = html.escape(_GOODS[int(rng.integers(len(_GOODS)))])
        cells.append(
            f"<tr><td>{name}</td><td align='right'>{count}</td><td align='right'>{price:.2f}</td>"
            f"<td align='right'>{count * price:.2f}</td></tr>"
        )
    head = (
        f"<tr style='background-color:{colour};color:white'><th>Item</th><th>Count</th><th>Price</th><th>Sum</th></tr>"
    )
    foot = f"<tr><td><b>Total</b></td><td></td><td></td><td align='right'><b>{total:.2f}</b></td></tr>"
    return f"<table width='100%'>{head}{''.join(cells)}{foot}</table>"


def _chart(page: pymupdf.Page, box: pymupdf.Rect, rng: np.random.Generator, colour: str) -> None:
    """A bar chart or a line chart with axes, drawn into the box."""
    ink = tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    pale = tuple(0.6 + 0.4 * c for c in ink)
    for step in range(1, 5):
        y = box.y1 - box.height * step / 5
        page.draw_line((box.x0, y), (box.x1, y), color=(0.8, 0.8, 0.8), width=0.5)
        page.insert_text((box.x0 - 18, y + 3), str(step * 20), fontsize=7)
    count = int(rng.integers(5, 10))
    heights = np.clip(np.cumsum(rng.normal(0.05, 0.16, count)) + 0.4, 0.08, 0.95)
    pitch = box.width / count
    if rng.random() < 0.6:
        for i, h in enumerate(heights):
            x = box.x0 + pitch * (i + 0.18)
            bar = pymupdf.Rect(x, box.y1 - h * box.height, x + pitch * 0.64, box.y1)
            page.draw_rect(bar, color=None, fill=ink if i % 2 else pale)
    else:
        points = [pymupdf.Point(box.x0 + pitch * (i + 0.5), box.y1 - h * box.height) for i, h in enumerate(heights)]
        page.draw_polyline(points, color=ink, width=1.8)
        for point in points:
            page.draw_circle(point, 2.6, color=ink, fill=pale)
    for i in range(count):
        page.insert_text((box.x0 + pitch * (i + 0.3), box.y1 + 9), f"{2015 + i}", fontsize=6.5)
    page.draw_line((box.x0, box.y1), (box.x1, box.y1), width=1)
    page.draw_line((box.x0, box.y0), (box.x0, box.y1), width=1)


def _logo(page: pymupdf.Page, corner: tuple[float, float], rng: np.random.Generator, colour: str) -> None:
    ink = tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    x, y = corner
    if rng.random() < 0.5:
        page.draw_circle((x + 18, y + 18), 18, color=None, fill=ink)
        page.draw_circle((x + 24, y + 14), 9, color=None, fill=(1, 1, 1))
    else:
        page.draw_rect(pymupdf.Rect(x, y, x + 36, y + 36), color=None, fill=ink)
        page.draw_polyline(
            [(x + 6, y + 30), (x + 18, y + 6), (x + 30, y + 30)], color=(1, 1, 1), width=3, closePath=True
        )


def render(page: pymupdf.Page, dpi: int) -> NDArray[np.uint8]:
    """Render a PDF page to RGB uint8, (H, W, 3)."""
    pixmap = page.get_pixmap(dpi=dpi, alpha=False)
    return np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3).copy()


def draw_page(number: int, dpi: int = 150, kind: str | None = None) -> NDArray[np.uint8]:
    """Draw a page of the project's own making.

    Args:
        number: the page's number; the same number gives the same page.
        dpi: dots per inch; an A4 page at 150 dpi is 1240x1754.
        kind: one of `KINDS`, or None for one that the number picks.

    Returns:
        (H, W, 3) RGB uint8.

    Raises:
        ValueError: if the kind is unknown.
    """
    rng = np.random.default_rng([7, number])
    kind = kind or KINDS[int(rng.integers(len(KINDS)))]
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is unknown; known are {list(KINDS)}")
    sizes = ((595, 842), (595, 842), (612, 792), (420, 595))
    width, height = sizes[int(rng.integers(len(sizes)))]
    scale = (width / 595) ** 0.5
    document = pymupdf.open()
    page = document.new_page(width=width, height=height)
    colour = _COLOURS[int(rng.integers(len(_COLOURS)))]
    font = ("serif", "sans-serif")[int(rng.integers(2))]
    body = float(rng.uniform(9.5, 12.5)) * scale
    margin = float(rng.uniform(36, 64)) * scale
    tint = rng.random()
    if tint < 0.3:
        paper = (1.0, float(rng.uniform(0.94, 0.99)), float(rng.uniform(0.84, 0.96)))
        page.draw_rect(page.rect, color=None, fill=paper)
    css = f"* {{font-family:{font};font-size:{body:.1f}px;line-height:1.35}} h1 {{font-size:{body * 1.9:.1f}px}}"
    css += f" h2 {{font-size:{body * 1.25:.1f}px;color:{colour}}} td,th {{padding:2px}}"
    topic = _TOPICS[int(rng.integers(len(_TOPICS)))]
    box = pymupdf.Rect(margin, margin, width - margin, height - margin)
    name = _NAMES[int(rng.integers(len(_NAMES)))]
    if kind == "letter":
        _logo(page, (margin, margin * 0.7), rng, colour)
        text = f"<p style='text-align:right'>{name}<br/>{int(rng.integers(2, 90))} Mill Lane</p><h2>On {topic}</h2>"
        text += "<p>Dear reader,</p>" + "".join(f"<p>{_paragraph(rng, int(rng.integers(3, 7)))}</p>" for _ in range(4))
        text += f"<p>Yours sincerely,</p><p><i>{name}</i></p>"
        page.insert_htmlbox(box, text, css=css)
    elif kind == "invoice":
        _logo(page, (width - margin - 36, margin * 0.8), rng, colour)
        text = f"<h1>Invoice {int(rng.integers(1000, 9999))}</h1><p>To {name}, for {topic}</p>"
        text += f"<p>{_paragraph(rng, 2)}</p>{_table(rng, int(rng.integers(5, 13)), colour)}"
        text += f"<p>{_paragraph(rng, 3)}</p><p>Payable within {int(rng.integers(10, 45))} days.</p>"
        page.insert_htmlbox(box, text, css=css)
    else:
        title = pymupdf.Rect(box.x0, box.y0, box.x1, box.y0 + 70 * scale)
        page.insert_htmlbox(title, f"<h1>A note on {topic}</h1><p><i>{name}</i></p>", css=css)
        columns = 2 if rng.random() < 0.6 else 1
        gap = 16.0
        column_width = (box.width - gap * (columns - 1)) / columns
        for i in range(columns):
            x = box.x0 + i * (column_width + gap)
            top = title.y1 + 4
            column = pymupdf.Rect(x, top, x + column_width, box.y1)
            if i == columns - 1:
                tall = float(rng.uniform(90, 150)) * scale
                _chart(page, pymupdf.Rect(x + 20, top + 8, x + column_width, top + tall), rng, colour)
                column.y0 = top + tall + 20
            parts = [
                f"<h2>{i * 2 + j + 1}. {_TOPICS[int(rng.integers(len(_TOPICS)))].capitalize()}</h2>"
                + "".join(f"<p style='text-align:justify'>{_paragraph(rng, 4)}</p>" for _ in range(3))
                for j in range(2)
            ]
            page.insert_htmlbox(column, "".join(parts), css=css)
    return render(page, dpi)

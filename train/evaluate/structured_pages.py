"""Pages laid out from HTML by chance, with where each block, section and line is, as the browser says."""

# ruff: noqa: E501  lines of HTML are easier to read whole
from __future__ import annotations

import gzip
import html
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from train.corpus.packages import unpacked
from train.corpus.pictures_svg import chart, drawing, map_of
from train.corpus.writer import Writer

Language = Literal["zh", "en", "mixed"]

SENTENCES_FROM = "installation-guide-amd64"
FONTS_FROM = (
    "fonts-noto-cjk",
    "fonts-liberation",
    "fonts-linuxlibertine",
    "fonts-wqy-zenhei",
    "fonts-arphic-uming",
    "fonts-lato",
    "fonts-ebgaramond",
    "fonts-dejavu-core",
)
_PAPERS = ((794, 1123), (816, 1056), (665, 945))
# Of what a page is drawn with, the rules were tuned on the first half of each list; the other half is held out.
_FONTS = (
    "Liberation Serif, Noto Serif CJK SC",
    "Liberation Sans, Noto Sans CJK SC",
    "Linux Libertine O, AR PL UMing CN",
    "EB Garamond, Noto Serif CJK SC",
    "Lato, WenQuanYi Zen Hei",
    "DejaVu Serif, AR PL UMing CN",
)
_NUMBERS = (
    "{n}",
    "- {n} -",
    "第 {n} 页",
    "Page {n} of {m}",
    "{n} / {m}",
    "· {n} ·",
    "— {n} —",
    "第{n}页 共{m}页",
    "P. {n}",
    "[{n}]",
    "{roman}",
    "~ {n} ~",
)
_TITLES = ("bold", "large", "centred", "numbered", "ruled", "coloured")
_TABLES = ("grid", "booktabs", "striped", "level rules", "framed", "head rule")
_LEADERS = (".", " . ", "·", "…", "css", "none")


@dataclass(frozen=True)
class PageText:
    """An HTML page and its size in CSS pixels."""

    html: str
    size_wh: tuple[int, int]


@dataclass
class Style:
    """How a page looks, drawn by chance."""

    draw: random.Random
    language: Language
    held_out: bool
    size_wh: tuple[int, int] = field(init=False)
    font: str = field(init=False)
    font_px: float = field(init=False)

    def __post_init__(self) -> None:
        self.size_wh = self.draw.choice(_PAPERS)
        self.font = self.some(_FONTS)
        self.font_px = self.draw.uniform(11.5, 16)
        self.line_height = self.draw.uniform(1.3, 1.8)
        self.indent_em = 2.0 if self.language == "zh" else self.draw.choice([0.0, 0.0, 1.5])
        self.gap_em = self.draw.choice([0.0, 0.25, 0.5]) if self.indent_em else self.draw.uniform(0.6, 1.0)
        self.justify = self.draw.random() < 0.7
        self.title = self.some(_TITLES)
        self.table = self.some(_TABLES)

    def some(self, choices: Sequence[str]) -> str:
        """One of those that are for tuning, or of those that are held out."""
        half = len(choices) // 2
        return self.draw.choice(choices[half:] if self.held_out else choices[:half])


def sentences(folder: Path) -> dict[str, list[str]]:
    """Real sentences, ``en`` and ``zh``, out of a Debian package."""
    place = unpacked(SENTENCES_FROM, folder, folder / "unpacked", ("*.txt.gz",))
    found = {}
    for name, path in (("en", "en/install.en.txt.gz"), ("zh", "zh_CN/install.zh_CN.txt.gz")):
        file = next(place.rglob(path))
        text = gzip.decompress(file.read_bytes()).decode("utf-8")
        blocks = [" ".join(block.split()) for block in re.split(r"\n\s*\n", text)]
        ends, least = (r"(?<=[.])\s+(?=[A-Z])", 40) if name == "en" else (r"(?<=。)", 16)
        if name == "zh":
            blocks = [re.sub(r"(?<=[\u3000-\u9fff，。]) (?=[\u3000-\u9fff])", "", block) for block in blocks]
        pieces = [piece.strip() for block in blocks for piece in re.split(ends, block)]
        found[name] = [
            p
            for p in pieces
            if least <= len(p) <= 300
            and not re.search(r"[|#$_=<>{}]{2}|\.\.\.|--|[\u2500-\u257f\ufffd•│^]|# |\u258f", p)
        ]
    return found


def page(seed: int, texts: dict[str, list[str]], held_out: bool) -> PageText:
    """A page by its number.

    Args:
        seed: of all that is chosen.
        texts: real sentences by language.
        held_out: draw with fonts, titles, tables, leaders and page numbers that the rules were not tuned on.
    """
    draw = random.Random(f"{seed} {held_out}")
    language: Language = draw.choice(["zh", "zh", "en", "en", "mixed"])
    messages = texts["en"] + texts["zh"] if language == "mixed" else texts[language]
    style = Style(draw, language, held_out)
    return _Composer(style, Writer(draw, messages, "Latin" if language == "en" else "Chinese")).page()


class _Composer:
    """Puts a page together."""

    def __init__(self, style: Style, writer: Writer) -> None:
        self.style, self.writer, self.draw = style, writer, style.draw
        self.notes_due = 0

    def page(self) -> PageText:
        s, draw = self.style, self.draw
        width, height = s.size_wh
        margin_x = draw.uniform(0.07, 0.13) * width
        top, bottom = draw.uniform(0.08, 0.12) * height, draw.uniform(0.08, 0.12) * height
        kind = draw.choice(["text", "text", "columns", "columns", "columns", "contents", "report"])
        inner = height - top - bottom
        parts = [self.around(top, bottom, margin_x)]
        blocks: list[str] = []
        if kind == "contents":
            blocks.append(self.contents_page(inner))
        elif kind == "columns":
            count = draw.choice([2, 2, 2, 3])
            used = 0.0
            if draw.random() < 0.5:
                share = draw.uniform(0.1, 0.22)
                blocks.append(
                    self.band(
                        [self.title(1) + (self.paragraph(2) if draw.random() < 0.5 else "")], share * inner, False
                    )
                )
                used += share
            if draw.random() < 0.35:
                share = draw.uniform(0.25, 0.4)
                blocks.append(self.columns(count, share * inner))
                wide = draw.uniform(0.16, 0.26)
                blocks.append(self.band([draw.choice([self.figure, self.table])()], wide * inner, False))
                used += share + wide
            blocks.append(self.columns(count, (1 - used) * inner - 20, last=True))
        else:
            blocks.append(self.band([self.flow(40, pictures=1 if kind == "text" else 3)], inner, draw.random() < 0.4))
        body = f'<main style="position:absolute;left:{margin_x:.0f}px;top:{top:.0f}px;width:{width - 2 * margin_x:.0f}px;height:{inner:.0f}px">{"".join(blocks)}</main>'
        align = "justify" if s.justify else "left"
        css = f"""*{{box-sizing:border-box}} body{{margin:0;background:white;color:#111;width:{width}px;height:{height}px;overflow:hidden;
            font:{s.font_px:.1f}px/{s.line_height:.2f} {s.font}, serif;position:relative}}
            p{{margin:0 0 {s.gap_em}em;text-indent:{s.indent_em}em;text-align:{align}}}
            h1,h2,h3{{line-height:1.3;font-weight:bold;text-indent:0}} .band{{position:relative;overflow:hidden}}
            .row{{display:flex}} .col{{overflow:hidden;position:relative}} table{{border-collapse:collapse;margin:8px auto;line-height:1.3}}
            td,th{{padding:3px 8px;text-align:left;font-weight:normal}} .cap{{text-indent:0;text-align:center;font-size:.88em;margin:4px 0 10px}}
            svg{{display:block;margin:8px auto}} .note{{font-size:{draw.uniform(0.76, 0.84):.2f}em;line-height:1.35;text-indent:0;margin:0}}
            .entry{{display:flex;align-items:baseline;white-space:nowrap}} math{{font-size:1.1em;font-family:DejaVu Serif}}"""
        text = f'<!doctype html><meta charset="utf-8"><style>{css}</style><body>{parts[0]}{body}</body>'
        return PageText(text, s.size_wh)

    def around(self, top: float, bottom: float, margin_x: float) -> str:
        """Header, footer and page number."""
        draw, s = self.draw, self.style
        width, height = s.size_wh
        number = s.some(_NUMBERS).format(
            n=draw.randint(1, 480), m=draw.randint(481, 600), roman=draw.choice(["iv", "xii", "vii", "xxiii"])
        )
        number_html = f'<span data-section="number" data-kind="text">{number}</span>'
        size = s.font_px * draw.uniform(0.78, 0.98)
        place = draw.choice(["header end", "footer middle", "footer middle", "footer end", "footer corner", "none"])
        label = lambda longest: self.writer.label(longest)  # noqa: E731
        out = []
        has_header = draw.random() < 0.75
        if has_header or place == "header end":
            left = (
                f'<span data-section="header" data-kind="text">{self.short(26)}</span>'
                if has_header
                else "<span></span>"
            )
            right = (
                number_html
                if place == "header end"
                else (
                    f'<span data-section="header" data-kind="text">{self.short(18)}</span>'
                    if draw.random() < 0.5
                    else "<span></span>"
                )
            )
            pieces = [left, right]
            if draw.random() < 0.3:
                pieces.reverse()
            rule = "border-bottom:1px solid #333;" if draw.random() < 0.5 else ""
            justify = (
                "space-between"
                if len([p for p in pieces if "data" in p]) > 1
                else draw.choice(["center", "space-between"])
            )
            y = draw.uniform(0.3, 0.5) * top
            out.append(
                f'<div style="position:absolute;left:{margin_x:.0f}px;width:{width - 2 * margin_x:.0f}px;top:{y:.0f}px;display:flex;justify-content:{justify};font-size:{size:.1f}px;{rule}line-height:1.4">{"".join(pieces)}</div>'
            )
        has_footer = draw.random() < 0.5
        if has_footer or place.startswith("footer"):
            footer = f'<span data-section="footer" data-kind="text">{self.short(30)}</span>'
            rule = "border-top:1px solid #555;" if draw.random() < 0.4 else ""
            if place == "footer middle":
                pieces, justify = (
                    ([footer] if has_footer and draw.random() < 0.5 else []) + [number_html],
                    "space-around",
                )
            elif place == "footer end":
                pieces, justify = [footer if has_footer else "<span></span>", number_html], "space-between"
            elif place == "footer corner":
                pieces, justify = [number_html, footer if has_footer else "<span></span>"], "space-between"
            else:
                pieces, justify = [footer], draw.choice(["center", "flex-start", "flex-end"])
            y = height - draw.uniform(0.55, 0.72) * bottom
            out.append(
                f'<div style="position:absolute;left:{margin_x:.0f}px;width:{width - 2 * margin_x:.0f}px;top:{y:.0f}px;display:flex;justify-content:{justify};font-size:{size:.1f}px;{rule}line-height:1.4">{"".join(pieces)}</div>'
            )
        del label
        return "".join(out)

    def short(self, longest: int) -> str:
        """A few words, from the start of a sentence."""
        text = self.draw.choice(self.writer.messages)
        if re.match(r"[\u3000-\u9fff]", text):
            text = re.sub(r"[，。、：；（）“”]", "", text)[: max(4, longest // 2)]
        else:
            words = text.split()
            kept = words[:1]
            for word in words[1:]:
                if len(" ".join([*kept, word])) > longest:
                    break
                kept.append(word)
            text = " ".join(kept).rstrip(".,;:")
        return html.escape(text)

    def title(self, level: int) -> str:
        s, draw = self.style, self.draw
        scale = {1: draw.uniform(1.7, 2.3), 2: draw.uniform(1.3, 1.5), 3: draw.uniform(1.05, 1.2)}[level]
        css = f"font-size:{scale:.2f}em;margin:{draw.uniform(0.5, 0.9):.2f}em 0 {draw.uniform(0.3, 0.6):.2f}em;"
        if s.title == "large":
            css += "font-weight:normal;" if level < 3 else ""
        if s.title == "centred" or (level == 1 and draw.random() < 0.6):
            css += "text-align:center;"
        if s.title == "ruled" and level < 3:
            css += "border-bottom:1px solid #444;"
        if s.title == "coloured":
            css += "color:#1a3a7a;"
        text = self.short(34 if level == 1 else 28)
        if s.title == "numbered" or draw.random() < 0.3:
            text = f"{'.'.join(str(draw.randint(1, 9)) for _ in range(level))} {text}"
        return f'<h{level} data-kind="title" style="{css}">{text}</h{level}>'

    def paragraph(self, longest: int = 6) -> str:
        joint = "" if self.style.language == "zh" else " "
        text = joint.join(self.writer.sentence() for _ in range(self.draw.randint(1, longest)))
        return f'<p data-kind="text">{text}</p>'

    def items(self) -> str:
        draw = self.draw
        marks = draw.choice([["•"] * 9, [f"{k}." for k in range(1, 9)], [f"({k})" for k in range(1, 9)]])
        return "".join(
            f'<p data-kind="text" style="text-indent:0;padding-left:1.6em"><span style="display:inline-block;margin-left:-1.4em;width:1.4em">{mark}</span>{self.writer.sentence()}</p>'
            for mark in marks[: draw.randint(3, 5)]
        )

    def table(self, width: int = 0) -> str:
        s, draw = self.style, self.draw
        rows, columns = draw.randint(4, 9), draw.randint(3, 5) if not width else 3
        look = s.some(_TABLES) if draw.random() < 0.5 else s.table
        cells = []
        for row in range(rows):
            line = "#777" if look == "grid" else "#222"
            border = {
                "grid": f"border:1px solid {line}",
                "framed": "border-left:1px solid #555;border-right:1px solid #555",
                "level rules": "border-bottom:1px solid #666",
            }.get(look, "")
            if look == "head rule" and row == 0:
                border = "border-bottom:1px solid #222"
            tint = "background:#e8eef5" if look == "striped" and row % 2 else ""
            entries = [
                self.short(10),
                *(
                    draw.choice([self.writer.amount, self.writer.date, lambda: self.short(10)])()
                    for _ in range(columns - 1)
                ),
            ]
            tag = "th" if row == 0 else "td"
            weight = "font-weight:bold;" if row == 0 and draw.random() < 0.6 else ""
            cells.append(
                f'<tr style="{"border-bottom:1px solid #222" if look == "booktabs" and row == 0 else ""}">'
                + "".join(f'<{tag} style="{weight}{border};{tint}">{entry}</{tag}>' for entry in entries)
                + "</tr>"
            )
        outer = {
            "booktabs": "border-top:2px solid #111;border-bottom:2px solid #111",
            "framed": "border:1px solid #333",
            "level rules": "border-top:1px solid #333",
            "head rule": "border-top:1px solid #222;border-bottom:1px solid #222",
        }.get(look, "")
        own_width = f"width:{draw.choice([70, 90, 100])}%" if draw.random() < 0.7 or width else ""
        caption = f'<p class="cap" data-kind="text">{"表" if s.language == "zh" else "Table"} {draw.randint(1, 9)} {self.short(24)}</p>'
        return f'{caption}<table data-kind="table" style="font-size:.9em;{outer};{own_width}">{"".join(cells)}</table>'

    def figure(self, width: int = 0) -> str:
        s, draw = self.style, self.draw
        w = width or draw.randint(240, 460)
        h = round(w * draw.uniform(0.42, 0.75)) if width else draw.randint(130, 190)
        names = Writer(draw, [self.short(8) for _ in range(40)], self.writer.script)
        svg = draw.choice([chart, drawing, map_of, chart])(names, w, h)
        caption = f'<p class="cap" data-kind="text">{"图" if s.language == "zh" else "Figure"} {draw.randint(1, 9)} {self.short(26)}</p>'
        return f'<div data-kind="figure" style="width:{w}px;margin:8px auto;font-size:11px">{svg}</div>{caption}'

    def formula(self) -> str:
        draw = self.draw
        a, b, c = (draw.choice("abcdefghkmnpqrstuvwxyz") for _ in range(3))
        body = draw.choice(
            [
                f"<mi>{a}</mi><mo>=</mo><mfrac><mrow><mi>{b}</mi><mo>+</mo><mn>{draw.randint(2, 9)}</mn></mrow><msup><mi>{c}</mi><mn>2</mn></msup></mfrac>",
                f"<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><msub><mi>{a}</mi><mi>i</mi></msub><mo>≤</mo><mi>{b}</mi><mo>+</mo><msqrt><mi>{c}</mi></msqrt>",
                f"<mi>{a}</mi><mo>(</mo><mi>x</mi><mo>)</mo><mo>=</mo><msup><mi>{b}</mi><mn>2</mn></msup><mo>−</mo><mn>4</mn><mi>{c}</mi><mo>+</mo><mi>α</mi>",
            ]
        )
        return f'<div data-kind="text" data-formula="display" style="text-align:center;margin:8px 0"><math>{body}</math></div>'

    def inline_formula(self) -> str:
        draw = self.draw
        a, b = draw.choice("abcxyz"), draw.choice("kmnpqr")
        body = draw.choice(
            [f"{a} = {b} + {draw.randint(1, 9)}", f"{a} ≤ {draw.randint(2, 90)}{b}", f"α + β = {draw.randint(2, 9)}{b}"]
        )
        joint = "" if self.style.language == "zh" else " "
        return f'<p data-kind="text">{self.writer.sentence()}{joint}<i data-formula="inline">{body}</i>{joint}{self.writer.sentence()}</p>'

    def flow(self, count: int, pictures: int = 0, width: int = 0) -> str:
        """Blocks one below the other: more than fits."""
        draw = self.draw
        parts = [self.title(2)] if draw.random() < 0.6 else []
        special = [draw.choice([self.table, self.figure]) for _ in range(pictures)]
        places = {draw.randint(1, 6): make for make in special}
        for place in range(count):
            if place in places:
                parts.append(places[place](width))
            choice = draw.random()
            if choice < 0.13:
                parts.append(self.title(draw.choice([2, 3])))
                parts.append(self.paragraph())
            elif choice < 0.18:
                parts.append(self.items())
            elif choice < 0.22:
                parts.append(self.formula())
            elif choice < 0.26:
                parts.append(self.inline_formula())
            else:
                parts.append(self.paragraph())
        return "".join(parts)

    def notes(self) -> str:
        draw = self.draw
        marks = draw.choice([["1", "2", "3"], ["*", "†", "‡"], ["①", "②", "③"], ["[1]", "[2]", "[3]"]])
        rule = draw.choice(
            ['<div style="width:28%;border-top:1px solid #333;margin-bottom:5px"></div>'] * 2
            + ['<div style="height:8px"></div>']
        )
        lines = "".join(
            f'<p class="note" data-kind="text">{f"<sup>{m}</sup>" if m.isdigit() and draw.random() < 0.5 else m} {self.writer.sentence()}</p>'
            for m in marks[: draw.randint(1, 3)]
        )
        return f'<div class="notes" data-section="footnote" style="position:absolute;bottom:0;left:0;right:0">{rule}{lines}</div>'

    def band(self, contents: Sequence[str], height: float, with_notes: bool) -> str:
        notes = self.notes() if with_notes else ""
        return f'<div class="band"><div class="col" data-column style="height:{height:.0f}px"><div class="fill">{"".join(contents)}</div>{notes}</div></div>'

    def columns(self, count: int, height: float, last: bool = False) -> str:
        draw, s = self.draw, self.style
        gap = draw.uniform(1.4, 2.6) * s.font_px
        inner = s.size_wh[0] * 0.8 / count - gap
        with_notes = draw.randrange(count) if last and draw.random() < 0.45 else -1
        parts = []
        for column in range(count):
            own = draw.uniform(0.5, 1.0) if last and column == count - 1 and draw.random() < 0.3 else 1.0
            notes = self.notes() if column == with_notes else ""
            if notes:
                own = 1.0
            flow = self.flow(25, pictures=int(draw.random() < 0.4), width=round(inner * 0.9))
            parts.append(
                f'<div class="col" data-column style="flex:1 1 0;min-width:0;height:{own * height:.0f}px"><div class="fill">{flow}</div>{notes}</div>'
            )
        return f'<div class="band row" style="gap:{gap:.1f}px;margin-top:6px">{"".join(parts)}</div>'

    def contents_page(self, height: float) -> str:
        draw, s = self.draw, self.style
        leader = s.some(_LEADERS)
        page_number, entries = draw.randint(1, 20), []
        for chapter in range(1, draw.randint(4, 8)):
            for part in range(draw.randint(1, 6)):
                page_number += draw.randint(0, 7)
                label = (
                    f"{chapter}.{part} "
                    if part
                    else (f"第{chapter}章 " if s.language == "zh" else f"Chapter {chapter} ")
                )
                if leader == "css":
                    dots = '<span style="flex:1;border-bottom:2px dotted #333;margin:0 6px"></span>'
                elif leader == "none":
                    dots = '<span style="flex:1"></span>'
                else:
                    dots = f'<span style="flex:1;overflow:hidden;direction:rtl;margin:0 4px">{leader * 120}</span>'
                entries.append(
                    f'<div class="entry" style="padding-left:{2 if part else 0}em"><span>{label}{self.short(28)}</span>{dots}<span>{page_number}</span></div>'
                )
        title = f'<h1 data-kind="title" style="text-align:center;font-size:1.8em;margin:0.3em 0 0.8em">{draw.choice(["目 录", "目录"]) if s.language == "zh" else draw.choice(["Contents", "Table of Contents"])}</h1>'
        after = self.flow(12) if draw.random() < 0.35 else ""
        return self.band(
            [f'{title}<div data-kind="contents" style="margin-bottom:1.5em">{"".join(entries)}</div>{after}'],
            height,
            False,
        )

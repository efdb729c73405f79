"""Kinds of drawn pages, each as HTML: what no package has real pages of."""

# ruff: noqa: E501  lines of HTML are easier to read whole
from __future__ import annotations

from train.corpus.hands import HANDS
from train.corpus.layout import A4, Kinds, Layout, paper
from train.corpus.pictures_svg import barcode, chart, colour, drawing, map_of, seal, signature
from train.corpus.receipts import receipt
from train.corpus.writer import Writer


def letter(w: Writer) -> Layout:
    head = f"<div class=r>{w.label()}<br>{w.label(30)}<br>{w.date()}</div><div>{w.label()}<br>{w.label()}<br>{w.code()}</div>"
    foot = f"<p>{w.label()}</p>{signature(w.draw)}<br>{w.label()}"
    return Layout(f"{head}<h3>{w.label(50)}</h3>{w.paragraphs(w.draw.randint(1, 7))}{foot}", paper(w))


def article(w: Writer) -> Layout:
    columns = w.draw.choice([1, 1, 2, 2, 3])
    parts = [f"<h1>{w.sentence()[:80]}</h1><p><i>{w.label()}, {w.label()}</i></p><div class=cols>"]
    for _ in range(w.draw.randint(2, 6)):
        parts.append(f"<h3>{w.label(40)}</h3>{w.paragraphs(w.draw.randint(1, 5), 10)}")
        if w.draw.random() < 0.25:
            parts.append(chart(w, 260, 180) + f"<p><small>{w.sentence()}</small></p>")
    return Layout(
        "".join(parts) + "</div>",
        paper(w),
        f".cols{{columns:{columns};text-align:{w.draw.choice(['justify', 'start'])}}}",
    )


def form(w: Writer) -> Layout:
    rows = []
    for _ in range(w.draw.randint(6, 26)):
        value = w.draw.choice(["", "", w.label(), w.code(), w.date()])
        box = "&#9744; " * w.draw.choice([0, 0, 2])
        rows.append(_row(w.label(), f"{box}{value}", w.label(12), w.draw.choice(["", w.code()])))
    end = f"<table>{_row(f'{w.label()} {signature(w.draw, 120)}', w.date())}</table>"
    return Layout(
        f"<h2>{w.label(50)}</h2><p>{w.text(2)}</p><table>{''.join(rows)}</table><p><small>{w.text(4)}</small></p>{end}",
        paper(w),
        _grid(w),
    )


def table(w: Writer) -> Layout:
    columns, many = w.draw.randint(3, 11), w.draw.randint(8, 60)
    is_text = [w.draw.random() < 0.3 for _ in range(columns)]
    is_text[0] = True
    head = "".join(f"<th>{w.label(12)}</th>" for _ in range(columns))
    rows = "".join(_row(*(w.label(14) if text else w.amount() for text in is_text)) for _ in range(many))
    size = max(6, min(14, int(1000 / many)))
    return Layout(
        f"<h3>{w.label(40)}</h3><table>{head}{rows}</table>", paper(w), _grid(w) + f"td,th{{font-size:{size}px}}"
    )


def slide(w: Writer) -> Layout:
    points = "".join(f"<li>{w.label(60)}" for _ in range(w.draw.randint(1, 7)))
    picture = w.draw.choice(["", "", chart(w, 420, 300), drawing(w, 420, 300)])
    ground, ink = w.draw.choice(
        [("#fff", "#222"), ("#123", "#eee"), (colour(w.draw), "#fff"), (colour(w.draw, True), "#111")]
    )
    return Layout(
        f"<h1>{w.label(40)}</h1><ul>{points}</ul>{picture}<small>{w.label()} {w.draw.randint(1, 60)}</small>",
        w.draw.choice([(1024, 768), (1280, 720)]),
        _colours(ground, ink, "font-size:28px"),
    )


def newspaper(w: Writer) -> Layout:
    stories = "".join(
        f"<h2>{w.sentence()[:60]}</h2>{w.paragraphs(w.draw.randint(2, 6), 8)}" for _ in range(w.draw.randint(3, 7))
    )
    picture = drawing(w, 300, 200) if w.draw.random() < 0.4 else ""
    return Layout(
        f"<h1 class=big>{w.label(18)}</h1><hr>{w.date()}<hr><div class=cols>{picture}{stories}</div>",
        paper(w),
        f".cols{{columns:{w.draw.randint(3, 6)};font-size:11px;text-align:justify}}.big{{font-size:60px;text-align:center;margin:0}}",
    )


def id_card(w: Writer) -> Layout:
    face = f'<div style="width:130px;height:170px;background:{colour(w.draw, True)};border-radius:{w.draw.choice([0, 60])}px"></div>'
    rows = "".join(
        f"<small>{w.label(12)}</small><br><b>{w.draw.choice([w.label(16), w.date(), w.code()])}</b><br>"
        for _ in range(4)
    )
    zone = f"<pre>P&lt;{w.code()}&lt;&lt;&lt;&lt;{w.code()}&lt;&lt;&lt;&lt;&lt;</pre>" if w.draw.random() < 0.5 else ""
    return Layout(
        f"<h3>{w.label(30)}</h3><div style='display:flex;gap:20px'>{face}<div>{rows}</div></div>{zone}",
        (640, 404),
        f"body{{padding:20px;background:linear-gradient({colour(w.draw, True)},{colour(w.draw, True)})}}",
    )


def title_and_chart(w: Writer) -> Layout:
    width, height = paper(w)
    return Layout(
        f"<h{w.draw.randint(1, 3)}>{w.label(40)}</h1>{chart(w, width - 140, w.draw.randint(250, int(height * 0.7)))}<p>{w.draw.choice(['', w.sentence()])}</p>",
        (width, height),
    )


def sparse(w: Writer) -> Layout:
    width, height = paper(w)
    lines = "".join(
        f'<div style="position:absolute;left:{w.draw.uniform(5, 55):.0f}%;top:{w.draw.uniform(3, 93):.0f}%;font-size:{w.draw.choice([12, 14, 18, 26, 40])}px">{w.label(30)}</div>'
        for _ in range(w.draw.randint(1, 4))
    )
    return Layout(lines, (width, height))


def half_empty(w: Writer) -> Layout:
    text = w.paragraphs(w.draw.randint(1, 3))
    space = w.draw.choice([0, 0, 300, 600])
    return Layout(
        f'<div style="margin-top:{space}px">{text}</div><div class=r style="position:absolute;bottom:30px;right:40px">{w.draw.randint(1, 400)}</div>',
        paper(w),
    )


def small_list(w: Writer) -> Layout:
    items = "".join(
        f"<div>{w.label(30)} {'.' * w.draw.randint(0, 30)} {w.draw.choice(['', w.amount(), w.code()])}</div>"
        for _ in range(w.draw.randint(80, 220))
    )
    return Layout(
        f"<h4>{w.label()}</h4><div class=cols>{items}</div>",
        paper(w),
        f".cols{{columns:{w.draw.randint(2, 5)};font-size:{w.draw.randint(6, 10)}px}}",
    )


def captioned_drawing(w: Writer) -> Layout:
    width, height = paper(w)
    figure = drawing(w, width - 120, w.draw.randint(300, int(height * 0.75)))
    return Layout(
        f"{figure}<p style='text-align:center'>{w.label(10)} {w.draw.randint(1, 20)}. {w.label(60)}</p>{w.draw.choice(['', w.paragraphs(1)])}",
        (width, height),
    )


def contract(w: Writer) -> Layout:
    corner = w.draw.choice(["right", "right", "left"])
    end = f'<div style="position:absolute;bottom:{w.draw.randint(30, 160)}px;{corner}:{w.draw.randint(20, 120)}px">{seal(w, w.draw.randint(90, 220))}{signature(w.draw)}</div>'
    clauses = "".join(f"<p>{number}. {w.text(w.draw.randint(1, 3))}</p>" for number in range(1, w.draw.randint(1, 9)))
    return Layout(f"<h2 style='text-align:center'>{w.label(40)}</h2>{clauses}{end}", paper(w))


def screenshot(w: Writer) -> Layout:
    dark = w.draw.random() < 0.5
    menu = "".join(f"<span>{w.label(10)}</span> " for _ in range(w.draw.randint(3, 8)))
    side = "".join(f"<div>{w.label(18)}</div>" for _ in range(w.draw.randint(4, 20)))
    css = f"body{{padding:0;font-size:13px;background:{'#1e1e1e' if dark else '#fafafa'};color:{'#ddd' if dark else '#222'}}}.bar{{background:{colour(w.draw)};color:#fff;padding:8px}}.s{{width:200px;padding:10px;border-inline-end:1px solid gray;line-height:2}}.m{{padding:14px;flex:1}}"
    inner = w.draw.choice(
        [
            w.paragraphs(5),
            f"<table>{''.join(_row(w.label(), w.amount()) for _ in range(15))}</table>",
            chart(w, 500, 300),
        ]
    )
    return Layout(
        f"<div class=bar>{menu}</div><div style='display:flex'><div class=s>{side}</div><div class=m><h2>{w.label()}</h2>{inner}</div></div>",
        w.draw.choice([(1024, 700), (1280, 720), (400, 820), (800, 600)]),
        css,
    )


def strip(w: Writer) -> Layout:
    lines = "<br>".join(w.text(2) for _ in range(w.draw.randint(1, 2)))
    size = w.draw.choice([14, 18, 24, 34])
    if w.draw.random() < 0.5:
        return Layout(
            lines,
            (w.draw.randint(700, 1100), int(size * w.draw.uniform(1.6, 5))),
            f"body{{padding:4px 8px;font-size:{size}px;white-space:nowrap}}",
        )
    return Layout(
        w.paragraphs(9), (w.draw.randint(130, 240), w.draw.randint(800, 1200)), "body{padding:6px;font-size:13px}"
    )


def formulas(w: Writer) -> Layout:
    draw = w.draw

    def term() -> str:
        a, b = draw.choice("abcxyzuvwnk"), draw.choice("ijkmnp")
        return draw.choice(
            [
                f"<msub><mi>{a}</mi><mi>{b}</mi></msub>",
                f"<msup><mi>{a}</mi><mn>{draw.randint(2, 9)}</mn></msup>",
                f"<mi>{a}</mi>",
                f"<mfrac><mi>{a}</mi><mrow><mi>{b}</mi><mo>+</mo><mn>{draw.randint(1, 9)}</mn></mrow></mfrac>",
                f"<msqrt><mi>{a}</mi></msqrt>",
                f"<munderover><mo>∑</mo><mi>{b}</mi><mi>n</mi></munderover>",
                "<mo>∫</mo>",
            ]
        )

    lines = []
    for number in range(draw.randint(3, 14)):
        signs = "".join(f"{term()}<mo>{draw.choice('+-=<≤∈')}</mo>" for _ in range(draw.randint(1, 5)))
        lines.append(
            f"<p style='text-align:center;font-size:22px'><math>{signs}{term()}</math> &emsp;({number + 1})</p>{draw.choice(['', f'<p>{w.text(2)}</p>'])}"
        )
    return Layout("".join(lines), paper(w))


def worded_map(w: Writer) -> Layout:
    width, height = paper(w)
    return Layout(
        f"{map_of(w, width - 40, height - 90)}<b>{w.draw.choice(['', w.label(30)])}</b>",
        (width, height),
        "body{padding:16px}",
    )


def book_spread(w: Writer) -> Layout:
    sides = "".join(
        f"<div class=p>{w.paragraphs(w.draw.randint(4, 8), 9)}<center>{w.draw.randint(1, 500)}</center></div>"
        for _ in range(2)
    )
    return Layout(
        f"<div style='display:flex;gap:60px'>{sides}</div>",
        (1240, 880),
        f".p{{flex:1;font-size:{w.draw.randint(11, 16)}px;text-align:justify;overflow:hidden;height:820px}}body{{background:#f4efe2;padding:30px 40px}}",
    )


def typewriter(w: Writer) -> Layout:
    return Layout(
        f"<div class=r>{w.date()}</div><p>{w.label(40).upper()}</p>{w.paragraphs(w.draw.randint(3, 9))}",
        paper(w),
        "body{color:#333;line-height:1.7;font-size:15px}",
    )


def envelope(w: Writer) -> Layout:
    stamp = f'<div style="position:absolute;top:25px;right:30px;width:90px;height:110px;border:2px dotted gray;background:{colour(w.draw, True)}">{w.amount()}</div>'
    lines = "<br>".join(w.draw.choice([w.label(26), w.code()]) for _ in range(4))
    return Layout(
        f"<small>{w.label()}<br>{w.label()}</small>{stamp}<div style='margin:130px 0 0 45%;font-size:20px'>{lines}</div>",
        (880, 440),
        f"body{{background:{w.draw.choice(['#fff', '#e9d9b0', '#f6f2ea'])}}}",
    )


def certificate(w: Writer) -> Layout:
    body = f"<div class=f><h1>{w.label(30)}</h1><p>{w.sentence()}</p><h2>{w.label(24)}</h2><p>{w.text(2)}</p>{seal(w, 120)} {signature(w.draw)}<br>{w.date()}</div>"
    return Layout(
        body,
        w.draw.choice([(1123, 794), A4]),
        f".f{{border:{w.draw.randint(4, 16)}px double {colour(w.draw)};padding:50px;text-align:center;height:100%;box-sizing:border-box}}",
    )


def listing(w: Writer) -> Layout:
    lines = "\n".join(
        f"{'    ' * w.draw.randint(0, 3)}{w.draw.choice(['def', 'if', 'for', 'return', 'let', '#'])} {w.label(40)} = {w.amount()}"
        for _ in range(w.draw.randint(12, 60))
    )
    ground, ink = w.draw.choice([("#fff", "#111"), ("#222", "#9f9"), ("#012", "#cde")])
    return Layout(
        f"<pre>{lines}</pre>",
        paper(w),
        _colours(ground, ink, "font-size:13px") + "pre{font-family:monospace}",
    )


def chat(w: Writer) -> Layout:
    bubbles = "".join(
        f'<div style="margin:8px;padding:10px;border-radius:14px;max-width:65%;background:{w.draw.choice(["#dcf8c6", "#eee", "#cfe6ff"])};margin-inline-start:{w.draw.choice(["8px", "auto"])}">{w.sentence()}<br><small>{w.draw.randint(0, 23)}:{w.draw.randint(10, 59)}</small></div>'
        for _ in range(w.draw.randint(3, 10))
    )
    return Layout(bubbles, (410, 850), "body{padding:8px;color:#222}")


def cover(w: Writer) -> Layout:
    ground = w.draw.choice([colour(w.draw), colour(w.draw, True)])
    return Layout(
        f"<div style='margin-top:{w.draw.randint(40, 380)}px'><h1 class=b>{w.label(30)}</h1><p>{w.label(40)}</p></div><div style='position:absolute;bottom:40px'>{w.label(24)}</div>",
        paper(w),
        _colours(ground, w.draw.choice(["#fff", "#111", "#fe8"]), "text-align:center")
        + f".b{{font-size:{w.draw.randint(40, 80)}px}}",
    )


def invoice(w: Writer) -> Layout:
    many = w.draw.randint(3, 18)
    rows = "".join(
        _row(n, w.label(40), w.draw.randint(1, 20), f"<div class=r>{w.amount()}</div>") for n in range(1, many)
    )
    body = f"<h1>{w.label(16)}</h1><div class=r>{w.code()}<br>{w.date()}</div><p>{w.label()}<br>{w.label(30)}</p><table>{rows}</table><h3 class=r>{w.amount()}</h3>"
    return Layout(
        f"{body}<div style='position:absolute;bottom:30px'><small>{w.text(2)}</small></div>", paper(w), _grid(w)
    )


def menu_card(w: Writer) -> Layout:
    parts = "".join(
        f"<h3>{w.label(16)}</h3>"
        + "".join(f"<p>{w.label(30)} &mdash; {w.amount()}</p>" for _ in range(w.draw.randint(2, 6)))
        for _ in range(w.draw.randint(1, 4))
    )
    return Layout(
        f"<h1>{w.label(16)}</h1>{parts}",
        w.draw.choice([A4, (500, 1100)]),
        f"body{{text-align:center;background:{colour(w.draw, True)}}}",
    )


def ticket(w: Writer) -> Layout:
    cells = "".join(
        f"<div><small>{w.label(10)}</small><br><b style='font-size:22px'>{w.draw.choice([w.code(), w.date(), w.label(10)])}</b></div>"
        for _ in range(8)
    )
    return Layout(
        f"<h2>{w.label(20)}</h2><div style='display:grid;grid-template-columns:repeat(4,1fr);gap:20px'>{cells}</div>{barcode(w.draw, 300, 60)}",
        (900, 380),
        "body{padding:24px}",
    )


def month(w: Writer) -> Layout:
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td style='height:110px;vertical-align:top'>{7 * week + day - 2 if 0 < 7 * week + day - 2 < 31 else ''}<br><small>{w.label(10) if w.draw.random() < 0.2 else ''}</small></td>"
            for day in range(1, 8)
        )
        + "</tr>"
        for week in range(5)
    )
    return Layout(
        f"<h2>{w.label(16)}</h2><table>{''.join(f'<th>{w.label(5)}</th>' for _ in range(7))}{rows}</table>",
        (1123, 794),
        "td,th{border:1px solid gray;width:14%}",
    )


def poster(w: Writer) -> Layout:
    return Layout(
        f"<h1 style='font-size:90px;line-height:1'>{w.label(24)}</h1>{drawing(w, 600, 400)}<h2>{w.date()}</h2><p>{w.text(2)}</p>",
        A4,
        _colours(colour(w.draw), "#fff", "text-align:center"),
    )


def visiting_card(w: Writer) -> Layout:
    return Layout(
        f"<h2>{w.label(18)}</h2><i>{w.label(24)}</i><p>{w.label(24)}<br>{w.code()}<br>{w.code()}</p>",
        (540, 320),
        f"body{{background:{colour(w.draw, True)};padding:30px}}",
    )


def _row(*cells: object) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _colours(ground: str, ink: str, more: str) -> str:
    return f"body{{background:{ground};color:{ink};{more}}}"


def _grid(w: Writer) -> str:
    return w.draw.choice(
        [
            "",
            "td,th{border:1px solid #555}",
            "td,th{border-bottom:1px solid #aaa}",
            "tr:nth-child(odd){background:#ddd}",
            "td{border:2px solid black}td:nth-child(even){background:#eef}",
        ]
    )


TRAINED: Kinds = {
    "letters": letter, "articles": article, "forms": form, "tables": table, "receipts": receipt, "slides": slide,
    "newspapers": newspaper, "ID cards": id_card, "title and chart": title_and_chart, "sparse pages": sparse,
    "half-empty pages": half_empty, "small lists": small_list, "captioned drawings": captioned_drawing,
    "stamps and signatures": contract, "screenshots": screenshot, "strips": strip,
    "formulas": formulas, "maps": worded_map, "book spreads": book_spread, "typewriter": typewriter,
    "envelopes": envelope, "certificates": certificate, "listings": listing, "chats": chat, "covers": cover,
    "invoices": invoice, **HANDS,
}  # fmt: skip
# Kinds that training never sees: how it does on these tells of other unseen kinds.
UNSEEN: Kinds = {
    "menus": menu_card, "tickets": ticket, "calendars": month, "posters": poster, "visiting cards": visiting_card,
}  # fmt: skip
# What most pages are: running text, lists and tables in print.
PRINTED: Kinds = {
    name: TRAINED[name]
    for name in (
        "letters", "articles", "forms", "tables", "newspapers", "half-empty pages", "small lists",
        "stamps and signatures", "book spreads", "invoices",
    )
}  # fmt: skip
# What is set in lines that run down the page.
VERTICAL_TEXT: Kinds = {
    name: TRAINED[name]
    for name in ("letters", "articles", "newspapers", "half-empty pages", "small lists", "book spreads", "covers")
}

"""Drawn pages: layouts filled with real sentences in every script, as a browser shows them."""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import tqdm

from docpre.errors import ConfigError, InputError
from docpre.loading import ImageArray
from train.corpus.browser import browser, font_settings
from train.corpus.build import Folders, picture_of, save_jpeg, shrunk
from train.corpus.hands import HANDS
from train.corpus.layout import A4, Kinds, Layout
from train.corpus.layouts import PRINTED, TRAINED, UNSEEN, VERTICAL_TEXT
from train.corpus.manifest import IN_PRINT, VERTICAL, Entry
from train.corpus.manifest import SIGNS as OF_SIGNS
from train.corpus.packages import unpacked
from train.corpus.paper import as_scanned, is_legible, printed_by_till, shaken
from train.corpus.receipts import RECEIPTS, till_css
from train.corpus.recipe import SPLITS, Recipe, Split, chance
from train.corpus.sentences import by_script, languages
from train.corpus.signs import SIGNS
from train.corpus.writer import Writer

_BATCH = 50
_UNSEEN_SHARE = 0.25  # of the pages that are tested on
_KIND_WEIGHTS = {"receipts": 5.0, **dict.fromkeys(HANDS, 2.0)}  # all others 1
_PRINT_SIZES_PX = (10, 12, 13, 14, 16, 18, 22)
_DISPLAY_SHARE = 0.7  # of signs
_SHAKEN_SHARE = 0.8  # of what is written by hand
_SCANNED_SHARE = 0.6  # of receipts that are asked for
_WEIGHTS = {
    "Latin": 24,
    "Arabic": 11,
    "Hebrew": 8,
    "Chinese": 11,
    "Japanese": 8,
    "Korean": 7,
    "Cyrillic": 6,
    "Greek": 4,
}
_WEIGHTS |= {"Devanagari": 5, "Thai": 5}  # all others 1.5
_LANGUAGE_TAGS = {
    "Latin": "en", "Greek": "el", "Cyrillic": "ru", "Arabic": "ar", "Hebrew": "he", "Devanagari": "hi",
    "Bengali": "bn", "Gujarati": "gu", "Gurmukhi": "pa", "Kannada": "kn", "Malayalam": "ml", "Oriya": "or",
    "Tamil": "ta", "Telugu": "te", "Sinhala": "si", "Thai": "th", "Lao": "lo", "Khmer": "km", "Myanmar": "my",
    "Tibetan": "dz", "Georgian": "ka", "Armenian": "hy", "Ethiopic": "am", "Chinese": "zh-cn", "Japanese": "ja",
    "Korean": "ko",
}  # fmt: skip
_FONTSOURCE_SUBSETS = {
    "Latin": "latin", "Cyrillic": "cyrillic", "Greek": "greek", "Chinese": "chinese", "Japanese": "japanese",
    "Korean": "korean", "Devanagari": "devanagari", "Thai": "thai", "Arabic": "arabic", "Hebrew": "hebrew",
}  # fmt: skip
_TILLS = (
    "VT323", "Share Tech Mono", "Liberation Mono", "DejaVu Sans Mono", "Courier Prime", "Space Mono", "Inconsolata",
    "Cousine", "Anonymous Pro", "Nova Mono", "Cutive Mono", "Overpass Mono", "Doto", "Handjet", "Pixelify Sans",
    "Silkscreen", "Jersey 10", "Noto Sans Mono",
)  # fmt: skip
# Never set in columns.
_ACROSS = frozenset({"strips", "receipts", "handwritten lines", "handwriting in squares", *SIGNS})
_TYPEWRITERS = ("Special Elite", "Courier Prime", "Liberation Mono", "DejaVu Sans Mono", "monospace")


#: What pages are of: all kinds, or those that are written by hand, or those of running text, lists and tables in print,
#: or print whose lines run down the page, or receipts as tills print them, most of them scanned, or a few large words.
Manner = Literal["any", "by hand", "in print", "vertical", "receipts", "signs"]
_KINDS: Mapping[Manner, Kinds] = {
    "by hand": HANDS,
    "in print": PRINTED,
    "vertical": VERTICAL_TEXT,
    "receipts": RECEIPTS,
    "signs": SIGNS,
}
_WRITTEN_DOWNWARD = ("Chinese", "Japanese")
# Contained, else a screenshot of a page with too much text shows another part of it.
_DOWNWARD_CSS = "body{writing-mode:vertical-rl;width:100vw;height:100vh;contain:strict}"


@dataclass(frozen=True)
class Typefaces:
    """Fonts by script: families, those of handwriting, those of print that are trained on alone, and those of signs;
    and the style sheets of those that are no fonts of the system's."""

    families: Mapping[str, Sequence[str]]
    handwriting: Mapping[str, Sequence[str]]
    trained: Mapping[str, Sequence[str]]
    display: Mapping[str, Sequence[str]]
    sheets: Mapping[str, Path]


def drawn_entries(pool: ProcessPoolExecutor, recipe: Recipe, folders: Folders, workers: int) -> list[Entry]:
    """Draw all pages that a recipe asks for."""
    if across := sorted(set(recipe.vertical_more) - set(_WRITTEN_DOWNWARD)):
        raise ConfigError(f"vertical_more: no lines run down the page in {', '.join(across)}.")
    if unknown := sorted(set(recipe.receipts_more) - set(_LANGUAGE_TAGS)):
        raise ConfigError(f"receipts_more: the corpus draws nothing in {', '.join(unknown)}.")
    typefaces = _typefaces(recipe, folders)
    if unwritten := sorted(set(recipe.written_more) - set(typefaces.handwriting)):
        raise ConfigError(f"written_more: the corpus has no handwriting fonts for {', '.join(unwritten)}.")
    tasks: list[tuple[Split, dict[str, list[str]], str, Manner, range]] = []
    for split in SPLITS:
        texts: dict[str, list[str]] = {}
        for source in recipe.texts:
            if source.split == split:
                folder = unpacked(source.package, folders.fetched, folders.unpacked, ("*.mo",))
                found = languages(folder)
                texts.update({f"{source.package}:{name}": value for name, value in found.items()})
        for script, manner, count in wanted_pages(recipe, split, sorted(by_script(texts))):
            for start in range(0, count, _BATCH):
                tasks.append((split, texts, script, manner, range(start, min(start + _BATCH, count))))
    work = partial(_draw_batch, recipe, folders, typefaces)
    done = pool.map(work, *zip(*tasks, strict=True))
    return [entry for part in tqdm.tqdm(done, total=len(tasks), desc="drawn", leave=False) for entry in part]


def wanted_pages(recipe: Recipe, split: Split, scripts: Sequence[str]) -> list[tuple[str, Manner, int]]:
    """Scripts ("": any), in which manner, and how many pages are to be drawn; ``scripts`` are those of the texts."""
    wanted: list[tuple[str, Manner, int]] = [("", "any", recipe.drawn[split])]
    printed = Counter(dict.fromkeys(scripts, recipe.printed.get(split, 0)))
    downward = [script for script in scripts if script in _WRITTEN_DOWNWARD]
    vertical = Counter(dict.fromkeys(downward, recipe.vertical.get(split, 0)))
    if split == "train":
        wanted += [(script, "any", count) for script, count in recipe.drawn_more.items()]
        wanted += [(script, "by hand", count) for script, count in recipe.written_more.items()]
        printed.update(recipe.printed_more)
        wanted += [(script, "receipts", count) for script, count in recipe.receipts_more.items()]
        vertical.update(recipe.vertical_more)
    wanted += [(script, "in print", count) for script, count in printed.items() if count]
    wanted += [(script, "vertical", count) for script, count in vertical.items() if count]
    if recipe.signs.get(split):
        wanted.append(("", "signs", recipe.signs[split]))
    return wanted


def page_html(layout: Layout, writer: Writer, style: str, sheets: Sequence[Path]) -> str:
    """A layout as a whole HTML page."""
    links = "".join(f'<link rel=stylesheet href="{sheet.resolve().as_uri()}">' for sheet in sheets)
    base = (
        "body{margin:0;padding:60px;min-height:100vh;box-sizing:border-box;overflow:hidden;font-size:16px}"
        "table{border-collapse:collapse;width:100%}td,th{padding:2px 6px;text-align:start}.r{text-align:end}"
    )
    head = f'<meta charset="utf-8">{links}<style>{base}{style}{layout.css}</style>'
    return f"<!doctype html><html dir={writer.direction}>{head}<body>{layout.body}</body></html>"


def _draw_batch(
    recipe: Recipe,
    folders: Folders,
    typefaces: Typefaces,
    split: Split,
    texts: dict[str, list[str]],
    only: str,
    manner: Manner,
    numbers: range,
) -> list[Entry]:
    """Pages of all scripts, or of one."""
    scripts = {script: found for script, found in by_script(texts).items() if only in ("", script)}
    entries = []
    side = recipe.long_side_px[split]
    name = only if manner == "any" else f"{only}-{manner.replace(' ', '-')}-"
    html_file = folders.unpacked / f"drawn-{split}-{name}{numbers.start}.html"
    with ExitStack() as stack:
        page = None
        for number in numbers:
            draw = random.Random(f"{recipe.seed} {split} {name}{number}")
            kinds = dict(UNSEEN if split == "test" and draw.random() < _UNSEEN_SHARE else TRAINED)
            if manner != "any":
                kinds = dict(_KINDS[manner])
            elif only and only not in typefaces.handwriting:
                kinds = {kind: make for kind, make in kinds.items() if kind not in HANDS}
            kind = draw.choices(list(kinds), [_KIND_WEIGHTS.get(kind, 1.0) for kind in kinds])[0]
            able = sorted(set(scripts) & set(typefaces.handwriting if kind in HANDS else _LANGUAGE_TAGS))
            script = draw.choices(able, [_WEIGHTS.get(name, 1.5) for name in able])[0]
            document = draw.choice(scripts[script])
            path = Path(split, "drawn", f"{name}{number:05d}.jpg")
            origin = manner if manner in (IN_PRINT, VERTICAL, OF_SIGNS) else "drawn"
            entries.append(Entry(str(path), split, origin, kind, script, document))
            if (folders.output / path).is_file():  # of a build that was stopped
                continue
            if page is None:
                running = stack.enter_context(browser(folders.unpacked / "fonts"))
                # A page to train on is shrunk anyway: the browser draws it smaller at once.
                page = running.new_page(device_scale_factor=min(1.0, side / A4[1] * 1.15))
            writer = Writer(draw, texts[document], script)
            layout = kinds[kind](writer)
            style, sheets = style_of(draw, kind, script, split, typefaces, recipe.seed)
            if manner == "vertical":
                style += _DOWNWARD_CSS
            elif manner == "receipts":
                style += till_css(draw)
            if origin in (IN_PRINT, VERTICAL):
                style += f"body{{font-size:{draw.choice(_PRINT_SIZES_PX)}px}}"
            html_file.write_text(page_html(layout, writer, style, sheets), "utf-8")
            width, height = layout.size_wh
            page.set_viewport_size({"width": width, "height": height})
            page.goto(html_file.resolve().as_uri(), timeout=30_000)
            page.evaluate("document.fonts.ready")
            if layout.longest is not None:
                found = page.evaluate("document.body.firstElementChild.offsetHeight")
                page.set_viewport_size({"width": width, "height": min(layout.longest, max(width // 2, found))})
            picture = picture_of(page.screenshot(type="jpeg", quality=95), side)
            if kind in HANDS and draw.random() < _SHAKEN_SHARE:
                picture = shaken(picture, np.random.default_rng([recipe.seed, SPLITS.index(split), number]))
            elif manner == "receipts":
                picture = shrunk(_from_a_till(picture, np.random.default_rng([recipe.seed, number])), side)
            save_jpeg(picture, folders.output / path)
    html_file.unlink(missing_ok=True)
    return entries


def _from_a_till(image: ImageArray, random: np.random.Generator) -> ImageArray:
    printed = printed_by_till(image, random)
    if random.random() < _SCANNED_SHARE:
        scan = as_scanned(printed, random, glass_share=0.5)
        if is_legible(scan, printed):  # pale ink may be lost
            return scan
    return printed


def style_of(
    draw: random.Random, kind: str, script: str, split: Split, typefaces: Typefaces, seed: int
) -> tuple[str, list[Path]]:
    """The page's own CSS, and the style sheets of fonts that it needs."""
    css = ""
    if script in _WRITTEN_DOWNWARD and kind not in _ACROSS and draw.random() < 0.12:
        css += _DOWNWARD_CSS
    if draw.random() < 0.2:
        css += f"body{{background:hsl({draw.randrange(360)},{draw.randint(5, 60)}%,{draw.randint(75, 97)}%)}}"
    weight, spacing = "", ""
    if kind in HANDS or (draw.random() < 0.04 and script in typefaces.handwriting):
        family = draw.choice(_of_split(typefaces.handwriting[script], split, seed))
    elif kind in SIGNS and script in typefaces.display and draw.random() < _DISPLAY_SHARE:
        family = draw.choice(_of_split(typefaces.display[script], split, seed))
    elif kind == "typewriter":
        family = draw.choice(_TYPEWRITERS)
    elif kind == "receipts" and draw.random() < 0.6:
        family = draw.choice(_TILLS)
    else:
        found = list(typefaces.families[script])
        family = draw.choice(found + list(typefaces.trained.get(script, ())) if split == "train" else found)
        weight = f"font-weight:{draw.choice([400, 400, 400, 300, 700])};"
        spacing = f"line-height:{draw.choice([1.1, 1.3, 1.5, 2.0])};"
    generic = "monospace" if family in (*_TYPEWRITERS, *_TILLS) else draw.choice(["serif", "sans-serif"])
    sheets = [typefaces.sheets[family]] if family in typefaces.sheets else []
    return f"{css}body{{font-family:'{family}',{generic};{weight}{spacing}}}", sheets


def _of_split(found: Sequence[str], split: Split, seed: int) -> list[str]:
    """Typefaces of a split: hands and display fonts that are tested on are not trained on."""
    tested = [name for name in found if chance(seed, name) < 0.3]
    if not tested or len(tested) == len(found):
        return list(found)
    return tested if split == "test" else [name for name in found if name not in tested]


def _typefaces(recipe: Recipe, folders: Folders) -> Typefaces:
    fonts, unpack_dir = folders.unpacked / "fonts", folders.unpacked / "sheets"
    handwriting: dict[str, list[str]] = {}
    sheets: dict[str, Path] = {}
    trained: dict[str, list[str]] = {}
    display: dict[str, list[str]] = {}
    latin: list[str] = []
    for source in recipe.fonts:
        if not source.package.startswith("@"):
            continue  # the browser finds these by itself
        folder = unpacked(source.package, folders.fetched, unpack_dir, ()) / "package"
        record = json.loads((folder / "metadata.json").read_text("utf-8"))
        sheets[record["family"]] = folder / "index.css"
        if not (source.is_handwriting or source.is_display or source.split):
            latin.append(record["family"])
            continue
        kept = handwriting if source.is_handwriting else display if source.is_display else trained
        for script, subset in _FONTSOURCE_SUBSETS.items():
            if any(name.startswith(subset) for name in record["subsets"]):  # chinese-simplified, chinese-traditional
                kept.setdefault(script, []).append(record["family"])
    families = {script: _families(fonts, script) for script in _LANGUAGE_TAGS}
    families["Latin"] = sorted({*families["Latin"], *latin})
    return Typefaces(families, handwriting, trained, display, sheets)


def _families(fonts: Path, script: str) -> list[str]:
    """Families that have a language's characters."""
    command = ["fc-list", f":lang={_LANGUAGE_TAGS[script]}", "family"]
    listed = subprocess.run(command, env=font_settings(fonts), capture_output=True, text=True).stdout.splitlines()
    found = {line.split(",")[0].strip() for line in listed}
    if script in ("Latin", "Greek", "Cyrillic"):  # most of Noto's families have these letters; they look the same
        found = {
            name
            for name in found
            if not name.startswith("Noto") or name in ("Noto Sans", "Noto Serif", "Noto Sans Mono")
        }
    if not found:
        raise InputError(f"No font of the corpus has the letters of {script} ({command[1]}).")
    return sorted(found)

"""Draws a page in the browser and reads off it where everything is."""

# ruff: noqa: E501  the script is easier to read whole
from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from docpre.analysis.elements import Char, TextLine
from docpre.loading import ImageArray
from train.evaluate.structured_pages import PageText

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Box = NDArray[np.float64]
_PIXELS_PER_CSS = 1.6
_PAPER = 235  # what is darker is drawn
_GAP_EMS = 1.1  # wider ones part a line, as they do for OCR

# Blocks that don't fit their column are taken away; of the first, what fits stays. Then everything is read off.
_READ = """() => {
  for (const column of document.querySelectorAll('[data-column]')) {
    const fill = column.querySelector('.fill'), notes = column.querySelector('.notes');
    const limit = (notes ? notes.getBoundingClientRect().top - 10 : column.getBoundingClientRect().bottom) - 2;
    const fits = e => e.getBoundingClientRect().bottom <= limit;
    let full = false;
    for (const block of [...fill.children]) {
      if (full) { block.remove(); continue; }
      if (fits(block)) continue;
      full = true;
      if (block.tagName === 'P' && !block.className && block.children.length === 0) {
        const words = block.textContent.split(/(?<=[\\s\\u3000-\\u9fff])/);
        while (words.length > 4 && !fits(block)) { words.pop(); block.textContent = words.join(''); }
        if (!fits(block)) block.remove();
      } else block.remove();
    }
    while (fill.lastElementChild && /^H/.test(fill.lastElementChild.tagName)) fill.lastElementChild.remove();
  }
  const box = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
  const blocks = [], chars = [], formulas = [];
  const columns = [...document.querySelectorAll('[data-column]')];
  for (const e of document.querySelectorAll('[data-kind]')) {
    const section = e.closest('[data-section]');
    const number = blocks.length, column = columns.indexOf(e.closest('[data-column]'));
    blocks.push({kind: e.dataset.kind, section: section ? section.dataset.section : 'section', column, box: box(e)});
    const walker = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
    for (let node; node = walker.nextNode();) {
      const text = node.textContent;
      for (let k = 0; k < text.length; k++) {
        const range = document.createRange(); range.setStart(node, k); range.setEnd(node, k + 1);
        const r = range.getBoundingClientRect();
        const host = node.parentElement.getBoundingClientRect();
        const hidden = r.left < host.left - 1 && getComputedStyle(node.parentElement).overflowX === 'hidden';
        const picture = node.parentElement.closest('svg')?.getBoundingClientRect();
        const cut = picture && (r.left < picture.left || r.right > picture.right || r.top < picture.top - 2 || r.bottom > picture.bottom + 2);
        if (r.width > 0 && !hidden && !cut) chars.push([text[k], r.left, r.top, r.right, r.bottom, number]);
      }
    }
  }
  for (const e of document.querySelectorAll('[data-formula]')) {
    formulas.push([e.dataset.formula, box(e.querySelector('math') || e)]);
  }
  const bands = [...document.querySelectorAll('.band')].map(b => [...b.querySelectorAll('[data-column]')].map(c => columns.indexOf(c)));
  return {blocks, chars, formulas, bands};
}"""


@dataclass(frozen=True)
class Truth:
    """What is on a page.

    Attributes:
        layouts: kind and box of each block, in reading order.
        sections: kind and box.
        formulas: kind and box.
        lines: as a perfect reader would give them, in reading order.
        grid: rows and columns.
    """

    layouts: tuple[tuple[str, Box], ...]
    sections: tuple[tuple[str, Box], ...]
    formulas: tuple[tuple[str, Box], ...]
    lines: tuple[TextLine, ...]
    grid: tuple[int, int]


def drawn(running: Browser, text: PageText) -> tuple[ImageArray, Truth]:
    """A page as a picture, and what is on it."""
    width, height = text.size_wh
    context = running.new_context(viewport={"width": width, "height": height}, device_scale_factor=_PIXELS_PER_CSS)
    try:
        shown = context.new_page()
        shown.set_content(text.html)
        found = shown.evaluate(_READ)
        picture = np.asarray(Image.open(io.BytesIO(shown.screenshot())).convert("RGB"))
    finally:
        context.close()
    return picture, _truth(found, picture)


def _truth(found: dict[str, Any], picture: ImageArray) -> Truth:
    ink = picture.min(2) < _PAPER
    lines = _lines(found["chars"], ink)
    parts: dict[int, list[Box]] = {}
    for number, line in lines:
        parts.setdefault(number, []).append(np.concatenate([line.quad.min(0), line.quad.max(0)]).astype(np.float64))
    layouts: list[tuple[str, Box]] = []
    groups: dict[tuple[str, int], list[Box]] = {}
    numbers: list[int] = []
    rank = {"header": 0, "section": 1, "footnote": 2, "footer": 3, "number": 4}
    ordered = sorted(enumerate(found["blocks"]), key=lambda entry: (rank[entry[1]["section"]], entry[0]))
    for number, block in ordered:
        whole = _inked(np.array(block["box"]) * _PIXELS_PER_CSS, ink)
        box = whole if block["kind"] in ("table", "figure") else _around(parts.get(number, []))
        if box is None or whole is None:
            continue
        numbers.append(number)
        layouts.append((block["kind"], box))
        groups.setdefault((block["section"], block["column"]), []).append(box)
    joined = {key: box for key, boxes in groups.items() if (box := _around(boxes)) is not None}
    sections = []
    bands = [[c for c in band if ("section", c) in joined] for band in found["bands"]]
    for (kind, _), box in joined.items():
        sections.append((kind, box))
    bands = [band for band in bands if band]
    by_number = {number: [line for n, line in lines if n == number] for number in numbers}
    formulas = []
    for kind, box in found["formulas"]:
        if (own := _inked(np.array(box) * _PIXELS_PER_CSS, ink)) is not None:
            formulas.append((kind, own))
    return Truth(
        tuple(layouts),
        tuple(sections),
        tuple(formulas),
        tuple(line for number in numbers for line in by_number[number]),
        (len(bands), max((len(band) for band in bands), default=0)),
    )


def _lines(chars: list[Any], ink: NDArray[np.bool_]) -> list[tuple[int, TextLine]]:
    """Characters in lines, parted at wide gaps; each with the number of its block."""
    runs: list[list[Any]] = []
    for char in chars:
        last = next((c for c in reversed(runs[-1]) if not c[0].isspace()), None) if runs else None
        if last is not None and last[5] == char[5]:
            em = max(last[4] - last[2], char[4] - char[2]) / 1.3
            shared = min(last[4], char[4]) - max(last[2], char[2])
            beside = shared > 0.4 * min(last[4] - last[2], char[4] - char[2])
            if beside and -0.5 * em < char[1] - last[3] < _GAP_EMS * em:
                runs[-1].append(char)
                continue
        if not char[0].isspace():
            runs.append([char])
    found = []
    for run in runs:
        while run[-1][0].isspace():
            run.pop()
        outline = _around([np.array(c[1:5], np.float64) for c in run])
        assert outline is not None
        box = _inked(outline * _PIXELS_PER_CSS, ink)
        if box is None:
            continue
        text = "".join(" " if c[0].isspace() else c[0] for c in run)
        own = tuple(
            Char(c[0], _quad(np.array(c[1:5], np.float64) * _PIXELS_PER_CSS), 1.0) for c in run if not c[0].isspace()
        )
        found.append((int(run[0][5]), TextLine(text, _quad(box), 1.0, 1.0, None, own)))
    return found


def _around(boxes: list[Box]) -> Box | None:
    if not boxes:
        return None
    stacked = np.stack(boxes)
    return np.concatenate([stacked[:, :2].min(0), stacked[:, 2:].max(0)])


def _inked(box: Box, ink: NDArray[np.bool_]) -> Box | None:
    """A box drawn in to its ink; None where there is none."""
    left, top = np.floor(box[:2]).astype(int).clip(0)
    right, bottom = np.ceil(box[2:]).astype(int).clip(0)
    part = ink[top:bottom, left:right]
    if not part.any():
        return None
    rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
    return np.array([left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1], np.float64)


def _quad(box: Box) -> NDArray[np.float32]:
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def scanned(picture: ImageArray, truth: Truth, rng: np.random.Generator) -> tuple[ImageArray, Truth]:
    """A page as a scanner would give it: a little askew, blurred, noisy, on tinted paper, in JPEG."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-1, 1)), 1.0)
    paper = tuple(int(value) for value in rng.integers(232, 256, 3))
    turned = cv2.warpAffine(
        picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=(255,) * 3
    )
    soft = cv2.GaussianBlur(turned, (0, 0), float(rng.uniform(0.3, 0.9))).astype(np.float32)
    noisy = soft / 255 * np.array(paper, np.float32) + rng.normal(0, rng.uniform(1, 5), (height, width, 1))
    _, data = cv2.imencode(".jpg", noisy.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 75])
    image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)

    def turn(quad: NDArray[np.float32]) -> NDArray[np.float32]:
        return (quad @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)

    def upright(box: Box) -> Box:
        corners = turn(_quad(box)).astype(np.float64)
        return np.concatenate([corners.min(0), corners.max(0)])

    def line(old: TextLine) -> TextLine:
        chars = tuple(Char(c.text, turn(c.quad), c.score) for c in old.chars)
        return TextLine(old.text, turn(old.quad), old.average, old.least, None, chars)

    return image, Truth(
        tuple((kind, upright(box)) for kind, box in truth.layouts),
        tuple((kind, upright(box)) for kind, box in truth.sections),
        tuple((kind, upright(box)) for kind, box in truth.formulas),
        tuple(line(old) for old in truth.lines),
        truth.grid,
    )


def lines_to_json(lines: tuple[TextLine, ...] | list[TextLine]) -> str:
    """Lines as JSON text."""
    return json.dumps(
        [
            [x.text, x.quad.tolist(), x.average, x.least, [[c.text, c.quad.tolist(), c.score] for c in x.chars]]
            for x in lines
        ]
    )


def lines_from_json(text: str) -> tuple[TextLine, ...]:
    """The inverse of ``lines_to_json``."""
    return tuple(
        TextLine(
            words,
            np.array(quad, np.float32),
            average,
            least,
            None,
            tuple(Char(c, np.array(q, np.float32), s) for c, q, s in chars),
        )
        for words, quad, average, least, chars in json.loads(text)
    )


def save(image: ImageArray, truth: Truth, stem: Path) -> None:
    """Write a page's picture and truth beside each other."""
    Image.fromarray(image).save(stem.with_suffix(".png"), compress_level=1)
    boxes = {
        name: [[kind, box.tolist()] for kind, box in getattr(truth, name)]
        for name in ("layouts", "sections", "formulas")
    }
    found = {**boxes, "grid": truth.grid, "lines": lines_to_json(truth.lines)}
    stem.with_suffix(".json").write_text(json.dumps(found), "utf-8")


def load(stem: Path) -> tuple[ImageArray, Truth]:
    """The inverse of ``save``."""
    found = json.loads(stem.with_suffix(".json").read_text("utf-8"))
    boxes = {
        name: tuple((kind, np.array(box)) for kind, box in found[name]) for name in ("layouts", "sections", "formulas")
    }
    truth = Truth(**boxes, lines=lines_from_json(found["lines"]), grid=tuple(found["grid"]))
    return np.asarray(Image.open(stem.with_suffix(".png")).convert("RGB")), truth

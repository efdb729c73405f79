"""What lines of text say: a network that scores characters at every few pixels of a line, read by CTC's rule."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.analysis.characters import characters, is_wide, latin_classes
from docpre.analysis.elements import Char, Quad, TextLine
from docpre.engine_pool import EnginePool
from docpre.loading import ImageArray
from docpre.shrinking import shrunk

_HEIGHT_PX = 48
# Lines of print are looked at smaller first, which takes half the time and hardly changes what is read: a little wider
# for their height than they are, since of two like letters that share a step one is lost. Those that are crowded
# (characters a step) or unsure so are looked at again.
_SMALL_HEIGHT_PX, _WIDENED = 32, 1.15
_CROWDED = 0.8
_SURE = 0.99
_STEP_PX = 8  # of the picture, for each step of the network
_NARROWEST = 10 / 3  # times the height
_WIDTHS_PX = 16  # widths are a multiple, so that an engine meets few of them
_TALL = 1.5  # a line that is so much taller than wide may run downwards
_LETTER_LIKE = 3.0  # and if it is not taller than this, it may be a letter
_SPACE_WIDE, _SPACE_MIXED = 0.8, 0.4  # of a line's height: gaps that are spaces
_HALF_SQUARE = 0.4
_PAPER = 0.05  # of a line's columns, at least, are paper
_FAINTEST = 0.05
_BLANK_AFTER, _BLANK_BEFORE = "，。、；：！？）」』】》〉”’", "（「『【《〈“‘"


@dataclass(frozen=True)
class Reading:
    """What a strip says.

    Attributes:
        text: with its spaces.
        scores: of each character of ``text``, 0 to 1.
        steps: (first, last) step of the network that says each character.
    """

    text: str
    scores: tuple[float, ...]
    steps: tuple[tuple[int, int], ...]

    @property
    def average(self) -> float:
        """The mean score; 0 of an empty text."""
        return sum(self.scores) / len(self.scores) if self.scores else 0.0


@dataclass(frozen=True)
class ReadLine:
    """A line, and what the network saw.

    Attributes:
        line: without text where nothing is to be read.
        edges: left and right of each of its characters, in parts of the strip's height from its left.
        width: of the strip, in parts of its height.
        inner: tensors inside the network (channels, rows, columns) for the strip alone; empty if not asked for.
    """

    line: TextLine
    edges: tuple[tuple[float, float], ...]
    width: float
    inner: tuple[NDArray[np.float32], ...] = ()


class LineRecogniser:
    """Reads lines of text.

    Args:
        pool: runs the network, in one thread a line.
        threads: work on lines, each on one.
    """

    def __init__(self, pool: EnginePool, threads: Executor) -> None:
        self.pool = pool
        self._threads = threads

    def read(
        self,
        image: ImageArray,
        quads: NDArray[np.float32],
        latin_only: bool = False,
        with_inner: bool = False,
        device: str | None = None,
    ) -> list[ReadLine]:
        """The lines in some outlines.

        Args:
            image: (H, W, 3) RGB uint8.
            quads: (N, 4, 2) float32.
            latin_only: read Latin letters, digits and signs only.
            with_inner: give the tensors inside the network too.
            device: another one than the pool's.
        """
        self.pool.engine(device)  # started once, before the threads

        def read(quad: Quad) -> ReadLine:
            return self._read_line(image, quad, latin_only, with_inner, device)

        return list(self._threads.map(read, quads))

    def _read_line(
        self, image: ImageArray, quad: Quad, latin_only: bool, with_inner: bool, device: str | None
    ) -> ReadLine:
        width, height = _size(quad)
        outlines = [quad]
        if height >= _TALL * width:
            downwards = np.roll(quad, -1, axis=0)  # turned so that its top is at the left
            outlines = [quad, downwards] if height < _LETTER_LIKE * width else [downwards]
        candidates = [self._seen(image, outline, latin_only, with_inner, device) for outline in outlines]
        outline, strip, reading, inner = max(candidates, key=lambda candidate: candidate[2].average)
        return read_line(outline, strip, reading, inner)

    def _seen(
        self, image: ImageArray, outline: Quad, latin_only: bool, with_inner: bool, device: str | None
    ) -> tuple[Quad, ImageArray, Reading, tuple[NDArray[np.float32], ...]]:
        """An outline, its strip, what it says, and the tensors inside the network."""
        classes = latin_classes() if latin_only else None
        if not with_inner:
            strip = cut_out(image, outline, _SMALL_HEIGHT_PX, _WIDENED)
            reading = decoded(self.outputs(strip, device=device)[0], classes)
            if _is_plain(reading, strip.shape[1]):
                return outline, strip, reading, ()
        strip = cut_out(image, outline)
        scores, *inner = self.outputs(strip, with_inner, device)
        return outline, strip, decoded(scores, classes), tuple(inner)

    def outputs(
        self, strip: ImageArray, with_inner: bool = False, device: str | None = None
    ) -> tuple[NDArray[np.float32], ...]:
        """What the network says of a strip.

        Args:
            strip: (48 or less, W, 3) RGB uint8.
            with_inner: give the tensors inside the network too.
            device: another one than the pool's.

        Returns:
            Scores (steps, classes); then the inner tensors (channels, rows, columns), of the strip without its padding.
        """
        mean, std = np.float32(255 * self.pool.spec.mean[0]), np.float32(255 * self.pool.spec.std[0])
        height, used_px = strip.shape[:2]
        width = -(-max(round(_NARROWEST * height), used_px) // _WIDTHS_PX) * _WIDTHS_PX
        batch = np.zeros((1, 3, height, width), np.float32)
        batch[0, :, :, :used_px] = (strip[..., ::-1].transpose(2, 0, 1) - mean) / std
        if not with_inner:
            return (self.pool.run(batch, device)[0],)
        scores, *inner = (output[0] for output in self.pool.run_all(batch, device))
        used = used_px / width
        return (scores, *(tensor[:, :, : max(1, round(tensor.shape[2] * used))] for tensor in inner))


def cut_out(image: ImageArray, quad: Quad, height_px: int = _HEIGHT_PX, widened: float = 1.0) -> ImageArray:
    """The part of a picture within an outline, upright.

    Args:
        image: (H, W, 3) RGB uint8.
        quad: the outline.
        height_px: how high it becomes.
        widened: how wide it becomes for its height, 1 as it is.

    Returns:
        (height_px, W, 3) RGB uint8.
    """
    width, height = _size(quad)
    columns = max(_STEP_PX, round(height_px * width / height * widened))
    left, top = np.floor(quad.min(0)).astype(int).clip(0)
    right, bottom = np.ceil(quad.max(0)).astype(int) + 1
    part = image[top:bottom, left:right]
    slant = abs(quad[1, 1] - quad[0, 1]) + abs(quad[3, 0] - quad[0, 0])
    if slant > 2 or quad[0, 0] > quad[1, 0]:
        target = np.array([[0, 0], [width, 0], [width, height]], np.float32)
        matrix = cv2.getAffineTransform((quad[:3] - (left, top)).astype(np.float32), target)
        size = (max(1, round(width)), max(1, round(height)))
        warped = cv2.warpAffine(part, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        part = warped.astype(np.uint8, copy=False)
    part = shrunk(np.ascontiguousarray(part), (height_px, columns))
    if part.shape[:2] != (height_px, columns):
        resized = cv2.resize(part, (columns, height_px), interpolation=cv2.INTER_LINEAR)
        part = resized.astype(np.uint8, copy=False)
    return part


def _is_plain(reading: Reading, width_px: int) -> bool:
    """Whether what a small strip says can be relied on."""
    return reading.average >= _SURE and len(reading.text) * _STEP_PX <= _CROWDED * width_px


def decoded(scores: NDArray[np.float32], classes: NDArray[np.intp] | None = None) -> Reading:
    """The text of a line by CTC's greedy rule: the best class of each step, repeated ones once, nothing left out.

    Args:
        scores: (steps, classes), 0 to 1.
        classes: those that may be read; None: all.
    """
    best = scores.argmax(1) if classes is None else classes[scores[:, classes].argmax(1)]
    score = scores[np.arange(len(best)), best]
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    known = characters()
    found = []
    for start, end in pairwise([*starts.tolist(), len(best)]):
        if best[start]:
            found.append((known[best[start]], float(score[start:end].max()), (start, end - 1)))
    while found and found[-1][0].isspace():
        found.pop()
    while found and found[0][0].isspace():
        del found[0]
    texts, values, steps = zip(*found, strict=True) if found else ((), (), ())
    return Reading("".join(texts), tuple(values), tuple(steps))


def read_line(quad: Quad, strip: ImageArray, reading: Reading, inner: tuple[NDArray[np.float32], ...] = ()) -> ReadLine:
    """A line, with the box of each character, and the spaces beside wide characters, which the network leaves out."""
    width, height = _size(quad)
    square = strip.shape[1] * height / width  # columns that are as wide as the line is high
    if not reading.text.strip():
        return ReadLine(TextLine("", quad, 0.0, 0.0), (), width / height, inner)
    edges = _edges(strip, reading)
    corners = _corners(quad, np.array(edges, np.float32) / strip.shape[1])
    chars, texts, own_edges, last = [], [], [], None
    for text, score, (left, right), char_quad in zip(reading.text, reading.scores, edges, corners, strict=True):
        if text.isspace():
            texts.append(" ")
            continue
        if last is not None and texts[-1] != " " and _is_space(last[0], text, (left - last[1]) / square):
            texts.append(" ")
        chars.append(Char(text, char_quad, score))
        own_edges.append((left / square, right / square))
        texts.append(text)
        last = text, right
    seen = [char.score for char in chars]
    line = TextLine("".join(texts), quad, sum(seen) / len(seen), min(seen), None, tuple(chars))
    return ReadLine(line, tuple(own_edges), width / height, inner)


def _corners(quad: Quad, edges: NDArray[np.float32]) -> NDArray[np.float32]:
    """Outlines (N, 4, 2) within a line's, for edges (N, 2) in parts of its width from the left."""
    top = quad[0] + edges[:, :, None] * (quad[1] - quad[0])
    bottom = top[:, ::-1] + (quad[3] - quad[0])
    return np.concatenate([top, bottom], 1).astype(np.float32)


def _is_space(before: str, after: str, gap: float) -> bool:
    wide = is_wide(before) + is_wide(after)
    if not wide:
        return False  # the network says the spaces between narrow characters itself
    least = _SPACE_WIDE if wide == 2 else _SPACE_MIXED
    # Wide punctuation fills half of its square.
    least += _HALF_SQUARE * ((before in _BLANK_AFTER) + (after in _BLANK_BEFORE))
    return gap > least


def _edges(strip: ImageArray, reading: Reading) -> list[tuple[float, float]]:
    """Left and right of each character in the strip, cut where there is least ink between the steps that say them.

    A space has no ink, and the step that says it may lie on the next character: there is one cut for it, not two.
    """
    gray = cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY).astype(np.float32)
    ink = np.abs(gray - np.median(gray)).mean(0)
    ink_level = ink.max() / 8
    width = strip.shape[1]
    glyphs = [index for index, text in enumerate(reading.text) if not text.isspace()]
    middles = [min(width - 1.0, sum(reading.steps[index], 1) / 2 * _STEP_PX) for index in glyphs]
    cuts = [0.0]
    for before, after in pairwise(middles):
        low, high = int(before + 1), max(int(after), int(before + 1) + 1)
        between = ink[low:high]
        if not between.size:
            cuts.append((before + after) / 2)
            continue
        nearness = np.abs(np.arange(low, high) - (before + after) / 2) / max(after - before, 1.0)
        cuts.append(float(low + (between / max(ink_level, 1e-3) + nearness).argmin()) + 0.5)
    cuts.append(float(width))
    edges = [(0.0, 0.0)] * len(reading.text)
    paper = float(np.quantile(ink, _PAPER))
    faintest = paper + (ink.max() - paper) * _FAINTEST  # the end of a thin stroke is ink too
    for index, (left, right) in zip(glyphs, pairwise(cuts), strict=True):
        inked = np.flatnonzero(ink[int(left) : max(int(np.ceil(right)), int(left) + 1)] > faintest)
        found = (int(left) + float(inked[0]), int(left) + float(inked[-1]) + 1) if inked.size else (left, right)
        edges[index] = found
    return edges


def _size(quad: Quad) -> tuple[float, float]:
    """Width and height of an outline, at least a pixel."""
    sides = np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1).tolist()
    return max(sides[0], sides[2], 1.0), max(sides[1], sides[3], 1.0)


def in_lines(quads: NDArray[np.float32]) -> NDArray[np.float32]:
    """Outlines from the top down and, where they stand side by side, from left to right."""
    if not len(quads):
        return quads
    middles, heights = quads[:, :, 1].mean(1), quads[:, 3, 1] - quads[:, 0, 1]
    rows: list[list[int]] = []
    for index in np.argsort(middles, kind="stable"):
        if rows and middles[index] - middles[rows[-1]].mean() < 0.5 * np.median(heights[rows[-1]]):
            rows[-1].append(int(index))
        else:
            rows.append([int(index)])
    return quads[[index for row in rows for index in sorted(row, key=lambda index: quads[index, 0, 0].item())]]

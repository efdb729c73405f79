"""Whether a line was printed or written by hand, from what the recogniser sees inside; mixed lines are split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from docpre.analysis.elements import TextLine, WordsType
from docpre.analysis.recognition import ReadLine
from docpre.registry import find_model, find_weights

_UNIT_HEIGHTS = 1.6  # a piece of a line that is looked at for itself is at least so many times as wide as high
_SURE_HEIGHTS = 3.0  # and counts in full from this width on
_MOST_EVIDENCE = 4.0
_COST_OF_CHANGE = 5.0  # both in nats: a line is split where its pieces say so clearly
_PURE_PAGES = 0.9  # of all pages, wholly printed or wholly by hand
_SHARES = 21
_MOST_FROM_OTHERS = 2.5  # a line that is surer than this keeps its type whatever the page is


class HandwritingClassifier:
    """docpre's own logistic regression on the mean and standard deviation of the recogniser's inner channels.

    Raises:
        ModelError: its weights are missing or damaged.
    """

    def __init__(self) -> None:
        self.spec = find_model("handwriting")
        with np.load(find_weights(self.spec, suffixes=(".npz",)).path) as content:
            self._mean, self._scale = content["mean"], content["scale"]
            self._weight, self._bias = content["weight"], float(content["bias"])

    def evidence(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The logarithm of the odds that strips with such features (N, F) were written by hand."""
        return ((features - self._mean) / self._scale) @ self._weight + self._bias

    def told_apart(self, page: Sequence[ReadLine]) -> list[TextLine]:
        """The lines of one page with their types, those written in both ways in pieces.

        Args:
            page: lines with text, and the recogniser's inner tensors.
        """
        if not page:
            return []
        own = self.evidence(np.stack([features_of(read.inner, 0.0, 1.0) for read in page]))
        own = _weighed(own, np.array([read.width for read in page]))
        context = from_others(own)
        return [
            piece
            for read, whole, others in zip(page, own.tolist(), context.tolist(), strict=True)
            for piece in self._pieces(read, whole, others)
        ]

    def _pieces(self, read: ReadLine, whole: float, others: float) -> list[TextLine]:
        """A line with its type, or its pieces where it was written in both ways.

        Args:
            read: the line.
            whole: evidence of the line as a whole.
            others: what the page's other lines let expect.
        """
        line, edges = read.line, read.edges
        in_one = [replace(line, words_type=_type(whole + others > 0))]
        units = units_of(line, edges)
        if len(units) < 2:
            return in_one
        spans = [(edges[unit[0]][0] / read.width, edges[unit[-1]][1] / read.width) for unit in units]
        own = self.evidence(np.stack([features_of(read.inner, left, right) for left, right in spans]))
        own = _weighed(own, np.array([(right - left) * read.width for left, right in spans]))
        # The line as a whole speaks for each of its pieces too.
        own += 0.2 * whole
        by_hand = likeliest(own, _COST_OF_CHANGE)
        changes = sum(first != second for first, second in pairwise(by_hand))
        if not changes:
            return in_one
        # The page speaks for a line that is wholly of one kind.
        gained = np.where(by_hand, own, -own)[np.array(by_hand) != (others > 0)].sum() - changes * _COST_OF_CHANGE
        if gained < abs(others):
            return in_one
        pieces = []
        for is_by_hand, group in groupby(range(len(units)), key=lambda number: by_hand[number]):
            members = [index for number in group for index in units[number]]
            pieces.append(part_of(line, members[0], members[-1], _type(is_by_hand)))
        return pieces


def from_others(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the other lines of a page let expect of each: logarithms of odds that it was written by hand.

    Most pages are wholly printed or wholly by hand. What share of a page's lines is by hand is not known beforehand:
    none or all of them are the likeliest, every share between is possible; the other lines tell.

    Args:
        evidence: of each line by itself, logarithms of odds (N,).
    """
    shares = np.linspace(0, 1, _SHARES)
    prior = np.full(_SHARES, (1 - _PURE_PAGES) / (_SHARES - 2))
    prior[[0, -1]] = _PURE_PAGES / 2
    by_hand = 1 / (1 + np.exp(-evidence))[:, None]
    each = np.log(shares * by_hand + (1 - shares) * (1 - by_hand))
    others = np.log(prior) + each.sum(0) - each
    likelihood = np.exp(others - others.max(1, keepdims=True))
    expected = (likelihood @ shares) / likelihood.sum(1)
    most = 1 / (1 + np.exp(-_MOST_FROM_OTHERS))
    expected = expected.clip(1 - most, most)
    return np.asarray(np.log(expected / (1 - expected)), np.float64)


def _weighed(evidence: NDArray[np.float64], widths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evidence as far as it can be relied on: less of what is narrow (widths in heights), and never too much."""
    return evidence.clip(-_MOST_EVIDENCE, _MOST_EVIDENCE) * np.minimum(1, widths / _SURE_HEIGHTS)


def features_of(inner: Sequence[NDArray[np.float32]], left: float, right: float) -> NDArray[np.float32]:
    """Mean and standard deviation of each channel over the columns from ``left`` to ``right``, shares of the width."""
    found = []
    for tensor in inner:
        columns = tensor.shape[2]
        first = min(int(left * columns), columns - 1)
        part = tensor[:, :, first : max(first + 1, round(right * columns))]
        found += [part.mean((1, 2)), part.std((1, 2))]
    return np.concatenate(found)


def units_of(line: TextLine, edges: Sequence[tuple[float, float]]) -> list[list[int]]:
    """The indices of a line's characters in pieces wide enough to be looked at: words, or runs of characters."""
    starts_word = []
    is_after_space = True
    for text in line.text:
        if text.isspace():
            is_after_space = True
            continue
        starts_word.append(is_after_space)
        is_after_space = False
    has_words = sum(starts_word) > 1
    units: list[list[int]] = [[]]
    for index in range(len(line.chars)):
        is_wide = bool(units[-1]) and edges[units[-1][-1]][1] - edges[units[-1][0]][0] >= _UNIT_HEIGHTS
        if is_wide and (starts_word[index] or not has_words):
            units.append([])
        units[-1].append(index)
    if len(units) > 1 and edges[units[-1][-1]][1] - edges[units[-1][0]][0] < _UNIT_HEIGHTS / 2:
        last = units.pop()
        units[-1] += last
    return units


def likeliest(evidence: NDArray[np.float64], cost_of_change: float) -> list[bool]:
    """The likeliest run of two states (Viterbi): evidence for the second, and a price for each change."""
    best = np.array([-evidence[0], evidence[0]]) / 2
    came_from = []
    for value in evidence[1:]:
        stay, change = best, best[::-1] - cost_of_change
        came_from.append(np.where(change > stay, [1, 0], [0, 1]))
        best = np.maximum(stay, change) + np.array([-value, value]) / 2
    state = int(best.argmax())
    states = [bool(state)]
    for sources in reversed(came_from):
        state = int(sources[state])
        states.append(bool(state))
    return states[::-1]


def part_of(line: TextLine, first: int, last: int, words_type: WordsType) -> TextLine:
    """The part of a line from one character to another, both counted without spaces."""
    chars = line.chars[first : last + 1]
    places = [place for place, text in enumerate(line.text) if not text.isspace()]
    text = line.text[places[first] : places[last] + 1]
    left = line.quad if first == 0 else chars[0].quad
    right = line.quad if last == len(line.chars) - 1 else chars[-1].quad
    quad = np.array([left[0], right[1], right[2], left[3]], np.float32)
    scores = [char.score for char in chars]
    return TextLine(text, quad, sum(scores) / len(scores), min(scores), words_type, chars)


def _type(is_by_hand: bool) -> WordsType:
    return WordsType.HANDWRITING if is_by_hand else WordsType.PRINT

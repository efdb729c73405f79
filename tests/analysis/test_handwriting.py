"""Telling handwriting apart: the likeliest run of types, the pieces of a line."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docpre.analysis.elements import WordsType
from docpre.analysis.handwriting import HandwritingClassifier, features_of, from_others, likeliest, part_of, units_of
from docpre.analysis.recognition import ReadLine
from tests.analysis.test_outputs import line


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=7), st.floats(0, 8))
def test_the_likeliest_run(evidence, cost):
    def value(states):
        changes = sum(a != b for a, b in pairwise(states))
        return sum(e / 2 if state else -e / 2 for e, state in zip(evidence, states, strict=True)) - cost * changes

    best = max(value(states) for states in product((False, True), repeat=len(evidence)))
    assert value(likeliest(np.array(evidence), cost)) == pytest.approx(best)


def test_units_are_words_that_are_wide_enough():
    found = line("Name: of a person 张三", size=1.0)
    edges = [(float(char.quad[0, 0]), float(char.quad[1, 0])) for char in found.chars]
    units = units_of(found, edges)
    assert [index for unit in units for index in unit] == list(range(len(found.chars)))
    texts = ["".join(found.chars[index].text for index in unit) for unit in units]
    assert texts == ["Name:", "of", "aperson", "张三"]
    short_end = line("some words i", size=1.0)
    edges = [(float(char.quad[0, 0]), float(char.quad[1, 0]) - 0.5) for char in short_end.chars]
    assert [len(unit) for unit in units_of(short_end, edges)] == [4, 6]
    chinese = line("今天天气很好", size=1.0)
    edges = [(float(char.quad[0, 0]), float(char.quad[1, 0])) for char in chinese.chars]
    assert [len(unit) for unit in units_of(chinese, edges)] == [2, 2, 2]


def test_parts_of_a_line():
    whole = line("Name: Zhang San", left=5)
    first, second = part_of(whole, 0, 4, WordsType.PRINT), part_of(whole, 5, 12, WordsType.HANDWRITING)
    assert (first.text, second.text) == ("Name:", "Zhang San")
    assert first.quad[0].tolist() == [5, 0]
    assert first.quad[2].tolist() == [55, 10]
    assert second.quad[0].tolist() == [65, 0]
    assert second.quad[2].tolist() == whole.quad[2].tolist()
    assert len(first.chars) + len(second.chars) == len(whole.chars)


def seen(classifier, found, *parts):
    """A line as the classifier is given it: for so many columns, evidence of so much."""
    channels = len(classifier._weight) // 2
    features = classifier._mean.copy()
    features[channels:] = np.abs(features[channels:])  # spreads
    before = classifier.evidence(features[None])[0]
    step = (classifier._weight * classifier._scale)[:channels] / (classifier._weight[:channels] ** 2).sum()
    columns = []
    for evidence, count in parts:
        means = features[:channels] + step * (evidence - before)
        waves = np.resize([1.0, -1.0], (1, 2, count))
        columns.append(means[:, None, None] + features[channels:, None, None] * waves)
    edges = tuple((float(char.quad[0, 0]), float(char.quad[1, 0])) for char in found.chars)
    return ReadLine(found, edges, len(found.text), (np.concatenate(columns, 2).astype(np.float32),))


def test_a_mixed_line_is_split_and_others_are_not():
    classifier = HandwritingClassifier()
    found = line("Name of person written here", size=1.0)
    width = len(found.text)
    for evidence, kind in ((5, WordsType.HANDWRITING), (-5, WordsType.PRINT)):
        (same,) = classifier.told_apart([seen(classifier, found, (evidence, 2 * width))])
        assert (same.text, same.words_type) == (found.text, kind)
    half = found.text.index("written")
    mixed = seen(classifier, found, (-5, 2 * half), (5, 2 * (width - half)))
    first, second = classifier.told_apart([mixed])
    assert (first.text, first.words_type) == ("Name of person", WordsType.PRINT)
    assert (second.text, second.words_type) == ("written here", WordsType.HANDWRITING)
    assert classifier.told_apart([]) == []


def test_a_page_speaks_for_its_lines():
    classifier = HandwritingClassifier()
    found = line("some words", size=1.0)
    doubtful, sure = (seen(classifier, found, (evidence, 20)) for evidence in (1.0, 5.0))
    printed = [seen(classifier, found, (-4.0, 20))] * 6
    assert [each.words_type for each in classifier.told_apart([doubtful])] == [WordsType.HANDWRITING]
    types = [each.words_type for each in classifier.told_apart([*printed, doubtful, sure])]
    assert types == [WordsType.PRINT] * 7 + [WordsType.HANDWRITING]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-4, 4), min_size=1, max_size=30))
def test_what_lines_say_of_each_other(evidence):
    found = from_others(np.array(evidence))
    assert np.abs(found).max() <= 2.5 + 1e-9
    np.testing.assert_allclose(from_others(-np.array(evidence)), -found, atol=1e-6)
    if len(evidence) == 1:
        assert abs(found[0]) < 1e-9  # a line by itself is told nothing


def test_features():
    tensor = np.stack([np.full((2, 10), 3.0), np.tile(np.arange(10.0), (2, 1))]).astype(np.float32)
    np.testing.assert_allclose(features_of([tensor], 0, 1), [3, 4.5, 0, np.arange(10).std()], rtol=1e-6)
    np.testing.assert_allclose(features_of([tensor], 0.5, 0.7), [3, 5.5, 0, 0.5], rtol=1e-6)
    assert np.isfinite(features_of([tensor], 1.0, 1.0)).all()

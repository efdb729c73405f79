"""Edit distance, CER and word F1: known answers and what must hold for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rapidfuzz", reason="rapidfuzz isn't installed")

from docpre.errors import InputError
from docpre.metrics import cer, edit_distance, word_f1

TEXT = st.text(max_size=12)


def levenshtein(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (left != right))
    return row[-1]


@pytest.mark.parametrize(
    ("prediction", "truth", "distance", "rate"),
    [
        ("kitten", "sitting", 3, 3 / 7),
        ("", "abc", 3, 1.0),
        ("abcabc", "abc", 3, 1.0),
        ("a b", "ab", 1, 0.5),
        ("文档", "文件", 1, 0.5),
        ("", "", 0, 0.0),
    ],
)
def test_known_distances(prediction: str, truth: str, distance: int, rate: float) -> None:
    assert edit_distance(prediction, truth) == distance
    assert cer(prediction, truth) == pytest.approx(rate)


@given(TEXT, TEXT)
def test_edit_distance_is_levenshteins(a: str, b: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) == levenshtein(a, b)
    if b:
        assert cer(a, b) == levenshtein(a, b) / len(b)


def test_cer_of_an_empty_truth_is_refused() -> None:
    with pytest.raises(InputError, match="true text is empty"):
        cer("read", "")


@pytest.mark.parametrize(
    ("prediction", "truth", "f1"),
    [
        ("the cat sat", "the cat sat", 1.0),
        ("sat\nthe  cat", "the cat sat", 1.0),
        ("the the the", "the cat", 2 * 1 / 5),
        ("The cat", "the cat", 0.5),
        ("dog", "cat", 0.0),
        ("", "cat", 0.0),
        (" \n", "", 1.0),
    ],
)
def test_known_word_f1(prediction: str, truth: str, f1: float) -> None:
    assert word_f1(prediction, truth) == pytest.approx(f1)


@given(st.lists(st.sampled_from("abcd"), max_size=8), st.lists(st.sampled_from("abcd"), max_size=8))
def test_word_f1_is_the_harmonic_mean(read: list[str], true: list[str]) -> None:
    f1 = word_f1(" ".join(read), " ".join(true))
    assert 0 <= f1 <= 1
    right = sum(min(read.count(word), true.count(word)) for word in "abcd")
    if right:
        precision, recall = right / len(read), right / len(true)
        assert f1 == pytest.approx(2 * precision * recall / (precision + recall))


@pytest.mark.parametrize("metric", [cer, edit_distance, word_f1])
def test_only_strings(metric) -> None:
    with pytest.raises(InputError, match="prediction is a NoneType"):
        metric(None, "a")
    with pytest.raises(InputError, match="truth is a bytes"):
        metric("a", b"a")

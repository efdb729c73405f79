"""How far a text that was read is from the true one: edit distance, CER, word F1."""

from collections import Counter

from docpre.errors import InputError
from docpre.metrics.eval_extra import require


def edit_distance(prediction: str, truth: str) -> int:
    """ED: the fewest insertions, deletions and substitutions of a character that turn one text into the other.

    Every character counts, whitespace too; nothing is stripped, folded or normalised (Levenshtein 1966).

    Raises:
        InputError: not two strings.
        EngineError: rapidfuzz is not installed (`pip install 'docpre[eval]'`).
    """
    _check(prediction, truth)
    return int(require("rapidfuzz.distance.Levenshtein").distance(prediction, truth))


def cer(prediction: str, truth: str) -> float:
    """CER: `edit_distance` over the length of the truth; 0 is best, above 1 where more was read than is there.

    UVDoc's figures (jiwer) are those of texts whose whitespace at both ends was stripped, as `tesseract_text` gives
    them.

    Returns:
        The error rate; 0 where both texts are empty.

    Raises:
        InputError: not two strings, or an empty truth and a prediction that isn't.
        EngineError: rapidfuzz is not installed (`pip install 'docpre[eval]'`).
    """
    _check(prediction, truth)
    if not truth:
        if prediction:
            raise InputError("the true text is empty, so there is no CER: leave this page out of the mean")
        return 0.0
    return edit_distance(prediction, truth) / len(truth)


def word_f1(prediction: str, truth: str) -> float:
    """F1 of the words read, wherever they stand; 1 is best.

    Words are what whitespace parts (so a line of Chinese is one word), compared exactly. As many copies of a word
    count as right as both texts have. Precision is right words over words read, recall right words over true words,
    F1 their harmonic mean: 2 right / (read + true).

    Returns:
        0 to 1; 1 where neither text has a word.

    Raises:
        InputError: not two strings.
    """
    _check(prediction, truth)
    read, true = Counter(prediction.split()), Counter(truth.split())
    words = read.total() + true.total()
    return 2 * (read & true).total() / words if words else 1.0


def _check(prediction: str, truth: str) -> None:
    for name, text in (("prediction", prediction), ("truth", truth)):
        if not isinstance(text, str):
            raise InputError(f"the {name} is a {type(text).__name__}; it must be a str")

"""Which script a text is written in, by its characters' names in Unicode."""

from __future__ import annotations

import unicodedata
from collections import Counter

SCRIPTS = (
    "Latin", "Greek", "Cyrillic", "Arabic", "Hebrew", "Devanagari", "Bengali", "Gujarati", "Gurmukhi", "Kannada",
    "Malayalam", "Oriya", "Tamil", "Telugu", "Sinhala", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Georgian",
    "Armenian", "Ethiopic",
)  # fmt: skip
_FOREIGN_SHARE = 0.25  # of the letters; most documents have Latin words among their own
_CJK = {"Hiragana": "Japanese", "Katakana": "Japanese", "Hangul": "Korean", "Cjk": "Chinese"}


def script_of(text: str, default: str = "Latin") -> str:
    """The script of a text: ``Latin``, ``Arabic``, ``Chinese``, ``Japanese`` and so on.

    Args:
        text: any.
        default: what it is if it has fewer than ten letters.
    """
    letters = [char for char in text if char.isalpha()]
    if len(letters) < 10:
        return default
    counts: Counter[str] = Counter()
    for char in letters:
        name = unicodedata.name(char, "UNKNOWN").split()[0].split("-")[0].capitalize()
        counts[_CJK.get(name, name)] += 1
    foreign = Counter({name: count for name, count in counts.items() if name not in ("Latin", "Unknown")})
    if not foreign or foreign.total() < _FOREIGN_SHARE * len(letters):
        return "Latin" if counts["Latin"] >= len(letters) / 2 else default
    if foreign["Japanese"] > 0.05 * foreign.total():  # kana are among Han characters in Japanese alone
        return "Japanese"
    best = foreign.most_common(1)[0][0]
    known = set(_CJK.values()) | set(SCRIPTS)
    return best if best in known else default

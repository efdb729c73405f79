"""Every text is there in both languages, and everything that names one names one that there is."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

from demo.texts import texts_in

_DEMO = Path(__file__).resolve().parents[2] / "demo"


def test_both_languages_have_the_same_places_for_values() -> None:
    english, chinese = texts_in("en"), texts_in("zh")
    for name, text in english.items():
        fields = [{field for _, field, _, _ in Formatter().parse(said) if field} for said in (text, chinese[name])]
        assert fields[0] == fields[1], name
        assert chinese[name].strip()


def test_all_that_are_named_are_there() -> None:
    named = {
        name for path in _DEMO.glob("*.py") for name in re.findall(r'texts\[["\'](\w+)["\']\]', path.read_text("utf-8"))
    }
    assert named
    assert named <= set(texts_in("en"))

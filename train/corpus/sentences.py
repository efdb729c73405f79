"""Real sentences in many languages: the messages of programs' translations."""

from __future__ import annotations

import gettext
import re
import struct
from pathlib import Path

from train.corpus.scripts import script_of

_MARKUP = re.compile(r"<[^>]*>|%[-+ #0-9.$*]*[a-zA-Z]|\{[^}]*\}|&[a-z]+;|[_~|\\]")
_FEWEST_MESSAGES = 150


def messages(path: Path) -> list[str]:
    """The translated messages of a ``.mo`` file, without markup and placeholders, in the file's order."""
    try:
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    except (OSError, ValueError, IndexError, struct.error):  # damaged files raise any of these
        return []
    found = []
    for key, value in catalogue.items():
        if not isinstance(value, str) or not key or key == value:
            continue
        text = " ".join(_MARKUP.sub(" ", value).split())
        if len(text) >= 3:
            found.append(text)
    return found


def languages(folder: Path) -> dict[str, list[str]]:
    """Messages by language (``ar``, ``zh_CN``) of a package's translations; too short ones are left out."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.mo")):
        texts = messages(path)
        if len(texts) >= _FEWEST_MESSAGES:
            found.setdefault(path.parent.parent.name.split("@")[0], []).extend(texts)
    return found


def by_script(texts: dict[str, list[str]]) -> dict[str, list[str]]:
    """Languages by the script that they are written in."""
    scripts: dict[str, list[str]] = {}
    for language, found in texts.items():
        scripts.setdefault(script_of("".join(found[:200])), []).append(language)
    return scripts

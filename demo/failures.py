"""What went wrong, in plain words, with the details for those who want them."""

from __future__ import annotations

from html import escape
from pathlib import Path

from demo.texts import Texts
from docpre.errors import ConfigError, DocpreError, EngineError, InputError, LimitError, ModelError

# The more special error first.
_PLAIN = (
    (LimitError, "error_limit"),
    (InputError, "error_input"),
    (EngineError, "error_engine"),
    (ModelError, "error_model"),
    (ConfigError, "error_config"),
)


def plain(texts: Texts, error: DocpreError) -> str:
    """An error in plain words."""
    return next((texts[name] for kind, name in _PLAIN if isinstance(error, kind)), texts["error_other"])


def detail(error: Exception, path: Path | None = None) -> str:
    """What docpre says of an error, without the place where the page keeps the file."""
    return str(error) if path is None else str(error).replace(str(path), path.name)


def alert(texts: Texts, error: DocpreError, path: Path | None = None) -> str:
    """An error as HTML that is read out at once."""
    return (
        f'<div class="dp-alert" role="alert"><p>{escape(plain(texts, error))}</p>'
        f"<details><summary>{escape(texts['details'])}</summary>{escape(detail(error, path))}</details></div>"
    )


def asked_for(text: str) -> str:
    """What a visitor has to do first, as HTML that is read out at once."""
    return f'<div class="dp-alert" role="alert"><p>{escape(text)}</p></div>'

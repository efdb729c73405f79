"""Values of options: what a text on the command line becomes, and those of several options together."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any


def boolean(text: str) -> bool:
    """``True``, ``false``, ``yes``, ``0`` and the like on a command line, as PaddleOCR takes them."""
    if text.strip().lower() in ("true", "t", "yes", "y", "on", "1"):
        return True
    if text.strip().lower() in ("false", "f", "no", "n", "off", "0"):
        return False
    raise argparse.ArgumentTypeError(f"True or False, not {text!r}")


def limit(text: str) -> int | None:
    """A whole number; ``none``: no limit."""
    if text.strip().lower() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a whole number or none, not {text!r}") from None


def settings(text: str) -> dict[str, Any]:
    """``compile=true,compile_mode=default``, or a mapping in JSON or YAML."""
    import yaml

    try:
        content = yaml.safe_load(text)
        if not isinstance(content, dict):
            pairs = [part.partition("=") for part in text.split(",")]
            if not all(sign for _, sign, _ in pairs):
                raise argparse.ArgumentTypeError(f"key=value,key=value, JSON or YAML, not {text!r}")
            content = {key.strip(): yaml.safe_load(value) for key, _, value in pairs}
    except yaml.YAMLError:
        raise argparse.ArgumentTypeError(f"key=value,key=value, JSON or YAML, not {text!r}") from None
    return content


def picked(options: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """The options of these names, as keyword arguments."""
    return {name: getattr(options, name) for name in names}

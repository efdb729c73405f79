"""Headless Chromium with the corpus's own fonts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docpre.errors import EngineError
from train.corpus.packages import unpacked
from train.corpus.recipe import Recipe

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_FONTCONFIG = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


def unpack_fonts(recipe: Recipe, fetched: Path, fonts: Path) -> None:
    """Put the fonts of Debian's packages, which the browser finds by itself, into a folder."""
    for source in recipe.fonts:
        if not source.package.startswith("@"):
            unpacked(source.package, fetched, fonts, ("*.ttf", "*.otf", "*.ttc"))


def font_settings(fonts: Path) -> dict[str, Any]:
    """Environment in which only the fonts of a folder are there."""
    settings = fonts / "fonts.conf"
    if not settings.is_file():
        settings.write_text(_FONTCONFIG.format(fonts=fonts.resolve(), cache=(fonts / ".cache").resolve()), "utf-8")
    return {**os.environ, "FONTCONFIG_FILE": str(settings.resolve())}


@contextmanager
def browser(fonts: Path) -> Iterator[Browser]:
    """A browser, closed at the end.

    Raises:
        EngineError: playwright or Chromium is missing.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError as error:
        raise EngineError("Drawing pages needs playwright: pip install playwright") from error
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise EngineError("Drawing pages needs Chromium: apt-get install chromium")
    with sync_playwright() as play:
        # Without a sandbox: containers often run as root, and only the corpus's own files are shown.
        # A renderer that it takes for hidden gets less of the processor.
        switches = ["--no-sandbox", "--disable-gpu", "--disable-renderer-backgrounding"]
        running = play.chromium.launch(executable_path=program, args=switches, env=font_settings(fonts))
        try:
            yield running
        finally:
            running.close()

"""What the corpus is made of: the YAML as dataclasses, and which document belongs to which split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import yaml

from docpre.errors import ConfigError

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A package and the licence of what is taken from it: of Debian, or of npm where the name begins with ``@``."""

    package: str
    licence: str


@dataclass(frozen=True, kw_only=True)
class Documents(Source):
    """Real pages.

    Args:
        subset: what its pages are like.
        script: of pages whose text can't be told by its characters (old fonts).
        split: all into one; None: by document.
        documents: at most so many of its documents.
    """

    subset: str = "manuals"
    script: str = "Latin"
    split: Split | None = None
    documents: int


@dataclass(frozen=True, kw_only=True)
class Pdfs(Documents):
    """PDFs. Of few and long ones ``pages_factor`` times as many pages are taken."""

    documents: int = 10_000
    pages_factor: int = 1


@dataclass(frozen=True, kw_only=True)
class Html(Documents):
    """HTML, printed or shown by a browser; ``files`` is a pattern inside the package. ``more_to_train`` further
    documents are taken of those that belong to the training, so that what is held out stays as it is."""

    files: str
    documents: int = 40
    more_to_train: int = 0


@dataclass(frozen=True, kw_only=True)
class Texts(Source):
    """Real sentences for drawn pages: the translations of a program (``*.mo``)."""

    split: Split


@dataclass(frozen=True, kw_only=True)
class Fonts(Source):
    """Fonts for drawn pages. Print of npm's with ``split: train`` is drawn to train on alone, in all its scripts, so
    that what is held out stays as it is; display fonts are for signs alone."""

    is_handwriting: bool = False
    is_display: bool = False
    split: Literal["train"] | None = None


@dataclass(frozen=True, kw_only=True)
class Pictures(Source):
    """Pictures without text; ``files`` is a pattern inside the package."""

    files: str


@dataclass(frozen=True)
class Recipe:
    """All of the corpus.

    Args:
        seed: of all that is drawn by chance.
        shares: of the documents, by split.
        long_side_px: pages are kept so large, by split.
        pages_per_document: at most, by split.
        subsets: patterns of a PDF's path, and the subset that its pages belong to then; the first that fits counts.
        pdfs, html, texts, fonts, pictures: sources.
        drawn: how many pages to draw, by split.
        drawn_more: how many more to draw for training, by script.
        written_more: likewise of those that are written by hand; scripts that handwriting fonts are there for.
        printed: how many pages of running text, lists and tables in print to draw in each script, by split.
        printed_more: how many more of these to draw for training, by script.
        vertical: how many pages of text whose lines run down the page to draw in Chinese and in Japanese, by split.
        vertical_more: how many more of these to draw for training, by script.
        signs: how many pages of a few large words to draw, by split.
        receipts_more: how many receipts as tills print them to draw for training, by script.
        scanned: how many of these pages to scan as well, by split.
        photographed: how many of them to photograph by the synthesiser, by split.
        wordless: how many blank pages and pictures without text, by split.
        left_out: files of pages that lie sideways in their PDFs, so that their way up would be told wrongly.
    """

    seed: int
    shares: Mapping[Split, float]
    long_side_px: Mapping[Split, int]
    pages_per_document: Mapping[Split, int]
    drawn: Mapping[Split, int]
    scanned: Mapping[Split, int]
    photographed: Mapping[Split, int]
    wordless: Mapping[Split, int]
    drawn_more: Mapping[str, int] = field(default_factory=dict)
    written_more: Mapping[str, int] = field(default_factory=dict)
    printed: Mapping[Split, int] = field(default_factory=dict)
    printed_more: Mapping[str, int] = field(default_factory=dict)
    vertical: Mapping[str, int] = field(default_factory=dict)
    vertical_more: Mapping[str, int] = field(default_factory=dict)
    receipts_more: Mapping[str, int] = field(default_factory=dict)
    signs: Mapping[str, int] = field(default_factory=dict)
    subsets: Mapping[str, str] = field(default_factory=dict)
    pdfs: tuple[Pdfs, ...] = ()
    html: tuple[Html, ...] = ()
    texts: tuple[Texts, ...] = ()
    fonts: tuple[Fonts, ...] = ()
    pictures: tuple[Pictures, ...] = ()
    left_out: tuple[str, ...] = ()

    def packages(self) -> list[str]:
        """Every package that is fetched, once."""
        sources: tuple[Source, ...] = (*self.pdfs, *self.html, *self.texts, *self.fonts, *self.pictures)
        return list(dict.fromkeys(source.package for source in sources))

    def split_of(self, document: str, fixed: Split | None = None) -> Split:
        """The split of a document: by its name alone, so that it stays where other documents come and go."""
        if fixed is not None:
            return fixed
        place = chance(self.seed, document)
        for split in SPLITS:
            place -= self.shares[split]
            if place < 0:
                return split
        return SPLITS[-1]


_LISTS: dict[str, type[Source]] = {"pdfs": Pdfs, "html": Html, "texts": Texts, "fonts": Fonts, "pictures": Pictures}


def chance(*key: object) -> float:
    """A number in [0, 1) that follows from a key, the same on every machine."""
    digest = hashlib.sha256("\0".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        ConfigError: the file is missing, is no YAML, or has a field that is unknown or missing.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: the corpus's recipe can't be read: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: the corpus's recipe is a mapping.")
    try:
        values: dict[str, Any] = dict(content)
        for key, kind in _LISTS.items():
            values[key] = tuple(kind(**entry) for entry in content.get(key, ()))
        recipe = Recipe(**values)
    except TypeError as error:
        known = ", ".join(entry.name for entry in fields(Recipe))
        raise ConfigError(f"{path}: {error}. A recipe has the fields {known}.") from error
    if abs(sum(recipe.shares.values()) - 1) > 1e-6 or set(recipe.shares) != set(SPLITS):
        raise ConfigError(f"{path}: shares of train, val and test add up to 1.")
    for font in recipe.fonts:
        if font.split is not None and (
            font.split != "train" or font.is_handwriting or font.is_display or not font.package.startswith("@")
        ):
            raise ConfigError(f"{path}: {font.package}: split of fonts is train, and of print of npm's alone.")
    return recipe

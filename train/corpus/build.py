"""Building the corpus, one source at a time; a build that was stopped goes on with the source it was at."""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import tqdm

from docpre.errors import InputError
from docpre.loading import ImageArray
from train.corpus.manifest import MANIFEST, Entry, read_manifest, write_manifest
from train.corpus.packages import unpacked
from train.corpus.pdf_pages import upright_pages
from train.corpus.recipe import Html, Pdfs, Recipe, chance

JPEG_QUALITY = 90


@dataclass(frozen=True)
class Folders:
    """Where things are: ``fetched`` packages, what was ``unpacked``, and the ``output``."""

    fetched: Path
    unpacked: Path
    output: Path


def build(recipe: Recipe, folders: Folders, workers: int = 2) -> list[Entry]:
    """Fetch what is missing, make all pages, and write the list of them.

    Args:
        recipe: what the corpus is made of.
        folders: where things are.
        workers: processes at a time.

    Raises:
        InputError: a package can't be had. What was made until then is kept.
    """
    parts: list[tuple[str, Callable[[], list[Entry]]]] = []
    with ProcessPoolExecutor(workers) as pool:
        for source in recipe.pdfs:
            parts.append((source.package, partial(_pdf_entries, pool, recipe, folders, source)))
        if recipe.html or any(recipe.drawn.values()):
            from train.corpus.browser import unpack_fonts

            unpack_fonts(recipe, folders.fetched, folders.unpacked / "fonts")
        if recipe.html:
            from train.corpus.printed_pages import print_pages

            for page in recipe.html:
                parts.append((page.package, partial(_html_entries, pool, recipe, folders, page, print_pages)))
        if any(recipe.drawn.values()):
            from train.corpus.drawing import drawn_entries

            parts.append(("drawn", partial(drawn_entries, pool, recipe, folders, workers)))
        if any(recipe.wordless.values()):
            from train.corpus.wordless import wordless_entries

            parts.append(("wordless", partial(wordless_entries, recipe, folders)))
        entries: list[Entry] = []
        if any(recipe.scanned.values()):
            from train.corpus.scanned import scanned_entries

            parts.append(("scanned", lambda: scanned_entries(pool, recipe, folders, entries)))
        if any(recipe.photographed.values()):
            from train.corpus.photographed import photographed_entries

            parts.append(("photographed", lambda: photographed_entries(pool, recipe, folders, entries)))
        for name, make in tqdm.tqdm(parts, desc="sources", unit="source"):
            part = folders.output / "parts" / f"{name}.csv"
            if not part.is_file():
                part.parent.mkdir(parents=True, exist_ok=True)
                write_manifest(part, make())
            entries += read_manifest(part)
    entries = [entry for entry in entries if entry.file not in recipe.left_out]
    write_manifest(folders.output / MANIFEST, entries)
    return entries


def picture_of(shot: bytes, long_side_px: int) -> ImageArray:
    """A screenshot as (H, W, 3) RGB uint8, shrunk if it is larger than wanted."""
    image = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise InputError("The browser's screenshot can't be read.")
    return shrunk(image.astype(np.uint8, copy=False), long_side_px)


def shrunk(image: ImageArray, long_side_px: int) -> ImageArray:
    """A picture (H, W, 3) RGB uint8, shrunk if its longer side is longer than wanted."""
    if (scale := long_side_px / max(image.shape[:2])) < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return image


def save_jpeg(image: ImageArray, path: Path) -> None:
    """Keep a picture (H, W, 3) RGB uint8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ok, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not ok:
        raise InputError(f"{path}: the picture can't be encoded.")
    path.write_bytes(data.tobytes())


def documents_of(files: Sequence[Path], root: Path) -> dict[str, list[Path]]:
    """PDFs by document: those of one TeX package belong together, elsewhere each file is a document."""
    found: dict[str, list[Path]] = {}
    for file in files:
        parts = file.relative_to(root).parts
        start = parts.index("texlive-doc") + 1 if "texlive-doc" in parts else 0
        name = parts[start : start + 2] if start else parts[-2:]
        found.setdefault("/".join(name), []).append(file)
    return found


def _pdf_entries(pool: ProcessPoolExecutor, recipe: Recipe, folders: Folders, source: Pdfs) -> list[Entry]:
    folder = unpacked(source.package, folders.fetched, folders.unpacked, ("*.pdf", "*.pdf.gz"))
    documents = documents_of(sorted(folder.rglob("*.pdf")), folder)
    chosen = sorted(documents, key=lambda name: chance(recipe.seed, source.package, name))[: source.documents]
    make = partial(_pdf_document, recipe, folders.output, source)
    done = pool.map(make, chosen, [documents[name] for name in chosen], chunksize=2)
    found = [
        entry for entries in tqdm.tqdm(done, total=len(chosen), desc=source.package, leave=False) for entry in entries
    ]
    shutil.rmtree(folder)
    return found


def _pdf_document(recipe: Recipe, output: Path, source: Pdfs, name: str, files: list[Path]) -> list[Entry]:
    document = f"{source.package}:{name}"
    # Two packages may hold a TeX package of one name, with the same files: they are one document.
    split = recipe.split_of(name.split("/")[-1], source.split)
    most = recipe.pages_per_document[split] * source.pages_factor
    files = sorted(files, key=lambda file: chance(recipe.seed, file.name))[:most]
    each = max(1, -(-most // len(files)))
    found: list[Entry] = []
    for file in files:
        subset = next(
            (name for rule, name in recipe.subsets.items() if fnmatch.fnmatch(str(file), rule)), source.subset
        )
        for page in upright_pages(file, min(each, most - len(found)), recipe.long_side_px[split], source.script):
            path = Path(split, source.package, f"{len(found):02d}_{_plain(document)}_{page.number}.jpg")
            save_jpeg(page.image, output / path)
            kind = "sparse pages" if page.is_sparse else subset
            found.append(Entry(str(path), split, "real", kind, page.script, document))
    return found


def _html_entries(
    pool: ProcessPoolExecutor, recipe: Recipe, folders: Folders, source: Html, print_pages: Callable[..., list[Entry]]
) -> list[Entry]:
    folder = unpacked(source.package, folders.fetched, folders.unpacked, (source.files,))
    found = print_pages(pool, recipe, folders, source, folder)
    shutil.rmtree(folder)
    return found


def _plain(name: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in name)[-60:]

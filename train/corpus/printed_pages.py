"""Real HTML documents as a browser prints or shows them."""

from __future__ import annotations

import random
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from train.corpus.browser import browser
from train.corpus.build import Folders, picture_of, save_jpeg
from train.corpus.manifest import Entry
from train.corpus.pdf_pages import upright_pages
from train.corpus.recipe import Html, Recipe, Split, chance
from train.corpus.scripts import script_of

_PAPERS = ("A4", "A4", "A5", "Letter", "Legal")
_SHOWN_SHARE = 0.35  # of the documents are kept as the screen shows them, the others as they are printed
_LEAST_TEXT = 150


def print_pages(pool: ProcessPoolExecutor, recipe: Recipe, folders: Folders, source: Html, folder: Path) -> list[Entry]:
    """Pages of HTML documents, chosen by chance.

    Args:
        pool: processes to print in.
        recipe: the corpus.
        folders: where things are.
        source: what to print.
        folder: where the package lies unpacked.
    """
    chosen = chosen_documents(recipe, source, folder)
    count = max(2, len(chosen) // 20)
    batches = [chosen[start::count] for start in range(count)]
    work = partial(_print_batch, recipe, folders, source, folder)
    return [entry for entries in pool.map(work, [batch for batch in batches if batch]) for entry in entries]


def chosen_documents(recipe: Recipe, source: Html, folder: Path) -> list[Path]:
    """Files of an unpacked package: ``documents`` by chance, and ``more_to_train`` of the training's after them."""
    files = sorted(file for file in folder.rglob("*.html") if file.stat().st_size > 2500)
    mixed = sorted(files, key=lambda file: chance(recipe.seed, source.package, str(file.relative_to(folder))))
    rest = [file for file in mixed[source.documents :] if recipe.split_of(file.name, source.split) == "train"]
    return mixed[: source.documents] + rest[: source.more_to_train]


def _print_batch(recipe: Recipe, folders: Folders, source: Html, folder: Path, files: list[Path]) -> list[Entry]:
    found: list[Entry] = []
    with browser(folders.unpacked / "fonts") as running:
        for file in files:
            name = str(file.relative_to(folder))
            document = f"{source.package}:{name}"
            # Translations of one page look alike: they are one document for the split.
            split = recipe.split_of(file.name, source.split)
            draw = random.Random(f"{recipe.seed} {document}")
            side = recipe.long_side_px[split]
            stem = Path(split, source.package, f"{chance(document):.8f}"[2:])
            if draw.random() < _SHOWN_SHARE:
                size = draw.choice([(1280, 800), (1024, 768), (420, 860), (800, 1100), (1440, 810)])
                page = running.new_page(viewport={"width": size[0], "height": size[1]})
                page.goto(file.resolve().as_uri(), wait_until="load", timeout=20_000)
                page.mouse.wheel(0, draw.randrange(0, 400))
                text = page.evaluate("document.body?.innerText ?? ''")  # a frameset has no body
                shot = picture_of(page.screenshot(), side)
                page.close()
                if len(text) < _LEAST_TEXT:
                    continue
                path = stem.with_suffix(".jpg")
                save_jpeg(shot, folders.output / path)
                found.append(_entry(path, split, "screenshots and text", script_of(text, source.script), document))
                continue
            page = running.new_page()
            page.goto(file.resolve().as_uri(), wait_until="load", timeout=20_000)
            pdf = folders.unpacked / f"{stem.name}.pdf"
            page.pdf(
                path=pdf,
                format=draw.choice(_PAPERS),
                landscape=draw.random() < 0.15,
                print_background=True,
                scale=draw.choice([0.6, 0.8, 1.0, 1.3]),
            )
            page.close()
            for shown in upright_pages(pdf, 3, side, source.script, recipe.seed):
                path = stem.with_name(f"{stem.name}_{shown.number}.jpg")
                save_jpeg(shown.image, folders.output / path)
                subset = "sparse pages" if shown.is_sparse else source.subset
                found.append(_entry(path, split, subset, shown.script, document))
            pdf.unlink()
    return found


def _entry(path: Path, split: Split, subset: str, script: str, document: str) -> Entry:
    return Entry(str(path), split, "printed", subset, script, document)

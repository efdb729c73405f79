"""Files to take away: of one page, and of many as a zip."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.failures import detail, plain
from demo.limits import MAX_BATCH_PAGES, READING
from demo.models import Models
from demo.steps import Choices, Progress
from demo.texts import Texts
from docpre.analysis.results import AnalysisResult
from docpre.errors import DocpreError
from docpre.loading import count_pages
from docpre.pdf_output import save_pdf
from docpre.results import Result


def page_files(progress: Progress, name: str, folder: Path) -> list[str]:
    """The clean page as PNG, JPEG and PDF, its values, and, if it was read, a searchable PDF and Markdown.

    Args:
        progress: of a page that is done.
        name: of the file that it came from.
        folder: where they are written.
    """
    clean, stem = progress.flattened or progress.turned or progress.came, Path(name).stem
    paths = [clean.save_page(folder / f"{stem}_clean{suffix}") for suffix in (".png", ".jpg", ".pdf")]
    result: Result = clean
    if progress.read is not None:
        result = progress.read
        paths.append(progress.read.save_to_pdf(folder / f"{stem}_searchable.pdf"))
        paths.append(progress.read.save_to_markdown(folder / f"{stem}.md"))
    paths.append(result.save_to_json(folder / f"{stem}.json"))
    return [str(path) for path in paths]


@dataclass(frozen=True)
class FileOutcome:
    """What became of one of many files.

    Args:
        name: of the file.
        pages: that were processed.
        said: what a visitor is told.
    """

    name: str
    pages: int
    said: str


def batch(texts: Texts, paths: Sequence[Path], choices: Choices, models: Models, target: Path) -> Iterator[FileOutcome]:
    """Clean up and read many files into a zip; a file that fails is told of, and the others go on.

    Args:
        texts: of the page.
        paths: of the files.
        choices: what is to be done.
        models: what does it.
        target: the zip that is written; complete when the iteration has ended.
    """
    outcomes: list[FileOutcome] = []
    taken: set[str] = set()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # pictures and PDFs are compressed already
        for path in paths:
            stem = _unused(path.stem, taken)
            with tempfile.TemporaryDirectory() as folder:
                outcome = _one_file(texts, path, stem, choices, models, Path(folder))
                for file in sorted(Path(folder).iterdir()):
                    archive.write(file, f"{stem}/{file.name}")
            outcomes.append(outcome)
            yield outcome
        archive.writestr("results.csv", _table(texts, outcomes))


def _one_file(texts: Texts, path: Path, stem: str, choices: Choices, models: Models, folder: Path) -> FileOutcome:
    """Write what becomes of a file into a folder."""
    failures: list[str] = []
    done = 0

    def saved(pages: Iterable[Result]) -> Iterator[Result]:
        nonlocal done
        for number, result in enumerate(pages, 1):
            if result.error is not None:
                failures.append(f"{texts['which_page']} {number}: {detail(result.error, path)}")
            else:
                done += 1
                result.save_page(folder / f"{stem}_{number:03}.jpg")
                result.save_to_json(folder / f"{stem}_{number:03}.json")
                if isinstance(result, AnalysisResult):
                    result.save_to_markdown(folder / f"{stem}_{number:03}.md")
            yield result

    try:
        preprocessor = models.preprocessor(choices.cleaning, choices.orientation, choices.unwarping)
        pages: Iterable[Result] = preprocessor.predict_iter(
            str(path),
            pages=f"1-{min(count_pages(str(path)) or 1, MAX_BATCH_PAGES)}",
            num_workers=0,
            use_doc_orientation_classify=choices.turn,
            use_doc_unwarping=choices.flatten,
            **READING,
        )
        if choices.read:
            pages = models.analyzer(choices.reading).predict_iter(
                pages, words_type=choices.words_type, layout_analysis=choices.layout, num_workers=0
            )
        save_pdf(saved(pages), folder / f"{stem}.pdf")
    except DocpreError as error:
        failures.append(f"{plain(texts, error)} ({detail(error, path)})")
    return FileOutcome(path.name, done, "; ".join(failures) or texts["done"])


def _unused(stem: str, taken: set[str]) -> str:
    """A folder's name that no other file in the zip has."""
    name, number = stem, 1
    while name.lower() in taken:
        number += 1
        name = f"{stem}_{number}"
    taken.add(name.lower())
    return name


def _table(texts: Texts, outcomes: Sequence[FileOutcome]) -> bytes:
    content = io.StringIO()
    writer = csv.writer(content)
    writer.writerow([texts["batch_file"], texts["batch_pages"], texts["batch_state"]])
    writer.writerows([outcome.name, outcome.pages, outcome.said] for outcome in outcomes)
    return content.getvalue().encode("utf-8-sig")

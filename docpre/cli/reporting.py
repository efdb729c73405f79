"""Prints and saves pages as they come, and lists those that failed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docpre.cli.output_folder import PdfOutputs
from docpre.errors import InputError

if TYPE_CHECKING:
    from docpre.results import Result

_FEW_PAGES = 3


def report(
    options: argparse.Namespace,
    predict_iter: Callable[[Any], Iterator[Result]],
    save: Callable[[Result, Path], None],
    has_pdf: bool = True,
) -> int:
    """Print and save each result as it comes, with a progress bar on more than a few pages; list the failures.

    With ``has_pdf``, pages of a PDF go into one PDF too.
    """
    from tqdm import tqdm

    from docpre.loading import count_pages

    input = options.input[0] if len(options.input) == 1 else options.input
    total = count_pages(input, pages=options.pages)
    failures: list[str] = []
    pages = 0
    with ExitStack() as stack:
        pdfs = None
        if options.save_path and has_pdf:
            pdfs = stack.enter_context(PdfOutputs(Path(options.save_path)))
        is_few = total is not None and total <= _FEW_PAGES
        # disable=None: no bar where stderr is not a terminal
        bar = stack.enter_context(tqdm(total=total, unit="page", disable=True if is_few else None))
        for result in predict_iter(input):
            pages += 1
            with tqdm.external_write_mode():
                result.print(format_json=False)
                sys.stdout.flush()
            if result.error is not None:
                failures.append(str(result.error))
            if options.save_path:
                failures.extend(_saved(result, Path(options.save_path), save, pdfs))
            bar.update()
    if failures:
        print(f"docpre: {len(failures)} failures, {pages} pages in all:", file=sys.stderr)
        for failure in failures:
            print(f"  - {failure}", file=sys.stderr)
    return 1 if failures else 0


def _saved(result: Result, folder: Path, save: Callable[[Result, Path], None], pdfs: PdfOutputs | None) -> list[str]:
    try:
        save(result, folder)
        if pdfs is not None:
            pdfs.add(result)
    except (InputError, OSError) as error:
        return [f"{error}"]
    return []

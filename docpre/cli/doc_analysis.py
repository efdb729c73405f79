"""``docpre doc_analysis``: text, characters, handwriting and layout of pages."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from docpre.cli.output_folder import goes_into_one_pdf
from docpre.cli.reading_arguments import READING_ALONE, add_input
from docpre.cli.reporting import report
from docpre.cli.runtime_arguments import add_runtime, given_runtime
from docpre.cli.subcommand import Subcommand
from docpre.cli.values import boolean, picked

if TYPE_CHECKING:
    from docpre.results import Result

_FORMATS = ("json", "img", "markdown", "text", "hocr", "pdf")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_input(parser, has_batches=False)
    group = parser.add_argument_group("analysis")
    group.add_argument(
        "--format",
        type=_formats,
        default=("json", "img"),
        metavar="FORMATS",
        help=f"what is written into --save_path, of {','.join(_FORMATS)} (default: json,img); of a PDF, pdf is one PDF",
    )
    group.add_argument(
        "--language_type",
        choices=("CHN_ENG", "ENG"),
        default="CHN_ENG",
        help="Chinese and Latin letters, or Latin letters alone (default: %(default)s)",
    )
    group.add_argument(
        "--words_type",
        choices=("print", "handprint_mix", "handwriting_only"),
        default="print",
        help="take all for print, tell handwriting apart, or give handwriting alone (default: %(default)s)",
    )
    group.add_argument(
        "--layout_analysis", type=boolean, default=True, metavar="BOOL", help="find the layout (default: %(default)s)"
    )
    group = parser.add_argument_group("clean-up before the analysis")
    group.add_argument(
        "--use_doc_orientation_classify", type=boolean, metavar="BOOL", help="undo quarter turns (default: True)"
    )
    group.add_argument("--use_doc_unwarping", type=boolean, metavar="BOOL", help="flatten bent pages (default: True)")
    add_runtime(parser)


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    if unknown := [name for name in names if name not in _FORMATS]:
        raise argparse.ArgumentTypeError(f"of {', '.join(_FORMATS)}, not {', '.join(unknown) or 'nothing'}")
    return names


def _run(options: argparse.Namespace) -> int:
    from docpre.analysis.analyzer import DocAnalyzer

    analyzer = DocAnalyzer(
        **picked(
            options,
            (
                "language_type",
                "words_type",
                "layout_analysis",
                "use_doc_orientation_classify",
                "use_doc_unwarping",
            ),
        ),
        **given_runtime(options),
    )
    reading = picked(options, READING_ALONE)

    def save(result: Result, folder: Path) -> None:
        for name in options.format:
            if name == "json" or (result.error is None and (name != "pdf" or not goes_into_one_pdf(result))):
                getattr(result, f"save_to_{name}")(folder)

    has_pdf = "pdf" in options.format
    return report(options, lambda input: analyzer.predict_iter(input, **reading), save, has_pdf=has_pdf)


SUBCOMMAND = Subcommand(
    "doc_analysis", "what is on a page: text, characters, handwriting, layout", _add_arguments, _run
)

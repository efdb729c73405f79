"""``docpre doc_preprocessor`` and its two modules alone."""

from __future__ import annotations

import argparse

from docpre.cli.output_folder import save_result, save_with_page
from docpre.cli.pipeline_arguments import PIPELINE, UNWARPING, add_pipeline, add_unwarping
from docpre.cli.reading_arguments import READING, add_input
from docpre.cli.reporting import report
from docpre.cli.runtime_arguments import add_runtime, given_runtime
from docpre.cli.subcommand import Subcommand
from docpre.cli.values import picked


def _add_pipeline_arguments(parser: argparse.ArgumentParser) -> None:
    add_input(parser)
    add_pipeline(parser)
    add_runtime(parser)


def _run_pipeline(options: argparse.Namespace) -> int:
    from docpre.pipeline import DocPreprocessor

    pipeline = DocPreprocessor(**picked(options, PIPELINE), **given_runtime(options))
    reading = picked(options, READING)
    return report(options, lambda input: pipeline.predict_iter(input, **reading), save_with_page)


def _add_orientation_arguments(parser: argparse.ArgumentParser) -> None:
    add_input(parser)
    _add_module(parser)
    add_runtime(parser)


def _run_orientation(options: argparse.Namespace) -> int:
    from docpre.orientation import DocImgOrientationClassification

    module = DocImgOrientationClassification(**picked(options, ("model_name", "model_dir")), **given_runtime(options))
    reading = picked(options, READING)
    return report(options, lambda input: module.predict_iter(input, **reading), save_result, has_pdf=False)


def _add_unwarping_arguments(parser: argparse.ArgumentParser) -> None:
    add_input(parser)
    add_unwarping(_add_module(parser))
    add_runtime(parser)


def _run_unwarping(options: argparse.Namespace) -> int:
    from docpre.unwarping import TextImageUnwarping

    module = TextImageUnwarping(**picked(options, ("model_name", "model_dir", *UNWARPING)), **given_runtime(options))
    reading = picked(options, READING)
    return report(options, lambda input: module.predict_iter(input, **reading), save_with_page)


def _add_module(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    group = parser.add_argument_group("model")
    group.add_argument("--model_name", metavar="NAME", help="see `docpre models` (default: the default one)")
    group.add_argument("--model_dir", metavar="DIR", help="a directory with weights")
    return group


DOC_PREPROCESSOR = Subcommand(
    "doc_preprocessor",
    "orientation, turn back and unwarping: the whole pipeline",
    _add_pipeline_arguments,
    _run_pipeline,
)
DOC_IMG_ORIENTATION_CLASSIFICATION = Subcommand(
    "doc_img_orientation_classification",
    "the orientation classifier alone",
    _add_orientation_arguments,
    _run_orientation,
)
TEXT_IMAGE_UNWARPING = Subcommand(
    "text_image_unwarping",
    "the unwarping network alone, for upright pages",
    _add_unwarping_arguments,
    _run_unwarping,
)

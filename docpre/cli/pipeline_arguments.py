"""Arguments of the pipeline: its models, its steps and what each step does."""

from __future__ import annotations

import argparse

from docpre.cli.values import boolean

# Added by add_unwarping.
UNWARPING = (
    "leave_flat_pages",
    "output_size",
    "interpolation",
    "refine",
    "most_passes",
    "level_deg",
    "margin",
    "keep_all",
)
# Added by add_pipeline; the constructor's of DocPreprocessor.
PIPELINE = (
    "doc_orientation_classify_model_name",
    "doc_orientation_classify_model_dir",
    "doc_unwarping_model_name",
    "doc_unwarping_model_dir",
    "use_doc_orientation_classify",
    "use_doc_unwarping",
    "paddlex_config",
    "doc_orientation_min_score",
    "even_light",
    *UNWARPING,
)


def add_pipeline(parser: argparse.ArgumentParser) -> None:
    """Which models, and what is done with them."""
    group = parser.add_argument_group("models")
    for step in ("doc_orientation_classify", "doc_unwarping"):
        group.add_argument(
            f"--{step}_model_name", metavar="NAME", help="see `docpre models` (default: the default one)"
        )
        group.add_argument(f"--{step}_model_dir", metavar="DIR", help="a directory with weights")
    group.add_argument("--paddlex_config", metavar="YAML", help="a PaddleX pipeline configuration")
    group = parser.add_argument_group("steps")
    group.add_argument(
        "--use_doc_orientation_classify", type=boolean, metavar="BOOL", help="find and undo quarter turns"
    )
    group.add_argument("--use_doc_unwarping", type=boolean, metavar="BOOL", help="flatten bent pages")
    group.add_argument(
        "--doc_orientation_min_score", type=float, metavar="SCORE", help="leave pages alone whose best score is lower"
    )
    add_unwarping(group)
    add_light(group)


def add_unwarping(group: argparse._ArgumentGroup) -> None:
    """How a page is unwarped."""
    group.add_argument(
        "--leave_flat_pages",
        type=boolean,
        default=True,
        metavar="BOOL",
        help="leave pages as they are that are flat already (default: %(default)s; PaddleOCR: False)",
    )
    group.add_argument(
        "--output_size",
        choices=("page", "input"),
        default="page",
        help="as large as the page is in the picture, or as the picture (default: %(default)s; PaddleOCR: input)",
    )
    group.add_argument(
        "--interpolation",
        choices=("nearest", "linear", "cubic"),
        default="cubic",
        help="default: %(default)s; PaddleOCR: linear",
    )
    group.add_argument(
        "--refine",
        type=boolean,
        default=True,
        metavar="BOOL",
        help="look for pages that lie askew or far off, repeat the network on its own result and straighten lines, as "
        "long as the lines get more level by it (default: %(default)s; PaddleOCR: False)",
    )
    group.add_argument(
        "--most_passes", type=int, default=3, metavar="N", help="of the network on a page (default: %(default)s)"
    )
    group.add_argument(
        "--level_deg",
        type=float,
        default=2.0,
        metavar="DEGREES",
        help="a further pass is made while lines are off by more than this; 0: the best quality (default: %(default)s)",
    )
    group.add_argument(
        "--margin",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="keep so much of what is around the page, in parts of its width (default: %(default)s)",
    )
    group.add_argument(
        "--keep_all",
        type=boolean,
        default=False,
        metavar="BOOL",
        help="keep all that the picture shows, also around the page (default: %(default)s)",
    )


def add_light(group: argparse._ArgumentGroup) -> None:
    """Whether light is evened."""
    group.add_argument(
        "--even_light",
        type=boolean,
        default=False,
        metavar="BOOL",
        help="take uneven light, soft shadows and the colour of paper and lamp off the clean page (default: "
        "%(default)s)",
    )

"""Arguments on what is read, how, and where it is saved."""

from __future__ import annotations

import argparse

from docpre.cli.values import limit

# Added by add_loading.
LOADING = ("dpi", "max_bytes", "max_pixels", "max_pages", "url_timeout_s")
# Added by add_input; predict_iter's, of an analysis, which takes its pages one by one, and of the others.
READING_ALONE = ("num_workers", "pages", "on_error", *LOADING)
READING = ("batch_size", *READING_ALONE)


def add_input(parser: argparse.ArgumentParser, has_batches: bool = True) -> None:
    """What is read and where it is saved, for the commands that print each page's result."""
    group = parser.add_argument_group("input and output")
    group.add_argument(
        "-i",
        "--input",
        nargs="+",
        required=True,
        metavar="INPUT",
        help="pictures, PDFs, URLs or directories",
    )
    group.add_argument(
        "--save_path",
        metavar="DIR",
        help="write the JSON, the picture and the clean page here; PDFs become one clean PDF too",
    )
    group.add_argument("--pages", metavar="RANGES", help="of PDFs and multi-page TIFFs, from 1, such as 1-3,7,12-")
    group.add_argument(
        "--on_error",
        choices=("result", "raise"),
        default="result",
        help="report a page that fails and go on, or stop there (default: %(default)s)",
    )
    if has_batches:
        group.add_argument(
            "--batch_size", type=int, default=1, help="pages that go through a network together (default: %(default)s)"
        )
    group.add_argument(
        "--num_workers",
        type=int,
        metavar="THREADS",
        help="work on so many pages while others are read and written; 0: one after the other (default: the cores, "
        "at most 4)",
    )
    add_loading(group)


def add_loading(group: argparse._ArgumentGroup) -> None:
    """How files are read, and how large they may be."""
    group.add_argument("--dpi", type=float, default=200, help="resolution of PDF pages (default: %(default)s)")
    group.add_argument("--max_bytes", type=limit, default=512 * 1024**2, help="a file (default: %(default)s; or none)")
    group.add_argument("--max_pixels", type=limit, default=200_000_000, help="a page (default: %(default)s; or none)")
    group.add_argument("--max_pages", type=limit, default=10_000, help="a document (default: %(default)s; or none)")
    group.add_argument("--url_timeout_s", type=float, default=30.0, help="seconds to wait (default: %(default)s)")

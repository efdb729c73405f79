"""The command line: ``docpre doc_preprocessor -i FILE`` and its siblings. The only place that prints and exits."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Sequence

from docpre import __version__
from docpre.cli import batch, bench, doc_analysis, export, models, preprocessing, serve
from docpre.cli.subcommand import INTERRUPTED
from docpre.cli.values import boolean, settings
from docpre.errors import ConfigError, DocpreError

__all__ = ["boolean", "build_parser", "main", "settings"]

_SUBCOMMANDS = (
    preprocessing.DOC_PREPROCESSOR,
    preprocessing.DOC_IMG_ORIENTATION_CLASSIFICATION,
    preprocessing.TEXT_IMAGE_UNWARPING,
    doc_analysis.SUBCOMMAND,
    batch.SUBCOMMAND,
    serve.SUBCOMMAND,
    bench.SUBCOMMAND,
    export.SUBCOMMAND,
    models.SUBCOMMAND,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; None: those of the process.

    Returns:
        0 if all went well, 1 if something failed, 2 if the command was wrong, 130 if it was interrupted.
    """
    _set_up_messages()
    options = build_parser().parse_args(arguments)
    try:
        return options.run(options)
    except ConfigError as error:
        print(f"docpre: {error}", file=sys.stderr)
        return 2
    except DocpreError as error:
        print(f"docpre: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("docpre: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        sys.stderr.close()
        return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands. Flags are named as PaddleOCR's and the constructors' arguments are."""
    parser = argparse.ArgumentParser(
        prog="docpre", description="Turns a photographed, scanned, rotated or crumpled page into an upright, flat one."
    )
    parser.add_argument("--version", action="version", version=f"docpre {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for subcommand in _SUBCOMMANDS:
        command = commands.add_parser(subcommand.name, allow_abbrev=False, help=subcommand.help)
        subcommand.add_arguments(command)
        command.set_defaults(run=subcommand.run)
    return parser


def _set_up_messages() -> None:
    """docpre's log and warnings go to stderr, in a line each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("docpre: %(message)s"))
    logger = logging.getLogger("docpre")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    warnings.showwarning = lambda message, *_, **__: print(str(message), file=sys.stderr)

"""What a subcommand is made of."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

INTERRUPTED = 130  # 128 and SIGINT's number, as shells have it


class Subcommand(NamedTuple):
    """A subcommand: ``docpre NAME``.

    Attributes:
        name: as it is typed.
        help: a line on it for ``docpre --help``.
        add_arguments: adds its arguments to its parser.
        run: does what was asked, prints, and returns the exit status; raises ``DocpreError`` if it can't.
    """

    name: str
    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]

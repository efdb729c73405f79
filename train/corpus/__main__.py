"""``python -m train.corpus build``: fetch and make the pages of the orientation corpus."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from docpre.engines.base import available_cores
from docpre.errors import DocpreError


def main(arguments: list[str]) -> int:
    """Run a command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m train.corpus", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    command = commands.add_parser("build", help="fetch packages and make pages; the same command goes on after a stop")
    command.add_argument("--config", type=Path, required=True, help="configs/orientation_corpus.yaml")
    command.add_argument("--output", type=Path, required=True, help="folder of the corpus (about 2 GB)")
    command.add_argument("--fetched", type=Path, help="where packages are kept (OUTPUT/fetched, about 4 GB)")
    command.add_argument("--workers", type=int, default=available_cores(), help="processes (all cores)")
    options = parser.parse_args(arguments)

    from train.corpus.build import Folders, build
    from train.corpus.recipe import read_recipe

    try:
        fetched = options.fetched or options.output / "fetched"
        folders = Folders(fetched, options.output / "unpacked", options.output)
        entries = build(read_recipe(options.config), folders, options.workers)
    except DocpreError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    for (split, kind), count in sorted(Counter((entry.split, entry.kind) for entry in entries).items()):
        print(f"{split:6} {kind:12} {count:6}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``docpre bench``: how fast every engine is here."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docpre.cli.subcommand import Subcommand
from docpre.cli.values import boolean
from docpre.errors import InputError

if TYPE_CHECKING:
    from docpre.bench.table import Report


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-i",
        "--input",
        metavar="PATH",
        help="a picture or a directory of pictures (default: a drawn photo, 12 megapixels)",
    )
    parser.add_argument("--output", metavar="DIR", help="write bench.json, bench.md and bench.png here")
    parser.add_argument(
        "--measures",
        nargs="+",
        choices=("networks", "modules", "pipeline", "startup", "memory", "document"),
        default=["networks", "modules", "pipeline"],
        help="what (default: networks modules pipeline)",
    )
    parser.add_argument(
        "--engines", nargs="+", choices=("onnxruntime", "openvino", "torch", "tensorrt"), help="default: all installed"
    )
    parser.add_argument("--devices", nargs="+", metavar="DEVICE", help="cpu, gpu:0, ... (default: the CPU and GPU 0)")
    parser.add_argument("--repeats", type=int, default=7, metavar="ROUNDS", help="default: %(default)s")
    parser.add_argument(
        "--batch_size", type=int, default=1, help="pictures in a run of a network alone (default: %(default)s)"
    )
    parser.add_argument(
        "--peers", type=boolean, default=True, metavar="BOOL", help="measure those installed too (default: %(default)s)"
    )
    parser.add_argument(
        "--document_pages",
        type=int,
        default=40,
        metavar="PAGES",
        help="of the PDF drawn for document (default: %(default)s)",
    )
    parser.add_argument(
        "--price_per_core_hour",
        type=float,
        metavar="PRICE",
        help="to state the price of a million pages (default: none)",
    )


def _run(options: argparse.Namespace) -> int:
    from docpre.bench.machine import this_machine
    from docpre.bench.run import BenchOptions, read_files, run_bench
    from docpre.bench.table import Report, as_text, failures

    source = None if options.input is None else Path(options.input).expanduser()
    bench_options = BenchOptions(
        files=read_files(source),
        measures=tuple(options.measures),
        engines=tuple(options.engines) if options.engines else None,
        devices=tuple(options.devices) if options.devices else None,
        repeats=options.repeats,
        batch_size=options.batch_size,
        with_peers=options.peers,
        document_pages=options.document_pages,
    )
    report = Report(this_machine(), options.repeats, options.price_per_core_hour)
    if report.machine.warning:
        print(f"docpre: {report.machine.warning}", file=sys.stderr)
    try:
        run_bench(bench_options, report, lambda text: print(f"docpre: {text}", file=sys.stderr, flush=True))
    finally:  # what was measured before an interruption is kept
        print(as_text(report), end="")
        if options.output:
            _save(report, Path(options.output))
    found = failures(report, bench_options.engines)
    for failure in found:
        print(f"docpre: {failure}", file=sys.stderr)
    return 1 if found else 0


def _save(report: Report, folder: Path) -> None:
    import json

    from docpre.bench.table import as_markdown, as_picture

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bench.json").write_text(json.dumps(report.to_json(), indent=2) + "\n", "utf-8")
        (folder / "bench.md").write_text(as_markdown(report), "utf-8")
        as_picture(report).save(folder / "bench.png")
    except OSError as error:
        raise InputError(f"Can't write to {folder}: {error.strerror or error}.") from error


SUBCOMMAND = Subcommand(
    "bench", "how fast every engine and precision is here, beside the peers installed", _add_arguments, _run
)

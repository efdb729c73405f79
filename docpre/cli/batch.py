"""``docpre batch``: a great many pages, on this machine or on a Ray cluster."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from docpre.cli.pipeline_arguments import PIPELINE, add_pipeline
from docpre.cli.reading_arguments import LOADING, add_loading
from docpre.cli.runtime_arguments import add_runtime, given_runtime
from docpre.cli.subcommand import INTERRUPTED, Subcommand
from docpre.cli.values import boolean, picked


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("input and output")
    group.add_argument(
        "-i",
        "--input",
        nargs="+",
        required=True,
        metavar="INPUT",
        help="pictures, PDFs, URLs, directories, globs, text files with a path or URL a line, parquet files, "
        "WebDataset tars, folders saved by Hugging Face's datasets, hf://datasets/OWNER/NAME",
    )
    group.add_argument("--output", required=True, type=Path, metavar="DIR", help="pages and results.parquet")
    group.add_argument(
        "--column",
        metavar="NAME",
        help="of tables: paths, URLs or files' contents (default: image, bytes, path, url ...)",
    )
    group.add_argument(
        "--layout",
        choices=("files", "tar", "none"),
        default="files",
        help="pages as files, in tar shards, or the table of results alone (default: %(default)s)",
    )
    group.add_argument(
        "--page_format",
        choices=("same", "jpg", "png", "webp", "pdf"),
        default="same",
        help="of clean pages; same: their input's (default: %(default)s)",
    )
    group.add_argument("--shard_pages", type=int, default=1000, help="of a tar (default: %(default)s)")
    group.add_argument(
        "--retry_errors",
        type=boolean,
        default=False,
        metavar="BOOL",
        help="do failed pages again (default: %(default)s)",
    )
    group.add_argument("--num_workers", type=int, metavar="THREADS", help="without Ray (default: the cores)")
    add_loading(group)
    group = parser.add_argument_group("Ray (needs docpre[ray])")
    group.add_argument(
        "--ray_address",
        metavar="ADDRESS",
        help="work on a cluster: auto, an address, or local: one of this machine's cores (default: no Ray)",
    )
    group.add_argument("--ray_cpus", type=int, default=1, metavar="N", help="cores of a task (default: %(default)s)")
    group.add_argument("--ray_gpus", type=float, default=0, metavar="N", help="GPUs of a task (default: %(default)s)")
    group.add_argument("--ray_tasks", type=int, metavar="N", help="at a time (default: as many as there is room for)")
    add_pipeline(parser)
    add_runtime(parser)


def _run(options: argparse.Namespace) -> int:
    from docpre.batch.run import on_this_machine, run_batch
    from docpre.batch.settings import BatchSettings

    settings = BatchSettings(
        {**picked(options, PIPELINE), **given_runtime(options)},
        picked(options, LOADING),
        options.layout,
        options.page_format,
    )
    folder = options.output.expanduser()
    if options.ray_address is None:
        work = on_this_machine(settings, folder, options.num_workers)
    else:
        from docpre.batch.on_ray import RayOptions, on_ray

        work = on_ray(
            settings, folder, RayOptions(options.ray_address, options.ray_cpus, options.ray_gpus, options.ray_tasks)
        )
    names = ("column", "shard_pages", "retry_errors")
    summary = run_batch(options.input, folder, settings, work, **picked(options, names))
    before = f"; {summary.inputs_before} inputs were done before" if summary.inputs_before else ""
    print(f"docpre: {summary.pages} pages, {summary.errors} of them with errors{before}", file=sys.stderr)
    if summary.is_stopped:
        print("docpre: stopped; the same command goes on with the rest", file=sys.stderr)
        return INTERRUPTED
    print(summary.results)
    return 1 if summary.errors else 0


SUBCOMMAND = Subcommand(
    "batch",
    "a great many pages, with a table of results; goes on where it stopped (needs docpre[batch])",
    _add_arguments,
    _run,
)

"""The command line: ``docpre doc_preprocessor -i FILE`` and its siblings. The only place that prints and exits."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docpre import __version__
from docpre.errors import ConfigError, DocpreError, InputError

if TYPE_CHECKING:
    from docpre.bench.table import Report
    from docpre.pdf_output import PdfWriter
    from docpre.results import Result

_FEW_PAGES = 3
_INTERRUPTED = 130
_RUNTIME = (
    "device",
    "engine",
    "engine_config",
    "enable_hpi",
    "use_tensorrt",
    "min_subgraph_size",
    "precision",
    "enable_mkldnn",
    "mkldnn_cache_capacity",
    "cpu_threads",
    "enable_cinn",
)
_READING = (
    "batch_size",
    "num_workers",
    "dpi",
    "pages",
    "on_error",
    "max_bytes",
    "max_pixels",
    "max_pages",
    "url_timeout_s",
)
_SERVING = (
    "dpi",
    "max_body_bytes",
    "max_pixels",
    "max_read_s",
    "max_request_s",
    "max_waiting",
    "network_threads",
    "max_batch",
    "max_redirects",
    "api_key_file",
)
_UNWARPING = (
    "leave_flat_pages",
    "output_size",
    "interpolation",
    "refine",
    "most_passes",
    "level_deg",
    "margin",
    "keep_all",
)
_MODELS = (
    "doc_orientation_classify_model_name",
    "doc_orientation_classify_model_dir",
    "doc_unwarping_model_name",
    "doc_unwarping_model_dir",
    "use_doc_orientation_classify",
    "use_doc_unwarping",
    "paddlex_config",
    "doc_orientation_min_score",
    "even_light",
    *_UNWARPING,
)

_FORMATS = ("json", "img", "markdown", "text", "hocr", "pdf")


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
        return _INTERRUPTED
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

    command = commands.add_parser(
        "doc_preprocessor", allow_abbrev=False, help="orientation, turn back and unwarping: the whole pipeline"
    )
    _add_input(command)
    _add_models(command)
    _add_runtime(command)
    command.set_defaults(run=_run_pipeline)

    command = commands.add_parser(
        "doc_img_orientation_classification", allow_abbrev=False, help="the orientation classifier alone"
    )
    _add_input(command)
    _add_module(command)
    _add_runtime(command)
    command.set_defaults(run=_run_orientation)

    command = commands.add_parser(
        "text_image_unwarping", allow_abbrev=False, help="the unwarping network alone, for upright pages"
    )
    _add_input(command)
    _add_unwarping(_add_module(command))
    _add_runtime(command)
    command.set_defaults(run=_run_unwarping)

    command = commands.add_parser(
        "doc_analysis", allow_abbrev=False, help="what is on a page: text, characters, handwriting, layout"
    )
    _add_input(command)
    _add_analysis(command)
    _add_runtime(command)
    command.set_defaults(run=_run_analysis)

    command = commands.add_parser(
        "batch",
        allow_abbrev=False,
        help="a great many pages, with a table of results; goes on where it stopped (needs docpre[batch])",
    )
    _add_batch(command)
    _add_models(command)
    _add_runtime(command)
    command.set_defaults(run=_run_batch)

    command = commands.add_parser(
        "serve",
        allow_abbrev=False,
        help="the REST service, with PaddleX's and Baidu's interfaces (needs docpre[serve])",
    )
    _add_serving(command)
    group = command.add_argument_group("steps")
    _add_unwarping(group)
    _add_light(group)
    _add_runtime(command)
    command.set_defaults(run=_run_service)

    command = commands.add_parser(
        "bench", allow_abbrev=False, help="how fast every engine and precision is here, beside the peers installed"
    )
    _add_bench(command)
    command.set_defaults(run=_run_bench)

    command = commands.add_parser(
        "export", allow_abbrev=False, help="write a model for one engine, in a precision, checked against torch"
    )
    command.add_argument("--model", metavar="NAME", help="see `docpre models`")
    command.add_argument("--model_dir", type=Path, metavar="DIR", help="a directory to take the model from")
    command.add_argument("--format", choices=("onnx", "openvino", "tensorrt"), default="onnx", help="default: onnx")
    command.add_argument(
        "--precision", choices=("fp32", "fp16", "bf16", "int8"), default="fp32", help="default: %(default)s"
    )
    command.add_argument("--output", type=Path, required=True, metavar="DIR", help="a directory to make")
    command.add_argument(
        "--calibration",
        type=Path,
        metavar="PATH",
        help="upright pages for int8 and the check (default: pages that docpre draws)",
    )
    command.add_argument("--max_batch", type=int, default=8, help="of TensorRT (default: %(default)s)")
    command.set_defaults(run=_run_export)

    command = commands.add_parser("models", allow_abbrev=False, help="list the models, or fetch their weights")
    command.add_argument("--pull", metavar="NAME", help="fetch a model's weights now; `all` for all")
    command.set_defaults(run=_run_models)
    return parser


def _add_input(parser: argparse.ArgumentParser) -> None:
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
    _add_reading(group)


def _add_batch(parser: argparse.ArgumentParser) -> None:
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
    _add_reading(group)
    group = parser.add_argument_group("Ray (needs docpre[ray])")
    group.add_argument(
        "--ray_address",
        metavar="ADDRESS",
        help="work on a cluster: auto, an address, or local: one of this machine's cores (default: no Ray)",
    )
    group.add_argument("--ray_cpus", type=int, default=1, metavar="N", help="cores of a task (default: %(default)s)")
    group.add_argument("--ray_gpus", type=float, default=0, metavar="N", help="GPUs of a task (default: %(default)s)")
    group.add_argument("--ray_tasks", type=int, metavar="N", help="at a time (default: as many as there is room for)")


def _add_reading(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--dpi", type=float, default=200, help="resolution of PDF pages (default: %(default)s)")
    group.add_argument("--max_bytes", type=_limit, default=512 * 1024**2, help="a file (default: %(default)s; or none)")
    group.add_argument("--max_pixels", type=_limit, default=200_000_000, help="a page (default: %(default)s; or none)")
    group.add_argument("--max_pages", type=_limit, default=10_000, help="a document (default: %(default)s; or none)")
    group.add_argument("--url_timeout_s", type=float, default=30.0, help="seconds to wait (default: %(default)s)")


def _add_bench(parser: argparse.ArgumentParser) -> None:
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


def _add_module(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    group = parser.add_argument_group("model")
    group.add_argument("--model_name", metavar="NAME", help="see `docpre models` (default: the default one)")
    group.add_argument("--model_dir", metavar="DIR", help="a directory with weights")
    return group


def _add_models(parser: argparse.ArgumentParser) -> None:
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
    _add_unwarping(group)
    _add_light(group)


def _add_unwarping(group: argparse._ArgumentGroup) -> None:
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


def _add_light(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--even_light",
        type=boolean,
        default=False,
        metavar="BOOL",
        help="take uneven light, soft shadows and the colour of paper and lamp off the clean page (default: "
        "%(default)s)",
    )


def _add_analysis(parser: argparse.ArgumentParser) -> None:
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


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    if unknown := [name for name in names if name not in _FORMATS]:
        raise argparse.ArgumentTypeError(f"of {', '.join(_FORMATS)}, not {', '.join(unknown) or 'nothing'}")
    return names


def _add_runtime(parser: argparse.ArgumentParser) -> None:
    """Flags that are not given are None, so that a configuration file can tell them from ones that are."""
    group = parser.add_argument_group("running")
    group.add_argument("--device", help="cpu, gpu, gpu:0, ... (default: GPU 0 if it can be used, else the CPU)")
    group.add_argument(
        "--engine", choices=("onnxruntime", "openvino", "torch", "tensorrt"), help="default: onnxruntime"
    )
    group.add_argument(
        "--engine_config",
        type=settings,
        metavar="SETTINGS",
        help="of the engine, such as compile=true,compile_mode=default, or as JSON or YAML",
    )
    group.add_argument("--enable_hpi", type=boolean, metavar="BOOL", help="default: False")
    group.add_argument("--use_tensorrt", type=boolean, metavar="BOOL", help="of onnxruntime on GPUs (default: False)")
    group.add_argument("--min_subgraph_size", type=int, metavar="NODES", help="of use_tensorrt (default: 3)")
    group.add_argument("--precision", choices=("fp32", "fp16", "bf16", "int8"), help="default: fp32")
    group.add_argument("--enable_mkldnn", type=boolean, metavar="BOOL", help="of torch on the CPU")
    group.add_argument("--mkldnn_cache_capacity", type=int, metavar="SHAPES", help="default: 10")
    group.add_argument("--cpu_threads", type=int, metavar="THREADS", help="at most so many (default: 8)")
    group.add_argument("--enable_cinn", type=boolean, metavar="BOOL", help="default: False")


def settings(text: str) -> dict[str, Any]:
    """``compile=true,compile_mode=default``, or a mapping in JSON or YAML."""
    import yaml

    try:
        content = yaml.safe_load(text)
        if not isinstance(content, dict):
            pairs = [part.partition("=") for part in text.split(",")]
            if not all(sign for _, sign, _ in pairs):
                raise argparse.ArgumentTypeError(f"key=value,key=value, JSON or YAML, not {text!r}")
            content = {key.strip(): yaml.safe_load(value) for key, _, value in pairs}
    except yaml.YAMLError:
        raise argparse.ArgumentTypeError(f"key=value,key=value, JSON or YAML, not {text!r}") from None
    return content


def _add_serving(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("serving")
    group.add_argument(
        "--pipeline",
        metavar="NAME",
        help="doc_preprocessor or doc_analysis: that one alone; or a PaddleX YAML of doc_preprocessor, by which pages "
        "are cleaned up (default: all that is installed)",
    )
    group.add_argument("--host", default="127.0.0.1", help="default: %(default)s; 0.0.0.0: all that reach this machine")
    group.add_argument("--port", type=int, default=8080, help="default: %(default)s")
    group.add_argument("--workers", type=int, default=1, help="processes, each with its models (default: %(default)s)")
    group.add_argument("--api_key_file", metavar="FILE", help="ask for one of its keys, a key a line (default: none)")
    group.add_argument(
        "--allow_urls",
        nargs="*",
        default=[],
        metavar="HOST",
        help="hosts and networks (10.0.0.0/8) that URLs may name though they are not public (default: none)",
    )
    group.add_argument("--ray", action="store_true", help="as a Ray Serve deployment (needs docpre[ray])")
    group.add_argument(
        "--ray_address", default="local", metavar="ADDRESS", help="local, auto or an address (default: %(default)s)"
    )
    group.add_argument(
        "--ray_config", type=Path, metavar="YAML", help="replicas and autoscaling; see configs/ray_serve.yaml"
    )
    group = parser.add_argument_group("limits of the service")
    group.add_argument("--dpi", type=float, default=200, help="resolution of PDF pages (default: %(default)s)")
    group.add_argument("--max_body_bytes", type=int, default=64 * 1024**2, help="a request (default: %(default)s)")
    group.add_argument("--max_pixels", type=int, default=8192 * 8192, help="a page (default: %(default)s)")
    group.add_argument(
        "--max_read_s", type=float, default=0.5, help="processor time to read a page (default: %(default)s)"
    )
    group.add_argument("--max_request_s", type=float, default=60.0, help="a request (default: %(default)s)")
    group.add_argument("--max_redirects", type=int, default=3, help="of a URL (default: %(default)s)")
    group.add_argument("--max_waiting", type=int, default=32, help="requests that may wait (default: %(default)s)")
    group.add_argument("--concurrency", type=int, help="documents at the same time (default: two a core)")
    group.add_argument("--network_threads", type=int, default=2, help="that run the models (default: %(default)s)")
    group.add_argument("--max_batch", type=int, default=8, help="pages through them together (default: %(default)s)")


def boolean(text: str) -> bool:
    """``True``, ``false``, ``yes``, ``0`` and the like on a command line, as PaddleOCR takes them."""
    if text.strip().lower() in ("true", "t", "yes", "y", "on", "1"):
        return True
    if text.strip().lower() in ("false", "f", "no", "n", "off", "0"):
        return False
    raise argparse.ArgumentTypeError(f"True or False, not {text!r}")


def _limit(text: str) -> int | None:
    if text.strip().lower() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a whole number or none, not {text!r}") from None


def _picked(options: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(options, name) for name in names}


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments on running that were given; the others are the constructors' defaults."""
    return {name: value for name, value in _picked(options, _RUNTIME).items() if value is not None}


def _run_pipeline(options: argparse.Namespace) -> int:
    from docpre.pipeline import DocPreprocessor

    pipeline = DocPreprocessor(
        **_picked(options, _MODELS),
        **_given(options),
    )
    return _report(options, lambda input: pipeline.predict_iter(input, **_picked(options, _READING)), _save_with_page)


def _run_orientation(options: argparse.Namespace) -> int:
    from docpre.orientation import DocImgOrientationClassification

    module = DocImgOrientationClassification(**_picked(options, ("model_name", "model_dir")), **_given(options))
    reading = _picked(options, _READING)
    return _report(options, lambda input: module.predict_iter(input, **reading), _save, has_pdf=False)


def _run_unwarping(options: argparse.Namespace) -> int:
    from docpre.unwarping import TextImageUnwarping

    module = TextImageUnwarping(**_picked(options, ("model_name", "model_dir", *_UNWARPING)), **_given(options))
    reading = _picked(options, _READING)
    return _report(options, lambda input: module.predict_iter(input, **reading), _save_with_page)


def _run_analysis(options: argparse.Namespace) -> int:
    from docpre.analysis.analyzer import DocAnalyzer

    analyzer = DocAnalyzer(
        **_picked(
            options,
            (
                "language_type",
                "words_type",
                "layout_analysis",
                "use_doc_orientation_classify",
                "use_doc_unwarping",
            ),
        ),
        **_given(options),
    )
    reading = _picked(options, [name for name in _READING if name != "batch_size"])

    def save(result: Result, folder: Path) -> None:
        for name in options.format:
            if name == "json" or (result.error is None and (name != "pdf" or not _goes_into_one_pdf(result))):
                getattr(result, f"save_to_{name}")(folder)

    has_pdf = "pdf" in options.format
    return _report(options, lambda input: analyzer.predict_iter(input, **reading), save, has_pdf=has_pdf)


def _report(
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
            pdfs = stack.enter_context(_PdfOutputs(Path(options.save_path)))
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


def _saved(result: Result, folder: Path, save: Callable[[Result, Path], None], pdfs: _PdfOutputs | None) -> list[str]:
    try:
        save(result, folder)
        if pdfs is not None:
            pdfs.add(result)
    except (InputError, OSError) as error:
        return [f"{error}"]
    return []


def _save(result: Result, folder: Path) -> None:
    result.save_to_json(folder)
    if result.error is None:
        result.save_to_img(folder)


def _save_with_page(result: Result, folder: Path) -> None:
    _save(result, folder)
    if result.error is None and result.transform.original_unit != "point":  # pages of a PDF go into one PDF
        result.save_page(folder)


def _goes_into_one_pdf(result: Result) -> bool:
    """Whether a page is one of a PDF's, which become one PDF."""
    is_pdf = result.transform.original_unit == "point" or str(result["input_path"]).lower().endswith(".pdf")
    return result["page_index"] is not None and is_pdf


class _PdfOutputs:
    """One clean PDF for each PDF that comes in, grown page by page; none is left half written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._source: str | None = None
        self._writer: PdfWriter | None = None
        self._names: set[str] = set()

    def __enter__(self) -> _PdfOutputs:
        return self

    def add(self, result: Result) -> None:
        source = str(result["input_path"])
        if not _goes_into_one_pdf(result):
            return
        if self._writer is None or self._source != source:
            self.__exit__(None, None, None)
            self._source, self._writer = source, self._open(source)
        self._writer.add(result.pdf_page())

    def _open(self, source: str) -> PdfWriter:
        from docpre.pdf_output import PdfWriter

        stem = Path(source.split("?")[0]).stem
        name, number = stem, 2
        while name.casefold() in self._names:
            name, number = f"{stem}-{number}", number + 1
        self._names.add(name.casefold())
        return PdfWriter(self._folder / f"{name}_pages.pdf").__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.__exit__(kind, error, trace)


def _run_batch(options: argparse.Namespace) -> int:
    from docpre.batch.run import on_this_machine, run_batch
    from docpre.batch.settings import BatchSettings

    settings = BatchSettings(
        {**_picked(options, _MODELS), **_given(options)},
        _picked(options, ("dpi", "max_bytes", "max_pixels", "max_pages", "url_timeout_s")),
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
    summary = run_batch(options.input, folder, settings, work, **_picked(options, names))
    before = f"; {summary.inputs_before} inputs were done before" if summary.inputs_before else ""
    print(f"docpre: {summary.pages} pages, {summary.errors} of them with errors{before}", file=sys.stderr)
    if summary.is_stopped:
        print("docpre: stopped; the same command goes on with the rest", file=sys.stderr)
        return _INTERRUPTED
    print(summary.results)
    return 1 if summary.errors else 0


def _run_service(options: argparse.Namespace) -> int:
    try:
        from docpre.service.pipelines import installed_pipelines
        from docpre.service.server import run
        from docpre.service.settings import DOC_ANALYSIS, DOC_PREPROCESSOR, ServiceSettings
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("docpre"):
            raise
        raise ConfigError(f"docpre serve needs {error.name}: pip install 'docpre[serve]'.") from error

    pipeline = _picked(options, ("even_light", *_UNWARPING, *_RUNTIME))
    pipelines = installed_pipelines()
    if options.pipeline in (DOC_PREPROCESSOR, DOC_ANALYSIS):
        pipelines = (options.pipeline,)
    elif options.pipeline is not None:
        if Path(options.pipeline).suffix.lower() not in (".yml", ".yaml"):
            raise ConfigError(
                f"--pipeline is {DOC_PREPROCESSOR}, a YAML of it, or {DOC_ANALYSIS}, not {options.pipeline!r}."
            )
        pipeline["paddlex_config"] = options.pipeline
    chosen = {"concurrency": options.concurrency} if options.concurrency is not None else {}
    settings = ServiceSettings(
        pipeline=pipeline,
        pipelines=pipelines,
        allow_urls=tuple(options.allow_urls),
        **_picked(options, _SERVING),
        **chosen,
    )
    settings = settings.with_serving_section().with_client_pair(os.environ)
    log = logging.getLogger("docpre")
    if options.pipeline != DOC_PREPROCESSOR and DOC_ANALYSIS not in pipelines:
        log.info("doc_analysis is not served; it needs docpre[analysis]: pip install 'docpre[analysis]'.")
    if DOC_ANALYSIS in pipelines and settings.client_pair() is None:
        log.info("doc_analysis asks for no token; set DOCPRE_CLIENT_ID and DOCPRE_CLIENT_SECRET for it to do so.")
    if options.ray:
        from docpre.service.on_ray import read_options, run_on_ray

        if options.workers != 1:
            raise ConfigError("--workers is without effect under Ray; replicas are options of --ray_config.")
        run_on_ray(settings, options.host, options.port, options.ray_address, read_options(options.ray_config))
    else:
        run(settings, options.host, options.port, options.workers)
    return 0


def _run_bench(options: argparse.Namespace) -> int:
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
            _save_bench(report, Path(options.output))
    found = failures(report, bench_options.engines)
    for failure in found:
        print(f"docpre: {failure}", file=sys.stderr)
    return 1 if found else 0


def _save_bench(report: Report, folder: Path) -> None:
    import json

    from docpre.bench.table import as_markdown, as_picture

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bench.json").write_text(json.dumps(report.to_json(), indent=2) + "\n", "utf-8")
        (folder / "bench.md").write_text(as_markdown(report), "utf-8")
        as_picture(report).save(folder / "bench.png")
    except OSError as error:
        raise InputError(f"Can't write to {folder}: {error.strerror or error}.") from error


def _run_export(options: argparse.Namespace) -> int:
    from docpre.engines.devices import choose

    choose("torch", "cpu")  # says what to install if it is missing
    from docpre.export import export_model

    names = ("output", "format", "precision", "model", "model_dir", "calibration", "max_batch")
    spec = export_model(**_picked(options, names))
    print(f"{spec.name} in {options.output}: {', '.join(artefact.filename for artefact in spec.artefacts)}")
    print(spec.figures)
    return 0


def _run_models(options: argparse.Namespace) -> int:
    from docpre.engines.fastest import records
    from docpre.registry import DEFAULT_MODEL, MODELS, at_hand, find_model, find_weights

    if options.pull:
        names = list(MODELS) if options.pull == "all" else [options.pull]
        for name in names:
            spec = MODELS.get(name) or find_model("orientation", name)
            weights = find_weights(spec, suffixes=(".onnx", ".npz"))
            print(f"{name}: {weights.path} (from the {weights.origin})")
        return 0
    for spec in MODELS.values():
        default = ", the default" if DEFAULT_MODEL[spec.task] == spec.name else ""
        print(f"{spec.name} ({spec.task}{default})")
        print(f"  from     {spec.source}")
        for artefact in spec.artefacts:
            found = at_hand(spec, artefact, [])
            where = str(found.path) if found else f"not fetched yet; `docpre models --pull {spec.name}`"
            print(f"  weights  {artefact.filename}, {artefact.licence}: {where}")
            if artefact.package:
                print(f"           in the package {artefact.package.name}=={artefact.package.version}")
            for url in artefact.urls:
                print(f"           at {url.url}")
            print(f"           sha256 {artefact.sha256}")
        height, width = (side or "any" for side in spec.size_hw)
        print(f"  input    {height}x{width} (height x width), {spec.channel_order}")
        print(f"  figures  {spec.figures}")
        for record in records(spec.name):
            print(f"  hpi      {_described_choice(record)}")
    return 0


def _described_choice(record: Mapping[str, Any]) -> str:
    """What enable_hpi took on this machine, from what and how fast."""
    chosen, asked = record["chosen"], record["asked"]
    parts = []
    for entry in record["candidates"]:
        outcome = f"{entry['median_ms']} ms" if "median_ms" in entry else f"refused ({entry['refused']})"
        parts.append(f"{entry['engine']} {entry['precision']} {outcome}")
    where = f"{asked['device']}, {asked['threads']} threads"
    return f"{chosen['engine']} in {chosen['precision']} ({where}): {'; '.join(parts)}"


def _set_up_messages() -> None:
    """docpre's log and warnings go to stderr, in a line each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("docpre: %(message)s"))
    logger = logging.getLogger("docpre")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    warnings.showwarning = lambda message, *_, **__: print(str(message), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

"""``docpre export``: a model's files for one engine."""

from __future__ import annotations

import argparse
from pathlib import Path

from docpre.cli.subcommand import Subcommand
from docpre.cli.values import picked


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="NAME", help="see `docpre models`")
    parser.add_argument("--model_dir", type=Path, metavar="DIR", help="a directory to take the model from")
    parser.add_argument("--format", choices=("onnx", "openvino", "tensorrt"), default="onnx", help="default: onnx")
    parser.add_argument(
        "--precision", choices=("fp32", "fp16", "bf16", "int8"), default="fp32", help="default: %(default)s"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a directory to make")
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="PATH",
        help="upright pages for int8 and the check (default: pages that docpre draws)",
    )
    parser.add_argument("--max_batch", type=int, default=8, help="of TensorRT (default: %(default)s)")


def _run(options: argparse.Namespace) -> int:
    from docpre.engines.devices import choose

    choose("torch", "cpu")  # says what to install if it is missing
    from docpre.export import export_model

    names = ("output", "format", "precision", "model", "model_dir", "calibration", "max_batch")
    spec = export_model(**picked(options, names))
    print(f"{spec.name} in {options.output}: {', '.join(artefact.filename for artefact in spec.artefacts)}")
    print(spec.figures)
    return 0


SUBCOMMAND = Subcommand(
    "export", "write a model for one engine, in a precision, checked against torch", _add_arguments, _run
)

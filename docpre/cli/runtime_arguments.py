"""Arguments on what the networks run on: the device, the engine and its settings."""

from __future__ import annotations

import argparse
from typing import Any

from docpre.cli.values import boolean, picked, settings

# Added by add_runtime.
RUNTIME = (
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


def add_runtime(parser: argparse.ArgumentParser) -> None:
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


def given_runtime(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments on running that were given; the others are the constructors' defaults."""
    return {name: value for name, value in picked(options, RUNTIME).items() if value is not None}

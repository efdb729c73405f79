"""A trained model as a directory that docpre takes: safetensors, ONNX and their record, and no pickle."""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from docpre.engines.torch import Classifier
from docpre.errors import ConfigError, ModelError
from docpre.export import publish, worst_difference, write_onnx
from docpre.registry import SPEC_FILE, Artefact, ModelSpec, sha256_of
from train.cli import TASKS

WORST_DIFFERENCE = 1e-4
_LEAST_SIDE = 32  # the network halves its input five times
_OUTPUTS = {"orientation": ("scores",), "unwarping": ("grid", "mesh"), "page_finding": ("mask",)}


def main(arguments: list[str]) -> None:
    """The command line of ``python -m train export``."""
    parser = argparse.ArgumentParser(prog="python -m train export", description=__doc__)
    parser.add_argument("--ckpt", type=Path, required=True, help="checkpoint that training has written")
    parser.add_argument(
        "--output", type=Path, required=True, help="directory to make; it must not be there, or be empty"
    )
    parser.add_argument("--name", help="the model's name (the published model's name, with -tuned)")
    parser.add_argument("--licence", default="not stated", help="licence of the weights")
    parser.add_argument(
        "--size_hw",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="of a classifier's input, which may be smaller than in training, at less time (that of training)",
    )
    chosen = parser.parse_args(arguments)
    size_hw = None if chosen.size_hw is None else (chosen.size_hw[0], chosen.size_hw[1])
    spec = export(chosen.ckpt, chosen.output, chosen.name, chosen.licence, size_hw)
    print(f"{spec.name} in {chosen.output}: {', '.join(artefact.filename for artefact in spec.artefacts)}, {SPEC_FILE}")
    print(spec.figures)


def export(
    checkpoint: Path,
    output: Path,
    name: str | None = None,
    licence: str = "not stated",
    size_hw: tuple[int, int] | None = None,
) -> ModelSpec:
    """Write a model directory from a checkpoint.

    With averaged weights (EMA) it is these that a checkpoint keeps and that go out.

    Args:
        checkpoint: as Lightning wrote it.
        output: the directory to make.
        name: of the model.
        licence: of the weights, for the record.
        size_hw: of the network's input, for orientation, even; None: that of training.

    Returns:
        The model's record, as it stands in ``spec.json``.

    Raises:
        ConfigError: the directory is there and not empty, or the size isn't one that the network can have.
        ModelError: the checkpoint can't be read, or the ONNX file doesn't agree with the network. Nothing is kept then.
    """
    output = output.expanduser()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ConfigError(f"{output} is there already and not empty; name another directory.")
    content = read_checkpoint(checkpoint)
    task = content["docpre"]["task"]
    network, spec = trained_network(content)
    if size_hw is not None:
        if task != "orientation" or any(side < _LEAST_SIDE or side % 2 for side in size_hw):
            raise ConfigError(f"--size_hw is for orientation, even and {_LEAST_SIDE} or more, not {size_hw} of {task}.")
        spec = replace(spec, size_hw=size_hw)
    name = name or f"{'PP-LCNet_x1_0_doc_ori' if spec.architecture == 'PPLCNet' else spec.architecture}-tuned"
    name = name.replace("/", "_")
    output.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}-"))
    try:
        files = [work / "model.onnx"]
        # The file ends at scores, not at logits, and for unwarping at grid and mesh.
        ending = Classifier(network).eval() if task == "orientation" else network
        write_onnx(ending, spec.size_hw, _OUTPUTS[task], files[0])
        if not spec.architecture.startswith("timm/"):  # docpre's torch engine has no network to put them in
            files.append(work / "model.safetensors")
            _write_safetensors(network, files[1])
        worst = worst_difference(ending, spec.size_hw, _OUTPUTS[task], files[0])
        if not worst <= WORST_DIFFERENCE:
            raise ModelError(f"The ONNX file differs from the network by {worst:.2e}, over {WORST_DIFFERENCE:.0e}.")
        spec = replace(
            spec,
            name=name,
            outputs=_OUTPUTS[task],
            artefacts=tuple(Artefact(file.name, sha256_of(file), licence) for file in files),
            source=f"trained with docpre, from {spec.name} ({content['hyper_parameters'].get('start')})",
            figures=_figures(content["docpre"]),
            provenance=_provenance(checkpoint, content, worst),
        )
        text = json.dumps(spec.to_json(), indent=1, ensure_ascii=False, default=str)
        (work / SPEC_FILE).write_text(text + "\n", "utf-8")
        publish(work, output)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return spec


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint of training; only tensors and plain values are read from it.

    Raises:
        ModelError: it is missing, damaged, or not one of docpre's training.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"Can't read the checkpoint {path}: {error.strerror or error}.") from error
    except Exception as error:  # a damaged file fails in pickle, zipfile or torch
        raise ModelError(f"{path} is not a checkpoint that docpre can read: {error}") from error
    if not isinstance(content, dict) or "docpre" not in content or "hyper_parameters" not in content:
        raise ModelError(f"{path} was not written by docpre's training.")
    return content


def trained_network(content: dict[str, Any]) -> tuple[nn.Module, ModelSpec]:
    """The network of a checkpoint and its specification so far, in evaluation mode."""
    module_class = TASKS[content["docpre"]["task"]][0]
    options = {key: value for key, value in content["hyper_parameters"].items() if not key.startswith("_")}
    if options.get("start") == "pretrained":
        options["start"] = "nothing"  # the checkpoint has the weights; nothing need be fetched
    module = module_class(**options)
    try:
        module.load_state_dict(content["state_dict"])
    except RuntimeError as error:
        raise ModelError(f"The checkpoint's weights don't fit its own configuration: {error}") from error
    return module.network.eval().float(), module.spec


def _write_safetensors(network: nn.Module, path: Path) -> None:
    from safetensors.torch import save_file

    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, path, {"format": "pt"})


def _figures(record: dict[str, Any]) -> str:
    figures = dict(record["figures"])
    counts = [f"{int(figures.pop(key))}" for key in list(figures) if key.endswith("/samples")]
    text = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
    return f"{text} (on {' and '.join(counts)} samples)" if text else "not measured"


def _provenance(path: Path, content: dict[str, Any], worst: float) -> dict[str, Any]:
    import lightning
    import onnxruntime

    return {
        "data": content["docpre"].get("data"),
        "figures": content["docpre"]["figures"],
        "configuration": {k: v for k, v in content["hyper_parameters"].items() if not k.startswith("_")},
        "git_revision": git_revision(),
        "checkpoint": path.name,
        "epoch": content.get("epoch"),
        "steps": content.get("global_step"),
        "onnx_worst_difference": worst,
        "made_with": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "lightning": lightning.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    }


def git_revision() -> str | None:
    """The checkout's commit, with ``-dirty`` after it if files differ from it; None outside a checkout."""
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None

"""A model as a directory for one engine: its network in a format and a precision, and a record of how exact it is.

What is written is run by the engine that it is for and compared with the network in torch, on pages. Nothing is kept
that fails its bound. Needs the extra ``torch``; OpenVINO's format the extra ``openvino``, TensorRT's ``tensorrt``.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from docpre.calibration_pages import draw_pages
from docpre.engines import RuntimeOptions, create_engine
from docpre.engines.devices import choose
from docpre.engines.onnx_precision import in_precision
from docpre.engines.parity import Parity, compare
from docpre.engines.quantised import CALIBRATION_PAGES, quantise
from docpre.engines.torch import SUFFIXES, load_network
from docpre.errors import ConfigError, ModelError
from docpre.loading import ImageArray, iter_pages
from docpre.network_input import network_pictures, normalised
from docpre.registry import MODELS, SPEC_FILE, Artefact, ModelSpec, Task, Weights, find_model, find_weights, sha256_of

OPSET = 17
# Format -> the precisions that a file can have. bf16 is no way to store a network: engines compute in it from fp32.
PRECISIONS: Mapping[str, tuple[str, ...]] = {
    "onnx": ("fp32", "fp16", "int8"),
    "openvino": ("fp32", "fp16", "int8"),
    "tensorrt": ("fp32", "fp16", "int8"),
}
_FILES = {"onnx": "model.onnx", "openvino": "model.xml", "tensorrt": "model.engine"}
_ENGINES = {"onnx": "onnxruntime", "openvino": "openvino", "tensorrt": "tensorrt"}
_OUTPUT: Mapping[Task, str] = {"orientation": "scores", "unwarping": "grid"}
_CHECK_PAGES = 12
_CHECK_SEED = 1
_MOST_PAGES = 300
_LOG = logging.getLogger("docpre")


def export_model(
    output: Path,
    format: str,
    precision: str = "fp32",
    *,
    model: str | None = None,
    model_dir: Path | None = None,
    calibration: Path | None = None,
    max_batch: int = 8,
) -> ModelSpec:
    """Write a model directory for an engine; pipelines and modules take it as ``model_dir``.

    Inputs are ``image``, float32 (float16 in an ONNX file of fp16), (N, 3, H, W), normalised, with any N (TensorRT: up
    to ``max_batch``); the output is ``scores`` (N, classes) or ``grid`` (N, 2, rows, columns). ONNX has opset 17.

    Args:
        output: the directory to make; it must not be there, or be empty.
        format: ``onnx``, ``openvino`` or ``tensorrt``.
        precision: ``fp32``, ``fp16`` (weights of half the size) or ``int8``.
        model: its name, as ``docpre models`` lists them.
        model_dir: a directory to take it from, in place of a name or beside it.
        calibration: upright pages (a picture, a PDF, a directory) that int8 is calibrated on and everything is checked
            on; None: pages that docpre draws.
        max_batch: of TensorRT.

    Returns:
        The model's record, as it stands in ``spec.json``; ``provenance["export"]`` states the parity.

    Raises:
        ConfigError: an argument is wrong, or the directory is there and not empty.
        EngineError: what the format needs is not installed, or can't run here.
        InputError: a calibration page can't be read.
        ModelError: the weights can't be read, or what was written fails its bound. Nothing is kept then.
    """
    _check(format, precision)
    choose(_ENGINES[format], None if format == "tensorrt" else "cpu")  # says what to install before anything is done
    output = output.expanduser()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ConfigError(f"{output} is there already and not empty; name another directory.")
    spec = _specification(model, model_dir)
    weights = find_weights(spec, str(model_dir) if model_dir else None, SUFFIXES)
    network = load_network(spec, weights.path).eval()
    calibration_pages, check_pages, pages_text = _pages(calibration)
    output.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}-"))
    try:
        plain = work / "plain.onnx"
        write_onnx(network, spec.size_hw, (_OUTPUT[spec.task],), plain)
        licence = _licence(spec, weights.path)
        spec = replace(spec, outputs=(_OUTPUT[spec.task],), artefacts=())
        written = work / _FILES[format]
        _write(spec, plain, written, format, precision, calibration_pages, max_batch)
        plain.unlink(missing_ok=True)
        parity = _checked(spec, network, work, format, precision, check_pages)
        export = _record(weights, format, precision, parity, pages_text)
        spec = replace(
            spec,
            artefacts=tuple(Artefact(path.name, sha256_of(path), licence) for path in sorted(work.iterdir())),
            figures=f"{spec.figures}; as {format} in {precision}: {parity}",
            provenance={**spec.provenance, "export": export},
        )
        (work / SPEC_FILE).write_text(json.dumps(spec.to_json(), indent=1, ensure_ascii=False) + "\n", "utf-8")
        publish(work, output)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return spec


def write_onnx(network: nn.Module, size_hw: tuple[int, int], outputs: Sequence[str], path: Path) -> None:
    """Write a network as ONNX in float32: input ``image`` (N, 3, H, W) with any N, and named outputs."""
    with warnings.catch_warnings():
        # The newer one needs a package more (onnxscript) and gives the same graph for these networks.
        warnings.simplefilter("ignore")  # that this exporter is the older one, and how it folds constants
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, *size_hw),),
            str(path),
            input_names=["image"],
            output_names=list(outputs),
            dynamic_axes={key: {0: "batch"} for key in ("image", *outputs)},
            opset_version=OPSET,
            dynamo=False,
        )


def worst_difference(network: nn.Module, size_hw: tuple[int, int], outputs: Sequence[str], path: Path) -> float:
    """The worst element's difference between a network and its ONNX file in ONNX Runtime, over batches of 1 and 3."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    worst = 0.0
    for count in (1, 3):
        batch = random.random((count, 3, *size_hw), np.float32)
        with torch.inference_mode():
            answer = network(torch.from_numpy(batch))
        expected = [answer] if isinstance(answer, Tensor) else list(answer)
        actual: list[NDArray[np.float32]] = session.run(list(outputs), {"image": batch})
        for want, got in zip(expected, actual, strict=True):
            worst = float(np.maximum(worst, np.abs(want.numpy() - got).max()))  # which keeps NaN, max() does not
    return worst


def publish(work: Path, output: Path) -> None:
    """Make a finished folder the output directory, whole and readable as others are."""
    work.chmod(0o755)
    for file in work.iterdir():
        file.chmod(0o644)
    if output.exists():
        output.rmdir()
    work.replace(output)


def _check(format: str, precision: str) -> None:
    if format not in PRECISIONS:
        raise ConfigError(f"format is one of {', '.join(PRECISIONS)}, not {format!r}.")
    if precision == "bf16":
        raise ConfigError(
            "bf16 is a way to compute, not to store a network: export fp32 and run it with precision='bf16'."
        )
    if precision not in PRECISIONS[format]:
        raise ConfigError(f"precision is one of {', '.join(PRECISIONS[format])}, not {precision!r}.")


def _specification(model: str | None, model_dir: Path | None) -> ModelSpec:
    if model is None and model_dir is None:
        raise ConfigError("Which model? Name one of `docpre models`, or give a model_dir.")
    if model is not None and model in MODELS:
        return find_model(MODELS[model].task, model, model_dir)
    assert model_dir is not None or model is not None
    spec_path = None if model_dir is None else model_dir.expanduser() / SPEC_FILE
    if spec_path is None or not spec_path.is_file():
        where = f"There is no model named {model!r}" if model else f"{model_dir} has no {SPEC_FILE}"
        raise ConfigError(f"{where}; say which model it is: {', '.join(MODELS)}.")
    try:
        task: Task = json.loads(spec_path.read_text("utf-8"))["task"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"Can't read {spec_path}: {error!r}.") from error
    return find_model(task, model, model_dir)


def _pages(calibration: Path | None) -> tuple[list[ImageArray], list[ImageArray], str]:
    """Pages to calibrate on, pages to check on, and what they are."""
    if calibration is None:
        drawn = list(draw_pages(CALIBRATION_PAGES))
        return drawn, list(draw_pages(_CHECK_PAGES, _CHECK_SEED)), "drawn pages"
    pages = [page.image for page in islice(iter_pages(str(calibration), on_error="raise"), _MOST_PAGES)]
    own = [page for page in pages if page is not None]
    if len(own) < CALIBRATION_PAGES:
        _LOG.warning("Only %d pages to calibrate on; %d or more are better", len(own), CALIBRATION_PAGES)
    return own, own[:: max(1, len(own) // _CHECK_PAGES)], f"{len(own)} pages of the user's"


def _write(
    spec: ModelSpec,
    plain: Path,
    written: Path,
    format: str,
    precision: str,
    pages: Sequence[ImageArray],
    max_batch: int,
) -> None:
    """Write the network from its plain ONNX file."""
    if format == "openvino":
        if precision == "int8":
            quantise(spec, plain, written, pages)
            return
        import openvino

        from docpre.engines.openvino import read_network, the_core

        network = read_network(the_core(), spec, plain)
        openvino.save_model(network, written, compress_to_fp16=precision == "fp16")
        return
    if precision == "int8":
        quantised = plain.with_name("quantised.onnx")
        quantise(spec, plain, quantised, pages, "performance")
        quantised.replace(plain)
    if format == "tensorrt":
        from docpre.engines.tensorrt import build_engine

        build_engine(plain, written, spec, precision, max_batch)
    elif precision == "fp16":
        written.write_bytes(in_precision(plain, "fp16"))
    else:
        plain.replace(written)


def _checked(
    spec: ModelSpec, network: nn.Module, folder: Path, format: str, precision: str, pages: Sequence[ImageArray]
) -> Parity:
    """Run what was written by its own engine, in batches of one and of three, beside the network in torch."""
    pictures = network_pictures(pages, spec)
    # An ONNX or OpenVINO file has its precision in itself; TensorRT's engine too, but says so by the option.
    asked = precision if format == "tensorrt" else "fp32"
    device = None if format == "tensorrt" else "cpu"
    engine, _ = create_engine(
        spec, RuntimeOptions(engine=_ENGINES[format], device=device, precision=asked), str(folder)
    )
    expected, found = [], []
    start, size = 0, 1
    while start < len(pictures):
        batch = normalised(pictures[start : start + size], spec)
        with torch.inference_mode():
            expected.append(network(torch.from_numpy(batch)).numpy())
        found.append(engine.run(batch))
        start, size = start + size, 4 - size
    parity = compare(spec, np.concatenate(expected), np.concatenate(found))
    if why := parity.failure(precision):
        raise ModelError(f"{spec.name} in {precision} as {format} is too far from the network in torch: {why}.")
    return parity


def _record(weights: Weights, format: str, precision: str, parity: Parity, pages: str) -> dict[str, Any]:
    record: dict[str, Any] = {
        "format": format,
        "precision": precision,
        "from": {"file": weights.path.name, "sha256": sha256_of(weights.path)},
        "pages": pages,
        "parity": parity.to_json(),
        "made_with": _versions("docpre", "torch", "onnx", "onnxruntime", "openvino", "nncf", "tensorrt"),
    }
    return record if format == "openvino" else {**record, "opset": OPSET}


def _licence(spec: ModelSpec, path: Path) -> str:
    published = MODELS[spec.name].artefacts if spec.name in MODELS else ()
    licences = {artefact.filename: artefact.licence for artefact in (*published, *spec.artefacts)}
    return licences.get(path.name, "not stated")


def _versions(*packages: str) -> dict[str, str]:
    versions = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions

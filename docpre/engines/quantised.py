"""Networks in int8, made once on a machine and kept: calibrated, checked against float32, and then only read.

NNCF makes them (static quantisation), from pages that docpre draws or from a user's own. Needs ``openvino`` and, to
make one, ``nncf``; both are in the extra ``openvino``.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from docpre.calibration_pages import draw_pages
from docpre.engines.quantising import JOB_FILE, PICTURES_FILE, RECIPE
from docpre.errors import EngineError
from docpre.loading import ImageArray
from docpre.network_input import network_pictures
from docpre.registry import ModelSpec, cache_dir, sha256_of

Preset = Literal["mixed", "performance"]

CALIBRATION_PAGES = 40
_NETWORK = "network.xml"
_RECORD = "record.json"
_LOG = logging.getLogger("docpre")
_CODE = "import sys, pathlib; from docpre.engines.quantising import quantise_folder as q; q(pathlib.Path(sys.argv[1]))"


def quantised_network(spec: ModelSpec, path: Path) -> Path:
    """A model's network in int8 for OpenVINO, from the cache or made now (half a minute or so).

    Args:
        spec: the model.
        path: its weights, ONNX or OpenVINO, in floating point.

    Returns:
        The .xml file; its .bin lies beside it.

    Raises:
        EngineError: NNCF is not installed, or fails.
        ModelError: the network can't be read.
    """
    import filelock

    folder = cache_dir().parent / "int8" / _key(spec, path)
    if _is_whole(folder):
        return folder / _NETWORK
    _require_nncf()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(str(folder) + ".lock"):
            if not _is_whole(folder):
                shutil.rmtree(folder, ignore_errors=True)
                with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".int8-") as name:
                    work = Path(name) / "made"
                    work.mkdir()
                    quantise(spec, path, work / _NETWORK, list(draw_pages(CALIBRATION_PAGES)))
                    _write_record(spec, work)
                    work.rename(folder)
    except OSError as error:
        raise EngineError(f"Can't keep the int8 network in {folder}: {error.strerror or error}.") from error
    return folder / _NETWORK


def quantise(
    spec: ModelSpec, source: Path, target: Path, pages: Sequence[ImageArray], preset: Preset = "mixed"
) -> None:
    """Write a network in int8.

    Args:
        spec: the network's model.
        source: its file in floating point: ONNX or OpenVINO; ONNX for a target in ONNX, with one output.
        target: .xml for OpenVINO (the weights go into a .bin beside it), or .onnx with QuantizeLinear nodes.
        pages: upright pages (H, W, 3) RGB uint8 of any sizes, for the ranges of its tensors.
        preset: ``mixed``: activations may be asymmetric; ``performance``: symmetric, as TensorRT needs.

    Raises:
        EngineError: NNCF is not installed, or fails.
        ModelError: the network can't be read.
    """
    _require_nncf()
    started = time.perf_counter()
    _LOG.info("Quantising %s to int8 on %d pages; this is done once and takes a minute or so", spec.name, len(pages))
    with tempfile.TemporaryDirectory(prefix="docpre-int8-") as name:
        folder = Path(name)
        job = {"spec": spec.to_json(), "source": str(source.resolve()), "target": f"target{target.suffix}"}
        (folder / JOB_FILE).write_text(json.dumps({**job, "preset": preset}, default=str), "utf-8")
        np.save(folder / PICTURES_FILE, np.stack(network_pictures(pages, spec)))
        _run_child(spec, folder)
        for file in folder.glob("target.*"):
            shutil.move(file, target.with_suffix(file.suffix))
    _LOG.info("Quantised %s in %.0f s", spec.name, time.perf_counter() - started)


def _run_child(spec: ModelSpec, folder: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path)}
    # NNCF draws its progress bars on stdout; they go to a terminal's stderr, or nowhere.
    shown = 2 if sys.stderr is not None and sys.stderr.isatty() else subprocess.DEVNULL
    try:
        result = subprocess.run(
            [sys.executable, "-c", _CODE, str(folder)], stdout=shown, stderr=subprocess.PIPE, env=environment
        )
    except OSError as error:
        raise EngineError(f"Can't start the process that quantises {spec.name}: {error}.") from error
    if result.returncode:
        lines = result.stderr.decode(errors="replace").strip().splitlines()
        raise EngineError(f"NNCF could not quantise {spec.name}: {lines[-1] if lines else result.returncode}")


def _require_nncf() -> None:
    if importlib.util.find_spec("nncf") is None:
        raise EngineError("precision='int8' needs NNCF to make the network: pip install 'docpre[openvino]'.")


def _key(spec: ModelSpec, path: Path) -> str:
    """A name that differs whenever the network would."""
    parts = [spec.name, sha256_of(path), RECIPE, CALIBRATION_PAGES]
    parts += [spec.size_hw, spec.mean, spec.std, spec.channel_order, spec.interpolation]
    parts += [spec.resize_short, spec.max_aspect, spec.fold_aspect, spec.near]
    for package in ("openvino", "nncf"):
        try:
            parts.append(importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            parts.append(None)
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", spec.name).strip(".-") + f"-{digest[:16]}"


def _write_record(spec: ModelSpec, folder: Path) -> None:
    sums = {file.name: sha256_of(file) for file in sorted(folder.glob("network.*"))}
    record = {"model": spec.name, "calibration": f"{CALIBRATION_PAGES} drawn pages", "sha256": sums}
    (folder / _RECORD).write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def _is_whole(folder: Path) -> bool:
    """Whether the folder holds a network, undamaged."""
    try:
        sums = json.loads((folder / _RECORD).read_text("utf-8"))["sha256"]
        return _NETWORK in sums and all(sha256_of(folder / name) == expected for name, expected in sums.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False

"""``enable_hpi``: the fastest engine and precision for a model on this machine, found by a short measurement and kept.

Each candidate runs on pages that docpre draws, beside the default engine in fp32. One that moves the answers by more
than its bound, or can't start, is refused, and the record says why. The record lies in the cache, by machine and model.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import os
import platform
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docpre.calibration_pages import draw_pages
from docpre.engines.base import ENGINES, PRECISIONS, Engine, RuntimeOptions, check_precision
from docpre.engines.devices import is_installed
from docpre.engines.parity import compare
from docpre.engines.quantising import RECIPE
from docpre.errors import DocpreError, EngineError
from docpre.network_input import network_pictures, normalised
from docpre.registry import ModelSpec, Weights, cache_dir, sha256_of

Start = Callable[[RuntimeOptions], tuple[Engine, Weights]]

ON_CPU = (("onnxruntime", "fp32"), ("openvino", "fp32"), ("openvino", "bf16"), ("openvino", "int8"))
ELSEWHERE = (
    ("onnxruntime", "fp32"),
    ("onnxruntime", "fp16"),
    ("torch", "fp32"),
    ("torch", "fp16"),
    ("tensorrt", "fp16"),
)
_PAGES = 8
_SEED = 1  # not the pages that int8 was calibrated on
_PASSES = 2
_LEAST_RUNS, _MOST_RUNS, _PASS_S = 3, 40, 0.3
_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "openvino", "nncf", "torch", "tensorrt")
_INT8_FLAGS = {"avx512_vnni", "avx_vnni", "amx_int8", "i8mm", "asimddp"}
_BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
_LOG = logging.getLogger("docpre")


@dataclass
class _Candidate:
    engine: str
    precision: str
    refused: str | None = None
    median_ms: float | None = None
    parity: Mapping[str, Any] | None = None
    started: tuple[Engine, Weights] | None = None

    def __str__(self) -> str:
        return f"{self.engine} in {self.precision}"

    def to_json(self) -> dict[str, Any]:
        found = {"median_ms": self.median_ms, "parity": self.parity, "refused": self.refused}
        return {"engine": self.engine, "precision": self.precision, **{k: v for k, v in found.items() if v is not None}}


def start_fastest(
    spec: ModelSpec,
    options: RuntimeOptions,
    device: str,
    default_engine: str | None,
    weights: Path,
    start: Start,
) -> tuple[Engine, Weights]:
    """Start the fastest engine: as the record says, or after measuring.

    Args:
        spec: the model.
        options: an ``engine``, and a ``precision`` other than fp32, restrict the candidates.
        device: that it is for.
        default_engine: that would run without ``enable_hpi``, in fp32: the reference.
        weights: the model's file, which the record is for.
        start: starts an engine from options.

    Raises:
        EngineError: no candidate can run here within its bound.
        ModelError: the weights are not of this network.
    """
    options = replace(options, device=device, enable_hpi=False)
    asked = {
        "engine": options.engine,
        "precision": None if options.precision == "fp32" else options.precision,
        "device": device,
        "threads": options.threads,
        "engine_config": options.configs.to_dict(),
        "use_tensorrt": options.use_tensorrt,
    }
    found: dict[str, Any] = {"model": spec.name, "weights_sha256": sha256_of(weights), "machine": machine()}
    found |= {"network_input": _network_input(spec), "asked": asked}
    path = _folder() / f"{_safe(spec.name)}-{_digest(found)}.json"
    if (choice := _recorded(path)) is not None:
        try:
            started = start(replace(options, engine=choice[0], precision=choice[1]))
        except EngineError as error:
            _LOG.info("%s: the record %s does not hold any more (%s); measuring again", spec.name, path, error)
        else:
            _LOG.info("%s: %s in %s, by the measurement in %s", spec.name, *choice, path)
            return started
    candidates = [_Candidate(engine, precision) for engine, precision in _table(options, device)]
    chosen = _measured(spec, options, device, default_engine, candidates, start)
    found |= {
        "chosen": {"engine": chosen.engine, "precision": chosen.precision},
        "candidates": [candidate.to_json() for candidate in candidates],
    }
    _write(path, found)
    for candidate in candidates:
        _LOG.info("%s: %s: %s", spec.name, candidate, candidate.refused or f"{candidate.median_ms:.1f} ms")
    _LOG.info("%s: took %s, the fastest here; kept in %s", spec.name, chosen, path)
    assert chosen.started is not None
    return chosen.started


def records(model: str) -> Iterator[dict[str, Any]]:
    """What was measured for a model, by any options; records of another machine or of other packages are left out."""
    here = machine()
    for path in sorted(_folder().glob(f"{_safe(model)}-*.json")):
        if _recorded(path) is not None:
            record = json.loads(path.read_text("utf-8"))
            if record.get("machine") == here and record.get("model") == model:
                yield record


def machine() -> dict[str, Any]:
    """What a measurement holds for: CPU, GPU, cores, and the versions of what takes part."""
    info = _cpu_info()
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": info.get("model name") or platform.processor() or platform.machine(),
        "cores": cores,
        "gpus": _gpu_names(),
        "packages": versions,
        "recipe": RECIPE,
    }


def _table(options: RuntimeOptions, device: str) -> list[tuple[str, str]]:
    table: tuple[tuple[str, str], ...] = ON_CPU if device == "cpu" else ELSEWHERE
    if options.engine is not None:
        own = tuple(entry for entry in table if entry[0] == options.engine)
        table = own or tuple((options.engine, precision) for precision in ("fp32", "bf16", "fp16"))
    if options.precision != "fp32":
        table = tuple(entry for entry in table if entry[1] == options.precision)
    if not table:
        raise EngineError(
            f"enable_hpi has no candidate with engine={options.engine!r} and precision={options.precision!r} on "
            f"{device}; leave one of them out, or enable_hpi."
        )
    return list(table)


def _measured(
    spec: ModelSpec,
    options: RuntimeOptions,
    device: str,
    default_engine: str | None,
    candidates: Sequence[_Candidate],
    start: Start,
) -> _Candidate:
    """Measure the candidates, note it in them, and give the fastest."""
    from tqdm import tqdm

    _LOG.info("Measuring which engine is the fastest for %s; this is done once on this machine", spec.name)
    pictures = network_pictures(list(draw_pages(_PAGES, _SEED)), spec)
    batches = [normalised([picture], spec) for picture in pictures]
    reference: tuple[Engine, Weights] | None = None
    expected: NDArray[np.float32] | None = None
    with tqdm(candidates, desc=f"Measuring {spec.name}", unit="engine", disable=None, leave=False) as bar:
        for candidate in bar:
            bar.set_postfix_str(str(candidate))
            candidate.refused = _why_not(candidate, device)
            if candidate.refused:
                continue
            if reference is None or expected is None:
                reference = start(replace(options, engine=default_engine, precision="fp32"))
                expected = _answers(reference[0], batches)
            try:
                if (reference[0].name, reference[0].precision) == (candidate.engine, candidate.precision):
                    candidate.started = reference
                else:
                    candidate.started = start(replace(options, engine=candidate.engine, precision=candidate.precision))
                own = candidate.started[0].precision
                if own != candidate.precision:
                    raise EngineError(f"the model's file is in {own}")
                found = expected if candidate.started is reference else _answers(candidate.started[0], batches)
            except DocpreError as error:
                candidate.refused = str(error)
                continue
            parity = compare(spec, expected, found)
            candidate.parity = parity.to_json()
            candidate.refused = parity.failure(candidate.precision)
    able = [candidate for candidate in candidates if candidate.refused is None]
    if not able:
        reasons = "; ".join(f"{candidate}: {candidate.refused}" for candidate in candidates)
        raise EngineError(f"enable_hpi found nothing that can run {spec.name} on {device}. {reasons}")
    taken_ms: dict[int, list[float]] = {index: [] for index in range(len(able))}
    # In blocks: an engine's threads spin for a while after each run and would disturb the next engine's.
    for _ in range(_PASSES):
        for index, candidate in enumerate(able):
            assert candidate.started is not None
            taken_ms[index] += _timed(candidate.started[0], batches[0])
    for index, candidate in enumerate(able):
        candidate.median_ms = round(statistics.median(taken_ms[index]), 3)
    return able[min(range(len(able)), key=lambda index: statistics.median(taken_ms[index]))]


def _why_not(candidate: _Candidate, device: str) -> str | None:
    """What speaks against a candidate before it is started; None: nothing."""
    if not is_installed(candidate.engine):
        return "not installed"
    try:
        check_precision(candidate.engine, device, candidate.precision)
    except EngineError as error:
        return str(error)
    flags = _cpu_info().get("flags")
    if device == "cpu" and flags:  # where they can't be read, the engine finds out
        needed = {"int8": _INT8_FLAGS, "bf16": _BF16_FLAGS}.get(candidate.precision)
        if needed and not needed & set(flags.split()):
            return f"the CPU has no {candidate.precision} arithmetic"
    return None


def _answers(engine: Engine, batches: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([engine.run(batch) for batch in batches])


def _timed(engine: Engine, batch: NDArray[np.float32]) -> list[float]:
    engine.run(batch)
    taken_ms: list[float] = []
    while len(taken_ms) < _LEAST_RUNS or (sum(taken_ms) < 1000 * _PASS_S and len(taken_ms) < _MOST_RUNS):
        started = time.perf_counter()
        engine.run(batch)
        taken_ms.append(1000 * (time.perf_counter() - started))
    return taken_ms


def _network_input(spec: ModelSpec) -> list[Any]:
    return [
        spec.size_hw,
        spec.mean,
        spec.std,
        spec.channel_order,
        spec.resize_short,
        spec.max_aspect,
        spec.fold_aspect,
        spec.near,
        spec.outputs,
    ]


def _folder() -> Path:
    return cache_dir().parent / "fastest"


def _recorded(path: Path) -> tuple[str, str] | None:
    """The engine and precision that a record names; None: there is no record, or it is damaged."""
    try:
        chosen = json.loads(path.read_text("utf-8"))["chosen"]
        choice = (chosen["engine"], chosen["precision"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return choice if choice[0] in ENGINES and choice[1] in PRECISIONS else None


def _write(path: Path, record: Mapping[str, Any]) -> None:
    """Keep a record; where that can't be, the next start measures again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".fastest-", delete=False, encoding="utf-8") as f:
            json.dump(record, f, indent=1)
        os.replace(f.name, path)
    except OSError as error:
        _LOG.warning("Can't keep the measurement in %s: %s; the next start measures again", path, error)


def _cpu_info() -> dict[str, str]:
    """``model name`` and ``flags`` as Linux tells them; elsewhere nothing."""
    try:
        first = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").split("\n\n")[0]
    except OSError:
        return {}
    lines = (line.partition(":") for line in first.splitlines())
    values = {key.strip(): value.strip() for key, _, value in lines}
    return values | {"flags": values.get("flags") or values.get("Features") or ""}


def _gpu_names() -> list[str]:
    """NVIDIA's GPUs, as its driver for Linux lists them."""
    names = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        match = re.search(r"Model:\s*(.+)", path.read_text("utf-8", errors="replace"))
        names.append(match[1] if match else "unknown")
    return names


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")

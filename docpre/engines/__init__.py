"""Engines run a network; each has a file of its own. ``create_engine`` picks and starts one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from docpre.engines.base import ENGINES, Engine, RuntimeOptions, check_precision
from docpre.engines.devices import choose
from docpre.engines.fastest import start_fastest
from docpre.errors import EngineError
from docpre.registry import ModelSpec, Weights, find_weights

__all__ = ["ENGINES", "Engine", "RuntimeOptions", "create_engine"]

_TORCH_ONLY = (".safetensors", ".pdparams", ".pkl", ".pth", ".pt")
_ANY_SUFFIX = (".onnx", ".xml", ".engine", *_TORCH_ONLY)


def create_engine(spec: ModelSpec, options: RuntimeOptions, model_dir: str | None = None) -> tuple[Engine, Weights]:
    """Find a model's weights and start an engine with them.

    Args:
        spec: the model.
        options: engine, device and the like; with ``enable_hpi`` the fastest engine and precision are found out.
        model_dir: a directory to take the weights from.

    Returns:
        The engine, and where its weights came from.

    Raises:
        ConfigError: the device's name is malformed.
        EngineError: the engine or device can't run here.
        ModelError: there are no weights, or they are not of this network.
    """
    engine = options.engine or _engine_for(model_dir)
    if not options.enable_hpi:
        return _started(spec, options, engine, model_dir)
    _, device = choose(engine, options.device)
    weights = find_weights(spec, model_dir, _ANY_SUFFIX)
    return start_fastest(
        spec,
        replace(options, engine=engine),
        device,
        _engine_for(model_dir),
        weights.path,
        lambda chosen: _started(spec, chosen, chosen.engine, model_dir),
    )


def _started(
    spec: ModelSpec, options: RuntimeOptions, engine: str | None, model_dir: str | None
) -> tuple[Engine, Weights]:
    name, device = choose(engine, options.device)
    check_precision(name, device, options.precision)
    if options.use_tensorrt and name != "onnxruntime":
        raise EngineError(f"use_tensorrt=True is for the engine onnxruntime, not {name}; or take engine='tensorrt'.")
    options.warn_of_no_effect(name, device)
    if name == "torch":
        from docpre.engines.torch import SUFFIXES, TorchEngine

        weights = find_weights(spec, model_dir, SUFFIXES)
        return TorchEngine(spec, weights.path, device, options), weights
    if name == "openvino":
        from docpre.engines.openvino import SUFFIXES as OPENVINO_SUFFIXES
        from docpre.engines.openvino import OpenVinoEngine

        weights = find_weights(spec, model_dir, OPENVINO_SUFFIXES)
        return OpenVinoEngine(spec, weights.path, device, options), weights
    if name == "tensorrt":
        from docpre.engines import tensorrt

        weights = find_weights(spec, model_dir, tensorrt.SUFFIXES)
        return tensorrt.TensorRtEngine(spec, weights.path, device, options), weights
    from docpre.engines.onnxruntime import OnnxRuntimeEngine

    weights = find_weights(spec, model_dir, (".onnx",))
    return OnnxRuntimeEngine(spec, weights.path, device, options), weights


def _engine_for(model_dir: str | None) -> str | None:
    """The one engine that can read what a directory holds; None where several can."""
    if model_dir is None:
        return None
    suffixes = {path.suffix for path in Path(model_dir).expanduser().glob("*")}
    if ".onnx" in suffixes:
        return None
    if ".xml" in suffixes:
        return "openvino"
    if ".engine" in suffixes:
        return "tensorrt"
    return "torch" if suffixes & set(_TORCH_ONLY) else None

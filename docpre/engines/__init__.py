"""Engines run a network; each has a file of its own. ``create_engine`` picks and starts one."""

from __future__ import annotations

from pathlib import Path

from docpre.engines.base import ENGINES, Engine, RuntimeOptions, check_precision
from docpre.engines.devices import choose
from docpre.errors import EngineError
from docpre.registry import ModelSpec, Weights, find_weights

__all__ = ["ENGINES", "Engine", "RuntimeOptions", "create_engine"]


def create_engine(spec: ModelSpec, options: RuntimeOptions, model_dir: str | None = None) -> tuple[Engine, Weights]:
    """Find a model's weights and start an engine with them.

    Args:
        spec: the model.
        options: engine, device and the like.
        model_dir: a directory to take the weights from.

    Returns:
        The engine, and where its weights came from.

    Raises:
        ConfigError: the device's name is malformed.
        EngineError: the engine or device can't run here.
        ModelError: there are no weights, or they are not of this network.
    """
    name, device = choose(options.engine or _engine_for(model_dir), options.device)
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
    """``torch`` where a directory holds weights that torch alone can read; None where any engine will do."""
    if model_dir is None:
        return None
    suffixes = {path.suffix for path in Path(model_dir).expanduser().glob("*")}
    only_torch = ".onnx" not in suffixes and suffixes & {".safetensors", ".pdparams", ".pkl", ".pth", ".pt"}
    return "torch" if only_torch else None

"""ONNX Runtime, the default engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from docpre.engines.base import RuntimeOptions, answer_index
from docpre.engines.devices import PROVIDERS, parse_device
from docpre.errors import EngineError, ModelError
from docpre.registry import ModelSpec

_ONLY_ERRORS = 3


class OnnxRuntimeEngine:
    """A network in an ONNX file, run by ONNX Runtime. One session may be run by many threads at once."""

    name = "onnxruntime"

    def __init__(self, spec: ModelSpec, path: Path, device: str, options: RuntimeOptions) -> None:
        import onnxruntime

        kind, number = parse_device(device)
        self.device = device
        self._spec = spec
        session_options = onnxruntime.SessionOptions()
        session_options.intra_op_num_threads = options.threads
        session_options.log_severity_level = _ONLY_ERRORS
        provider = PROVIDERS[kind]
        providers: list[str | tuple[str, dict[str, str]]] = [provider]
        if kind != "cpu":
            providers = [(provider, {"device_id": str(number)}), PROVIDERS["cpu"]]
        try:
            self._session = onnxruntime.InferenceSession(str(path), session_options, providers=providers)
        except Exception as error:
            raise ModelError(f"ONNX Runtime can't load {path}: {error}") from error
        if provider not in self._session.get_providers():
            raise EngineError(f"ONNX Runtime could not start {provider} for the device {device}.")
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise ModelError(f"{path} is not {spec.name}: it has {len(inputs)} inputs, not one.")
        self._input_name = inputs[0].name
        self._dtype = {"tensor(float)": np.float32, "tensor(float16)": np.float16}.get(inputs[0].type)
        if self._dtype is None:
            raise ModelError(f"{path} is not {spec.name}: its input is {inputs[0].type}.")
        self._check_shape(path, inputs[0].shape)
        names = [output.name for output in self._session.get_outputs()]
        self._output_name = names[answer_index(spec, names)]

    def _check_shape(self, path: Path, shape: list[int | str | None]) -> None:
        expected = (3, *self._spec.size_hw)
        if len(shape) != 4 or any(isinstance(a, int) and a != e for a, e in zip(shape[1:], expected, strict=True)):
            raise ModelError(f"{path} is not {self._spec.name}: its input is {shape}, not (N, 3, H, W) = {expected}.")

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``Engine.run``."""
        feeds = {self._input_name: batch.astype(self._dtype, copy=False)}
        try:
            outputs = self._session.run([self._output_name], feeds)
        except Exception as error:
            raise EngineError(f"ONNX Runtime failed on {self._spec.name}: {error}") from error
        return np.asarray(outputs[0], np.float32)

"""OpenVINO, the fastest engine on Intel's and AMD's CPUs. Needs the extra ``openvino``."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import openvino.properties as properties
import openvino.properties.hint as hint
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from docpre.engines.base import RuntimeOptions, answer_index
from docpre.errors import EngineError, ModelError
from docpre.registry import ModelSpec

_PRECISIONS = {"fp32": openvino.Type.f32, "bf16": openvino.Type.bf16}


class OpenVinoEngine:
    """A network in an ONNX file, run by OpenVINO. Each thread has its own request on the one compiled network."""

    name = "openvino"

    def __init__(self, spec: ModelSpec, path: Path, device: str, options: RuntimeOptions) -> None:
        self.device = device
        self._spec = spec
        self._local = threading.local()
        core = openvino.Core()
        if options.precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise EngineError("This CPU has no bf16 arithmetic; use precision='fp32'.")
        settings: dict[Any, Any] = {
            hint.inference_precision: _PRECISIONS.get(options.precision, openvino.Type.f32),
            hint.performance_mode: hint.PerformanceMode.LATENCY,
            properties.inference_num_threads: options.threads,
        }
        try:
            model = core.read_model(path)
            _check_input(model, spec, path)
            self._answer = answer_index(spec, [output.any_name for output in model.outputs])
            self._compiled = core.compile_model(_in_float32(model), "CPU", settings)
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"OpenVINO can't load {path}: {error}") from error

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``Engine.run``."""
        try:
            if not hasattr(self._local, "request"):
                self._local.request = self._compiled.create_infer_request()
            self._local.request.infer([batch])
            return np.array(self._local.request.get_output_tensor(self._answer).data, np.float32)
        except Exception as error:
            raise EngineError(f"OpenVINO failed on {self._spec.name}: {error}") from error


def _check_input(model: Any, spec: ModelSpec, path: Path) -> None:
    expected = (3, *spec.size_hw)
    shape = model.input().partial_shape if len(model.inputs) == 1 else None
    if shape is not None and shape.rank.is_static and len(shape) == 4:
        sizes = [dimension.get_length() if dimension.is_static else None for dimension in shape][1:]
        if all(size in (None, wanted) for size, wanted in zip(sizes, expected, strict=True)):
            return
    raise ModelError(f"{path} is not {spec.name}: its input is {shape}, not (N, 3, H, W) = {expected}.")


def _in_float32(model: Any) -> Any:
    """The network with float32 at both ends, whatever its file has, so that nothing is rounded there."""
    ends = PrePostProcessor(model)
    ends.input().tensor().set_element_type(openvino.Type.f32)
    for index in range(len(model.outputs)):
        ends.output(index).tensor().set_element_type(openvino.Type.f32)
    return ends.build()

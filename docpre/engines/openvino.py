"""OpenVINO, the fastest engine on Intel's and AMD's CPUs. Needs the extra ``openvino``."""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import openvino.properties as properties
import openvino.properties.hint as hint
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from docpre.engines.any_height import with_any_height
from docpre.engines.base import RuntimeOptions, answer_index
from docpre.engines.quantised import quantised_network
from docpre.errors import EngineError, ModelError
from docpre.registry import ModelSpec

SUFFIXES = (".xml", ".onnx")
_HINTS = {"latency": hint.PerformanceMode.LATENCY, "throughput": hint.PerformanceMode.THROUGHPUT}

# OpenVINO 2026.4 fills its table of numpy's types when it is first asked for one. Two threads that ask at once wait for
# each other forever, so it is asked here, where there is one.
openvino.Type.f32.to_dtype()


@functools.cache
def the_core() -> openvino.Core:
    """The process's one Core.

    Each Core's CPU plug-in puts a stack for signal handlers in place when it comes and the one before it back when it
    goes; where they don't go in reverse order, the next signal (a data loader's worker that ends) finds freed memory.
    """
    return openvino.Core()


class OpenVinoEngine:
    """A network in an ONNX or OpenVINO file, run by OpenVINO. Each thread has its own requests on the one network.

    The network is compiled for one picture at a time, which takes a tenth less than if their number were open, and for
    any number when several come for the first time.

    In int8 the layers that stay in floating point compute in bf16 where the CPU has it. A file that is quantised
    already runs in int8 whatever precision is asked for.
    """

    name = "openvino"

    def __init__(self, spec: ModelSpec, path: Path, device: str, options: RuntimeOptions) -> None:
        self.device = device
        self._spec = spec
        self._path = path
        self._local = threading.local()
        self._lock = threading.Lock()
        self._compiled: dict[bool, Any] = {}
        core = the_core()
        has_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if options.precision == "bf16" and not has_bf16:
            raise EngineError("This CPU has no bf16 arithmetic; use precision='fp32' or 'int8'.")
        model = read_network(core, spec, path)
        if options.precision == "int8" and not is_quantised(model):
            model = read_network(core, spec, quantised_network(spec, path))
        self.precision = "int8" if is_quantised(model) else options.precision
        in_bf16 = self.precision == "bf16" or (self.precision == "int8" and has_bf16)
        config = options.configs.openvino
        self._model = model
        self._settings: dict[Any, Any] = {
            hint.inference_precision: openvino.Type.bf16 if in_bf16 else openvino.Type.f32,
            hint.performance_mode: _HINTS[config.performance_hint],
            properties.inference_num_threads: config.inference_num_threads or options.threads,
        }
        if config.num_streams is not None:
            self._settings[properties.num_streams] = config.num_streams
        if config.cache_dir is not None:
            self._settings[properties.cache_dir] = str(Path(config.cache_dir).expanduser())
        self._has_size = all(spec.size_hw)
        self._network(is_single=self._has_size)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``Engine.run``."""
        return self._run(batch, 1)[0]

    def run_all(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """See ``Engine.run_all``."""
        return self._run(batch, len(self._model.outputs))

    def _network(self, is_single: bool) -> Any:
        """The network compiled for one picture at a time, or for any number of them."""
        with self._lock:
            if is_single not in self._compiled:
                model = self._model.clone()
                try:
                    if is_single:
                        model.reshape([1, 3, *self._spec.size_hw])
                    self._compiled[is_single] = the_core().compile_model(model, "CPU", self._settings)
                except Exception as error:
                    raise EngineError(f"OpenVINO can't compile {self._path}: {error}") from error
            return self._compiled[is_single]

    def _run(self, batch: NDArray[np.float32], count: int) -> tuple[NDArray[np.float32], ...]:
        is_single = self._has_size and len(batch) == 1
        network = self._network(is_single)
        try:
            if not hasattr(self._local, "requests"):
                self._local.requests = {}
            if is_single not in self._local.requests:
                self._local.requests[is_single] = network.create_infer_request()
            request = self._local.requests[is_single]
            request.infer([batch], share_inputs=True)
            return tuple(np.array(request.get_output_tensor(place).data, np.float32) for place in range(count))
        except Exception as error:
            raise EngineError(f"OpenVINO failed on {self._spec.name}: {error}") from error


def read_network(core: Any, spec: ModelSpec, path: Path) -> Any:
    """A network from an ONNX or OpenVINO file (.xml, its .bin beside it); see ``with_one_answer``.

    Raises:
        ModelError: it can't be read, or is another network.
        EngineError: it has to be rewritten for lines of any height, and onnx is not installed.
    """
    content = with_any_height(path) if spec.any_height else path
    try:
        model = core.read_model(content)
    except Exception as error:
        raise ModelError(f"OpenVINO can't load {path}: {error}") from error
    return with_one_answer(model, spec, path)


def with_one_answer(model: Any, spec: ModelSpec, path: Path) -> Any:
    """A network with its answer as the one output (a layout's are several) and what is inner; float32 at both ends.

    Raises:
        ModelError: it is another network.
    """
    _check_input(model, spec, path)
    answer = answer_index(spec, [next(iter(output.names), "") for output in model.outputs])
    for index, result in enumerate(model.get_results()):
        if index != answer and spec.task != "layout":
            model.remove_result(result)
    model.add_outputs(list(spec.inner))
    ends = PrePostProcessor(model)
    ends.input().tensor().set_element_type(openvino.Type.f32)
    for index in range(len(model.outputs)):
        ends.output(index).tensor().set_element_type(openvino.Type.f32)
    return ends.build()


def is_quantised(model: Any) -> bool:
    """Whether a network that OpenVINO has read computes in int8."""
    return any(node.get_type_name() == "FakeQuantize" for node in model.get_ops())


def _check_input(model: Any, spec: ModelSpec, path: Path) -> None:
    expected = (3, *spec.size_hw)
    shape = model.input().partial_shape if len(model.inputs) == 1 else None
    if shape is not None and shape.rank.is_static and len(shape) == 4:
        sizes = [dimension.get_length() if dimension.is_static else None for dimension in shape][1:]
        if all(size in (None, wanted) for size, wanted in zip(sizes, expected, strict=True)):
            return
    raise ModelError(f"{path} is not {spec.name}: its input is {shape}, not (N, 3, H, W) = {expected}.")

"""ONNX Runtime, the default engine: on the CPU, and by its providers on GPUs and the like."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docpre.engines.any_height import with_any_height
from docpre.engines.base import RuntimeOptions, answer_index, is_exported_in_int8
from docpre.engines.devices import PROVIDERS, parse_device
from docpre.engines.inner_outputs import with_inner_outputs
from docpre.engines.onnx_precision import in_precision
from docpre.engines.tensorrt import cache_folder
from docpre.errors import EngineError, ModelError
from docpre.registry import ModelSpec

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"

Providers = list[tuple[str, dict[str, str]]]
_DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_TYPES = {"fp32": "tensor(float)", "fp16": "tensor(float16)"}
_MENDS = {
    CUDA: "It needs CUDA and cuDNN of the versions that it was built for: pip install 'onnxruntime-gpu[cuda,cudnn]'.",
    TENSORRT: (
        "It needs TensorRT of the major version that it was built for (10, up to onnxruntime 1.31): "
        "pip install 'tensorrt<11'. The engine tensorrt takes any from 10 on."
    ),
}
_BOUNDED_WAIT_SINCE, _WAIT_US = (1, 27), 20
_GRAPH_LEVELS = {
    "disable_all": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "layout": "ORT_ENABLE_LAYOUT",
    "all": "ORT_ENABLE_ALL",
}


class OnnxRuntimeEngine:
    """A network in an ONNX file, run by ONNX Runtime. One session may be run by many threads at once."""

    name = "onnxruntime"

    def __init__(self, spec: ModelSpec, path: Path, device: str, options: RuntimeOptions) -> None:
        self.device = device
        self.precision = "int8" if is_exported_in_int8(spec) else options.precision
        self._spec = spec
        providers = providers_for(device, options)
        _check_available(providers)
        content = with_any_height(path) if spec.any_height else None
        if spec.inner:
            content = with_inner_outputs(path.read_bytes() if content is None else content, spec.inner)
        self._session = _session(path, path if content is None else content, providers, options)
        own_type = _TYPES.get(options.precision)
        if providers[0][0] != CPU and own_type not in (None, self._session.get_inputs()[0].type):
            # Other providers compute in the file's own type; the CPU's computes float16 in float32 by itself.
            self._session = _session(path, in_precision(path, options.precision, content), providers, options)
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise ModelError(f"{path} is not {spec.name}: it has {len(inputs)} inputs, not one.")
        self._input_name = inputs[0].name
        self._dtype = _DTYPES.get(inputs[0].type)
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
        return self._run((self._output_name,), batch)[0]

    def run_all(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """See ``Engine.run_all``."""
        return self._run((*self._spec.outputs, *self._spec.inner), batch)

    def _run(self, names: Sequence[str], batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        feeds = {self._input_name: batch.astype(self._dtype, copy=False)}
        try:
            outputs = self._session.run(list(names), feeds)
        except Exception as error:
            raise EngineError(f"ONNX Runtime failed on {self._spec.name}: {error}") from error
        return tuple(np.asarray(output, np.float32) for output in outputs)


def providers_for(device: str, options: RuntimeOptions) -> Providers:
    """The execution providers that options come down to, the best first, each with its settings.

    Raises:
        EngineError: TensorRT was asked for where it can't run.
    """
    kind, number = parse_device(device)
    config = options.configs.onnxruntime
    own = {name: dict(settings) for name, settings in config.provider_options}
    settings_of: dict[str, Mapping[str, str]] = {
        CUDA: {"device_id": str(number), "use_tf32": "0"},
        TENSORRT: tensorrt_options(number, options),
        CPU: {},
    }
    if options.use_tensorrt and kind != "gpu":
        raise EngineError(f"use_tensorrt=True needs an NVIDIA GPU (device='gpu:0'), not {device}.")
    names = list(config.providers)
    if not names:
        names = [PROVIDERS[kind]]
        if options.use_tensorrt:
            names.insert(0, TENSORRT)
        if kind != "cpu":
            names.append(CPU)
    return [(name, {**settings_of.get(name, {"device_id": str(number)}), **own.get(name, {})}) for name in names]


def tensorrt_options(device_number: int, options: RuntimeOptions) -> dict[str, str]:
    """Settings of ONNX Runtime's TensorRT provider, under its own names."""
    config = options.configs.tensorrt
    folder = str(cache_folder(config))
    settings = {
        "device_id": device_number,
        "trt_fp16_enable": int(options.precision == "fp16"),
        "trt_min_subgraph_size": options.min_subgraph_size,
        "trt_builder_optimization_level": config.builder_optimization_level,
        "trt_engine_cache_enable": 1,
        "trt_engine_cache_path": folder,
        "trt_timing_cache_enable": int(config.timing_cache),
        "trt_timing_cache_path": folder,
    }
    if config.workspace_mib is not None:
        settings["trt_max_workspace_size"] = config.workspace_mib * 1024**2
    return {name: str(value) for name, value in settings.items()}


def _check_available(providers: Providers) -> None:
    import onnxruntime

    available = onnxruntime.get_available_providers()
    for name, _ in providers:
        if name not in available:
            mend = ""
            if name in _MENDS:
                mend = " Swap the package: pip uninstall onnxruntime, then pip install 'onnxruntime-gpu[cuda,cudnn]'."
            raise EngineError(f"This onnxruntime has no {name}; it has {', '.join(available)}.{mend}")


def waiting(version: str) -> tuple[str, str]:
    """The setting for threads that have no operator to work on.

    Those that wait in a loop are in the way of others that decode and sample pages: without them a large photo takes a
    fifth less of the processor's time, and no more of the clock's. To be woken for each operator costs a small network
    a tenth of its time, though, so they do wait for some microseconds where ONNX Runtime can be told for how long.
    """
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) < _BOUNDED_WAIT_SINCE:
        return "session.intra_op.allow_spinning", "0"
    return "session.intra_op.spin_duration_us", str(_WAIT_US)


def _session(path: Path, model: Path | bytes, providers: Providers, options: RuntimeOptions) -> Any:
    import onnxruntime

    config = options.configs.onnxruntime
    wanted = [name for name, _ in providers]
    if CUDA in wanted or TENSORRT in wanted:
        if TENSORRT in wanted and importlib.util.find_spec("tensorrt") is not None:
            importlib.import_module("tensorrt")  # brings its libraries into the process, where the provider finds them
        if hasattr(onnxruntime, "preload_dlls"):
            with contextlib.redirect_stdout(sys.stderr):  # it prints what it does not find
                onnxruntime.preload_dlls()  # CUDA and cuDNN as pip installs them
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = config.intra_op_num_threads or options.threads
    session_options.add_session_config_entry(*waiting(onnxruntime.__version__))
    if config.inter_op_num_threads is not None:
        session_options.inter_op_num_threads = config.inter_op_num_threads
    session_options.graph_optimization_level = getattr(
        onnxruntime.GraphOptimizationLevel, _GRAPH_LEVELS[config.graph_optimization_level]
    )
    is_parallel = config.execution_mode == "parallel"
    modes = onnxruntime.ExecutionMode
    session_options.execution_mode = modes.ORT_PARALLEL if is_parallel else modes.ORT_SEQUENTIAL
    session_options.enable_mem_pattern = config.enable_mem_pattern
    session_options.enable_cpu_mem_arena = config.enable_cpu_mem_arena
    session_options.log_severity_level = config.log_severity_level
    try:
        # Without enable_fallback=0 it would go on with the next provider, and print so to stdout.
        session = onnxruntime.InferenceSession(
            model if isinstance(model, bytes) else str(model), session_options, providers=providers, enable_fallback=0
        )
    except Exception as error:
        if wanted[0] != CPU and any(name in str(error) for name in ("TensorRT", "CUDA", "cuDNN")):
            raise EngineError(
                f"ONNX Runtime could not start {wanted[0]}: {str(error).strip()} {_MENDS.get(wanted[0], '')}"
            ) from error
        raise ModelError(f"ONNX Runtime can't load {path}: {error}") from error
    if missing := [name for name in wanted if name not in session.get_providers()]:
        raise EngineError(f"ONNX Runtime could not start {missing[0]}. {_MENDS.get(missing[0], '')}".rstrip())
    return session

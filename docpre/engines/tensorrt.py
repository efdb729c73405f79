"""TensorRT, for NVIDIA GPUs. Needs the extra ``tensorrt``, the driver, and a GPU.

An engine is built from the ONNX file at the first start and kept in the cache. Networks are strongly typed: they
compute in the types of the file, which is rewritten for the precision first (TensorRT 10 can do this, 11 nothing else).
Buffers are held through cuda-python (31 MB), so that neither torch nor pycuda's compiler is needed.
"""

from __future__ import annotations

import importlib
import os
import re
import tempfile
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docpre.engines.base import RuntimeOptions, answer_index, check_precision, only_the_answer
from docpre.engines.devices import parse_device
from docpre.engines.engine_config import TensorRtConfig
from docpre.engines.onnx_precision import in_precision
from docpre.errors import EngineError, ModelError
from docpre.registry import ModelSpec, cache_dir, sha256_of

# Engines from `docpre export` are preferred to the ONNX files that they can be built from.
SUFFIXES = (".engine", ".onnx")
_INSTALL = "pip install 'docpre[tensorrt]'"
_TIMING_CACHE = "timing.cache"


class TensorRtEngine:
    """A network in TensorRT. It may be called by many threads; they take turns, as the GPU would make them."""

    name = "tensorrt"

    def __init__(self, spec: ModelSpec, path: Path, device: str, options: RuntimeOptions) -> None:
        check_precision("tensorrt", device, options.precision)
        _, number = parse_device(device)
        config = options.configs.tensorrt
        self.device = device
        self.precision = options.precision
        self._spec = spec
        self._cuda = _Cuda(number)
        trt = _tensorrt()
        if path.suffix == ".engine":
            plan_path = path
        else:
            name = engine_file_name(
                spec, sha256_of(path), trt.__version__, self._cuda.gpu_name, options.precision, config
            )
            plan_path = cache_folder(config) / name
            if not plan_path.is_file():
                build_engine(
                    path, plan_path, spec, options.precision, config.max_batch, config=config, device_number=number
                )
        self._logger = trt.Logger(trt.Logger.ERROR)
        self._runtime = trt.Runtime(self._logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan_path.read_bytes())
        if self._engine is None:
            raise EngineError(
                f"TensorRT {trt.__version__} can't load {plan_path}: engines are bound to the version and the kind of "
                "GPU that they were built with. Build it again here with `docpre export --format tensorrt`."
            )
        self._input, self._output = _ends(trt, self._engine, spec, plan_path)
        self._max_batch = int(self._engine.get_tensor_profile_shape(self._input, 0)[2][0])
        self._input_dtype = np.dtype(trt.nptype(self._engine.get_tensor_dtype(self._input)))
        self._output_dtype = np.dtype(trt.nptype(self._engine.get_tensor_dtype(self._output)))
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise EngineError(f"TensorRT could not start {spec.name} on {device}: the GPU's memory may be full.")
        self._lock = threading.Lock()
        self._stream = self._cuda.stream()
        shape = self._shaped(self._max_batch)
        self._input_buffer = self._cuda.allocate(
            self._max_batch * 3 * spec.size_hw[0] * spec.size_hw[1] * self._input_dtype.itemsize
        )
        self._output_buffer = self._cuda.allocate(int(np.prod(shape)) * self._output_dtype.itemsize)
        self._context.set_tensor_address(self._input, self._input_buffer)
        self._context.set_tensor_address(self._output, self._output_buffer)

    def _shaped(self, count: int) -> tuple[int, ...]:
        """Set the batch, and say how large the answer to it is."""
        if not self._context.set_input_shape(self._input, (count, 3, *self._spec.size_hw)):
            raise EngineError(f"TensorRT can't run {self._spec.name} on {count} pictures at once.")
        return tuple(self._context.get_tensor_shape(self._output))

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``Engine.run``."""
        with self._lock:
            parts = [
                self._run(batch[start : start + self._max_batch]) for start in range(0, len(batch), self._max_batch)
            ]
        return np.concatenate(parts)

    def run_all(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """See ``Engine.run_all``."""
        if self._spec.inner or (len(self._spec.outputs) > 1 and self._spec.task == "layout"):
            raise only_the_answer(self.name, self._spec)
        return (self.run(batch),)

    def _run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self._cuda.use()
        output = np.empty(self._shaped(len(batch)), self._output_dtype)
        self._cuda.to_device(self._input_buffer, np.ascontiguousarray(batch, self._input_dtype), self._stream)
        if not self._context.execute_async_v3(self._stream):
            raise EngineError(f"TensorRT failed on {self._spec.name}.")
        self._cuda.to_host(output, self._output_buffer, self._stream)
        return output.astype(np.float32, copy=False)


def build_engine(
    onnx_path: Path,
    engine_path: Path,
    spec: ModelSpec,
    precision: str,
    max_batch: int,
    *,
    config: TensorRtConfig | None = None,
    device_number: int = 0,
) -> None:
    """Build a TensorRT engine from an ONNX file, for the GPU at hand and any batch up to ``max_batch``.

    Args:
        onnx_path: the network; for int8 one with QuantizeLinear nodes, else in float32 or float16.
        engine_path: where the engine goes; it appears there whole or not at all.
        spec: the network's model.
        precision: ``fp32``, ``fp16`` or ``int8``.
        max_batch: the most pictures in one run.
        config: the other settings; None: the defaults.
        device_number: of the GPU.

    Raises:
        EngineError: TensorRT, the driver or a GPU is missing, or TensorRT can't build the network.
        ModelError: the file is not of this network, or does not suit the precision.
    """
    check_precision("tensorrt", f"gpu:{device_number}", precision)
    config = config or TensorRtConfig(max_batch=max_batch)
    content = network_content(onnx_path, precision)
    trt = _tensorrt()
    _Cuda(device_number).use()
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(content):
        reasons = "; ".join(str(parser.get_error(index)) for index in range(parser.num_errors))
        raise EngineError(f"TensorRT {trt.__version__} can't take {onnx_path}: {reasons}")
    outputs = [network.get_output(index) for index in range(network.num_outputs)]
    answer = answer_index(spec, [output.name for output in outputs])
    for index, output in enumerate(outputs):
        if index != answer:
            network.unmark_output(output)  # what nobody asks for is not computed
    settings = builder.create_builder_config()
    settings.builder_optimization_level = config.builder_optimization_level
    if not config.tf32:
        settings.clear_flag(trt.BuilderFlag.TF32)
    if config.workspace_mib is not None:
        settings.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, config.workspace_mib * 1024**2)
    profile = builder.create_optimization_profile()
    profile.set_shape(network.get_input(0).name, *profile_shapes(spec, config.opt_batch, max_batch))
    settings.add_optimization_profile(profile)
    timing_path = cache_folder(config) / _TIMING_CACHE
    if config.timing_cache:
        known = timing_path.read_bytes() if timing_path.is_file() else b""
        settings.set_timing_cache(settings.create_timing_cache(known), False)
    plan = builder.build_serialized_network(network, settings)
    if plan is None:
        raise EngineError(f"TensorRT {trt.__version__} could not build {spec.name} in {precision}; its log says why.")
    _write(engine_path, bytes(plan))
    if config.timing_cache:
        _write(timing_path, bytes(settings.get_timing_cache().serialize()))


def network_content(onnx_path: Path, precision: str) -> bytes:
    """The ONNX file that TensorRT builds a precision from.

    Raises:
        EngineError: onnx is not installed.
        ModelError: it is not ONNX, or lacks what int8 needs.
    """
    if precision != "int8":
        return in_precision(onnx_path, precision)
    import onnx

    if not any(node.op_type == "QuantizeLinear" for node in onnx.load(str(onnx_path)).graph.node):
        raise ModelError(
            f"{onnx_path} has no QuantizeLinear nodes, which int8 needs. Make such a file with "
            "`docpre export --format onnx --precision int8`."
        )
    return onnx_path.read_bytes()


def profile_shapes(
    spec: ModelSpec, opt_batch: int, max_batch: int
) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int], tuple[int, int, int, int]]:
    """Shapes (N, 3, H, W) of the smallest, the usual and the largest batch."""
    height, width = spec.size_hw
    return (1, 3, height, width), (min(opt_batch, max_batch), 3, height, width), (max_batch, 3, height, width)


def engine_file_name(
    spec: ModelSpec, sha256: str, trt_version: str, gpu_name: str, precision: str, config: TensorRtConfig
) -> str:
    """A name that differs whenever the engine would: by model, weights, TensorRT, GPU, precision and settings."""
    settings = f"b{config.opt_batch}-{config.max_batch}_o{config.builder_optimization_level}"
    if config.tf32:
        settings += "_tf32"
    if config.workspace_mib is not None:
        settings += f"_w{config.workspace_mib}"
    parts = (spec.name, sha256[:16], f"trt{trt_version}", gpu_name, precision, settings)
    return "_".join(re.sub(r"[^A-Za-z0-9.-]+", "-", part) for part in parts[:-1]) + f"_{settings}.engine"


def cache_folder(config: TensorRtConfig) -> Path:
    """Where built engines are kept."""
    return Path(config.cache_dir).expanduser() if config.cache_dir else cache_dir().parent / "tensorrt"


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".build-", delete=False) as file:
            file.write(content)
        os.replace(file.name, path)
    except OSError as error:
        raise EngineError(f"Can't keep the TensorRT engine at {path}: {error.strerror or error}.") from error


def _ends(trt: Any, engine: Any, spec: ModelSpec, path: Path) -> tuple[str, str]:
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    inputs = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
    outputs = [name for name in names if name not in inputs]
    if len(inputs) != 1 or tuple(engine.get_tensor_shape(inputs[0]))[1:] != (3, *spec.size_hw):
        raise ModelError(f"{path} is not {spec.name}: its input is not (N, 3, H, W) = (N, 3, *{spec.size_hw}).")
    return inputs[0], outputs[answer_index(spec, outputs)]


def _tensorrt() -> Any:
    try:
        return importlib.import_module("tensorrt")
    except Exception as error:  # besides ImportError: missing libraries, which it reports as it likes
        raise EngineError(f"TensorRT can't be imported ({error}). It needs an NVIDIA GPU and {_INSTALL}.") from error


class _Cuda:
    """The few calls of the CUDA runtime that an engine needs, with docpre's errors."""

    def __init__(self, number: int) -> None:
        try:
            self._cudart = importlib.import_module("cuda.bindings.runtime")
        except ImportError as error:
            raise EngineError(f"The engine tensorrt needs cuda-python: {_INSTALL}.") from error
        self._number = number
        self.use()
        name = self._call("cudaGetDeviceProperties", number).name
        self.gpu_name: str = name.decode() if isinstance(name, bytes) else str(name)

    def _call(self, function: str, *arguments: Any) -> Any:
        error, *values = getattr(self._cudart, function)(*arguments)
        if int(error):
            text = self._cudart.cudaGetErrorString(error)[1]
            reason = text.decode() if isinstance(text, bytes) else text
            raise EngineError(f"CUDA failed in {function} on gpu:{self._number}: {reason}.")
        return values[0] if values else None

    def use(self) -> None:
        """Make this GPU the thread's."""
        self._call("cudaSetDevice", self._number)

    def stream(self) -> int:
        """A queue of work of its own, destroyed with this object."""
        stream = int(self._call("cudaStreamCreate"))
        weakref.finalize(self, self._cudart.cudaStreamDestroy, stream)
        return stream

    def allocate(self, size_bytes: int) -> int:
        """Memory on the GPU, freed with this object."""
        address = int(self._call("cudaMalloc", size_bytes))
        weakref.finalize(self, self._cudart.cudaFree, address)
        return address

    def to_device(self, address: int, array: NDArray[Any], stream: int) -> None:
        kind = self._cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._call("cudaMemcpyAsync", address, array.ctypes.data, array.nbytes, kind, stream)

    def to_host(self, array: NDArray[Any], address: int, stream: int) -> None:
        """Copy, and wait for all that went before."""
        kind = self._cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._call("cudaMemcpyAsync", array.ctypes.data, address, array.nbytes, kind, stream)
        self._call("cudaStreamSynchronize", stream)

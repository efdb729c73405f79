"""What an engine is, and the choices that a user has about it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from docpre.engines.engine_config import EngineConfigs
from docpre.errors import ConfigError, EngineError
from docpre.registry import ModelSpec

ENGINES = ("onnxruntime", "openvino", "torch", "tensorrt")
PRECISIONS = ("fp32", "fp16", "bf16", "int8")
# Engine -> the precisions that it has on the CPU, and on other devices. An engine may find that a machine lacks one.
_PRECISIONS_ON: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "onnxruntime": (("fp32",), ("fp32", "fp16")),
    "openvino": (("fp32", "bf16", "int8"), ()),
    "torch": (("fp32", "bf16"), ("fp32", "fp16", "bf16")),
    "tensorrt": ((), ("fp32", "fp16", "int8")),
}


class Engine(Protocol):
    """A network that is ready to run. Safe to share between threads."""

    name: str
    device: str
    precision: str

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pictures (N, 3, H, W), normalised, to the network's answer: scores (N, classes) or grids (N, 2, 45, 31).

        Raises:
            EngineError: the engine failed.
        """
        ...

    def run_all(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Pictures (N, 3, H, W), normalised, to every output and inner tensor that the specification names.

        Raises:
            EngineError: the engine failed, or gives the answer alone.
        """
        ...


@dataclass(frozen=True)
class RuntimeOptions:
    """How networks are run; the names and defaults are PaddleOCR's.

    Args:
        engine: ``onnxruntime``, ``openvino`` (CPU), ``torch`` or ``tensorrt`` (NVIDIA GPUs). None: ONNX Runtime, or
            torch where only torch has the device.
        engine_config: settings of an engine, flat or by engine; see ``docpre.engines.engine_config``.
        device: ``cpu``, ``gpu``, ``gpu:0`` or another type and number. None: GPU 0 if an engine here can use one,
            else the CPU.
        precision: ``fp32``, ``fp16`` (GPUs), ``bf16`` (OpenVINO on CPUs that have it, torch) or ``int8``. One that
            the engine does not have on the device is an error.
        cpu_threads: at most so many threads a network; never more than the machine has.
        enable_hpi: pick the fastest engine and precision for this machine, by a short measurement that is kept; an
            ``engine`` that is named, and a ``precision`` other than fp32, are kept to.
        use_tensorrt: run ONNX Runtime's TensorRT provider; an error where it can't run.
        min_subgraph_size: of that provider: smaller parts of the network stay with CUDA.
        enable_mkldnn, mkldnn_cache_capacity, enable_cinn: taken for PaddleOCR's sake. What can have no effect here
            warns once.
    """

    engine: str | None = None
    engine_config: EngineConfigs | Mapping[str, Any] | None = None
    device: str | None = None
    enable_hpi: bool | None = False
    use_tensorrt: bool = False
    min_subgraph_size: int = 3
    precision: str = "fp32"
    enable_mkldnn: bool | None = None
    mkldnn_cache_capacity: int = 10
    cpu_threads: int = 8
    enable_cinn: bool = False

    def __post_init__(self) -> None:
        if self.engine is not None and self.engine not in ENGINES:
            raise ConfigError(f"engine is one of {', '.join(ENGINES)} or None, not {self.engine!r}.")
        if self.precision not in PRECISIONS:
            raise ConfigError(f"precision is one of {', '.join(PRECISIONS)}, not {self.precision!r}.")
        for name, lowest in (("cpu_threads", 1), ("min_subgraph_size", 1), ("mkldnn_cache_capacity", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
                raise ConfigError(f"{name} is a whole number of at least {lowest}, not {value!r}.")
        for name in ("enable_hpi", "use_tensorrt", "enable_mkldnn", "enable_cinn"):
            value = getattr(self, name)
            if not (isinstance(value, bool) or (value is None and name in ("enable_hpi", "enable_mkldnn"))):
                raise ConfigError(f"{name} is True or False, not {value!r}.")
        if self.device is not None and not isinstance(self.device, str):
            raise ConfigError(f"device is a text such as 'cpu' or 'gpu:0', not {self.device!r}.")
        object.__setattr__(self, "engine_config", EngineConfigs.parsed(self.engine_config, self.engine))

    @classmethod
    def from_arguments(cls, device: str | None, arguments: Mapping[str, Any]) -> RuntimeOptions:
        """Options from a constructor's keyword arguments.

        Raises:
            ConfigError: one is unknown or wrong.
        """
        known = sorted(field.name for field in fields(cls))
        if unknown := sorted(set(arguments) - set(known)):
            raise ConfigError(f"Unknown argument: {', '.join(unknown)}. Arguments on running are {', '.join(known)}.")
        return cls(device=device, **arguments)

    @property
    def configs(self) -> EngineConfigs:
        """``engine_config`` as it was understood."""
        assert isinstance(self.engine_config, EngineConfigs)
        return self.engine_config

    @property
    def threads(self) -> int:
        """``cpu_threads``, capped at the cores that this process may use."""
        return min(self.cpu_threads, available_cores())

    def warn_of_no_effect(self, engine: str, device: str) -> None:
        """Warn, once for each option, of what was asked for and can have no effect with this engine and device."""
        where = f"the engine {engine} on {device}"
        if self.min_subgraph_size != RuntimeOptions.min_subgraph_size and not self.use_tensorrt:
            _warn_once("min_subgraph_size", "min_subgraph_size has no effect without use_tensorrt=True")
        if self.enable_mkldnn is not None and not (engine == "torch" and device == "cpu"):
            _warn_once("enable_mkldnn", f"enable_mkldnn has no effect: {where} has no such switch")
        if self.mkldnn_cache_capacity != RuntimeOptions.mkldnn_cache_capacity:
            _warn_once("mkldnn_cache_capacity", "mkldnn_cache_capacity has no effect: it is an option of Paddle's")
        if self.enable_cinn:
            _warn_once("enable_cinn", "enable_cinn=True has no effect: CINN is Paddle's own compiler")
        if self.cpu_threads != RuntimeOptions.cpu_threads and self.cpu_threads > self.threads:
            _warn_once("cpu_threads", f"cpu_threads={self.cpu_threads} is capped at {self.threads}, all there are")


def precisions_on(engine: str, device: str) -> tuple[str, ...]:
    """The precisions that an engine has on a device, such as ``cpu`` or ``gpu:0``."""
    return _PRECISIONS_ON[engine][0 if device == "cpu" else 1]


def check_precision(engine: str, device: str, precision: str) -> None:
    """Refuse a precision that an engine does not have on a device.

    Raises:
        EngineError: the message says which engines have it there, or where else it can be had.
    """
    on_cpu = device == "cpu"
    has = precisions_on(engine, device)
    if precision in has:
        return
    able = [name for name, (cpu, other) in _PRECISIONS_ON.items() if precision in (cpu if on_cpu else other)]
    if able:
        mend = f"on {device} it needs engine={' or '.join(repr(name) for name in able)}"
    else:
        mend = f"no engine has it on {'the CPU' if on_cpu else device}; it needs {'a GPU' if on_cpu else 'the CPU'}"
    has_text = f"has {', '.join(has)} there" if has else "does not run there"
    raise EngineError(f"The engine {engine} has no precision={precision!r} on {device}: {mend}. {engine} {has_text}.")


def answer_index(spec: ModelSpec, output_names: Sequence[str]) -> int:
    """Which of a file's outputs is the network's answer: the one that the specification names first, else the first."""
    return output_names.index(spec.outputs[0]) if spec.outputs and spec.outputs[0] in output_names else 0


def only_the_answer(engine: str, spec: ModelSpec) -> EngineError:
    """Why an engine can't run a network with several outputs."""
    return EngineError(
        f"{spec.name} answers with {len(spec.outputs)} outputs, of which the engine {engine} gives one; "
        "use engine='onnxruntime' or 'openvino'."
    )


def is_exported_in_int8(spec: ModelSpec) -> bool:
    """Whether ``docpre export`` wrote a model's files in int8."""
    export = spec.provenance.get("export")
    return isinstance(export, Mapping) and export.get("precision") == "int8"


def available_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


_WARNED: set[str] = set()


def _warn_once(option: str, message: str) -> None:
    if option not in _WARNED:
        _WARNED.add(option)
        warnings.warn(f"docpre: {message}.", UserWarning, stacklevel=2)

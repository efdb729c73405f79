"""Which devices the installed engines can use, and which engine and device a user's wish comes down to.

Device types are PaddleOCR's: ``cpu``, ``gpu`` (NVIDIA), ``dcu`` (Hygon, ROCm), ``npu`` (Ascend), ``xpu`` (Intel in
torch), ``mlu`` (Cambricon), ``gcu`` (Enflame), and ``mps`` (Apple).
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import re
import sys
from typing import Any

from docpre.engines.base import ENGINES
from docpre.errors import ConfigError, EngineError

# Device type -> ONNX Runtime's execution provider.
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "gpu": "CUDAExecutionProvider",
    "dcu": "MIGraphXExecutionProvider",
    "npu": "CANNExecutionProvider",
    "mps": "CoreMLExecutionProvider",
}
# Device type -> torch's device type, and the plug-in that brings it where it is not torch's own.
TORCH_DEVICES = {
    "cpu": ("cpu", None),
    "gpu": ("cuda", None),
    "dcu": ("cuda", None),
    "xpu": ("xpu", None),
    "mps": ("mps", None),
    "npu": ("npu", "torch_npu"),
    "mlu": ("mlu", "torch_mlu"),
    "gcu": ("gcu", "torch_gcu"),
}


def parse_device(device: str) -> tuple[str, int]:
    """``gpu:1`` to ``("gpu", 1)``.

    Raises:
        ConfigError: it is not a type and an optional number; lists of devices are not supported.
    """
    match = re.fullmatch(r"([a-z]+)(?::(\d+))?", device.strip().lower())
    if not match:
        raise ConfigError(f"device is a type and an optional number, such as 'cpu' or 'gpu:0', not {device!r}.")
    if match[1] == "cpu" and match[2] is not None:
        raise ConfigError(f"The CPU has no number: 'cpu', not {device!r}.")
    kind = "gpu" if match[1] == "cuda" else match[1]
    return kind, int(match[2] or 0)


def choose(engine: str | None, device: str | None) -> tuple[str, str]:
    """The engine and device (as ``cpu`` or ``type:number``) that a user's wish comes down to.

    Raises:
        ConfigError: the device is malformed.
        EngineError: nothing here can do it.
    """
    engines = [engine] if engine else ["onnxruntime", "torch"]
    if engine is not None and not is_installed(engine):
        raise EngineError(f"The engine {engine} is not installed: pip install 'docpre[{engine}]'.")
    if device is None:
        if _has_nvidia_driver():
            for name in engines:
                if _count(name, "gpu"):
                    return name, "gpu:0"
        if engine == "tensorrt":
            raise EngineError("The engine tensorrt needs an NVIDIA GPU and its driver; neither was found here.")
        return engines[0], "cpu"
    kind, number = parse_device(device)
    if kind not in PROVIDERS and kind not in TORCH_DEVICES:
        raise EngineError(f"docpre knows no device type {kind!r}. {_supported()}")
    for name in engines:
        count = _count(name, kind)
        if count and number >= count:
            raise EngineError(f"The device {kind}:{number} does not exist: there are {count} of type {kind}.")
        if count:
            return name, "cpu" if kind == "cpu" else f"{kind}:{number}"
    asked = f" with the engine {engine}" if engine else ""
    raise EngineError(f"The device {device!r} can't be used here{asked}. {_supported()}")


def supported_devices() -> dict[str, list[str]]:
    """Device types that can be used here, by engine."""
    kinds = list(dict.fromkeys([*PROVIDERS, *TORCH_DEVICES]))
    engines = [engine for engine in ENGINES if is_installed(engine)]
    return {name: [kind for kind in kinds if _count(name, kind)] for name in engines}


def _supported() -> str:
    parts = [f"{', '.join(kinds)} ({name})" for name, kinds in supported_devices().items()]
    hint = "" if is_installed("torch") else " Others may need torch: pip install 'docpre[torch]'."
    return f"Supported here: {'; '.join(parts)}.{hint}"


def _count(engine: str, kind: str) -> int:
    """How many devices of a type an engine can use; ONNX Runtime doesn't tell, so any number counts as there."""
    if not is_installed(engine):
        return 0
    if engine == "torch":
        return _torch_count(kind)
    if engine == "openvino":
        return 1 if kind == "cpu" else 0
    if engine == "tensorrt":
        return _nvidia_count() if kind == "gpu" else 0
    import onnxruntime

    if PROVIDERS.get(kind) not in onnxruntime.get_available_providers():
        return 0
    if kind == "cpu":
        return 1
    if kind == "gpu":  # the CUDA provider is listed whenever it was built in, GPU or not
        return _nvidia_count()
    return sys.maxsize


def _torch_count(kind: str) -> int:
    if kind == "cpu":
        return 1
    name, plugin = TORCH_DEVICES.get(kind, (kind, None))
    import torch

    if plugin is not None:
        if importlib.util.find_spec(plugin) is None:
            return 0
        importlib.import_module(plugin)
    if (kind == "dcu") != (torch.version.hip is not None) and name == "cuda":
        return 0
    backend: Any = getattr(torch, name, None)
    if backend is None or not backend.is_available():
        return 0
    return int(backend.device_count()) if hasattr(backend, "device_count") else 1


def is_installed(engine: str) -> bool:
    """Whether the package of an engine is installed."""
    return importlib.util.find_spec(engine) is not None


def _has_nvidia_driver() -> bool:
    return _nvidia_count() > 0


def _nvidia_count() -> int:
    """NVIDIA GPUs that the driver sees, without importing torch for it."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int()
        if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
            return 0
        return count.value
    except OSError:
        return 0

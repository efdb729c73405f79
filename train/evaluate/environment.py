"""What figures depend on beside the settings: the machine, and versions of packages."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path

from docpre import __version__
from docpre.engines.base import available_cores

_PACKAGES = ("numpy", "opencv-python-headless", "pillow", "onnxruntime", "torch", "numba", "rapidfuzz", "rapidocr")


def environment() -> dict[str, object]:
    """docpre, Python, platform, CPU, cores, and packages with their versions, as plain values."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "docpre": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "cores": available_cores(),
        "packages": versions,
    }


def cpu_name() -> str:
    """The processor's name as Linux has it, or what Python knows elsewhere."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()

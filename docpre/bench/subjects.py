"""docpre's own contestants: every engine and precision on every device, as networks,
modules and the whole pipeline. All with the published weights, as the peers have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docpre.engines import ENGINES, Engine, RuntimeOptions, create_engine
from docpre.engines.base import precisions_on
from docpre.engines.devices import is_installed, supported_devices
from docpre.loading import ImageArray
from docpre.orientation import DocImgOrientationClassification
from docpre.pipeline import DocPreprocessor
from docpre.registry import ModelSpec, published_model
from docpre.unwarping import TextImageUnwarping


@dataclass(frozen=True)
class Way:
    """One way to run the networks.

    Args:
        engine, device, precision: see ``RuntimeOptions``; None: docpre's defaults.
        use_tensorrt: ONNX Runtime's TensorRT provider.
        is_compiled: ``torch.compile``.
        enable_hpi: the way that docpre picks for this machine.
        is_one_pass: of the unwarping network, as the peers have it: ``refine=False``.
    """

    engine: str | None = None
    device: str | None = None
    precision: str | None = None
    use_tensorrt: bool = False
    is_compiled: bool = False
    enable_hpi: bool = False
    is_one_pass: bool = False

    @property
    def name(self) -> str:
        """As the table has it."""
        if self.engine is None:
            own = "docpre, enable_hpi" if self.enable_hpi else "docpre, defaults"
            return f"{own}, one pass" if self.is_one_pass else own
        provider = " (TensorRT)" if self.use_tensorrt else " (compiled)" if self.is_compiled else ""
        where = "" if self.device == "cpu" else f" {self.device}"
        return f"docpre, {self.engine}{provider} {self.precision}{where}"

    @property
    def arguments(self) -> dict[str, Any]:
        """How networks are run, for docpre's constructors."""
        names = ("engine", "device", "precision", "use_tensorrt", "enable_hpi")
        arguments = {name: getattr(self, name) for name in names if getattr(self, name)}
        return arguments | ({"engine_config": {"compile": True}} if self.is_compiled else {})


def ways(engines: Sequence[str] | None = None, devices: Sequence[str] | None = None) -> Iterator[Way]:
    """Every engine, device and precision that could run here; whether one does shows when it is started.

    Args:
        engines: those to take; None: all that are installed.
        devices: ``cpu``, ``gpu:0``; None: the CPU and the first GPU.
    """
    supported = supported_devices()
    for engine in engines or [name for name in ENGINES if is_installed(name)]:
        for device in devices or ("cpu", "gpu:0"):
            if device.split(":")[0] not in supported.get(engine, ()) and not (engines and devices):
                continue
            for precision in precisions_on(engine, device):
                yield Way(engine, device, precision)
                if engine == "onnxruntime" and device.startswith("gpu"):
                    yield Way(engine, device, precision, use_tensorrt=True)
                if engine == "torch" and device != "cpu":  # on CPUs it takes half a minute to start and gains nothing
                    yield Way(engine, device, precision, is_compiled=True)


def start(spec: ModelSpec, way: Way) -> Engine:
    """The engine of a way for one model.

    Raises:
        DocpreError: it can't run here.
    """
    return create_engine(spec, RuntimeOptions(**way.arguments))[0]


def reference_answer(spec: ModelSpec, batch: NDArray[np.float32]) -> tuple[str, NDArray[np.float32]]:
    """What the network has to answer: by torch in float32 on the CPU, or without torch by ONNX Runtime."""
    way = Way("torch" if is_installed("torch") else "onnxruntime", "cpu", "fp32")
    return way.name, start(spec, way).run(batch)


@dataclass(frozen=True)
class Deviation:
    """How far an answer lies from the reference.

    Args:
        worst: largest difference of two elements.
        shift_percent: 99th percentile of the grid nodes' shift, of the input's diagonal; None for a classifier.
        same_labels: whether all best classes are the same; None for a grid.
    """

    worst: float
    shift_percent: float | None
    same_labels: bool | None


def deviation(spec: ModelSpec, found: NDArray[np.float32], expected: NDArray[np.float32]) -> Deviation:
    """Compare two answers of a model: scores (N, classes) or grids (N, 2, rows, columns)."""
    worst = float(np.abs(found - expected).max())
    if expected.ndim == 2:
        return Deviation(worst, None, bool((found.argmax(1) == expected.argmax(1)).all()))
    height, width = spec.size_hw
    shift = (found - expected) / 2 * np.array([width, height], np.float32)[:, None, None]
    percent = 100 * np.linalg.norm(shift, axis=1) / np.hypot(height, width)
    return Deviation(worst, float(np.percentile(percent, 99)), None)


def orientation_module(way: Way, image_bgr: ImageArray) -> Callable[[], Any]:
    """The module on a decoded page (H, W, 3) BGR."""
    module = DocImgOrientationClassification(published_model("orientation").name, **way.arguments)
    return lambda: module.predict(image_bgr)


def unwarping_module(way: Way, image_bgr: ImageArray) -> Callable[[], Any]:
    """The module on a decoded page (H, W, 3) BGR; the flat page is sampled too."""
    module = TextImageUnwarping(published_model("unwarping").name, refine=not way.is_one_pass, **way.arguments)
    return lambda: module.predict(image_bgr)


def pipeline(way: Way, files: Sequence[bytes], target: Path) -> tuple[Callable[[], None], str]:
    """Orientation and unwarping from picture files to a JPEG each.

    Args:
        way: how networks are run.
        files: the content of picture files.
        target: a JPEG's path, written again and again.

    Returns:
        What is measured, and what is to be known of it: the engines, where docpre chose them, and flat pages, which are
        left as they are.

    Raises:
        DocpreError: it can't run here.
    """
    processor = DocPreprocessor(
        doc_orientation_classify_model_name=published_model("orientation").name,
        doc_unwarping_model_name=published_model("unwarping").name,
        refine=not way.is_one_pass,
        **way.arguments,
    )

    def run() -> None:
        for content in files:
            (result,) = processor.predict(content)
            result.save_page(target)

    flat = sum(not result["unwarping"]["applied"] for result in processor.predict(list(files), on_error="raise"))
    notes = [f"{flat} of {len(files)} left as flat"] if flat else []
    if way.engine is None:
        notes += [f"{taken['model']}: {taken['engine']} {taken['precision']}" for taken in processor.engines.values()]
    return run, ", ".join(notes)

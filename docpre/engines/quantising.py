"""Quantises a network to int8 by NNCF, in a process of its own: ``docpre.engines.quantised`` starts it.

Of its own because NNCF imports whichever framework is installed, prints to stdout, changes Python's logging for the
whole process, and needs memory that would never be given back.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docpre.engines.layer_correction import correct_layers
from docpre.network_input import normalised
from docpre.registry import ModelSpec

JOB_FILE = "job.json"
PICTURES_FILE = "pictures.npy"
# Raised whenever what is done here, or the pages that are drawn, gives other networks.
RECIPE = 5
# Architecture -> how many convolutions stay in floating point, at the network's start and at its end. Found by
# quantising each part of the network alone: UVDoc's first convolutions see thin print on wide ranges, its last ones
# write coordinates that 256 steps are too coarse for.
_KEPT = {"UVDoc": (4, 2), "UVDocLight": (4, 2)}
_CORRECTION_PICTURES = 4  # of the calibration's; each costs a run of both networks a layer


def quantise_folder(folder: Path) -> None:
    """Do the job that a folder describes.

    Args:
        folder: holds ``job.json`` (``spec``; ``source``: the network's file; ``target``: a name in the folder, .xml for
            OpenVINO or .onnx; ``preset``) and ``pictures.npy`` (N, H, W, 3) RGB uint8 of the network's size.
    """
    # NNCF and OpenVINO's converter report their use to their makers; without this package they can't.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import nncf  # type: ignore[import-untyped]
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet  # type: ignore[import-untyped]

    nncf.set_log_level(logging.WARNING)
    job = json.loads((folder / JOB_FILE).read_text("utf-8"))
    spec = ModelSpec.from_json(job["spec"])
    pictures = np.load(folder / PICTURES_FILE)
    target = folder / job["target"]
    read, save = (_read_onnx, _save_onnx) if target.suffix == ".onnx" else (_read_openvino, _save_openvino)
    model, input_name, layers = read(spec, Path(job["source"]))

    def as_input(picture: NDArray[np.uint8]) -> Any:
        batch = normalised([picture], spec)
        return batch if input_name is None else {input_name: batch}

    first, last = _KEPT.get(spec.architecture, (0, 0))
    kept = layers[:first] + layers[len(layers) - last :]
    quantised = nncf.quantize(
        model,
        nncf.Dataset(pictures, as_input),
        subset_size=len(pictures),
        preset=nncf.QuantizationPreset(job["preset"]),
        # Sums around shortcuts stay in floating point: it costs nothing that can be measured.
        ignored_scope=nncf.IgnoredScope(names=kept, types=["Add"], validate=False),
        # The fast way estimates each layer's bias alone; layer after layer halves how far UVDoc's nodes move. In ONNX
        # NNCF can't cut UVDoc's graph, whose tensors branch, into the parts that this needs: see below.
        fast_bias_correction=input_name is not None,
        # All that calibration saw is kept: rare large values decide where nodes lie.
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX
        ),
    )
    if input_name is not None:
        _make_signed(quantised)
        few = pictures[:: max(1, len(pictures) // _CORRECTION_PICTURES)]
        correct_layers(model, quantised, [normalised([picture], spec) for picture in few])
    save(quantised, target)


def _read_openvino(spec: ModelSpec, path: Path) -> tuple[Any, None, list[str]]:
    import openvino

    from docpre.engines.openvino import with_one_answer

    # Converting folds batch normalisation into the convolutions, which reading does not: left between, it is
    # quantised by itself, and a classifier loses labels by that.
    model = openvino.Core().read_model(path) if path.suffix == ".xml" else openvino.convert_model(path)
    model = with_one_answer(model, spec, path)
    names = [node.get_friendly_name() for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    return model, None, names


def _save_openvino(model: Any, path: Path) -> None:
    import openvino

    openvino.save_model(model, path, compress_to_fp16=False)


def _read_onnx(spec: ModelSpec, path: Path) -> tuple[Any, str, list[str]]:
    import onnx

    model = onnx.load(str(path))
    return model, model.graph.input[0].name, [node.name for node in model.graph.node if node.op_type == "Conv"]


def _save_onnx(model: Any, path: Path) -> None:
    import onnx

    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _make_signed(model: Any) -> None:
    """Turn unsigned tensors whose zero is 0 into signed ones, at half the resolution: TensorRT takes no others."""
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    unsigned: dict[str, str] = {}  # name of the zero point -> name of the scale
    for node in model.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and len(node.input) > 2:
            zero = constants.get(node.input[2])
            if zero is not None and numpy_helper.to_array(zero).dtype == np.uint8:
                unsigned[zero.name] = node.input[1]
    for zero_name, scale_name in unsigned.items():
        zeros, scale = (numpy_helper.to_array(constants[name]) for name in (zero_name, scale_name))
        if zeros.any():
            continue  # asymmetric, as it was asked for
        constants[zero_name].CopyFrom(numpy_helper.from_array(zeros.astype(np.int8), zero_name))
        constants[scale_name].CopyFrom(numpy_helper.from_array(scale * np.float32(255 / 127), scale_name))
    del model.graph.value_info[:]  # it has the types of before; readers find them out themselves

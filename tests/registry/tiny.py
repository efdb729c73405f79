"""A model whose weights are a few bytes."""

from __future__ import annotations

import hashlib

from docpre.registry import Artefact, ModelSpec
from docpre.registry.spec import Package, Url

CONTENT = b"these would be weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def spec_with(package: Package | None = None, urls: tuple[Url, ...] = (), sha256: str = SHA256) -> ModelSpec:
    artefact = Artefact("tiny.onnx", sha256, "MIT", package, urls)
    return ModelSpec("tiny", "orientation", "PPLCNet", (224, 224), artefacts=(artefact,))

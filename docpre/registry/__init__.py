"""Which models there are, and where their weights come from."""

from docpre.registry.checksums import sha256_of
from docpre.registry.lookup import find_model, published_model
from docpre.registry.records import DEFAULT_MODEL, MODELS
from docpre.registry.spec import SPEC_FILE, Artefact, ModelSpec, Task
from docpre.registry.weights import BUNDLED_DIR, Weights, at_hand, cache_dir, find_weights

__all__ = [
    "BUNDLED_DIR",
    "DEFAULT_MODEL",
    "MODELS",
    "SPEC_FILE",
    "Artefact",
    "ModelSpec",
    "Task",
    "Weights",
    "at_hand",
    "cache_dir",
    "find_model",
    "find_weights",
    "published_model",
    "sha256_of",
]

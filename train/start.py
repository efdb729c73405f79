"""What training starts from: the published weights, a model that docpre has exported, a weight file, or nothing."""

from __future__ import annotations

from pathlib import Path

from docpre.errors import ConfigError, ModelError
from docpre.models.convert import WEIGHT_SUFFIXES
from docpre.registry import ModelSpec, find_model, find_weights

OFFICIAL, NOTHING = "official", "nothing"


def starting_point(start: str, base: ModelSpec) -> tuple[ModelSpec, Path] | None:
    """The model and the weight file that a name stands for.

    Args:
        start: ``official``; ``nothing``; a directory as docpre's model directories are; or a weight file.
        base: the published model.

    Returns:
        The specification and a file, or None for ``nothing``.

    Raises:
        ConfigError: there is neither such a word nor such a path.
        ModelError: the weights are missing or damaged.
    """
    if start == NOTHING:
        return None
    if start == OFFICIAL:
        return base, find_weights(base).path
    path = Path(start).expanduser()
    if path.is_dir():
        spec = find_model(base.task, model_dir=path)
        if spec.architecture != base.architecture:
            raise ModelError(f"{path} holds the network {spec.architecture}, not {base.architecture}.")
        return spec, find_weights(spec, path, WEIGHT_SUFFIXES).path
    if path.is_file():
        return base, path
    raise ConfigError(f"start is '{OFFICIAL}', '{NOTHING}', a model directory or a weight file; there is no {start!r}.")

"""A model by its name, or by the directory that a user keeps it in."""

from __future__ import annotations

import json
import os
from pathlib import Path

from docpre.errors import ConfigError, ModelError
from docpre.registry.records import DEFAULT_MODEL, MODELS
from docpre.registry.spec import SPEC_FILE, ModelSpec, Task


def find_model(task: Task, name: str | None = None, model_dir: str | os.PathLike[str] | None = None) -> ModelSpec:
    """The specification of a model by name, or of one in a user's directory.

    A directory that holds a ``spec.json`` is described by it. Another one is taken for weights of the named model, or
    of the published one.

    Raises:
        ConfigError: there is no model of this name for this task.
        ModelError: the directory is missing, its ``spec.json`` is unreadable or belongs to another task.
    """
    named = MODELS.get(name or DEFAULT_MODEL[task])
    if model_dir is not None:
        directory = Path(model_dir).expanduser()
        if not directory.is_dir():
            raise ModelError(f"The model directory {directory} does not exist.")
        spec_path = directory / SPEC_FILE
        if spec_path.is_file():
            try:
                data = json.loads(spec_path.read_text("utf-8"))
            except (OSError, ValueError) as error:
                raise ModelError(f"Can't read {spec_path}: {error}.") from error
            if not isinstance(data, dict):
                raise ModelError(f"{spec_path} does not hold a JSON object.")
            spec = ModelSpec.from_json(data, str(spec_path))
            if spec.task != task:
                raise ModelError(f"{directory} holds a model for {spec.task}, not for {task}.")
            if name is not None and name != spec.name:
                raise ConfigError(f"{directory} holds the model {spec.name!r}, but {name!r} was asked for.")
            return spec
        named = MODELS.get(name) if name else published_model(task)
    if named is None or named.task != task:
        names = ", ".join(spec.name for spec in MODELS.values() if spec.task == task)
        raise ConfigError(f"There is no {task} model named {name!r}. There are: {names}.")
    return named


def published_model(task: Task) -> ModelSpec:
    """The model of a task that the papers and PaddleOCR mean: what is known of weights that say nothing themselves."""
    return next(spec for spec in MODELS.values() if spec.task == task)

"""One model on whichever devices it is asked for: engines are started once for each device and shared by threads."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from docpre.engines import Engine, RuntimeOptions, create_engine
from docpre.registry import ModelSpec, Task, Weights, find_model


class EnginePool:
    """A model, ready to run on one or several devices.

    Args:
        task: what the model is for.
        name: of the model; None: the default of the task.
        model_dir: a directory to take it from.
        options: engine, device and the like.

    Raises:
        ConfigError, EngineError, ModelError: see ``create_engine``.
    """

    def __init__(self, task: Task, name: str | None, model_dir: str | None, options: RuntimeOptions) -> None:
        self.spec: ModelSpec = find_model(task, name, model_dir)
        self._model_dir = model_dir
        self._options = options
        self._lock = threading.Lock()
        self._engines: dict[str | None, tuple[Engine, Weights]] = {}

    def engine(self, device: str | None = None) -> Engine:
        """The engine for a device; None: the one of the options. It is started when first asked for."""
        return self._started(device)[0]

    def weights(self) -> Weights:
        """Where the weights came from."""
        return self._started(None)[1]

    @property
    def is_started(self) -> bool:
        """Whether an engine runs on any device."""
        with self._lock:
            return bool(self._engines)

    def described(self, device: str | None = None) -> dict[str, str]:
        """What runs the model: ``model``, ``engine``, ``precision`` and ``device``."""
        engine = self.engine(device)
        return {
            "model": self.spec.name,
            "engine": engine.name,
            "precision": engine.precision,
            "device": engine.device,
        }

    def run(self, batch: NDArray[np.float32], device: str | None = None) -> NDArray[np.float32]:
        """Pictures (N, 3, H, W), normalised, to the network's answer."""
        return self.engine(device).run(batch)

    def run_all(self, batch: NDArray[np.float32], device: str | None = None) -> tuple[NDArray[np.float32], ...]:
        """Pictures (N, 3, H, W), normalised, to every output and inner tensor that the specification names."""
        return self.engine(device).run_all(batch)

    def _started(self, device: str | None) -> tuple[Engine, Weights]:
        with self._lock:
            if device not in self._engines:
                options = self._options if device is None else replace(self._options, device=device)
                self._engines[device] = create_engine(self.spec, options, self._model_dir)
            return self._engines[device]

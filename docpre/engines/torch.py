"""PyTorch, on the CPU or on any device that it has a backend for. Needs the extra ``torch``."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from docpre.engines.base import RuntimeOptions
from docpre.engines.devices import TORCH_DEVICES, parse_device
from docpre.errors import EngineError, ModelError
from docpre.models.convert import WEIGHT_SUFFIXES, load_pp_lcnet, load_uvdoc
from docpre.registry import ModelSpec

SUFFIXES = WEIGHT_SUFFIXES


class Classifier(nn.Module):
    """A network that ends at logits, ending at scores instead."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x).softmax(1)


class GridOnly(nn.Module):
    """UVDoc without its 3D answer."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)[0]


def load_network(spec: ModelSpec, path: Path) -> nn.Module:
    """The network of a specification with the weights of a file, ending at scores or at grids.

    Raises:
        ModelError: the architecture is unknown, or the file is not its.
    """
    if spec.architecture == "PPLCNet":
        return Classifier(load_pp_lcnet(path, len(spec.classes)))
    if spec.architecture == "UVDoc":
        return GridOnly(load_uvdoc(path))
    raise ModelError(f"docpre has no network {spec.architecture!r}; there are PPLCNet and UVDoc.")


class TorchEngine:
    """A network of ``docpre.models``. One engine may be run by many threads at once."""

    name = "torch"

    def __init__(self, spec: ModelSpec, path: Path, device: str, options: RuntimeOptions) -> None:
        kind, number = parse_device(device)
        name, plugin = TORCH_DEVICES[kind]
        if plugin:
            importlib.import_module(plugin)
        self.device = device
        self._spec = spec
        self._torch_device = torch.device(name) if name in ("cpu", "mps") else torch.device(name, number)
        self._use_mkldnn = options.enable_mkldnn
        if kind == "cpu":
            torch.set_num_threads(options.threads)
        try:
            self._network = load_network(spec, path).eval().to(self._torch_device)
        except RuntimeError as error:
            if isinstance(error, ModelError):
                raise
            raise EngineError(f"torch can't use the device {device}: {error}") from error

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``Engine.run``."""
        mkldnn: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
        if self._use_mkldnn is not None:
            mkldnn = torch.backends.mkldnn.flags(enabled=self._use_mkldnn)
        try:
            with torch.inference_mode(), mkldnn:
                return self._network(torch.from_numpy(batch).to(self._torch_device)).float().cpu().numpy()
        except RuntimeError as error:
            raise EngineError(f"torch failed on {self._spec.name}: {error}") from error

"""PyTorch, on the CPU or on any device that it has a backend for. Needs the extra ``torch``."""

from __future__ import annotations

import contextlib
import importlib
import threading
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from docpre.engines.base import RuntimeOptions, check_precision, only_the_answer
from docpre.engines.devices import TORCH_DEVICES, parse_device
from docpre.errors import EngineError, ModelError
from docpre.models.convert import WEIGHT_SUFFIXES, load_pp_lcnet, load_uvdoc
from docpre.models.uvdoc import ARCHITECTURES
from docpre.registry import ModelSpec

SUFFIXES = WEIGHT_SUFFIXES
_SWITCHES = threading.Lock()
_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


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
    if spec.architecture in ARCHITECTURES:
        return GridOnly(load_uvdoc(path, spec.architecture))
    raise ModelError(f"docpre has no network {spec.architecture!r}; there are PPLCNet, {', '.join(ARCHITECTURES)}.")


class TorchEngine:
    """A network of ``docpre.models``. One engine may be run by many threads at once."""

    name = "torch"

    def __init__(self, spec: ModelSpec, path: Path, device: str, options: RuntimeOptions) -> None:
        check_precision("torch", device, options.precision)
        kind, number = parse_device(device)
        name, plugin = TORCH_DEVICES[kind]
        if plugin:
            importlib.import_module(plugin)
        config = options.configs.torch
        self.device = device
        self.precision = options.precision
        self._spec = spec
        self._torch_device = torch.device(name) if name in ("cpu", "mps") else torch.device(name, number)
        self._use_mkldnn = options.enable_mkldnn
        self._use_tf32 = config.tf32
        self._dtype = _DTYPES[options.precision]
        # A third less of a CPU's time with UVDoc, a sixth with PP-LCNet; GPUs' half precision is made for it too.
        self._layout = torch.contiguous_format if config.channels_last is False else torch.channels_last
        if kind == "cpu":
            torch.set_num_threads(options.threads)
        try:
            network = load_network(spec, path).eval().to(self._torch_device, self._dtype).to(memory_format=self._layout)
        except RuntimeError as error:
            if isinstance(error, ModelError):
                raise
            raise EngineError(f"torch can't use the device {device}: {error}") from error
        # On a CPU compiling takes half a minute and gains nothing with these networks, so it has to be asked for.
        self._network = torch.compile(network, mode=config.compile_mode) if config.compile else network
        if config.compile:  # now, and by one thread, rather than at the first page
            self._warm_up()

    def _warm_up(self) -> None:
        try:
            self.run(np.zeros((1, 3, *self._spec.size_hw), np.float32))
        except Exception as error:  # the compiler's errors are of many kinds
            raise EngineError(f"torch.compile failed on {self._spec.name}; leave out compile=True. {error}") from error

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``Engine.run``."""
        x = torch.from_numpy(batch)
        try:
            with torch.inference_mode(), self._switches():
                x = x.to(self._torch_device, self._dtype).contiguous(memory_format=self._layout)
                return self._network(x).float().cpu().numpy()
        except RuntimeError as error:
            raise EngineError(f"torch failed on {self._spec.name}: {error}") from error

    def run_all(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """See ``Engine.run_all``."""
        if self._spec.inner or (len(self._spec.outputs) > 1 and self._spec.task == "layout"):
            raise only_the_answer(self.name, self._spec)
        return (self.run(batch),)

    def _switches(self) -> contextlib.ExitStack:
        """torch's own switches, set while this engine runs. They are the whole process's, so threads take turns."""
        stack = contextlib.ExitStack()
        is_cuda = self._torch_device.type == "cuda"
        if self._use_mkldnn is not None or is_cuda:
            stack.enter_context(_SWITCHES)
        if self._use_mkldnn is not None:
            stack.enter_context(torch.backends.mkldnn.flags(enabled=self._use_mkldnn))
        if is_cuda:  # torch's own default for convolutions is to allow it
            benchmark = torch.backends.cudnn.benchmark
            stack.enter_context(torch.backends.cudnn.flags(True, benchmark, allow_tf32=self._use_tf32))
        return stack

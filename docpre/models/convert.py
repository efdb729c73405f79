"""Foreign weight files into state dicts of docpre's networks.

Read are docpre's own safetensors, the published ONNX files (batch norm folded or not), Hugging Face's safetensors,
Paddle's ``.pdparams`` and UVDoc's ``best_model.pkl``. Pickles are read by unpicklers that build arrays and plain
containers and nothing else, so a file from a stranger can't run code.
"""

from __future__ import annotations

import io
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from docpre.errors import ModelError
from docpre.models.page_finder import PageFinder
from docpre.models.pp_lcnet import PPLCNet
from docpre.models.uvdoc import ARCHITECTURES, UVDoc

Network = TypeVar("Network", bound=nn.Module)

WEIGHT_SUFFIXES = (".safetensors", ".onnx", ".pdparams", ".pkl", ".pth", ".pt")

# Paddle's dropout is of the kind "downscale in infer": at inference the features are multiplied by 1 - p instead of
# being left alone. Weights from its training checkpoints get the factor here, once, so that the network needs none.
_PADDLE_DROPOUT = 0.2
_MESH_HEAD = "out_point_positions3D."


def load_pp_lcnet(path: Path, classes: int = 4) -> PPLCNet:
    """PP-LCNet x1.0 with the weights of a file.

    Args:
        path: ONNX, safetensors (docpre's or Hugging Face's), ``.pdparams``, or a PyTorch pickle with docpre's names.
        classes: number of outputs.

    Raises:
        ModelError: the file can't be read or holds another network.
    """
    network = PPLCNet(classes=classes)
    if path.suffix == ".onnx":
        return _filled(network, _from_onnx(path, network), path)
    raw = _read(path)
    if any(name.endswith("._mean") for name in raw) or any(name.startswith("encoder.") for name in raw):
        state = _renamed(raw, _pp_lcnet_name)
        state["fc.weight"] = state["fc.weight"] * (1 - _PADDLE_DROPOUT)
        if state["fc.weight"].shape != network.fc.weight.shape:  # Paddle keeps (inputs, outputs)
            state["fc.weight"] = state["fc.weight"].T.contiguous()
        return _filled(network, state, path)
    return _filled(network, raw, path)


def load_uvdoc(path: Path, architecture: str = "UVDoc") -> UVDoc:
    """UVDoc with the weights of a file.

    Args:
        path: ONNX, safetensors (docpre's or Hugging Face's), ``.pdparams``, or the authors' ``best_model.pkl``.
            Hugging Face's files have no 3D head, nor have ONNX files that give the grid alone; it is left as it was
            initialised.
        architecture: of ``docpre.models.uvdoc.ARCHITECTURES``; the file is the same for each.

    Raises:
        ModelError: the file can't be read or holds another network.
    """
    network = UVDoc(ARCHITECTURES[architecture])
    is_onnx = path.suffix == ".onnx"
    state = _from_onnx(path, network, (_MESH_HEAD,)) if is_onnx else _renamed(_read(path), _uvdoc_name)
    optional = () if any(name.startswith(_MESH_HEAD) for name in state) else (_MESH_HEAD,)
    return _filled(network, state, path, optional)


def load_page_finder(path: Path) -> PageFinder:
    """The page finder with the weights of a safetensors file that ``python -m train export`` wrote.

    Raises:
        ModelError: it is another kind of file, can't be read or holds another network.
    """
    if path.suffix != ".safetensors":
        raise ModelError(
            f"{path.name}: the page finder's weights are read from the safetensors that python -m train export writes; "
            "an ONNX file has its batch norms worked into the convolutions."
        )
    return _filled(PageFinder(), _read(path), path)


def timm_state_dict(network: PPLCNet) -> dict[str, Tensor]:
    """The weights of ``network`` under the names of timm's ``lcnet_100`` (same architecture, same results)."""
    parts = {"conv1.conv": "conv_stem", "conv1.bn": "bn1", "last_conv": "conv_head", "fc": "classifier"}
    inner = {
        "dw_conv.conv": "conv_dw",
        "dw_conv.bn": "bn1",
        "se.conv1": "se.conv_reduce",
        "se.conv2": "se.conv_expand",
        "pw_conv.conv": "conv_pw",
        "pw_conv.bn": "bn2",
    }
    state = {}
    for name, value in network.state_dict().items():
        stem, _, leaf = name.rpartition(".")
        if match := re.fullmatch(r"blocks(\d)\.(\d)\.(.+)", stem):
            stage, block = int(match[1]) - 2, int(match[2])
            if stage == 3 and block > 1:  # timm cuts blocks5 in two
                stage, block = 4, block - 2
            elif stage == 4:
                stage = 5
            stem = f"blocks.{stage}.{block}.{inner[match[3]]}"
        else:
            stem = parts[stem]
        state[f"{stem}.{leaf}"] = value
    state["conv_head.bias"] = torch.zeros(network.last_conv.out_channels)
    return state


def hugging_face_state_dict(network: PPLCNet | UVDoc, names: Iterable[str]) -> dict[str, Tensor]:
    """The weights of ``network`` under the names of Hugging Face's model of the same architecture.

    Args:
        network: with weights.
        names: of all tensors of the other model, ``model.state_dict()``; counters of batches are left out.
    """
    own = network.state_dict()
    own_name = _pp_lcnet_name if isinstance(network, PPLCNet) else _uvdoc_name
    state = {name: own[own_name(name)] for name in names if not name.endswith("num_batches_tracked")}
    if isinstance(network, PPLCNet):  # as Paddle's checkpoints, before the dropout's factor
        state["head.weight"] = (state["head.weight"] / (1 - _PADDLE_DROPOUT)).reshape(own["fc.weight"].shape)
    return state


@torch.no_grad()
def unfold_batch_norms(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give batch norms whose statistics were folded into the convolutions live statistics again, in place.

    The pictures are run through the network and each batch norm takes over the mean and variance that it sees; its
    scale and shift are set so that the network's output stays what it was. Fine-tuning can then start from weights
    that were published with batch norm folded.

    Args:
        network: a network in which every batch norm is the identity up to a shift (as ``load_uvdoc`` leaves it after
            reading an ONNX file).
        batches: network inputs (N, 3, H, W); a few dozen typical pictures are enough.

    Raises:
        ModelError: no pictures were given.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    sums = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}  # count, sum, squares

    def observe(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        x = inputs[0].double().cpu()
        sums[norm] += torch.stack(
            [torch.full((x.shape[1],), x[:, 0].numel()), x.sum((0, 2, 3)), (x * x).sum((0, 2, 3))]
        )

    was_training = network.training
    network.eval()
    hooks = [norm.register_forward_pre_hook(observe) for norm in norms]
    try:
        for batch in batches:
            network(batch)
    finally:
        for hook in hooks:
            hook.remove()
        network.train(was_training)
    for norm in norms:
        count, total, squares = sums[norm]
        if not count[0]:
            raise ModelError("Unfolding batch norms needs at least one picture to measure on; none was given.")
        assert norm.running_mean is not None
        assert norm.running_var is not None
        mean = total / count
        var = (squares / count - mean**2).clamp_min(0)
        scale = norm.weight.double().cpu() / (norm.running_var.double().cpu() + norm.eps).sqrt()
        shift = norm.bias.double().cpu() - norm.running_mean.double().cpu() * scale
        norm.weight.copy_(scale * (var + norm.eps).sqrt())
        norm.bias.copy_(shift + mean * scale)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)


def _filled(network: Network, state: Mapping[str, Tensor], path: Path, optional: tuple[str, ...] = ()) -> Network:
    expected = network.state_dict()
    wanted = {name for name in expected if not name.endswith("num_batches_tracked")}
    state = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    missing = sorted(name for name in wanted - state.keys() if not name.startswith(optional or ("\0",)))
    surplus = sorted(state.keys() - wanted)
    wrong = sorted(
        f"{name} {tuple(state[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in wanted & state.keys()
        if state[name].shape != expected[name].shape
    )
    for label, names in (("lacks", missing), ("has besides", surplus), ("has in another shape", wrong)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise ModelError(
                f"{path} holds no weights of {type(network).__name__}: it {label} {', '.join(names[:3])}{more}."
            )
    network.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)
    return network.eval()


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        if path.suffix == ".pdparams":
            return _paddle_tensors(_ArraysOnly(io.BytesIO(path.read_bytes())).load())
        if path.suffix in (".pkl", ".pth", ".pt"):
            content = torch.load(path, map_location="cpu", weights_only=True)
            for key in ("model_state", "state_dict"):
                if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
                    content = content[key]
            return {str(name).removeprefix("module."): value for name, value in content.items()}
    except OSError as error:
        raise ModelError(f"Can't read the weights {path}: {error.strerror or error}.") from error
    except Exception as error:
        raise ModelError(f"{path} is not a {path.suffix} weight file that docpre can read: {error}") from error
    raise ModelError(f"Can't read weights from {path.name}. Readable are {', '.join(WEIGHT_SUFFIXES)}.")


class _ArraysOnly(pickle.Unpickler):
    """Builds NumPy arrays and plain containers; refuses every other class."""

    _ALLOWED = frozenset(
        {
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy.core.multiarray", "scalar"),
            ("numpy._core.multiarray", "scalar"),
            ("collections", "OrderedDict"),
            ("_codecs", "encode"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which weights don't need")
        return super().find_class(module, name)


def _paddle_tensors(content: Any) -> dict[str, Tensor]:
    """Paddle writes a dict of arrays, or of (tensor name, array), and a table of names beside them."""
    if not isinstance(content, Mapping):
        raise ModelError("it does not hold a state dict")
    tensors = {}
    for name, value in content.items():
        if isinstance(value, tuple) and len(value) == 2:
            value = value[1]
        if isinstance(value, np.ndarray):
            tensors[str(name)] = torch.from_numpy(np.ascontiguousarray(value))
    return tensors


def _renamed(raw: Mapping[str, Tensor], rename: Callable[[str], str]) -> dict[str, Tensor]:
    return {rename(name): value for name, value in raw.items()}


def _norm_leaf(name: str) -> str:
    return re.sub(r"\._variance$", ".running_var", re.sub(r"\._mean$", ".running_mean", name))


def _pp_lcnet_name(name: str) -> str:
    """PaddleClas's names are docpre's but for the statistics; Hugging Face's are translated."""
    name = re.sub(r"^encoder\.blocks\.(\d)\.layers\.", lambda match: f"blocks{int(match[1]) + 2}.", name)
    for foreign, own in (
        ("encoder.convolution.", "conv1."),
        ("depthwise_convolution.", "dw_conv."),
        ("pointwise_convolution.", "pw_conv."),
        ("squeeze_excitation_module.convolutions.0.", "se.conv1."),
        ("squeeze_excitation_module.convolutions.2.", "se.conv2."),
        ("last_convolution.", "last_conv."),
        ("head.", "fc."),
    ):
        name = name.replace(foreign, own) if foreign != "head." or name.startswith("head.") else name
    return _norm_leaf(name.replace(".convolution.", ".conv.").replace(".normalization.", ".bn."))


def _uvdoc_name(name: str) -> str:
    """The authors' names are docpre's (Paddle's port differs in the statistics); Hugging Face's are translated."""
    name = _norm_leaf(name.removeprefix("model."))
    if not name.startswith(("backbone.", "head.")):
        return name
    kind, leaf = name.split(".")[-2:]
    index = {"convolution": 0, "normalization": 1, "activation": 2}.get(kind, 0)
    if match := re.match(r"backbone\.resnet\.resnet_head\.(\d)\.", name):
        return f"resnet_head.{3 * int(match[1]) + index}.{leaf}"
    if match := re.match(r"backbone\.bridge\.bridge\.(\d)\.blocks\.(\d)\.", name):
        return f"bridge_{int(match[1]) + 1}.{match[2]}.{index}.{leaf}"
    if match := re.match(r"backbone\.resnet\.resnet_down\.(\d)\.layers\.(\d)\.(\w+)\.", name):
        stage, block, part = int(match[1]) + 1, int(match[2]), match[3]
        stem = f"resnet_down.layer{stage}.{block}"
        if part == "conv_down":
            return f"{stem}.downsample.{index}.{leaf}"
        number = 1 if part == "conv_start" else 2
        if kind == "normalization":
            return f"{stem}.bn{number}.{leaf}"
        return f"{stem}.conv{number}.{leaf}" if block == 0 else f"{stem}.conv{number}.0.{leaf}"
    if name.startswith("head.bridge_connector."):
        return f"bridge_concat.{index}.{leaf}"
    if match := re.match(r"head\.(out_point_positions\dD)\.(conv_down|conv_up|activation)\.", name):
        if kind == "activation":
            return f"{match[1]}.2.{leaf}"
        return f"{match[1]}.3.{leaf}" if match[2] == "conv_up" else f"{match[1]}.{index}.{leaf}"
    return name


def _from_onnx(path: Path, network: nn.Module, optional: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """State dict of ``network`` from an ONNX export of the same architecture, matched by the order of the layers.

    Layers whose names begin with one of ``optional`` may be missing, all of them.

    Batch norms that the export folded into their convolutions become identities up to the folded shift.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise ModelError(f"Reading weights from {path.name} needs onnx: pip install 'docpre[torch]'.") from error
    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:
        raise ModelError(f"{path} is not an ONNX file: {error}") from error
    constants = {tensor.name: numpy_helper.to_array(tensor).astype(np.float32) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    _resolve_reshapes(graph.node, constants)
    found = _layers_in_order(graph.node, constants)

    state: dict[str, np.ndarray] = OrderedDict()
    layers = [(name, module) for name, module in _execution_order(network)]
    convs = [entry for entry in found if entry["kind"] == "conv"]
    expected = [name for name, module in layers if isinstance(module, nn.Conv2d)]
    if len(convs) == sum(not name.startswith(optional) for name in expected):
        layers = [(name, module) for name, module in layers if not name.startswith(optional)]
        expected = [name for name in expected if not name.startswith(optional)]
    if len(convs) != len(expected):
        raise ModelError(
            f"{path} is not a {type(network).__name__}: it has {len(convs)} convolutions, not {len(expected)}."
        )
    modules = dict(layers)
    norm_of = _norm_after_conv(layers)
    for name, entry in zip(expected, convs, strict=True):
        conv, norm_name = modules[name], norm_of.get(name)
        state[f"{name}.weight"] = entry["weight"]
        bias = entry.get("bias", np.zeros(len(entry["weight"]), np.float32))
        norm = entry.get("norm")
        if norm_name is not None:
            if norm is None:  # folded: the identity plus the folded shift
                batch_norm = modules[norm_name]
                assert isinstance(batch_norm, nn.BatchNorm2d)
                ones = np.ones(len(bias), np.float32)
                norm = (ones * np.float32((1 + batch_norm.eps) ** 0.5), bias, 0 * ones, ones)
                bias = 0 * bias
            for leaf, value in zip(("weight", "bias", "running_mean", "running_var"), norm, strict=True):
                state[f"{norm_name}.{leaf}"] = value
        if conv.bias is not None:
            state[f"{name}.bias"] = bias
    for kind, layer_type in (("prelu", nn.PReLU), ("linear", nn.Linear)):
        entries = [entry for entry in found if entry["kind"] == kind]
        names = [name for name, module in layers if isinstance(module, layer_type)]
        if len(entries) != len(names):
            raise ModelError(f"{path} is not a {type(network).__name__}: it has {len(entries)} {kind} layers.")
        for name, entry in zip(names, entries, strict=True):
            state[f"{name}.weight"] = entry["weight"]
            if "bias" in entry:
                state[f"{name}.bias"] = entry["bias"]
    return {name: torch.from_numpy(np.array(value, np.float32)) for name, value in state.items()}


def _execution_order(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Leaf layers in the order in which they run: that of their definition, with shortcuts before their block."""
    leaves = [(name, module) for name, module in network.named_modules() if not list(module.children())]

    def shortcut_first(entry: tuple[int, tuple[str, nn.Module]]) -> tuple[int, int]:
        position, (name, _) = entry
        if ".downsample." in name:
            block = name.split(".downsample.")[0]
            position_of_block = next(i for i, (other, _) in enumerate(leaves) if other.startswith(block + "."))
            return position_of_block, -1
        return position, 0

    return [leaf for _, leaf in sorted(enumerate(leaves), key=shortcut_first)]


def _norm_after_conv(layers: list[tuple[str, nn.Module]]) -> dict[str, str]:
    """Which batch norm follows which convolution, by name."""
    norm_of = {}
    for name, module in layers:
        if isinstance(module, nn.BatchNorm2d):
            stem, _, leaf = name.rpartition(".")
            if leaf.isdigit():
                norm_of[f"{stem}.{int(leaf) - 1}"] = name
            else:  # bn, bn1, bn2 beside conv, conv1, conv2 (or conv1.0, conv2.0)
                conv = f"{stem}.{leaf.replace('bn', 'conv')}"
                names = dict(layers)
                norm_of[conv if conv in names else f"{conv}.0"] = name
    return norm_of


def _resolve_reshapes(nodes: Iterable[Any], constants: dict[str, np.ndarray]) -> None:
    """Reshapes, unsqueezes and identities of constants are constants; only their values matter here."""
    for node in nodes:
        if node.op_type in ("Reshape", "Unsqueeze", "Identity", "Cast") and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]


def _layers_in_order(nodes: Iterable[Any], constants: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Convolutions, PReLUs and linear layers in the graph's order, each with its bias and batch norm."""
    layers: list[dict[str, Any]] = []
    producer: dict[str, dict[str, Any]] = {}  # which layer a tensor comes from, up to what it can still absorb
    factor: dict[str, np.ndarray] = {}  # constant factors on the way into a linear layer
    for node in nodes:
        inputs = list(node.input)
        known = [constants[name] for name in inputs if name in constants]
        output = node.output[0]
        if node.op_type == "Conv":
            layer = {"kind": "conv", "weight": constants[inputs[1]]}
            if len(inputs) > 2:
                layer["bias"] = constants[inputs[2]]
            layers.append(layer)
            producer[output] = layer
        elif node.op_type == "BatchNormalization" and inputs[0] in producer:
            producer[inputs[0]]["norm"] = tuple(constants[name] for name in inputs[1:5])
        elif node.op_type == "Add" and known and (source := _first(inputs, producer)) is not None:
            source["bias"] = known[0].reshape(-1)
        elif node.op_type == "PRelu":
            layers.append({"kind": "prelu", "weight": constants[inputs[1]].reshape(-1)})
        elif node.op_type == "Mul" and known and known[0].size == 1:
            factor[output] = known[0].reshape(())
        elif node.op_type in ("Reshape", "Flatten", "Identity") and inputs[0] in factor:
            factor[output] = factor[inputs[0]]
        elif node.op_type in ("MatMul", "Gemm") and len(known) >= 1:
            transposed = any(a.name == "transB" and a.i for a in node.attribute)
            weight = constants[inputs[1]] if transposed else constants[inputs[1]].T
            layer = {"kind": "linear", "weight": weight * factor.get(inputs[0], np.float32(1))}
            if len(inputs) > 2:
                layer["bias"] = constants[inputs[2]]
            layers.append(layer)
            producer[output] = layer
    return layers


def _first(names: Iterable[str], table: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    return next((table[name] for name in names if name in table), None)

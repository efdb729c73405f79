"""The networks against the published files, layer names against other people's, and what is refused."""

from __future__ import annotations

import pickle
from collections import OrderedDict

import numpy as np
import onnxruntime
import pytest

from docpre.errors import ModelError
from docpre.registry import MODELS, find_weights

torch = pytest.importorskip("torch", reason="needs the extra torch")

from safetensors.torch import save_file  # noqa: E402

from docpre.models.convert import load_pp_lcnet, load_uvdoc, timm_state_dict, unfold_batch_norms  # noqa: E402
from docpre.models.pp_lcnet import PPLCNet  # noqa: E402
from docpre.models.uvdoc import UVDoc  # noqa: E402
from docpre.network_input import normalised, resized  # noqa: E402


@pytest.fixture(scope="module")
def lcnet_path():
    return find_weights(MODELS["PP-LCNet_x1_0_doc_ori"]).path


@pytest.fixture(scope="module")
def uvdoc_path():
    return find_weights(MODELS["UVDoc"]).path


@pytest.fixture(scope="module")
def lcnet_batch(page_rgb, photo_rgb):
    spec = MODELS["PP-LCNet_x1_0_doc_ori"]
    images = [np.ascontiguousarray(np.rot90(image, k)) for image in (page_rgb, photo_rgb) for k in range(4)]
    return normalised([resized(image, spec) for image in images], spec)


@pytest.fixture(scope="module")
def uvdoc_batch(page_rgb, photo_rgb):
    spec = MODELS["UVDoc"]
    batch = normalised([resized(image, spec) for image in (photo_rgb, page_rgb)], spec)
    return batch.astype(np.float16).astype(np.float32)  # what the published file, a float16 one, can be given


def onnx_outputs(path, batch):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    dtype = np.float16 if "16" in entry.type else np.float32
    return [output.astype(np.float32) for output in session.run(None, {entry.name: batch.astype(dtype)})]


def test_pp_lcnet_agrees_with_the_published_file(lcnet_path, lcnet_batch):
    with torch.inference_mode():
        scores = load_pp_lcnet(lcnet_path)(torch.from_numpy(lcnet_batch)).softmax(1).numpy()
    (expected,) = onnx_outputs(lcnet_path, lcnet_batch)
    assert np.abs(scores - expected).max() < 1e-4


def test_uvdoc_agrees_with_the_published_file_in_both_heads(uvdoc_path, uvdoc_batch):
    with torch.inference_mode():
        outputs = load_uvdoc(uvdoc_path)(torch.from_numpy(uvdoc_batch))
    for output, expected, channels in zip(outputs, onnx_outputs(uvdoc_path, uvdoc_batch), (2, 3), strict=True):
        assert output.shape == (2, channels, 45, 31)
        assert np.abs(output.numpy() - expected).max() < 1e-3


def test_timms_lcnet_gives_the_same(lcnet_path, lcnet_batch):
    timm = pytest.importorskip("timm", reason="needs the extra train")
    ours = load_pp_lcnet(lcnet_path)
    theirs = timm.create_model("lcnet_100", num_classes=4).eval()
    theirs.load_state_dict(timm_state_dict(ours))
    with torch.inference_mode():
        x = torch.from_numpy(lcnet_batch)
        assert (ours(x) - theirs(x)).abs().max() < 1e-5


def test_unfolded_batch_norms_are_live_and_change_nothing(uvdoc_path, uvdoc_batch):
    network = load_uvdoc(uvdoc_path)
    x = torch.from_numpy(uvdoc_batch)
    with torch.inference_mode():
        before = network(x)[0].clone()
    unfold_batch_norms(network, [x[:1], x[1:]])
    norm = network.resnet_head[1]
    with torch.inference_mode():
        assert (network(x)[0] - before).abs().max() < 1e-4
        seen = network.resnet_head[0](x)
        network.train()
        in_training = network(x)[0]
    assert torch.allclose(norm.running_mean, seen.mean((0, 2, 3)), atol=1e-4)
    # In training the norms use the batch's own statistics, here the very ones that were measured.
    assert (in_training - before).abs().max() < 1e-2
    with pytest.raises(ModelError, match="at least one picture"):
        unfold_batch_norms(network, [])


def test_safetensors_come_back(tmp_path, lcnet_path):
    network = load_pp_lcnet(lcnet_path)
    save_file(network.state_dict(), tmp_path / "a.safetensors")
    copy = load_pp_lcnet(tmp_path / "a.safetensors")
    for name, value in network.state_dict().items():
        assert torch.equal(copy.state_dict()[name], value), name


def randomised(network):
    generator = torch.Generator().manual_seed(0)
    for name, value in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        low, high = (0.5, 1.5) if "running_var" in name else (-0.1, 0.1)
        value.copy_(torch.empty_like(value).uniform_(low, high, generator=generator))
    return network.eval()


def as_paddle(network):
    """A state dict as Paddle's training writes it: its own names for statistics, linear weights transposed."""
    state = OrderedDict()
    for name, value in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        value = value.numpy().copy()
        if name == "fc.weight":
            value = np.ascontiguousarray(value.T)
        state[name.replace("running_mean", "_mean").replace("running_var", "_variance")] = value
    state["StructuredToParameterName@@"] = {"conv1.conv.weight": "conv2d_0.w_0"}
    return state


def test_paddles_training_weights_are_read_with_its_dropout(tmp_path):
    network = randomised(PPLCNet())
    path = tmp_path / "best.pdparams"
    path.write_bytes(pickle.dumps(as_paddle(network), protocol=2))
    read = load_pp_lcnet(path)
    x = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        features = torch.zeros(0)

        def keep(_module, inputs):
            nonlocal features
            features = inputs[0]

        network.fc.register_forward_pre_hook(keep)
        network(x)
        # "downscale in infer": at inference the features are multiplied by 1 - p
        expected = network.fc(0.8 * features)
        assert (read(x) - expected).abs().max() < 1e-5


def test_paddles_uvdoc_and_the_authors_pickle_are_read(tmp_path):
    network = randomised(UVDoc())
    (tmp_path / "a.pdparams").write_bytes(pickle.dumps(as_paddle(network), protocol=2))
    torch.save({"epoch": 3, "model_state": network.state_dict()}, tmp_path / "best_model.pkl")
    for name in ("a.pdparams", "best_model.pkl"):
        read = load_uvdoc(tmp_path / name)
        for key, value in network.state_dict().items():
            if not key.endswith("num_batches_tracked"):
                assert torch.equal(read.state_dict()[key], value), key


HF_UVDOC = {
    "resnet_head.0.weight": "backbone.resnet.resnet_head.0.convolution.weight",
    "resnet_head.4.bias": "backbone.resnet.resnet_head.1.normalization.bias",
    "resnet_down.layer2.0.downsample.1.weight": "backbone.resnet.resnet_down.1.layers.0.conv_down.normalization.weight",
    "resnet_down.layer2.0.conv1.bias": "backbone.resnet.resnet_down.1.layers.0.conv_start.convolution.bias",
    "resnet_down.layer3.5.conv2.0.weight": "backbone.resnet.resnet_down.2.layers.5.conv_final.convolution.weight",
    "resnet_down.layer3.5.bn2.bias": "backbone.resnet.resnet_down.2.layers.5.conv_final.normalization.bias",
    "bridge_5.1.0.weight": "backbone.bridge.bridge.4.blocks.1.convolution.weight",
    "bridge_concat.1.weight": "head.bridge_connector.normalization.weight",
    "out_point_positions2D.0.weight": "head.out_point_positions2D.conv_down.convolution.weight",
    "out_point_positions2D.2.weight": "head.out_point_positions2D.conv_down.activation.weight",
    "out_point_positions2D.3.bias": "head.out_point_positions2D.conv_up.bias",
}
HF_LCNET = {
    "conv1.conv.weight": "encoder.convolution.convolution.weight",
    "blocks5.3.dw_conv.bn.running_var": "encoder.blocks.3.layers.3.depthwise_convolution.normalization.running_var",
    "blocks6.1.se.conv2.bias": "encoder.blocks.4.layers.1.squeeze_excitation_module.convolutions.2.bias",
    "blocks6.0.pw_conv.conv.weight": "encoder.blocks.4.layers.0.pointwise_convolution.convolution.weight",
    "last_conv.weight": "last_convolution.weight",
    "fc.bias": "head.bias",
}


def test_hugging_faces_names_are_translated():
    from docpre.models.convert import _pp_lcnet_name, _uvdoc_name

    for own, foreign in HF_UVDOC.items():
        assert _uvdoc_name(foreign) == own
    for own, foreign in HF_LCNET.items():
        assert _pp_lcnet_name(foreign) == own
        assert own in PPLCNet().state_dict()
    assert HF_UVDOC.keys() <= UVDoc().state_dict().keys()


class Evil:
    def __reduce__(self):
        return (exec, ("raise SystemExit('this file ran code')",))


@pytest.mark.parametrize("suffix", [".pdparams", ".pkl", ".pth"])
def test_a_pickle_that_wants_to_run_code_is_refused(tmp_path, suffix):
    path = tmp_path / f"evil{suffix}"
    path.write_bytes(pickle.dumps({"conv1.conv.weight": Evil()}))
    with pytest.raises(ModelError):
        load_uvdoc(path)


@pytest.mark.parametrize("name", ["a.onnx", "a.safetensors", "a.pdparams", "a.pkl", "a.bin", "missing.onnx"])
def test_files_that_are_no_weights_are_refused(tmp_path, name):
    if not name.startswith("missing"):
        (tmp_path / name).write_bytes(b"this is not a weight file")
    for load in (load_uvdoc, load_pp_lcnet):
        with pytest.raises(ModelError, match=name):
            load(tmp_path / name)


def test_weights_of_another_network_are_refused(tmp_path, lcnet_path, uvdoc_path):
    with pytest.raises(ModelError, match="not a UVDoc"):
        load_uvdoc(lcnet_path)
    with pytest.raises(ModelError, match="not a PPLCNet"):
        load_pp_lcnet(uvdoc_path)
    save_file(PPLCNet(classes=2).state_dict(), tmp_path / "two.safetensors")
    with pytest.raises(ModelError, match="shape"):
        load_pp_lcnet(tmp_path / "two.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="lacks"):
        load_uvdoc(tmp_path / "other.safetensors")

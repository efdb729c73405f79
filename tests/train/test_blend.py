"""Trained weights moved back towards the published ones."""

from __future__ import annotations

import pytest
import torch

from docpre.errors import ConfigError, ModelError
from docpre.models.convert import load_uvdoc
from docpre.registry import published_model
from train.blend import blended, main
from train.export import trained_network
from train.orientation import Orientation
from train.page_finder import PageFinding
from train.start import starting_point
from train.unwarping import Unwarping


def trained_checkpoint(path):
    module = Orientation(start="official")
    module.setup("fit")
    with torch.no_grad():
        module.network.fc.bias += 2
    content = {
        "state_dict": module.state_dict(),
        "hyper_parameters": dict(module.hparams),
        "docpre": {"task": "orientation", "figures": {}, "data": {}},
    }
    torch.save(content, path)
    return content


def test_a_half_lies_in_the_middle_and_counters_stay():
    state = {"network.a": torch.tensor([2.0]), "network.n": torch.tensor(7)}
    assert blended(state, {"a": torch.tensor([4.0]), "n": torch.tensor(9)}, 0.5) == {"network.a": torch.tensor([3.0])}


def test_a_blended_checkpoint_is_a_checkpoint(tmp_path):
    before = trained_checkpoint(tmp_path / "a.ckpt")
    main(["--ckpt", str(tmp_path / "a.ckpt"), "--share", "0.25", "--output", str(tmp_path / "b.ckpt")])
    network, _ = trained_network(torch.load(tmp_path / "b.ckpt", weights_only=True))
    moved = network.fc.bias - before["state_dict"]["network.fc.bias"]
    torch.testing.assert_close(moved, torch.full((4,), -0.5))


def test_an_unwarping_network_is_blended_with_a_model_directory(tmp_path, small_uvdoc):
    module = Unwarping(start="nothing")
    content = {
        "state_dict": module.state_dict(),
        "hyper_parameters": dict(module.hparams),
        "docpre": {"task": "unwarping", "figures": {}, "data": {}},
    }
    torch.save(content, tmp_path / "a.ckpt")
    arguments = ["--ckpt", str(tmp_path / "a.ckpt"), "--share", "0.5", "--output", str(tmp_path / "b.ckpt")]
    main([*arguments, "--other", str(small_uvdoc)])
    network, _ = trained_network(torch.load(tmp_path / "b.ckpt", weights_only=True))
    spec, file = starting_point(str(small_uvdoc), published_model("unwarping"))
    other = load_uvdoc(file, spec.architecture).bridge_concat[0].weight
    torch.testing.assert_close(network.bridge_concat[0].weight, (module.network.bridge_concat[0].weight + other) / 2)


def test_another_network_is_refused(tmp_path):
    module = PageFinding()
    content = {
        "state_dict": module.state_dict(),
        "hyper_parameters": dict(module.hparams),
        "docpre": {"task": "page_finding", "figures": {}, "data": {}},
    }
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(ModelError, match="PageFinder can't be blended"):
        main(["--ckpt", str(tmp_path / "a.ckpt"), "--share", "0.5", "--output", str(tmp_path / "b.ckpt")])
    assert not (tmp_path / "b.ckpt").exists()


def test_a_share_beyond_one_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="share"):
        main(["--ckpt", "a.ckpt", "--share", "1.5", "--output", str(tmp_path / "b.ckpt")])

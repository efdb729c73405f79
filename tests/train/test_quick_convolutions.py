"""Fixed norms worked into convolutions change neither answers nor gradients."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from docpre.models.pp_lcnet import ConvNormAct, PPLCNet
from train.quick_convolutions import QuickConvNormAct, with_quick_convolutions


@pytest.fixture(scope="module")
def networks():
    """A network in evaluation mode with statistics of its own, and its quick twin."""
    torch.manual_seed(0)
    plain = PPLCNet(4, scale=0.25)
    for module in plain.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
        elif isinstance(module, torch.nn.Conv2d):  # so large that nothing fades on the way
            torch.nn.init.kaiming_normal_(module.weight)
    plain.eval()
    return plain, with_quick_convolutions(deepcopy(plain))


def answers_and_gradients(network, dtype=None):
    torch.manual_seed(1)
    picture = torch.randn(3, 3, 64, 64)
    network.zero_grad()
    with torch.autocast("cpu", dtype=dtype or torch.bfloat16, enabled=dtype is not None):
        logits = network(picture)
    logits.float().square().sum().backward()
    return logits.detach().float(), {name: p.grad.clone() for name, p in network.named_parameters()}


def test_answers_and_gradients_are_the_same_in_float32(networks):
    (logits, gradients), (quick_logits, quick_gradients) = map(answers_and_gradients, networks)
    torch.testing.assert_close(quick_logits, logits, rtol=1e-4, atol=1e-5)
    for name, gradient in gradients.items():
        torch.testing.assert_close(quick_gradients[name], gradient, rtol=1e-3, atol=1e-4 * float(gradient.abs().max()))


def test_in_bfloat16_gradients_point_where_those_of_float32_do(networks):
    _, gradients = answers_and_gradients(networks[0])
    logits, quick_gradients = answers_and_gradients(networks[1], torch.bfloat16)
    assert torch.isfinite(logits).all()
    for name, gradient in gradients.items():
        similarity = torch.cosine_similarity(gradient.flatten(), quick_gradients[name].flatten(), 0)
        assert similarity > 0.95, name


def test_names_of_weights_stay_and_a_norm_that_counts_is_left_alone(networks):
    plain, quick = networks
    assert quick.state_dict().keys() == plain.state_dict().keys()
    network = PPLCNet(4, scale=0.25).train()
    network.blocks2.eval()
    with_quick_convolutions(network)
    kinds = {name: type(module) for name, module in network.named_modules() if isinstance(module, ConvNormAct)}
    assert all((kind is QuickConvNormAct) == name.startswith("blocks2") for name, kind in kinds.items())

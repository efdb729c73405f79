"""Convolutions with fixed batch norms that train quickly on a CPU.

A batch norm whose statistics are fixed is a factor and an offset for each channel. Worked into the convolution's
weights at each step, which are small, it need not be applied to features, which are large; weights and norms learn as
they did. And where training is in bfloat16, depthwise convolutions get their gradients in float32: oneDNN takes two to
twelve times as long for them in bfloat16 (PP-LCNet's layers one by one, torch 2.14, a Xeon with AMX).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from docpre.models.pp_lcnet import ConvNormAct


class _FloatGradients(torch.autograd.Function):
    """A convolution forward in its input's type, backward in float32."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, like: nn.Conv2d) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.settings = list(like.stride), list(like.padding), like.groups
        dtype = x.dtype
        return functional.conv2d(x, weight.to(dtype), bias.to(dtype), like.stride, like.padding, groups=like.groups)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        x, weight = ctx.saved_tensors
        stride, padding, groups = ctx.settings
        wanted = list(ctx.needs_input_grad[:3])
        of_x, of_weight, of_bias = torch.ops.aten.convolution_backward(
            gradients[0].float(),
            x.float(),
            weight,
            [len(weight)],
            stride,
            padding,
            [1, 1],
            False,
            [0, 0],
            groups,
            wanted,
        )
        return None if of_x is None else of_x.to(x.dtype), of_weight, of_bias, None


class QuickConvNormAct(ConvNormAct):
    """A ``ConvNormAct`` whose norm's statistics are fixed."""

    def forward(self, input: Tensor) -> Tensor:
        """As ``ConvNormAct``'s where the norm is in evaluation mode: (N, C, H, W) to (N, C', H', W')."""
        conv, norm = self.conv, self.bn
        mean, variance = norm.running_mean, norm.running_var
        assert mean is not None
        assert variance is not None
        with torch.autocast(input.device.type, enabled=False):
            factor = norm.weight * (variance + norm.eps).rsqrt()
            weight, bias = conv.weight * factor[:, None, None, None], norm.bias - mean * factor
        if conv.groups > 1 and input.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            x = _FloatGradients.apply(input.to(torch.get_autocast_dtype("cpu")), weight, bias, conv)
        else:
            x = functional.conv2d(input, weight, bias, conv.stride, conv.padding, groups=conv.groups)
        return self.act(x)


def with_quick_convolutions(network: nn.Module) -> nn.Module:
    """A network whose fixed norms are worked into its convolutions; its weights stay what and where they are."""
    for module in network.modules():
        if type(module) is ConvNormAct and not module.bn.training:
            module.__class__ = QuickConvNormAct
    return network

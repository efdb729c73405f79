"""PP-LCNet: "PP-LCNet: A Lightweight CPU Convolutional Neural Network", Cui et al., 2021 (arXiv:2109.15099)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# (kernel size, output channels at scale 1, stride, squeeze-and-excitation) of each depthwise separable block,
# stage by stage: table 1 of the paper.
_STAGES: tuple[tuple[tuple[int, int, int, bool], ...], ...] = (
    ((3, 32, 1, False),),
    ((3, 64, 2, False), (3, 64, 1, False)),
    ((3, 128, 2, False), (3, 128, 1, False)),
    ((3, 256, 2, False), *(((5, 256, 1, False),) * 5)),
    ((5, 512, 2, True), (5, 512, 1, True)),
)
_STEM_CHANNELS = 16
_HEAD_CHANNELS = 1280


def _scaled(channels: int, scale: float) -> int:
    """``channels`` times ``scale``, to the nearest multiple of 8, but never more than 10 % below."""
    wanted = channels * scale
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


class ConvNormAct(nn.Sequential):
    """Convolution without bias, batch norm, hard swish."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(channels_out)
        self.act = nn.Hardswish()


class SqueezeExcite(nn.Module):
    """Channel attention: "Squeeze-and-Excitation Networks", Hu et al., 2018; reduction 4, hard sigmoid gate."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels // 4, 1)
        self.conv2 = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = x.mean((2, 3), keepdim=True)
        return x * nn.functional.hardsigmoid(self.conv2(torch.relu(self.conv1(squeezed))))


class DepthwiseSeparable(nn.Sequential):
    """Depthwise convolution, squeeze-and-excitation where asked for, pointwise convolution."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, use_se: bool) -> None:
        super().__init__()
        self.dw_conv = ConvNormAct(channels_in, channels_in, kernel, stride, groups=channels_in)
        if use_se:
            self.se = SqueezeExcite(channels_in)
        self.pw_conv = ConvNormAct(channels_in, channels_out, 1)


class PPLCNet(nn.Module):
    """PP-LCNet classifier.

    Args:
        classes: number of outputs; 4 for orientation (0, 90, 180, 270 degrees).
        scale: width multiplier; PP-LCNet_x1_0 is 1.0.
        channels_in: channels of the picture.
        dropout: share of the last features that is dropped in training.

    The parameters carry PaddleClas's names (``conv1``, ``blocks2`` ... ``blocks6``, ``last_conv``, ``fc``).
    """

    def __init__(self, classes: int = 4, scale: float = 1.0, channels_in: int = 3, dropout: float = 0.2) -> None:
        super().__init__()
        channels = _scaled(_STEM_CHANNELS, scale)
        self.conv1 = ConvNormAct(channels_in, channels, 3, stride=2)
        for number, stage in enumerate(_STAGES, start=2):
            blocks = []
            for kernel, width, stride, use_se in stage:
                blocks.append(DepthwiseSeparable(channels, _scaled(width, scale), kernel, stride, use_se))
                channels = _scaled(width, scale)
            self.add_module(f"blocks{number}", nn.Sequential(*blocks))
        self.trunk = ("conv1", *(f"blocks{number}" for number in range(2, 2 + len(_STAGES))))
        self.last_conv = nn.Conv2d(channels, _HEAD_CHANNELS, 1, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(_HEAD_CHANNELS, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Picture (N, 3, H, W), normalised, to logits (N, classes). H and W are 224 in the published model."""
        return self.after(self.until(x, self.trunk[-1]), self.trunk[-1])

    def until(self, x: Tensor, last: str) -> Tensor:
        """Picture to the features (N, C, H', W') that a part of the trunk gives."""
        for name in self.trunk[: self.trunk.index(last) + 1]:
            x = getattr(self, name)(x)
        return x

    def after(self, x: Tensor, last: str) -> Tensor:
        """What ``until`` gave, to logits (N, classes)."""
        for name in self.trunk[self.trunk.index(last) + 1 :]:
            x = getattr(self, name)(x)
        x = nn.functional.hardswish(self.last_conv(x.mean((2, 3), keepdim=True)))
        return self.fc(self.dropout(x.flatten(1)))

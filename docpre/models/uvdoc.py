"""UVDoc: "UVDoc: Neural Grid-based Document Unwarping", Verhoeven, Magne, Sorkine-Hornung, 2023 (arXiv:2302.02887)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_KERNEL = 5
_WIDTHS = (32, 64, 128)
_BLOCKS = (3, 4, 6)
_RESIDUAL_DILATION = 3
Bridges = tuple[tuple[int, ...], ...]
#: Dilations of the six parallel branches between encoder and heads, each a chain of 3x3 convolutions.
BRIDGES: Bridges = ((1,), (2,), (5,), (8, 3, 2), (12, 7, 4), (18, 12, 6))
#: The same for pictures of about half the sides: each branch sees as much of the page as it did.
LIGHT_BRIDGES: Bridges = ((1,), (1,), (2,), (4, 2, 1), (6, 3, 2), (9, 6, 3))
#: By the names of a model's specification.
ARCHITECTURES = {"UVDoc": BRIDGES, "UVDocLight": LIGHT_BRIDGES}


def _conv(channels_in: int, channels_out: int, stride: int = 1, dilation: int = 1, bias: bool = True) -> nn.Conv2d:
    padding = dilation * (_KERNEL // 2)
    return nn.Conv2d(channels_in, channels_out, _KERNEL, stride, padding, dilation, bias=bias)


class _Residual(nn.Module):
    """Two 5x5 convolutions around a shortcut. The first block of a stage may halve the picture; the others dilate."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, is_first: bool) -> None:
        super().__init__()
        if is_first:
            self.conv1: nn.Module = _conv(channels_in, channels_out, stride)
            self.conv2: nn.Module = _conv(channels_out, channels_out)
        else:
            self.conv1 = nn.Sequential(_conv(channels_in, channels_out, dilation=_RESIDUAL_DILATION))
            self.conv2 = nn.Sequential(_conv(channels_out, channels_out, dilation=_RESIDUAL_DILATION))
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.downsample: nn.Module | None = None
        if stride != 1:
            self.downsample = nn.Sequential(_conv(channels_in, channels_out, stride), nn.BatchNorm2d(channels_out))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(x)) + shortcut)


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        channels = _WIDTHS[0]
        for number, (width, blocks) in enumerate(zip(_WIDTHS, _BLOCKS, strict=True), start=1):
            stage = []
            for block in range(blocks):
                halves = block == 0 and width != channels
                stage.append(_Residual(channels, width, stride=2 if halves else 1, is_first=block == 0))
                channels = width
            self.add_module(f"layer{number}", nn.Sequential(*stage))

    def forward(self, x: Tensor) -> Tensor:
        for number in range(1, len(_WIDTHS) + 1):
            x = getattr(self, f"layer{number}")(x)
        return x


def _dilated(channels: int, dilation: int) -> nn.Sequential:
    conv = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels), nn.ReLU())


def _head(channels_in: int, channels_out: int) -> nn.Sequential:
    pad = _KERNEL // 2
    return nn.Sequential(
        nn.Conv2d(channels_in, _WIDTHS[0], _KERNEL, padding=pad, padding_mode="reflect", bias=False),
        nn.BatchNorm2d(_WIDTHS[0]),
        nn.PReLU(),
        nn.Conv2d(_WIDTHS[0], channels_out, _KERNEL, padding=pad, padding_mode="reflect"),
    )


class UVDoc(nn.Module):
    """UVDoc with both heads.

    The parameters carry the names of the authors' published checkpoint.

    Args:
        bridges: dilations of the branches between encoder and heads; the weights don't depend on them.
    """

    def __init__(self, bridges: Bridges = BRIDGES) -> None:
        super().__init__()
        stem, deep = _WIDTHS[0], _WIDTHS[-1]
        self._bridge_count = len(bridges)
        self.resnet_head = nn.Sequential(
            _conv(3, stem, stride=2, bias=False),
            nn.BatchNorm2d(stem),
            nn.ReLU(),
            _conv(stem, stem, stride=2, bias=False),
            nn.BatchNorm2d(stem),
            nn.ReLU(),
        )
        self.resnet_down = _Encoder()
        for number, dilations in enumerate(bridges, start=1):
            self.add_module(f"bridge_{number}", nn.Sequential(*(_dilated(deep, dilation) for dilation in dilations)))
        self.bridge_concat = nn.Sequential(
            nn.Conv2d(deep * len(bridges), deep, 1, bias=False), nn.BatchNorm2d(deep), nn.ReLU()
        )
        self.out_point_positions2D = _head(deep, 2)
        self.out_point_positions3D = _head(deep, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Predict the page's grid.

        Args:
            x: picture (N, 3, 712, 488), RGB in [0, 1]; other sizes give other grids, a sixteenth of them a side.

        Returns:
            ``grid_xy`` (N, 2, 45, 31): for each node of the flat page, where it lies in the picture, x then y, in
            [-1, 1], corners aligned; and ``grid_xyz`` (N, 3, 45, 31): where it lies in space, scaled to [0, 1].
        """
        x = self.resnet_down(self.resnet_head(x))
        bridges = [getattr(self, f"bridge_{number}")(x) for number in range(1, self._bridge_count + 1)]
        x = self.bridge_concat(torch.cat(bridges, 1))
        return self.out_point_positions2D(x), self.out_point_positions3D(x)

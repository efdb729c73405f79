"""The network that says where in a photo the page is: a small encoder and decoder of docpre's own.

The encoder halves the picture five times, so that it sees all of it at once; the decoder adds what the finer steps saw
(Lin et al., "Feature Pyramid Networks", arXiv:1612.03144).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

_WIDTHS = (16, 32, 64, 128, 160)
_BLOCKS = (0, 1, 2, 2, 2)
_DECODER = 24
_FINER = 2  # cells of the mask along each side of a cell of the decoder


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class _Block(nn.Module):
    """A convolution whose result is added to what it saw."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = _convolution(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.convolution(x)


class PageFinder(nn.Module):
    """From a picture to a mask of the page, at half its resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.ModuleList()
        inputs = 3
        for width, blocks in zip(_WIDTHS, _BLOCKS, strict=True):
            self.steps.append(nn.Sequential(_convolution(inputs, width, 2), *(_Block(width) for _ in range(blocks))))
            inputs = width
        seen = _WIDTHS[1:]
        self.lateral = nn.ModuleList(nn.Conv2d(width, _DECODER, 1) for width in seen)
        self.smooth = nn.ModuleList(_convolution(_DECODER, _DECODER) for _ in seen[:-1])
        self.head = nn.Sequential(nn.Conv2d(_DECODER, _FINER**2, 1), nn.PixelShuffle(_FINER))

    def forward(self, image: Tensor) -> Tensor:
        """Find the page.

        Args:
            image: (N, 3, H, W), normalised; sides are multiples of 32.

        Returns:
            (N, 1, H/2, W/2) logits: above 0 where the page is.
        """
        maps = []
        for step in self.steps:
            image = step(image)
            maps.append(image)
        found = self.lateral[-1](maps[-1])
        for finer, lateral, smooth in zip(maps[-2:0:-1], list(self.lateral)[-2::-1], self.smooth, strict=True):
            found = functional.interpolate(found, scale_factor=2.0, mode="nearest") + lateral(finer)
            found = smooth(found)
        return self.head(found)

"""JPEG's losses without its files: colour subsampling and rounded cosine coefficients, batched in torch."""

import math

import torch
from torch import Tensor
from torch.nn import functional

# ITU-T T.81, Annex K, tables K.1 and K.2.
_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *(((99,) * 8,) * 4),
)
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def _cosines() -> list[list[float]]:
    return [
        [(math.sqrt(0.125) if k == 0 else 0.5) * math.cos((2 * n + 1) * k * math.pi / 16) for n in range(8)]
        for k in range(8)
    ]


def _recolour(image: Tensor, rows: tuple[tuple[float, float, float], ...]) -> Tensor:
    """Mix the channels of (B, 3, H, W) by a 3x3 matrix."""
    first, second, third = image.unbind(1)
    return torch.stack([a * first + b * second + c * third for a, b, c in rows], 1)


def _quantise(plane: Tensor, table: Tensor, cosines: Tensor) -> Tensor:
    """Round the coefficients of 8x8 blocks; plane is (B, H, W) about 0, sides multiples of 8, table (B, 8, 8)."""
    batch, height, width = plane.shape
    blocks = plane.view(batch, height // 8, 8, width // 8, 8).transpose(2, 3)
    coefficients = cosines @ blocks @ cosines.T
    step = table[:, None, None]
    coefficients = torch.round(coefficients / step) * step
    return (cosines.T @ coefficients @ cosines).transpose(2, 3).reshape(batch, height, width)


def jpeg(image: Tensor, quality: Tensor) -> Tensor:
    """Send pictures through JPEG's losses (4:2:0, the standard's tables scaled as libjpeg does).

    Args:
        image: (B, 3, H, W) RGB in [0, 255].
        quality: (B,) 1 to 100.

    Returns:
        (B, 3, H, W) RGB in [0, 255], rounded.
    """
    height, width = image.shape[-2:]
    device, dtype = image.device, image.dtype
    padded = functional.pad(image, (0, -width % 16, 0, -height % 16), mode="replicate")
    scale = torch.where(quality < 50, 5000.0 / quality, 200.0 - 2 * quality).view(-1, 1, 1)
    luma, chroma = (
        ((torch.tensor(table, device=device, dtype=dtype) * scale + 50) / 100).floor().clamp(1, 255)
        for table in (_LUMA, _CHROMA)
    )
    cosines = torch.tensor(_cosines(), device=device, dtype=dtype)
    y, blue, red = _recolour(padded, _TO_YCC).unbind(1)
    y = _quantise(y - 128, luma, cosines) + 128
    small = functional.avg_pool2d(torch.stack([blue, red], 1), 2)
    small = torch.stack([_quantise(small[:, i].contiguous(), chroma, cosines) for i in range(2)], 1)
    small = functional.interpolate(small, scale_factor=2, mode="bilinear")
    rgb = _recolour(torch.cat([y[:, None], small], 1), _TO_RGB)
    return rgb[..., :height, :width].clamp(0, 255).round()

"""From light to file: lens blur, vignette, tone, noise, sharpening and JPEG."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from train.synth.config import SynthConfig
from train.synth.jpeg import jpeg


@dataclass(frozen=True)
class Lens:
    """The optics and the file of one photo.

    Attributes:
        blur_px: standard deviation of the blur in pixels.
        motion_px: length of the motion blur in pixels, 0 for none.
        motion_rad: its direction.
        vignette: darkening at the corners, 0 to 1.
        contrast: strength of the S-shaped tone curve.
        noise: standard deviation of the noise at mid grey, of full scale.
        noise_grain: 0 for noise of single pixels, 1 for noise that the camera has smoothed.
        sharpening: strength of the camera's unsharp mask.
        jpeg_quality: 1 to 100.
        noise_seed: seed of the noise.
    """

    blur_px: float
    motion_px: float
    motion_rad: float
    vignette: float
    contrast: float
    noise: float
    noise_grain: float
    sharpening: float
    jpeg_quality: int
    noise_seed: int


def draw_lens(rng: np.random.Generator, kind: str, config: SynthConfig) -> Lens:
    """Draw the optics of one photo.

    Args:
        rng: source of chance.
        kind: the page's kind; a scan is sharper and cleaner.
        config: ranges.

    Returns:
        The optics.
    """
    scan = kind == "scan"
    scale = max(config.size_wh) / 712
    moving = rng.random() < config.motion and not scan
    return Lens(
        blur_px=float(np.exp(rng.uniform(*np.log(config.blur_px)))) * scale * (0.7 if scan else 1.0),
        motion_px=float(rng.uniform(1.5, 5)) * scale if moving else 0.0,
        motion_rad=float(rng.uniform(0, np.pi)),
        vignette=0.0 if scan else float(rng.uniform(0, 0.3)),
        contrast=float(rng.uniform(0.0, 0.8)),
        noise=float(np.exp(rng.uniform(*np.log(config.noise)))) * (0.5 if scan else 1.0),
        noise_grain=float(rng.uniform(0.2, 1.0)),
        sharpening=float(rng.uniform(0.0, 1.4)),
        jpeg_quality=int(rng.integers(config.jpeg_quality[0], config.jpeg_quality[1] + 1)),
        noise_seed=int(rng.integers(0, 2**62)),
    )


def gaussian_blur(image: Tensor, sigma_px: Tensor) -> Tensor:
    """Blur each picture of a batch by its own Gaussian.

    Args:
        image: (B, C, H, W).
        sigma_px: (B,) standard deviations in pixels, positive.

    Returns:
        (B, C, H, W).
    """
    radius = max(1, int(np.ceil(2.5 * float(sigma_px.max()))))
    tap = torch.arange(radius + 1, device=image.device, dtype=image.dtype)
    weight = torch.exp(-0.5 * (tap / sigma_px[:, None]) ** 2)
    weight = weight / (weight.sum(1, keepdim=True) * 2 - weight[:, :1])
    weight = weight[:, :, None, None, None]
    height, width = image.shape[-2:]
    wide = functional.pad(image, (radius, radius, 0, 0), mode="replicate")
    out = image * weight[:, 0]
    for i in range(1, radius + 1):
        left, right = radius - i, radius + i
        out += (wide[..., left : left + width] + wide[..., right : right + width]) * weight[:, i]
    tall = functional.pad(out, (0, 0, radius, radius), mode="replicate")
    out = out * weight[:, 0]
    for i in range(1, radius + 1):
        top, low = radius - i, radius + i
        out += (tall[..., top : top + height, :] + tall[..., low : low + height, :]) * weight[:, i]
    return out


def _motion_blur(image: Tensor, length_px: float, angle_rad: float) -> Tensor:
    """Average of shifted copies of one picture, (C, H, W)."""
    steps = int(np.ceil(length_px)) + 1
    out = torch.zeros_like(image)
    for share in np.linspace(-0.5, 0.5, steps):
        dx, dy = round(share * length_px * np.cos(angle_rad)), round(share * length_px * np.sin(angle_rad))
        out += torch.roll(image, (dy, dx), (1, 2))
    return out / steps


def to_linear(value: NDArray[np.float32]) -> NDArray[np.float32]:
    """sRGB in [0, 1] to linear light in [0, 1] (IEC 61966-2-1)."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(value: Tensor) -> Tensor:
    """Linear light in [0, 1] to sRGB in [0, 1] (IEC 61966-2-1)."""
    knee = 0.0031308
    return 1.055 * value.clamp_min(knee) ** (1 / 2.4) - 0.055 + 12.92 * (value - knee).clamp_max(0)


def expose(linear: Tensor, lenses: list[Lens]) -> Tensor:
    """Take the photos.

    Args:
        linear: (B, 3, H, W) linear light, 1 is the sensor's full scale.
        lenses: B optics.

    Returns:
        (B, 3, H, W) uint8 RGB.
    """
    device, dtype = linear.device, linear.dtype
    height, width = linear.shape[-2:]

    def column(name: str) -> Tensor:
        return torch.tensor([getattr(lens, name) for lens in lenses], device=device, dtype=dtype)

    image = gaussian_blur(linear, column("blur_px"))
    for i, lens in enumerate(lenses):
        if lens.motion_px > 0:
            image[i] = _motion_blur(image[i], lens.motion_px, lens.motion_rad)
    y = torch.linspace(-1, 1, height, device=device, dtype=dtype)[:, None]
    x = torch.linspace(-1, 1, width, device=device, dtype=dtype)
    radius_square = (x * x + y * y) / 2
    image *= (1 - column("vignette")[:, None, None] * radius_square)[:, None]
    # A shoulder: what is over-exposed fades to white rather than breaking off.
    above = (image - 0.8).clamp_min(0)
    image = image - above + 0.2 * torch.tanh(above / 0.2)
    image = to_srgb(image.clamp_min(0))
    strength = column("contrast").view(-1, 1, 1, 1)
    image = image + strength * (image * image * (3 - 2 * image) - image) * 0.6
    noise = torch.stack(
        [
            torch.randn((3, height, width), generator=_generator(lens.noise_seed, device), device=device, dtype=dtype)
            for lens in lenses
        ]
    )
    grey = noise.mean(1, keepdim=True)
    noise = 0.55 * noise + 0.9 * grey
    grain = column("noise_grain").view(-1, 1, 1, 1)
    smooth = (noise + torch.roll(noise, 1, 2) + torch.roll(noise, 1, 3) + torch.roll(noise, (1, 1), (2, 3))) / 2
    noise = noise * (1 - grain) + smooth * grain
    image = image + noise * column("noise").view(-1, 1, 1, 1) * (1.35 - 0.7 * image)
    sharpening = column("sharpening").view(-1, 1, 1, 1)
    image = image + sharpening * (image - gaussian_blur(image, torch.full_like(sharpening[:, 0, 0, 0], 0.8)))
    return jpeg(image.clamp(0, 1) * 255, column("jpeg_quality")).to(torch.uint8)


def _generator(seed: int, device: torch.device) -> torch.Generator:
    generator = torch.Generator(device=device)
    generator.manual_seed(seed)
    return generator

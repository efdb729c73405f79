"""Thumbs that hold the page at its border."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]

# Linear light that skin gives back, from dark to fair.
_SKIN = ((0.10, 0.055, 0.035), (0.22, 0.12, 0.075), (0.38, 0.22, 0.15), (0.50, 0.31, 0.23), (0.58, 0.39, 0.31))


@dataclass(frozen=True)
class Thumb:
    """One thumb in a photo.

    Attributes:
        tip_xy: (2,) pixel of its tip.
        angle_rad: direction from its tip to the hand, in the picture, from x towards y.
        radius_px: half its width.
        curve: how it bends sideways.
        skin: (3,) linear RGB.
    """

    tip_xy: Array
    angle_rad: float
    radius_px: float
    curve: float
    skin: Array


def draw_thumbs(rng: np.random.Generator, nodes_px: Array, px_per_unit: float) -> list[Thumb]:
    """Draw one thumb or two at the page's sides or foot.

    Args:
        rng: source of chance.
        nodes_px: (R, C, 2) the page's nodes in the photo.
        px_per_unit: pixels to the page's long side.

    Returns:
        The thumbs.
    """
    tone = rng.uniform(0, len(_SKIN) - 1)
    skin = np.array([np.interp(tone, range(len(_SKIN)), [s[i] for s in _SKIN]) for i in range(3)])
    radius = rng.uniform(0.03, 0.042) * px_per_unit
    rows, cols = nodes_px.shape[:2]
    sides = ["left", "right", "foot"]
    rng.shuffle(sides)
    thumbs = []
    for side in sides[: 1 if rng.random() < 0.6 else 2]:
        place = rng.uniform(0.35, 0.85)
        if side == "foot":
            edge, inner = nodes_px[-1, int(place * (cols - 1))], nodes_px[-4, int(place * (cols - 1))]
        else:
            row = int(place * (rows - 1))
            first, second = (0, 3) if side == "left" else (-1, -4)
            edge, inner = nodes_px[row, first], nodes_px[row, second]
        inward = (inner - edge) / max(float(np.linalg.norm(inner - edge)), 1e-9)
        tip = edge + inward * rng.uniform(1.2, 3.0) * radius
        angle = np.arctan2(-inward[1], -inward[0]) + rng.normal(0, 0.35)
        thumbs.append(Thumb(tip, float(angle), radius * rng.uniform(0.9, 1.1), float(rng.normal(0, 0.018)), skin))
    return thumbs


def paint_thumb(thumb: Thumb, size_hw: tuple[int, int], to_lamp: Array, device: torch.device) -> tuple[Tensor, ...]:
    """Paint a thumb.

    Args:
        thumb: the thumb.
        size_hw: height and width of the photo.
        to_lamp: (3,) direction to the lamp before the camera: x to the right, y down, z ahead.
        device: where it is painted.

    Returns:
        (H, W) cover in [0, 1], (3, H, W) share of the lamp's light that comes back, and (H, W) what its shadow leaves
        of the light around it.
    """
    y = torch.arange(size_hw[0], device=device, dtype=torch.float32)[:, None]
    x = torch.arange(size_hw[1], device=device, dtype=torch.float32)
    cos, sin = float(np.cos(thumb.angle_rad)), float(np.sin(thumb.angle_rad))

    def shape(shift_x: float, shift_y: float) -> tuple[Tensor, Tensor, Tensor]:
        dx = (x - float(thumb.tip_xy[0]) - shift_x) / thumb.radius_px
        dy = (y - float(thumb.tip_xy[1]) - shift_y) / thumb.radius_px
        along = dx * cos + dy * sin
        aside = dy * cos - dx * sin - thumb.curve * along.clamp(0, 6) ** 2
        # A rounded tip, a joint a little thicker, then the ball of the thumb.
        width = 0.93 + 0.10 * torch.exp(-((along - 3.0) ** 2)) + 0.2 * (along - 3.4).clamp(0, 12)
        before = (1.0 - along).clamp_min(0)
        return along, aside / width, (before**2 * 0.9 + (aside / width) ** 2).sqrt()

    along, aside, reach = shape(0.0, 0.0)
    soft = 0.7 / thumb.radius_px
    cover = torch.sigmoid((1 - reach) / soft * 1.7)
    before = (1.0 - along).clamp(0, 1)
    up = (1 - (aside * aside + before * before).clamp(0, 0.98)).sqrt()
    across = aside * 0.95
    normal = (-before * cos - across * sin, -before * sin + across * cos, -up)
    facing = sum(n * float(c) for n, c in zip(normal, to_lamp, strict=True))
    lit = 0.42 + 0.75 * ((torch.as_tensor(facing) + 0.25) / 1.25).clamp(0, 1)
    skin = torch.as_tensor(thumb.skin, dtype=torch.float32, device=device).view(3, 1, 1)
    # Blood shows where skin turns from the light, and in the creases of the joint.
    redness = skin.new_tensor([1.0, 0.86, 0.82]).view(3, 1, 1)
    turned = (1 - up).clamp(0, 1)
    colour = skin * (1 - turned + turned * redness)
    crease = sum(torch.exp(-(((along - p - 0.1 * aside**2) / 0.06) ** 2)) for p in (2.7, 2.95, 3.25))
    colour = colour * (1 - 0.16 * torch.as_tensor(crease) * up) * lit
    nail = torch.sigmoid((1 - (((along - 0.95) / 0.75).abs() ** 2.6 + (aside / 0.62).abs() ** 2.6)) * 9)
    rim = nail * (1 - nail) * 4
    colour = colour * (1 - 0.25 * rim) + nail * (0.05 + 0.10 * skin) * lit
    shine = torch.exp(-(((aside + 0.2) / 0.16) ** 2) - ((along - 0.9) / 0.5) ** 2)
    colour = colour + 0.12 * nail * shine
    sideways = np.array(to_lamp[:2])
    fall = -0.45 * thumb.radius_px * sideways / max(float(np.linalg.norm(sideways)), 0.3)
    far = shape(float(fall[0]), float(fall[1]))[2]
    shadow = 1 - 0.55 * torch.sigmoid((1.02 - far) * 7)
    return cover, colour, shadow

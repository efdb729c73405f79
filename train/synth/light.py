"""Lamps over the table: shading, cast and soft shadows, gloss.

A photo has one lamp of some size (a disc of point lights) and light from all around (a ring of point lights). Shadows
are drawn as the lights see them: for each point light the sheet is projected on to the table, and the height of what
stands in the way is kept; a point is in shadow where something higher lies between it and the light.
Source: Williams, "Casting Curved Shadows on Curved Surfaces", SIGGRAPH 1978, with the table as the picture's plane.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from train.synth.config import SynthConfig
from train.synth.raster import rasterize

Array = NDArray[np.float64]

SKY_LIGHTS = 8
_WINDOW = 1.25  # shadows are kept within this distance of the page's centre


@dataclass(frozen=True)
class Lamps:
    """The light of one photo, or with a leading axis of B, of several.

    Attributes:
        positions: (K + 8, 3) point lights, K of the key lamp and eight all around; page's long side.
        colour: (2, 3) linear RGB of the key lamp and of the light all around.
        gloss: strength of the mirrored lamp, 0 for dull paper.
        shininess: exponent of the mirrored lamp (Blinn and Phong).
        translucency: light that comes through from the paper's other side.
        shade: (9,) a shadow of the photographer: centre x, y, half width, half height, cos, sin, arm's half width,
            softness, depth (0 for none).
        exposure: linear value of sunlit white paper in the photo.
    """

    positions: Array
    colour: Array
    gloss: float
    shininess: float
    translucency: float
    shade: Array
    exposure: float


def draw_lamps(rng: np.random.Generator, kind: str, config: SynthConfig) -> Lamps:
    """Draw the light of one photo.

    Args:
        rng: source of chance.
        kind: the page's kind; a scan is lit evenly.
        config: ranges.

    Returns:
        The lamps.
    """
    elevation = np.deg2rad(rng.uniform(*config.lamp_elevation_deg))
    around = rng.uniform(0, 2 * np.pi)
    distance = np.exp(rng.uniform(*np.log(config.lamp_distance)))
    direction = np.array([np.cos(elevation) * np.cos(around), np.cos(elevation) * np.sin(around), np.sin(elevation)])
    side = np.array([-np.sin(around), np.cos(around), 0.0])
    lift = np.cross(direction, side)
    radius = float(np.exp(rng.uniform(*np.log(config.lamp_radius)))) * distance / 3.0
    spiral = np.arange(config.key_lights) + 0.5
    reach, angle = radius * np.sqrt(spiral / config.key_lights), spiral * 2.39996 + rng.uniform(0, 6.28)
    key = direction * distance + np.outer(reach * np.cos(angle), side) + np.outer(reach * np.sin(angle), lift)
    key[:, 2] = np.maximum(key[:, 2], 0.75)
    ring = np.arange(SKY_LIGHTS) * 2 * np.pi / SKY_LIGHTS + rng.uniform(0, 6.28)
    height = np.where(np.arange(SKY_LIGHTS) % 2 == 0, 0.6, 1.05)
    sky = 4.0 * np.stack([np.cos(height) * np.cos(ring), np.cos(height) * np.sin(ring), np.sin(height)], 1)
    warmth = rng.uniform(*config.warmth)
    tint = 2.0 ** (np.array([0.5, 0.0, -0.5]) * warmth) * 2.0 ** rng.normal(0, 0.03, 3)
    contrast = 2.0 ** (np.array([0.5, 0.0, -0.5]) * rng.normal(0, 0.15))  # lamp against surroundings
    ambient = float(np.exp(rng.uniform(*np.log(config.ambient))))
    if kind == "scan":
        ambient, tint, contrast = 6.0, tint**0.2, np.ones(3)
    colour = np.stack([tint * contrast, tint / contrast * ambient])
    glossy = rng.random() < config.gloss
    shade = np.zeros(9)
    if kind != "scan" and rng.random() < config.photographer_shadow:
        toward, away = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.75)
        shade[:2] = away * np.cos(toward), away * np.sin(toward)
        shade[2:4] = rng.uniform(0.12, 0.35), rng.uniform(0.2, 0.5)
        shade[4:6] = np.cos(toward), np.sin(toward)
        shade[6:] = rng.uniform(0.04, 0.12), np.exp(rng.uniform(np.log(0.015), np.log(0.15))), rng.uniform(0.3, 0.85)
    return Lamps(
        positions=np.concatenate([key, sky]),
        colour=colour,
        gloss=float(rng.uniform(0.04, 0.22)) if glossy else 0.0,
        shininess=float(np.exp(rng.uniform(np.log(12), np.log(120)))),
        translucency=float(rng.uniform(0.02, 0.15)),
        shade=shade,
        exposure=float(rng.uniform(0.48, 1.0)) if kind != "scan" else float(rng.uniform(0.85, 1.08)),
    )


def shadow_heights(vertices: Tensor, faces: Tensor, sheet: Tensor, lights: Tensor, floor: Tensor, size: int) -> Tensor:
    """How high the paper stands in the way of each point light.

    Args:
        vertices: (N, 3) corner positions of all sheets' triangles.
        faces: (F, 3) corners of the triangles.
        sheet: (F,) the photo, 0 to B - 1, that each triangle is in.
        lights: (B, K, 3) point lights.
        floor: (B,) height of the table.
        size: pixels a side of each shadow picture.

    Returns:
        (B, K, size, size) heights over the table's window, below the floor where nothing stands in the way.
    """
    photos, count = lights.shape[:2]
    corner = vertices[faces]
    light = lights[sheet][:, :, None]
    base = floor[sheet][:, None, None]
    reach = (light[..., 2] - base) / (light[..., 2] - corner[:, None, ..., 2]).clamp_min(0.05)
    xy = light[..., :2] + (corner[:, None, ..., :2] - light[..., :2]) * reach[..., None]
    pixel = ((xy / _WINDOW + 1) * ((size - 1) / 2)).view(-1, 2)
    height = corner[..., 2][:, None].expand(-1, count, -1).reshape(-1)
    index = torch.arange(len(pixel), device=vertices.device).view(-1, 3)
    picture = (sheet[:, None] * count + torch.arange(count, device=vertices.device)).reshape(-1)
    ceiling = 9.0
    drawn = rasterize(pixel, ceiling - height, index, picture, photos * count, (size, size))
    seen = (ceiling - drawn.depth).view(photos, count, size, size)
    return torch.maximum(seen, (floor - 0.02).view(-1, 1, 1, 1))


def visibility(points: Tensor, heights: Tensor, lights: Tensor, floor: Tensor, bias: float = 0.008) -> Tensor:
    """Share of some point lights that reaches points.

    Args:
        points: (B, P, 3) positions.
        heights: (B, K, S, S) from `shadow_heights`.
        lights: (B, K, 3) point lights.
        floor: (B,) height of the table.
        bias: what stands less than this above a point does not shade it.

    Returns:
        (B, P) in [0, 1].
    """
    photos, count = lights.shape[:2]
    light, point = lights[:, :, None], points[:, None]
    reach = (light[..., 2] - floor[:, None, None]) / (light[..., 2] - point[..., 2]).clamp_min(0.05)
    xy = (light[..., :2] + (point[..., :2] - light[..., :2]) * reach[..., None]) / _WINDOW
    seen = functional.grid_sample(
        heights.reshape(photos * count, 1, *heights.shape[-2:]),
        xy.view(photos * count, 1, -1, 2),
        padding_mode="border",
        align_corners=True,
    ).view(photos, count, -1)
    return 1 - ((seen - point[..., 2] - bias) / 0.012).clamp(0, 1).mean(1)


def photographer_shade(points: Tensor, shade: Tensor, key: Tensor) -> Tensor:
    """What the photographer's soft shadow leaves of the key lamp.

    Args:
        points: (B, P, 3) positions.
        shade: (B, 9) as in `Lamps`.
        key: (B, 3) the key lamp's position.

    Returns:
        (B, P) in [0, 1].
    """
    direction = key / key.norm(dim=1, keepdim=True)
    xy = points[..., :2] - direction[:, None, :2] / direction[:, None, 2:] * points[..., 2:]
    offset = xy - shade[:, None, :2]
    cos, sin = shade[:, None, 4], shade[:, None, 5]
    along = offset[..., 0] * cos + offset[..., 1] * sin
    aside = offset[..., 1] * cos - offset[..., 0] * sin
    half_w, half_h, corner = shade[:, None, 2], shade[:, None, 3], 0.08
    outside = torch.stack([along.abs() - half_w + corner, aside.abs() - half_h + corner], -1).clamp_min(0).norm(dim=-1)
    body = outside - corner
    arm = torch.where(along > 0, aside.abs() - shade[:, None, 6], torch.full_like(aside, 9.0))
    distance = torch.minimum(body, arm)
    softness = shade[:, None, 7].clamp_min(1e-3)
    return 1 - shade[:, None, 8] * torch.sigmoid(-distance / softness * 2)


@dataclass(frozen=True)
class Shading:
    """Light at points of the paper.

    Attributes:
        front: (B, 3, P) linear RGB that falls on the upper side.
        back: (B, 3, P) that falls on the lower side.
        mirrored: (B, P) lamp mirrored to the camera by a glossy upper side.
    """

    front: Tensor
    back: Tensor
    mirrored: Tensor


def unit(vectors: Tensor) -> Tensor:
    """Vectors of length 1, (B, 3, ...), the components along the second axis."""
    return vectors * (vectors * vectors).sum(1, keepdim=True).clamp_min(1e-20).rsqrt()


def shade(points: Tensor, normals: Tensor, lit: Tensor, lamps: dict[str, Tensor], camera: Tensor) -> Shading:
    """Light that falls on points.

    Args:
        points: (B, 3, P) positions.
        normals: (B, 3, P) unit normals of the upper side.
        lit: (B, 2, P) share of the key lamp and of the light all around that arrives, in [0, 1].
        lamps: the fields of `Lamps` as tensors with a leading B.
        camera: (B, 3) the camera's position.

    Returns:
        The light; 1 is white paper that faces the key lamp at the page's centre.
    """
    key = lamps["positions"][:, :-SKY_LIGHTS].mean(1)
    to_key = key[:, :, None] - points
    square = (to_key * to_key).sum(1, keepdim=True)
    to_key = to_key * square.rsqrt()
    falloff = ((key * key).sum(1)[:, None] / square[:, 0]) * lit[:, 0]
    cosine = (normals * to_key).sum(1)
    sky = lamps["positions"][:, -SKY_LIGHTS:].mean(1)
    lean = 0.15 * unit(sky)
    lean[:, 2] += 0.35
    upward = (normals * lean[:, :, None]).sum(1)
    ambient = lit[:, 1] * 0.85 + 0.15
    colour = lamps["colour"]

    def total(direct: Tensor, around: Tensor) -> Tensor:
        return colour[:, 0, :, None] * direct[:, None] + colour[:, 1, :, None] * around[:, None]

    front = total(falloff * cosine.clamp_min(0), ambient * (0.5 + upward))
    back = total(falloff * (-cosine).clamp_min(0), ambient * (0.5 - upward))
    through = lamps["translucency"][:, None, None]
    mirrored = torch.zeros_like(cosine)
    if bool((lamps["gloss"] > 0).any()):
        half = unit(to_key + unit(camera[:, :, None] - points))
        shine = (normals * half).sum(1).clamp_min(1e-4) ** lamps["shininess"][:, None]
        mirrored = shine * lamps["gloss"][:, None] * falloff * (cosine > 0)
    return Shading(front + through * back, back + through * front, mirrored)

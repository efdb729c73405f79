"""A pinhole camera above the table: where it stands, and where points fall in its picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from train.synth.config import SynthConfig

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes:
        rotation: (3, 3) rows: the picture's right, the picture's down, straight ahead, as table directions.
        position: (3,) where it stands over the table, in the page's long side.
        focal_px: focal length in pixels.
        centre_xy: (2,) the pixel straight ahead; off the middle where the photo is a crop.
    """

    rotation: Array
    position: Array
    focal_px: float
    centre_xy: Array


def project(points: Array, camera: Camera) -> tuple[Array, Array]:
    """Where points fall.

    Args:
        points: (..., 3) table positions.
        camera: the camera.

    Returns:
        (..., 2) pixels, x then y, and (...) distances ahead.
    """
    local = (points - camera.position) @ camera.rotation.T
    ahead = local[..., 2]
    return camera.focal_px * local[..., :2] / ahead[..., None] + camera.centre_xy, ahead


def rays_to_plane(
    rotation: Tensor, position: Tensor, focal_px: Tensor, centre_xy: Tensor, xy: Tensor, z: Tensor
) -> Tensor:
    """Where pixels' rays meet a level plane.

    Args:
        rotation: (B, 3, 3) as in `Camera`.
        position: (B, 3).
        focal_px: (B,).
        centre_xy: (B, 2).
        xy: (P, 2) pixels.
        z: (B,) height of the plane.

    Returns:
        (B, P, 2) x and y on the plane; rays that miss it meet it far away.
    """
    across = (xy - centre_xy[:, None]) / focal_px[:, None, None]
    ray = across @ rotation[:, :2] + rotation[:, None, 2]
    down = (-ray[..., 2:]).clamp_min(0.05)
    return position[:, None, :2] + ray[..., :2] * ((position[:, 2] - z)[:, None, None] / down)


def area_px(xy: Array) -> float:
    """Area enclosed by the outline of a grid of points, (R, C, 2), in square pixels (shoelace)."""
    outline = np.concatenate([xy[0, :-1], xy[:-1, -1], xy[-1, :0:-1], xy[:0:-1, 0]])
    x, y = outline[:, 0], outline[:, 1]
    return float(abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2)


def place_camera(
    nodes: Array, direction: Array, turn_cw_deg: float, focal_mm: float, coverage: float, size_wh: tuple[int, int]
) -> Camera:
    """Point a camera at the page from a direction, as far away as gives the wanted coverage.

    Args:
        nodes: (R, C, 3) page positions.
        direction: (3,) unit vector from the page to the camera.
        turn_cw_deg: how far the page's top is turned clockwise in the picture.
        focal_mm: focal length on a 36x24 mm frame.
        coverage: page's area over the picture's.
        size_wh: the picture's size.

    Returns:
        The camera, its picture centred on the page's bounding box.
    """
    ahead = -direction
    up = np.array([0.0, 1.0, 0.0])
    right = np.cross(ahead, up)
    right /= np.linalg.norm(right)
    down = np.cross(ahead, right)
    turn = np.deg2rad(turn_cw_deg)
    cos, sin = np.cos(turn), np.sin(turn)
    rotation = np.stack([cos * right - sin * down, sin * right + cos * down, ahead])
    target = nodes.mean((0, 1))
    focal_px = focal_mm / np.hypot(36.0, 24.0) * float(np.hypot(*size_wh))
    wanted = coverage * size_wh[0] * size_wh[1]
    distance = focal_px / np.sqrt(wanted)
    centre = (np.array(size_wh) - 1) / 2
    for _ in range(4):
        distance = max(distance, 0.45)
        camera = Camera(rotation, target + distance * direction, focal_px, centre)
        xy, _ = project(nodes, camera)
        distance *= np.sqrt(area_px(xy) / wanted)
    camera = Camera(rotation, target + max(distance, 0.45) * direction, focal_px, centre)
    xy, _ = project(nodes, camera)
    middle = (xy.min((0, 1)) + xy.max((0, 1))) / 2
    return Camera(rotation, camera.position, focal_px, 2 * centre - middle)


def draw_camera(rng: np.random.Generator, nodes: Array, kind: str, config: SynthConfig) -> Camera:
    """Draw a camera for a page that lies on the table.

    Args:
        rng: source of chance.
        nodes: (R, C, 3) page positions.
        kind: the page's kind; a scan is seen from straight above, nearly filling the picture.
        config: ranges.

    Returns:
        The camera.
    """
    size = np.array(config.size_wh, dtype=np.float64)
    if kind == "scan":
        tilt, coverage, focal_mm = 0.0, rng.uniform(0.8, 0.97), 600.0
        turn = rng.normal(0, 0.8)
    else:
        tilt = np.deg2rad(config.tilt_deg[0] + (config.tilt_deg[1] - config.tilt_deg[0]) * rng.beta(1.3, 2.2))
        coverage = config.coverage[0] + (config.coverage[1] - config.coverage[0]) * rng.beta(1.4, 2.0)
        focal_mm = float(np.exp(rng.uniform(*np.log(config.focal_mm))))
        turn = rng.normal(0, config.turn_jitter_deg)
        if rng.random() < config.any_turn:
            turn = rng.uniform(0, 360)
    odds = np.array(config.turns) / sum(config.turns)
    turn += 90.0 * int(rng.choice(4, p=odds))
    # A page that is shaped or turned unlike the frame covers less of it.
    edge_x, edge_y = nodes[0, -1] - nodes[0, 0], nodes[-1, 0] - nodes[0, 0]
    page_wh = np.array([np.linalg.norm(edge_x), np.linalg.norm(edge_y)])
    cos, sin = abs(np.cos(np.deg2rad(turn))), abs(np.sin(np.deg2rad(turn)))
    bounds = np.array([page_wh[0] * cos + page_wh[1] * sin, page_wh[0] * sin + page_wh[1] * cos])
    fits = float((size / bounds).min() ** 2 * page_wh.prod() / size.prod())
    coverage *= min(1.0, fits / 0.75)
    # People stand at the page's foot, mostly.
    around = -np.pi / 2 + rng.normal(0, 0.9)
    direction = np.array([np.sin(tilt) * np.cos(around), np.sin(tilt) * np.sin(around), np.cos(tilt)])
    camera = place_camera(nodes, direction, turn, focal_mm, coverage, config.size_wh)
    xy, _ = project(nodes, camera)
    span = xy.max((0, 1)) - xy.min((0, 1))
    room = np.where(span < size, (size - span) * 0.5, (span - size) * 0.3)
    shift = rng.uniform(-1, 1, 2) * room * rng.uniform(0.2, 0.95)
    return Camera(camera.rotation, camera.position, camera.focal_px, camera.centre_xy + shift)

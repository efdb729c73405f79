"""Bent paper: cylinders, cones, folds, curls, book pages and crumples of a flat sheet.

A sheet is bent by maps of space that keep lengths on the sheet exactly: a cylinder rolls the sheet along one direction
by a profile of curvature, a cone does so around an apex off the sheet. Arcs, waves, folds and curls are profiles. Where
two bends are composed lengths hold only nearly; `isometry.relax` restores them.

Frame: x to the right on the page, y up the page, z out of the table towards the viewer; the unit is the page's long
side; the origin is the page's centre. Sources: Perriollat and Bartoli, "A computational model of bounded developable
surfaces with application to image-based 3D reconstruction", 2013; Das et al., "DewarpNet" (Doc3D), ICCV 2019;
Verhoeven et al., "UVDoc", SIGGRAPH Asia 2023.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from train.synth.config import Range, SynthConfig

Array = NDArray[np.float64]

GRID_HW = (45, 31)
_HALF_SPAN = 0.8  # more than half a diagonal of any page, whose long side is 1
_SAMPLES = 1601


@dataclass(frozen=True)
class Crease:
    """A fold's line on the flat page: points p with p . (cos, sin)(angle) = offset.

    Attributes:
        angle_rad: direction across the line, from x towards y.
        offset: distance from the page's centre.
        bend_rad: how far the fold is bent, positive for a valley.
    """

    angle_rad: float
    offset: float
    bend_rad: float


@dataclass
class Surface:
    """A bent sheet and what lies beside it.

    Attributes:
        kind: one of `config.KINDS`.
        size_wh: (2,) the flat page's width and height; the longer is 1.
        nodes: (R, C, 3) node positions, row 0 at the page's top, column 0 at its left.
        creases: lines that folds left on the paper.
        crumpled: how crumpled the paper is, 0 for a smooth sheet; see `SynthConfig.crumple`.
        facing: (R, C, 3) the book's other page, or None.
        gutter: "left" or "right", the page's bound edge, or "" without one.
        thickness: height of the block of pages below a book page; 0 for a sheet.
    """

    kind: str
    size_wh: Array
    nodes: Array
    creases: list[Crease] = field(default_factory=list)
    crumpled: float = 0.0
    facing: Array | None = None
    gutter: str = ""
    thickness: float = 0.0


def flat_nodes(size_wh: Array, mesh_factor: int) -> Array:
    """Nodes of the flat sheet.

    Args:
        size_wh: (2,) width and height.
        mesh_factor: mesh cells to each cell of the 45x31 grid.

    Returns:
        (R, C, 3) positions at z = 0.
    """
    rows, cols = (GRID_HW[0] - 1) * mesh_factor + 1, (GRID_HW[1] - 1) * mesh_factor + 1
    x = np.linspace(-0.5, 0.5, cols) * size_wh[0]
    y = np.linspace(0.5, -0.5, rows) * size_wh[1]
    return np.stack([*np.meshgrid(x, y), np.zeros((rows, cols))], -1)


def _positions() -> Array:
    return np.linspace(-_HALF_SPAN, _HALF_SPAN, _SAMPLES)


def _integral(values: Array, step: float) -> Array:
    """Integral along the first axis from the middle sample, by the trapezoid rule."""
    total = np.zeros_like(values)
    total[1:] = np.cumsum(0.5 * (values[1:] + values[:-1]), axis=0) * step
    return total - total[_SAMPLES // 2]


def bend_cylinder(points: Array, angle_rad: float, curvature: Array) -> Array:
    """Roll space along one direction; the plane z = 0 keeps its lengths exactly.

    Args:
        points: (..., 3) positions.
        angle_rad: the direction that is rolled up, from x towards y.
        curvature: (1601,) curvature over positions from -0.8 to 0.8 along it, positive curls towards +z.

    Returns:
        (..., 3) positions; the centre stays and keeps its tangent plane.
    """
    position = _positions()
    step = float(position[1] - position[0])
    slope = _integral(curvature, step)
    along, up = _integral(np.cos(slope), step), _integral(np.sin(slope), step)
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    s = points[..., 0] * cos + points[..., 1] * sin
    t = points[..., 1] * cos - points[..., 0] * sin
    z = points[..., 2]
    local = np.interp(s, position, slope)
    s_bent = np.interp(s, position, along) - z * np.sin(local)
    z_bent = np.interp(s, position, up) + z * np.cos(local)
    return np.stack([s_bent * cos - t * sin, s_bent * sin + t * cos, z_bent], -1)


def bend_cone(points: Array, angle_rad: float, apex_distance: float, curvature: Array) -> Array:
    """Roll space around an apex; the plane z = 0 becomes a general cone and keeps its lengths exactly.

    Args:
        points: (..., 3) positions.
        angle_rad: direction from the apex to the page's centre.
        apex_distance: how far the apex is from the centre; beyond the page's edge.
        curvature: (1601,) curvature of the cone's section by a unit sphere, over -0.8 to 0.8 times half a turn.

    Returns:
        (..., 3) positions; the centre stays and keeps its tangent plane.
    """
    # The section c(a) is a unit-speed curve on the sphere: c' = t, t' = -c + k n, n' = -k t. Integrated by exact
    # rotations over short steps, both ways from the middle.
    angles = _positions() * np.pi
    step = float(angles[1] - angles[0])
    every = 8
    coarse = angles[::every]
    rate = curvature[::every]
    middle = len(coarse) // 2
    frames = np.zeros((len(coarse), 3, 3))
    frames[middle] = np.eye(3)
    for direction in (1, -1):
        current = frames[middle]
        for i in range(middle, len(coarse) - 1) if direction == 1 else range(middle, 0, -1):
            k = 0.5 * (rate[i] + rate[i + direction])
            turn = direction * step * every * np.hypot(1.0, k)
            axis = np.array([k, 0.0, 1.0]) / np.hypot(1.0, k)  # in the moving frame (c, t, n)
            current = _rotation(axis, turn) @ current
            frames[i + direction] = current
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    ahead = points[..., 0] * cos + points[..., 1] * sin + apex_distance
    aside = points[..., 1] * cos - points[..., 0] * sin
    radius, around = np.hypot(ahead, aside), np.arctan2(aside, ahead)
    sections = np.stack([np.interp(around, coarse, frames[:, i, j]) for i in (0, 2) for j in range(3)], -1)
    section, normal = sections[..., :3], sections[..., 3:]
    section = section / np.linalg.norm(section, axis=-1, keepdims=True)
    bent = radius[..., None] * section + points[..., 2:] * normal
    s, t, z = bent[..., 0] - apex_distance, bent[..., 1], bent[..., 2]
    return np.stack([s * cos - t * sin, s * sin + t * cos, z], -1)


def _rotation(axis: Array, angle: float) -> Array:
    """Rows (c, t, n) of the frame after a turn about an axis given in the frame itself (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0.0, z, -y], [-z, 0.0, x], [y, -x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross


def wave_curvature(rng: np.random.Generator, slope_rad: float) -> Array:
    """Curvature of gentle waves whose slope stays within about +-slope_rad."""
    position = _positions()
    curvature = np.zeros_like(position)
    for _ in range(int(rng.integers(1, 4))):
        pitch = 2 * np.pi * rng.uniform(0.35, 1.6)
        curvature += slope_rad * rng.uniform(0.2, 0.8) * pitch * np.cos(pitch * position + rng.uniform(0, 2 * np.pi))
    return curvature


def arc_curvature(rng: np.random.Generator, turn_rad: float) -> Array:
    """Curvature of an arc that turns by turn_rad over the page, more at one place than at others."""
    position = _positions()
    centre, width = rng.uniform(-0.35, 0.35), rng.uniform(0.15, 0.6)
    bump = np.exp(-0.5 * ((position - centre) / width) ** 2)
    inside = np.abs(position) < 0.5
    return turn_rad * bump / (bump[inside].sum() * (position[1] - position[0]))


def fold_curvature(offset: float, bend_rad: float, width: float, flattened: float = 0.0, reach: float = 0.05) -> Array:
    """Curvature of a fold: bend_rad within about +-2 widths of the offset.

    Args:
        offset: where it lies.
        bend_rad: how far it is bent.
        width: of the bend.
        flattened: share of the bend that the paper takes back beside it, half on each side, as a sheet does that was
            folded and laid flat again: the crease stands up, and what is further off lies flat.
        reach: how far from the crease most of that is taken back.
    """
    away = np.abs(_positions() - offset)
    bend = np.exp(-0.5 * (away / width) ** 2) / (width * np.sqrt(2 * np.pi))
    return bend_rad * (bend - flattened * np.exp(-away / reach) / (2 * reach))


def curl_curvature(start: float, radius: float, turn_rad: float) -> Array:
    """Curvature of an edge or corner that rolls up beyond `start`, to turn_rad at the most."""
    position = _positions()
    ramp = np.clip((position - start) / (0.5 * radius), 0.0, 1.0)
    length = turn_rad * radius + 0.25 * radius
    return ramp * np.clip((start + length - position) / (0.5 * radius), 0.0, 1.0) / radius


def gutter_curvature(width: float, gutter_slope_rad: float, decay: float, sag_rad: float) -> Array:
    """Curvature across a book page whose bound edge is at the left: steep at the gutter, then a long sag."""
    position = _positions()
    from_gutter = np.clip(position + width / 2, 0.0, None)
    slope = gutter_slope_rad * np.exp(-from_gutter / decay) - sag_rad * (from_gutter / width) ** 1.5
    return np.gradient(slope, position)


def facets(points_xy: Array, rng: np.random.Generator, sites: int) -> Array:
    """Height of crumpled paper: flat facets between sharp ridges.

    The difference of two piecewise linear interpolants of a paraboloid (their pieces are the cells of power diagrams).

    Args:
        points_xy: (..., 2) positions on the page.
        rng: source of chance.
        sites: how many facets over the page, roughly.

    Returns:
        (...) heights of mean 0 and standard deviation 1.
    """
    height = np.zeros(points_xy.shape[:-1])
    square = (points_xy**2).sum(-1)
    for sign in (1.0, -1.0):
        site = rng.uniform(-0.65, 0.65, (sites, 2))
        weight = rng.uniform(0, 0.6 / sites, sites) - (site**2).sum(-1)
        height += sign * (square - (2 * points_xy @ site.T + weight).max(-1))
    height -= height.mean()
    return height / max(float(height.std()), 1e-9)


def draw_surface(rng: np.random.Generator, page_wh: tuple[int, int], config: SynthConfig) -> Surface:
    """Draw a bent sheet for a page.

    Args:
        rng: source of chance.
        page_wh: the flat page's width and height in pixels; only their ratio counts.
        config: ranges.

    Returns:
        The surface, not yet relaxed and not yet laid on the table.
    """
    size_wh = np.array(page_wh, dtype=np.float64) / max(page_wh)
    names = list(config.kinds)
    odds = np.array([config.kinds[name] for name in names], dtype=np.float64)
    kind = names[int(rng.choice(len(names), p=odds / odds.sum()))]
    surface = Surface(kind, size_wh, flat_nodes(size_wh, config.mesh_factor))
    amount = config.severity
    if amount == 0:
        return surface
    if kind == "scan":
        if rng.random() < 0.5:
            _bend(surface, rng, wave_curvature(rng, 0.03 * amount))
    elif kind == "bend":
        _bend(surface, rng, _smooth(rng, amount))
    elif kind == "cone":
        _cone(surface, rng, amount)
    elif kind == "fold":
        _folds(surface, rng, amount, config)
    elif kind == "curl":
        _curls(surface, rng, amount)
        _bend(surface, rng, wave_curvature(rng, 0.12 * amount))
    elif kind == "book":
        _book(surface, rng, amount)
    elif kind == "crumple":
        _crumple(surface, rng, amount, config.crumple)
        _bend(surface, rng, wave_curvature(rng, 0.15 * amount))
    else:
        if rng.random() < 0.3:
            _crumple(surface, rng, 0.4 * amount, config.crumple)
        if rng.random() < 0.6:
            _curls(surface, rng, amount)
        if rng.random() < 0.7:
            _folds(surface, rng, 0.7 * amount, config)
        if rng.random() < 0.5:
            _cone(surface, rng, 0.7 * amount)
        else:
            _bend(surface, rng, _smooth(rng, 0.7 * amount))
    if kind in ("bend", "cone", "curl", "crumple") and rng.random() < config.extra_folds:
        _folds(surface, rng, 0.4 * amount, config)
    return surface


def _smooth(rng: np.random.Generator, amount: float) -> Array:
    if rng.random() < 0.5:
        return wave_curvature(rng, rng.uniform(0.1, 0.5) * amount)
    return arc_curvature(rng, rng.choice([-1.0, 1.0]) * rng.uniform(0.3, 1.5) * amount)


def _direction(rng: np.random.Generator) -> float:
    """A bend's direction: along an edge as often as not, else any."""
    if rng.random() < 0.5:
        return float(rng.integers(0, 4) * np.pi / 2 + rng.normal(0, 0.12))
    return float(rng.uniform(0, 2 * np.pi))


def _bend(surface: Surface, rng: np.random.Generator, curvature: Array) -> None:
    surface.nodes = bend_cylinder(surface.nodes, _direction(rng), curvature)


def _cone(surface: Surface, rng: np.random.Generator, amount: float) -> None:
    distance = rng.uniform(0.85, 2.0)
    half_angle = np.arcsin(min(0.6 / distance, 0.95))
    around = _positions() * np.pi / half_angle
    turn = rng.uniform(0.3, 1.3) * amount * rng.choice([-1.0, 1.0])
    bump = np.exp(-0.5 * ((around - rng.uniform(-0.5, 0.5)) / rng.uniform(0.4, 1.0)) ** 2)
    rate = bump / (bump[np.abs(around) < 1].mean() * 2)
    pitch = rng.uniform(1.0, 3.0)
    rate = rate + 0.5 * pitch * np.cos(pitch * around + rng.uniform(0, 2 * np.pi)) * rng.uniform(0, 0.8)
    surface.nodes = bend_cone(surface.nodes, _direction(rng), distance, turn * rate / half_angle)


def _folds(surface: Surface, rng: np.random.Generator, amount: float, config: SynthConfig) -> None:
    """Folds as letters have them: in two, three or four along an edge, perhaps across it too, or anywhere."""
    width = surface.size_wh[0]
    height = surface.size_wh[1]
    across_lines = [0.0] if rng.random() < 0.4 else [-height / 6, height / 6]
    if rng.random() < 0.25:
        across_lines = [-height / 4, 0.0, height / 4]
    along_lines = [0.0] if rng.random() < 0.7 else [-width / 4, 0.0, width / 4]
    style = rng.random()
    if style < 0.4:
        plan = [(np.pi / 2, across_lines)]
    elif style < 0.75:
        plan = [(np.pi / 2, across_lines), (0.0, along_lines)]
    elif style < 0.85:
        plan = [(0.0, along_lines)]
    else:
        count = int(rng.integers(1, 4))
        plan = [(float(rng.uniform(0, np.pi)), [float(rng.uniform(-0.3, 0.3))]) for _ in range(count)]
    strength = rng.uniform(0.12, 0.75) * amount
    flattened = 0.0
    if config.flattened and rng.random() < config.flattened:
        flattened, strength = rng.uniform(0.6, 1.0), rng.uniform(0.3, 1.1) * amount
    for number, (angle, offsets) in enumerate(plan):
        angle += float(rng.normal(0, 0.015))
        alternate = rng.random() < 0.4
        sign = rng.choice([-1.0, 1.0])
        curvature = wave_curvature(rng, 0.06 * amount)
        # A sheet that is bent already is stiff across its bends.
        stiffness = min(1.0, 0.05 / max(float(np.ptp(surface.nodes[..., 2])), 1e-6))
        for i, offset in enumerate(offsets):
            bend = sign * strength * stiffness * rng.uniform(0.5, 1.1) * (-1.0 if alternate and i % 2 else 1.0)
            place = offset + float(rng.normal(0, 0.006))
            # A fold over folded paper is drawn wider: a sharp one would overlap itself at the crossing.
            width_of_bend = rng.uniform(0.004, 0.009) * (2.5 if number else 1.0)
            reach = rng.uniform(0.025, 0.11) if flattened else 1.0
            curvature = curvature + fold_curvature(place, bend, width_of_bend, flattened, reach)
            surface.creases.append(Crease(angle, place, bend))
        surface.nodes = bend_cylinder(surface.nodes, angle, curvature)
        strength *= 0.7


def _curls(surface: Surface, rng: np.random.Generator, amount: float) -> None:
    """Corners or edges that roll up, now and then right over the page."""
    width, height = surface.size_wh
    corners = [(1, 1), (1, -1), (-1, -1), (-1, 1)]
    rng.shuffle(corners)
    for sign_x, sign_y in corners[: int(rng.integers(1, 3))]:
        if rng.random() < 0.75:
            angle = np.arctan2(sign_y, sign_x) + rng.normal(0, 0.25)
        else:
            angle = 0.0 if rng.random() < 0.5 else np.pi / 2
            angle += 0.0 if sign_x > 0 else np.pi
        reach = abs(width / 2 * np.cos(angle)) + abs(height / 2 * np.sin(angle))
        start = reach - rng.uniform(0.12, 0.4)
        radius = rng.uniform(0.06, 0.24)
        turn = rng.uniform(0.4, 1.3) * amount
        if rng.random() < 0.15:  # right over
            turn, start = rng.uniform(1.3, 2.6) * amount, max(start, reach - 0.25)
        sign = 1.0 if rng.random() < 0.85 or turn > 1.0 else -1.0
        surface.nodes = bend_cylinder(surface.nodes, float(angle), sign * curl_curvature(start, radius, turn))


def _book(surface: Surface, rng: np.random.Generator, amount: float) -> None:
    """A page of an open book, its neighbour beyond the gutter, and the block of pages below."""
    width = float(surface.size_wh[0])
    flat = surface.nodes.copy()
    surface.gutter = "left" if rng.random() < 0.5 else "right"
    surface.thickness = float(rng.uniform(0.01, 0.08))
    pages = []
    lean = rng.normal(0, 0.06) * amount
    for _ in range(2):
        curvature = gutter_curvature(
            width, rng.uniform(0.3, 1.15) * amount, width * rng.uniform(0.08, 0.28), rng.uniform(0.02, 0.35) * amount
        )
        bent = bend_cylinder(flat, 0.0, curvature)
        # Stand it on its gutter: the slope there is the profile's, not the centre's.
        start, end = bent[:, 0].mean(0), bent[:, -1].mean(0)
        tip = np.arctan2(end[2] - start[2], end[0] - start[0]) - rng.uniform(0.0, 0.12) * amount
        cos, sin = np.cos(tip), np.sin(tip)
        x, z = bent[..., 0] - start[0], bent[..., 2] - start[2]
        pages.append(np.stack([x * cos + z * sin, bent[..., 1], z * cos - x * sin], -1))
    page, facing = pages
    if surface.gutter == "right":
        page = page[:, ::-1] * [-1.0, 1.0, 1.0]
    else:
        facing = facing[:, ::-1] * [-1.0, 1.0, 1.0]
    if lean:
        page, facing = (bend_cylinder(p, np.pi / 2, np.full(_SAMPLES, lean)) for p in (page, facing))
    centre = page.mean((0, 1)) * [1.0, 1.0, 0.0]
    surface.nodes, surface.facing = page - centre, facing - centre


def _crumple(surface: Surface, rng: np.random.Generator, amount: float, crumple: Range) -> None:
    flat = surface.nodes[..., :2]
    surface.crumpled = float(rng.uniform(*crumple)) * min(amount, 1.0)
    rough = facets(flat, rng, int(rng.integers(10, 24))) * 0.013 + facets(flat, rng, 60) * 0.004
    lift = np.zeros_like(surface.nodes)
    lift[..., 2] = rough * surface.crumpled
    surface.nodes = surface.nodes + lift


def lay_on_table(nodes: Array) -> Array:
    """Turn a sheet so that its lowest parts lie evenly on the plane z = 0, as weight would.

    Args:
        nodes: (R, C, 3) positions.

    Returns:
        (R, C, 3) positions with z >= 0.
    """
    points = nodes.reshape(-1, 3)
    weight = np.ones(len(points))
    for _ in range(6):
        design = np.c_[points[:, :2], np.ones(len(points))] * weight[:, None]
        slope_x, slope_y, _ = np.linalg.lstsq(design, points[:, 2] * weight, rcond=None)[0]
        normal = np.array([-slope_x, -slope_y, 1.0])
        normal /= np.linalg.norm(normal)
        axis = np.cross(normal, [0.0, 0.0, 1.0])
        sine = float(np.linalg.norm(axis))
        if sine > 1e-6:
            points = points @ _rotation(axis / sine, float(np.arcsin(min(sine, 1.0))))
        height = points[:, 2] - np.quantile(points[:, 2], 0.02)
        weight = 1.0 / np.sqrt(1.0 + (np.maximum(height, 0.0) / 0.02) ** 2)
    points = points - [*points[:, :2].mean(0), points[:, 2].min()]
    return points.reshape(nodes.shape)

"""What the page lies on: wood, cloth, stone, tiles and more, drawn by noise, with other things lying about.

Textures follow the classic recipes of procedural texturing: Perlin, "An Image Synthesizer", SIGGRAPH 1985; Ebert et
al., "Texturing and Modeling: A Procedural Approach", 2003.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Canvas:
    """A patch of the table to draw on.

    Attributes:
        x: (1, S) positions across, in the page's long side.
        y: (S, 1) positions down.
        rng: source of chance.
    """

    x: Tensor
    y: Tensor
    rng: np.random.Generator

    def noise(self, rate_x: float, rate_y: float) -> Tensor:
        """Smooth noise, (S, S), standard deviation about 1, with so many lumps to a unit across and down."""
        size = self.x.shape[1]
        cells_x = float(self.x[0, -1] - self.x[0, 0]) * rate_x
        cells_y = float(self.y[-1, 0] - self.y[0, 0]) * rate_y
        count_x, count_y = (int(np.clip(np.ceil(c), 1, size)) + 3 for c in (cells_x, cells_y))
        lattice = self.rng.standard_normal((count_y, count_x), dtype=np.float32)
        grid = torch.from_numpy(lattice).to(self.x.device)
        # Cubic B-spline weights as matrices: two products fill the patch on any device.
        across = _spline(size, count_x, min(cells_x, size), self.x.device)
        down = _spline(size, count_y, min(cells_y, size), self.x.device)
        return (down @ grid @ across.T) * 1.5

    def fractal(self, rate: float, octaves: int, gain: float = 0.5, stretch: float = 1.0) -> Tensor:
        """Sum of noises of doubling rate, (S, S), standard deviation about 1."""
        total = torch.zeros(self.y.shape[0], self.x.shape[1], device=self.x.device)
        power, weight = 0.0, 1.0
        for i in range(octaves):
            total = total + weight * self.noise(rate * 2**i, rate * 2**i * stretch)
            power += weight * weight
            weight *= gain
        return total / power**0.5


def _spline(size: int, count: int, cells: float, device: torch.device) -> Tensor:
    """(size, count) cubic B-spline weights of `size` samples spread over `cells` lattice steps."""
    position = torch.linspace(0, cells, size, device=device)
    base = position.floor().clamp_max(count - 4)
    t = position - base
    weights = torch.stack(
        [(1 - t) ** 3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6, (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6, t**3 / 6], 1
    )
    out = torch.zeros(size, count, device=device)
    return out.scatter_(1, base.long()[:, None] + torch.arange(4, device=device), weights)


def _colour(*rgb: int) -> Array:
    """sRGB bytes as linear light."""
    return (np.array(rgb) / 255.0) ** 2.2


def _mix(low: Array, high: Array, share: Tensor) -> Tensor:
    """(3, S, S) colours between two, by a share of (S, S)."""
    a, b = (torch.as_tensor(c, dtype=share.dtype, device=share.device).view(3, 1, 1) for c in (low, high))
    return a + (b - a) * share.clamp(0, 1)


_WOODS = (
    (_colour(214, 180, 134), _colour(168, 124, 78)),
    (_colour(190, 146, 96), _colour(128, 84, 46)),
    (_colour(150, 104, 66), _colour(84, 52, 30)),
    (_colour(106, 72, 50), _colour(52, 34, 24)),
    (_colour(226, 204, 168), _colour(196, 164, 120)),
    (_colour(168, 158, 146), _colour(104, 96, 88)),
    (_colour(176, 98, 58), _colour(104, 46, 26)),
    (_colour(222, 214, 200), _colour(182, 170, 150)),
)


def wood(canvas: Canvas) -> Tensor:
    """Boards or veneer with grain along x."""
    rng = canvas.rng
    light, dark = _WOODS[int(rng.integers(len(_WOODS)))]
    y = canvas.y.expand(-1, canvas.x.shape[1])
    x = canvas.x.expand(canvas.y.shape[0], -1)
    gap = torch.zeros_like(y)
    board_tone = torch.zeros_like(y)
    if rng.random() < 0.55:
        board = float(rng.uniform(0.22, 0.7))
        place = y / board + float(rng.random())
        number = place.floor()
        edge = torch.minimum(place - number, 1 - (place - number)) * board
        gap = torch.exp(-((edge / float(rng.uniform(0.002, 0.006))) ** 2)) * float(rng.uniform(0.4, 1.0))
        pseudo = torch.sin(number * 12.9898 + float(rng.random()) * 6) * 43758.5453
        random = pseudo - pseudo.floor()
        y = y + random * 7.0
        x = x + random * 5.0
        board_tone = (random - 0.5) * float(rng.uniform(0.1, 0.5))
    pitch = float(rng.uniform(7, 22))
    warp = canvas.noise(0.5, 1.3) * float(rng.uniform(0.4, 1.4)) + canvas.noise(1.3, 5.0) * 0.25
    # Cathedral arches: the cut runs at a slant through rings that bow along the board.
    bow = float(rng.uniform(0.0, 0.16)) * (x - float(rng.uniform(-0.5, 0.5))) ** 2
    ring = (y + bow) * pitch + warp
    phase = ring - ring.floor()
    late = phase ** float(rng.uniform(1.5, 4)) * (1 - torch.exp(-(1 - phase) * 14))
    fibre = canvas.noise(5, 260) * 0.4 + canvas.noise(2, 110) * 0.35 + canvas.noise(22, 420) * 0.3
    fibre = fibre + canvas.noise(40, 950) * 0.35
    pores = (canvas.noise(26, 330) - 1.25).clamp_min(0) + (canvas.noise(34, 800) - 1.3).clamp_min(0)
    pores = pores * float(rng.uniform(0.1, 0.6))
    share = 0.25 + 0.45 * late * float(rng.uniform(0.4, 1.2)) + 0.13 * fibre + 0.12 * canvas.noise(0.8, 2) + board_tone
    colour = _mix(light, dark, share + pores * 0.7)
    return colour * (1 - 0.85 * gap) * (1 + 0.04 * fibre)


def cloth(canvas: Canvas) -> Tensor:
    """Woven cloth, plain or striped or checked."""
    rng = canvas.rng
    base = _random_colour(rng)
    period = float(rng.uniform(0.006, 0.014))
    wobble = canvas.noise(6, 6) * 0.25
    warp = torch.sin(canvas.x * (2 * np.pi / period) + wobble)
    weft = torch.sin(canvas.y * (2 * np.pi / period) + wobble)
    weave = 0.5 + 0.22 * warp * weft + 0.12 * (warp.abs() - weft.abs()) + 0.16 * canvas.noise(150, 20)
    weave = weave + 0.16 * canvas.noise(20, 150)
    colour = _mix(base * 0.55, base * 1.15, weave)
    style = rng.random()
    if style < 0.5:
        other = _random_colour(rng)
        width = float(rng.uniform(0.03, 0.2))
        stripe = torch.sigmoid(torch.sin(canvas.x * (2 * np.pi / width)) * 30 - float(rng.uniform(-15, 25)))
        if style < 0.25:
            stripe = (stripe + torch.sigmoid(torch.sin(canvas.y * (2 * np.pi / width)) * 30)) / 2
        tint = torch.as_tensor(other, dtype=colour.dtype, device=colour.device).view(3, 1, 1)
        colour = colour * (1 - stripe) + tint * (0.5 + 0.6 * weave) * stripe
    return colour * (1 + 0.10 * canvas.fractal(1.2, 3))


def stone(canvas: Canvas) -> Tensor:
    """Granite, concrete or slate."""
    rng = canvas.rng
    tone = float(rng.uniform(0.06, 0.55))
    tint = 2.0 ** rng.normal(0, 0.12, 3)
    base = np.clip(tone * tint, 0.02, 0.8)
    grain = canvas.fractal(float(rng.uniform(25, 70)), 3, 0.8)
    cloud = canvas.fractal(1.5, 4)
    colour = _mix(base * 0.75, base * 1.2, 0.5 + 0.18 * grain * float(rng.uniform(0.2, 1)) + 0.2 * cloud)
    for _ in range(int(rng.integers(0, 3))):
        fleck = torch.sigmoid((canvas.fractal(float(rng.uniform(30, 90)), 2) - float(rng.uniform(0.7, 1.6))) * 8)
        shade = torch.as_tensor(base * rng.uniform(0.2, 2.0), dtype=colour.dtype, device=colour.device).view(3, 1, 1)
        colour = colour * (1 - fleck) + shade * fleck
    return colour


def marble(canvas: Canvas) -> Tensor:
    """Polished stone with veins."""
    rng = canvas.rng
    bright, vein = (_colour(232, 228, 220), _colour(140, 138, 140))
    if rng.random() < 0.35:
        bright, vein = _colour(40, 42, 44), _colour(150, 140, 125)
    turbulence = canvas.fractal(1.3, 5, 0.6)
    crack = 1 - (canvas.fractal(0.9, 5, 0.55) * 1.2).abs()
    share = 0.15 * turbulence + 0.9 * crack.clamp_min(0) ** float(rng.uniform(4, 12))
    return _mix(bright, vein, share)


def tiles(canvas: Canvas) -> Tensor:
    """Paving, bricks or tiles with joints."""
    rng = canvas.rng
    size_x, size_y = float(rng.uniform(0.3, 1.0)), float(rng.uniform(0.25, 0.7))
    row = canvas.y / size_y + float(rng.random())
    shift = (row.floor() % 2) * (0.5 if rng.random() < 0.6 else 0.0)
    column = canvas.x / size_x + shift + float(rng.random())
    in_x, in_y = column - column.floor(), row - row.floor()
    edge = torch.minimum(torch.minimum(in_x, 1 - in_x) * size_x, torch.minimum(in_y, 1 - in_y) * size_y)
    edge = edge + 0.003 * canvas.noise(20, 20)
    joint = torch.sigmoid((float(rng.uniform(0.006, 0.02)) - edge) * 900)
    pseudo = torch.sin(column.floor() * 12.99 + row.floor() * 78.23) * 43758.5453
    tone = (pseudo - pseudo.floor() - 0.5) * float(rng.uniform(0.05, 0.5))
    base = np.clip(float(rng.uniform(0.1, 0.5)) * 2.0 ** rng.normal(0, 0.2, 3), 0.02, 0.8)
    body = _mix(base * 0.6, base * 1.3, 0.5 + tone + 0.15 * canvas.fractal(3, 4) + 0.12 * canvas.fractal(50, 2))
    return body * (1 - float(rng.uniform(0.3, 0.8)) * joint)


def carpet(canvas: Canvas) -> Tensor:
    """Pile carpet or felt."""
    base = _random_colour(canvas.rng) * 0.8
    tuft = canvas.fractal(90, 2, 0.9)
    return _mix(base * 0.3, base * 1.4, 0.5 + 0.24 * tuft + 0.08 * canvas.fractal(2, 3))


def plain(canvas: Canvas) -> Tensor:
    """A painted or laminated desk, with scratches and dust."""
    rng = canvas.rng
    base = (
        _random_colour(rng)
        if rng.random() < 0.4
        else np.full(3, rng.uniform(0.01, 0.8)) * 2.0 ** rng.normal(0, 0.06, 3)
    )
    base = np.clip(base, 0.01, 0.85)
    share = 0.5 + 0.06 * canvas.fractal(1.0, 3) + float(rng.uniform(0.01, 0.08)) * canvas.fractal(120, 2, 0.8)
    scratch = (canvas.noise(1.5, 300) * canvas.noise(2, 40) - 2.6).clamp_min(0) * float(rng.uniform(0, 0.3))
    return _mix(base * 0.7, base * 1.3, share + scratch)


def room(canvas: Canvas) -> Tensor:
    """A far, blurred room behind a page in the air."""
    rng = canvas.rng
    wall = np.full(3, rng.uniform(0.08, 0.6)) * 2.0 ** rng.normal(0, 0.1, 3)
    colour = _mix(wall * 0.5, wall * 1.1, 0.5 + 0.4 * canvas.fractal(0.5, 2))
    for _ in range(int(rng.integers(6, 14))):
        colour = _thing(canvas, colour, soft=0.01)
    return colour * (1 + 0.12 * canvas.noise(2, 2))


def _random_colour(rng: np.random.Generator) -> Array:
    hue, value, depth = rng.random(), rng.uniform(0.03, 0.6), rng.beta(1.2, 2.0)
    wheel = 0.5 + 0.5 * np.cos(2 * np.pi * (hue + np.array([0.0, 1 / 3, 2 / 3])))
    return value * (1 - depth + depth * wheel)


def _thing(canvas: Canvas, colour: Tensor, soft: float) -> Tensor:
    """Lay a box, sheet, pen or cup on the patch, with its own shadow."""
    rng = canvas.rng
    span = float(canvas.x[0, -1] - canvas.x[0, 0])
    middle_x = float(canvas.x[0].mean()) + span * rng.uniform(-0.5, 0.5)
    middle_y = float(canvas.y[:, 0].mean()) + span * rng.uniform(-0.5, 0.5)
    angle = rng.uniform(0, np.pi)
    style = rng.random()
    half_x, half_y = rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.4)
    if style < 0.25:
        half_x, half_y = rng.uniform(0.2, 0.3), rng.uniform(0.008, 0.02)
    rounding = min(half_x, half_y) * (1.0 if style < 0.4 else rng.uniform(0.02, 0.3))
    if 0.25 <= style < 0.4:
        half_x = half_y = rng.uniform(0.1, 0.2)
        rounding = half_x

    def distance(shift: float) -> Tensor:
        dx, dy = canvas.x - middle_x - shift, canvas.y - middle_y - shift
        along = (dx * np.cos(angle) + dy * np.sin(angle)).abs() - (half_x - rounding)
        aside = (dy * np.cos(angle) - dx * np.sin(angle)).abs() - (half_y - rounding)
        outside = (along.clamp_min(0) ** 2 + aside.clamp_min(0) ** 2).sqrt()
        return outside + torch.maximum(along, aside).clamp_max(0) - rounding

    base = _random_colour(rng) if rng.random() < 0.6 else np.full(3, rng.uniform(0.3, 0.8))
    tint = torch.as_tensor(base, dtype=colour.dtype, device=colour.device).view(3, 1, 1)
    here = distance(0.0)
    shadow = torch.sigmoid(-distance(0.012) / 0.012)
    body = tint * (1 + 0.06 * canvas.noise(3, 3)) * (0.8 + 0.2 * torch.sigmoid(-(here + 0.012) / 0.004))
    cover = torch.sigmoid(-here / max(soft, 0.0015))
    return colour * (1 - 0.45 * shadow) * (1 - cover) + body * cover


TEXTURES: dict[str, tuple[float, Callable[[Canvas], Tensor]]] = {
    "wood": (0.36, wood),
    "plain": (0.17, plain),
    "cloth": (0.12, cloth),
    "stone": (0.12, stone),
    "tiles": (0.08, tiles),
    "marble": (0.06, marble),
    "carpet": (0.09, carpet),
}
"""Name, how often it is drawn, and how."""


def draw_background(
    rng: np.random.Generator,
    corners_xy: Array,
    size: int,
    clutter: bool,
    held: bool,
    device: torch.device | str,
    texture: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw the part of the table that a photo shows.

    Args:
        rng: source of chance.
        corners_xy: (N, 2) table positions that must be covered.
        size: pixels a side of the drawing.
        clutter: whether other things lie on the table.
        held: whether the background is far away and out of focus.
        device: where the drawing is made.
        texture: a name of `TEXTURES`, or None for chance.

    Returns:
        (3, size, size) linear RGB, and (2, 3) the affine map from table x, y, 1 to the drawing's coordinates, which
        are in [-1, 1], corners aligned.
    """
    names = list(TEXTURES)
    odds = np.array([TEXTURES[name][0] for name in names])
    name = names[int(rng.choice(len(names), p=odds / odds.sum()))] if texture is None else texture
    angle = float(rng.integers(4)) * np.pi / 2 + rng.normal(0, 0.3)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned = np.clip(corners_xy, -4, 4) @ turn.T
    low, high = turned.min(0), turned.max(0)
    x = torch.linspace(low[0], high[0], size, device=device)[None]
    y = torch.linspace(low[1], high[1], size, device=device)[:, None]
    canvas = Canvas(x, y, rng)
    colour = room(canvas) if held else TEXTURES[name][1](canvas)
    if clutter and not held:
        for _ in range(int(rng.integers(1, 4))):
            colour = _thing(canvas, colour, soft=0.0)
    if held:
        blur = int(rng.integers(24, 90))
        small = functional.interpolate(colour[None], (blur, blur), mode="area")
        colour = functional.interpolate(small, (size, size), mode="bicubic", align_corners=True)[0]
    scale = 2 / (high - low)
    affine = np.concatenate([turn * scale[:, None], (-(low + high) / 2 * scale)[:, None]], 1)
    return colour.clamp(0.004, 0.95), torch.as_tensor(affine, dtype=torch.float32, device=device)

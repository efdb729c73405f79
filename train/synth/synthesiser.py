"""Flat pages in, photos of them out, with exact ground truth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from train.synth.background import draw_background
from train.synth.camera import Camera, area_px, draw_camera, project, rays_to_plane
from train.synth.config import SynthConfig
from train.synth.hand import Thumb, draw_thumbs, paint_thumb
from train.synth.isometry import relax
from train.synth.lens import Lens, draw_lens, expose, gaussian_blur, to_linear
from train.synth.light import SKY_LIGHTS, Lamps, draw_lamps, photographer_shade, shade, shadow_heights, unit, visibility
from train.synth.photo import Photos, join
from train.synth.raster import affine_over_faces, grid_faces, rasterize
from train.synth.surface import GRID_HW, Surface, draw_surface, facets, lay_on_table

Array = NDArray[np.float64]
# Points for the key lamp and points for the light all around, (B, P, 3) each, and which photos: what is lit, (B, 2, P).
_LitAt = Callable[[Tensor, Tensor, slice], Tensor]
_PAGE, _FACING, _BLOCK = 0, 1, 2
_BYTES: NDArray[np.float32] = np.arange(256, dtype=np.float32)
_PRINT = 0.028 + 0.822 * to_linear(
    _BYTES / np.float32(255)
)  # light that print gives back: neither ink nor paper is perfect
_RIM = 0.15  # of a mesh cell: the rim past a sheet's edges that lets them fade


@dataclass
class Scene:
    """All that one photo is made from; draw one, change what must differ, and give it to `Synthesiser.photograph`.

    Attributes:
        surface: the bent page; `surface.nodes` already lie where they are photographed.
        floor: height of the table, 0 under a page that lies on it.
        camera: the camera.
        lamps: the light.
        lens: the optics and the file.
        clutter: whether other things lie on the table.
        texture: name of the table's texture, or None for chance.
        thumbs: thumbs over the page's border.
        detail: source of chance of what is drawn finely: paper and table.
    """

    surface: Surface
    floor: float
    camera: Camera
    lamps: Lamps
    lens: Lens
    clutter: bool
    texture: str | None
    thumbs: list[Thumb]
    detail: np.random.Generator


class Synthesiser:
    """Makes photos of flat pages.

    The same seed and number give the same photo, whatever else is in the batch: to the bit on a CPU, to rounding on a
    GPU. Between a CPU and a GPU the sensor's noise differs.

    Args:
        config: ranges; the defaults when None.
        seed: seed of all photos.
        device: where the drawing is done.
    """

    def __init__(self, config: SynthConfig | None = None, seed: int = 0, device: torch.device | str = "cpu") -> None:
        self.config = config or SynthConfig()
        self.seed = seed
        self.device = torch.device(device)

    def __call__(self, pages: Sequence[NDArray[np.uint8]], numbers: Sequence[int]) -> Photos:
        """Photograph pages.

        Args:
            pages: B flat pages, (H, W, 3) RGB uint8 of any size.
            numbers: B sample numbers, 0 or more.

        Returns:
            The photos.

        Raises:
            ValueError: if the counts differ, or a page is not RGB uint8.
        """
        if len(pages) != len(numbers) or not pages:
            raise ValueError(f"{len(pages)} pages for {len(numbers)} numbers; as many of each are needed, one or more")
        for page in pages:
            if page.dtype != np.uint8 or page.ndim != 3 or page.shape[2] != 3:
                raise ValueError(f"a page must be (H, W, 3) uint8 RGB, got {page.shape} {page.dtype}")
        # On a CPU one photo at a time is fastest (it stays in the caches).
        step = 1 if self.device.type == "cpu" else len(pages)
        parts = []
        for first in range(0, len(pages), step):
            some = pages[first : first + step]
            scenes = self.draw_scenes([(p.shape[1], p.shape[0]) for p in some], numbers[first : first + step])
            parts.append(self.photograph(some, scenes))
        return join(parts)

    def draw_scenes(self, pages_wh: Sequence[tuple[int, int]], numbers: Sequence[int]) -> list[Scene]:
        """Draw what the photos are made from.

        Args:
            pages_wh: width and height of each page in pixels.
            numbers: sample numbers.

        Returns:
            B scenes.
        """
        config = self.config
        streams = [[np.random.default_rng([self.seed, number, part]) for part in range(5)] for number in numbers]
        surfaces = [draw_surface(s[0], wh, config) for s, wh in zip(streams, pages_wh, strict=True)]
        self.relax_surfaces(surfaces)
        scenes = []
        for surface, (_, eye, lamp, optics, detail) in zip(surfaces, streams, strict=True):
            kind = surface.kind
            held = kind not in ("scan", "book") and eye.random() < config.held
            floor = -float(eye.uniform(0.5, 2.0)) if held else 0.0
            rest_on_table(surface)
            camera = draw_camera(eye, surface.nodes, kind, config)
            clutter = kind != "scan" and bool(eye.random() < config.clutter)
            lamps, lens = draw_lamps(lamp, kind, config), draw_lens(optics, kind, config)
            thumbs = []
            if kind != "scan" and eye.random() < config.fingers * (1.0 if held else 0.15):
                nodes_px, _ = project(surface.nodes, camera)
                scale = (area_px(nodes_px) / float(surface.size_wh.prod())) ** 0.5
                thumbs = draw_thumbs(eye, nodes_px, scale)
            scenes.append(Scene(surface, floor, camera, lamps, lens, clutter, None, thumbs, detail))
        return scenes

    def relax_surfaces(self, surfaces: Sequence[Surface]) -> None:
        """Give the surfaces' nodes the flat pages' lengths, in place."""
        nodes = torch.as_tensor(np.stack([s.nodes for s in surfaces]), dtype=torch.float32, device=self.device)
        size_wh = torch.as_tensor(np.stack([s.size_wh for s in surfaces]), dtype=torch.float32, device=self.device)
        relaxed = relax(nodes.permute(0, 3, 1, 2).contiguous(), size_wh, self.config.relax_steps)
        for surface, new in zip(surfaces, relaxed.permute(0, 2, 3, 1).cpu().double().numpy(), strict=True):
            surface.nodes = new

    def photograph(self, pages: Sequence[NDArray[np.uint8]], scenes: Sequence[Scene]) -> Photos:
        """Photograph scenes.

        Args:
            pages: B flat pages, (H, W, 3) RGB uint8.
            scenes: B scenes.

        Returns:
            The photos.
        """
        config, device = self.config, self.device
        width, height = config.size_wh
        batch = len(scenes)
        nodes = self._tensor(np.stack([s.surface.nodes for s in scenes]))
        rows, cols = nodes.shape[1:3]
        placed = [project(s.surface.nodes, s.camera) for s in scenes]
        nodes_px = self._tensor(np.stack([xy for xy, _ in placed]))

        mesh = _Mesh(scenes, placed, device)
        drawn = rasterize(mesh.xy, mesh.depth, mesh.faces, mesh.photo, batch, (height, width))
        hit = drawn.face >= 0
        face = drawn.face.clamp_min(0).flatten()
        material = torch.where(hit, mesh.material.index_select(0, face).view(hit.shape), -1)
        upper = mesh.upper.index_select(0, face).view(hit.shape)
        ys = torch.arange(height, device=device, dtype=torch.float32)[:, None]
        xs = torch.arange(width, device=device, dtype=torch.float32)
        u, v = (
            (a.index_select(0, face).view(hit.shape) * xs + b.index_select(0, face).view(hit.shape) * ys)
            + c.index_select(0, face).view(hit.shape)
            for a, b, c in mesh.uv_planes
        )
        px_per_u, px_per_v = (p.index_select(0, face).view(hit.shape) for p in mesh.px_per_uv)
        uv = torch.stack([u, v], -1)
        # The sheets' meshes reach a little past their edges, so that edges can fade over a pixel.
        inside = torch.minimum((1 - u.abs()) * px_per_u, (1 - v.abs()) * px_per_v)
        mask = (material == _PAGE) & upper & (inside >= 0)
        cover = torch.where(material == _BLOCK, 1.0, (inside + 0.5).clamp(0, 1)) * hit

        scale = self._tensor(np.array([max(width - 1, 1), max(height - 1, 1)])) / 2
        nodes_xy = (nodes_px / scale - 1).permute(0, 3, 1, 2)
        step_v, step_u = (rows - 1) // (GRID_HW[0] - 1), (cols - 1) // (GRID_HW[1] - 1)
        backward_map = functional.interpolate(nodes_xy, (height, width), mode="bilinear", align_corners=True)
        rotation = self._tensor(np.stack([s.camera.rotation for s in scenes]))
        eye = self._tensor(np.stack([s.camera.position for s in scenes]))
        ahead = (nodes - eye[:, None, None]) @ rotation[:, None].transpose(-1, -2)
        grid_xyz = ahead[:, ::step_v, ::step_u].permute(0, 3, 1, 2)
        grid_xyz = grid_xyz - grid_xyz.mean((-2, -1), keepdim=True)

        if config.lit:
            linear = self._lit_picture(pages, scenes, placed, nodes, rotation, eye, material, upper, uv, cover, mesh)
            for i, scene in enumerate(scenes):
                mask[i] &= ~self._add_thumbs(scene, linear[i])
            image = expose(linear, [s.lens for s in scenes])
        else:
            image = torch.full((batch, 3, height, width), 127.0, device=device)
            for i in range(batch):
                seen = self._page_colours(pages[i], _BYTES, placed[i][0], uv[i])
                image[i] = torch.where(mask[i], seen, image[i])
            image = image.round().to(torch.uint8)
        return Photos(
            image=image.permute(0, 2, 3, 1).contiguous(),
            grid_xy=nodes_xy[:, :, ::step_v, ::step_u].contiguous(),
            grid_xyz=grid_xyz.contiguous(),
            backward_map=backward_map,
            mask=mask,
            uv=torch.where(mask[:, None], uv.permute(0, 3, 1, 2), torch.nan),
            kind=tuple(s.surface.kind for s in scenes),
        )

    def _tensor(self, values: Array) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=self.device)

    def _page_colours(self, page: NDArray[np.uint8], tones: NDArray[np.float32], nodes_px: Array, uv: Tensor) -> Tensor:
        """Colours of a flat page at (H, W, 2) places on it, (3, H, W): the bytes' tones, (256,).

        The page is first shrunk to a little over the resolution that it has in the photo, so that nothing aliases.
        """
        page_h, page_w = page.shape[:2]
        shrink = min(1.0, 1.35 * (area_px(nodes_px) / (page_h * page_w)) ** 0.5)
        small = page
        if shrink < 0.85:
            size = max(8, round(page_w * shrink)), max(8, round(page_h * shrink))
            small = cv2.resize(page, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        texture = torch.from_numpy(cv2.LUT(small, tones)).to(self.device).permute(2, 0, 1)[None]
        # Centres of the page's outer pixels are -1 and 1; grid_sample without aligned corners wants outer edges.
        span = uv.new_tensor([page_w, page_h])
        place = ((uv + 1) * (span - 1) + 1) / span - 1
        return functional.grid_sample(texture, place[None], padding_mode="border", align_corners=False)[0]

    def _lit_picture(
        self,
        pages: Sequence[NDArray[np.uint8]],
        scenes: Sequence[Scene],
        placed: Sequence[tuple[Array, Array]],
        nodes: Tensor,
        rotation: Tensor,
        eye: Tensor,
        material: Tensor,
        upper: Tensor,
        uv: Tensor,
        cover: Tensor,
        mesh: "_Mesh",
    ) -> Tensor:
        """Linear light of the photos, (B, 3, H, W)."""
        width, height = self.config.size_wh
        batch = len(scenes)
        lamps = {f.name: self._tensor(np.stack([getattr(s.lamps, f.name) for s in scenes])) for f in fields(Lamps)}
        floor = self._tensor(np.array([s.floor for s in scenes]))
        lights = lamps["positions"]
        fine = max(1, round(max(width, height) / 712))
        heights = shadow_heights(mesh.coarse, mesh.coarse_faces, mesh.coarse_photo, lights, floor, 128 + 64 * fine)

        def lit_at(key_points: Tensor, sky_points: Tensor, index: slice) -> Tensor:
            key, sky = (slice(None, -SKY_LIGHTS), slice(-SKY_LIGHTS, None))
            shaded = photographer_shade(key_points, lamps["shade"][index], lights[index, key].mean(1))
            direct = visibility(key_points, heights[index, key], lights[index, key], floor[index]) * shaded
            around = visibility(sky_points, heights[index, sky], lights[index, sky], floor[index])
            return torch.stack([direct, around * (0.6 + 0.4 * shaded)], 1)

        cells = 8 * fine
        relief = self._tensor(np.stack([_relief(s, cells) for s in scenes]))
        paper = self._shade_sheet(nodes, relief, lit_at, slice(None), lamps, eye)
        white = paper[:, :3].mean(1).flatten(1)[:, ::16].quantile(0.7, dim=1)
        gain = (lamps["exposure"] / white.clamp_min(1e-3)).view(-1, 1, 1, 1)

        at_pixel = functional.grid_sample(paper, uv, padding_mode="border", align_corners=True)
        falling = torch.where(upper[:, None], at_pixel[:, :3], at_pixel[:, 3:6])
        mirrored = torch.where(upper, at_pixel[:, 6], 0.0)[:, None] * lamps["colour"][:, 0, :, None, None]

        # The table: light on a coarse grid of pixels, texture at full resolution.
        coarse_h, coarse_w = -(-height // 4), -(-width // 4)
        ys = torch.linspace(0, height - 1, coarse_h, device=self.device)
        xs = torch.linspace(0, width - 1, coarse_w, device=self.device)
        pixels = torch.stack(torch.meshgrid(xs, ys, indexing="xy"), -1).view(-1, 2)
        focal = self._tensor(np.array([s.camera.focal_px for s in scenes]))
        centre = self._tensor(np.stack([s.camera.centre_xy for s in scenes]))
        on_table = rays_to_plane(rotation, eye, focal, centre, pixels, floor)
        points = torch.cat([on_table, floor.view(-1, 1, 1).expand(-1, len(pixels), 1)], 2)
        upright = points.new_tensor([0.0, 0.0, 1.0]).view(1, 3, 1).expand(batch, 3, len(pixels))
        lit = lit_at(points, points, slice(None)).view(batch, 2, coarse_h, coarse_w)
        # The lights all around are few: their shadows' steps are blurred away.
        lit[:, 1:] = gaussian_blur(lit[:, 1:], torch.full_like(floor, 4.0 * fine))
        lit[:, :1] = gaussian_blur(lit[:, :1], torch.full_like(floor, 0.6 * fine))
        table = shade(points.transpose(1, 2), upright, lit.flatten(2), lamps, eye).front.view(
            batch, 3, coarse_h, coarse_w
        )
        table = functional.interpolate(table, (height, width), mode="bilinear", align_corners=True)
        table_xy = on_table.view(batch, coarse_h, coarse_w, 2).permute(0, 3, 1, 2)
        table_xy = functional.interpolate(table_xy, (height, width), mode="bilinear", align_corners=True)

        texture_px = max(width, height) if fine == 1 else round(1.5 * max(width, height))
        linear = torch.empty(batch, 3, height, width, device=self.device)
        for i, scene in enumerate(scenes):
            held = scene.floor < 0
            texture, affine = draw_background(
                scene.detail,
                on_table[i].cpu().double().numpy(),
                texture_px,
                scene.clutter,
                held,
                self.device,
                scene.texture,
            )
            if scene.surface.kind == "scan":
                texture = torch.full_like(texture, float(scene.detail.choice([0.02, 0.75, 0.85])))
            place = torch.einsum("ij,jhw->hwi", affine[:, :2], table_xy[i]) + affine[:, 2]
            behind = functional.grid_sample(texture[None], place[None], padding_mode="reflection", align_corners=True)
            behind = behind[0] * table[i]
            colour = self._page_colours(pages[i], _PRINT, placed[i][0], uv[i])
            colour = torch.where(upper[i], colour, 0.74 + 0.08 * colour)
            seen = colour * falling[i] + mirrored[i]
            facing = scene.surface.facing
            if facing is not None:
                seen = self._add_book(pages[i], scene, facing, i, seen, material[i], uv[i], lit_at, lamps, eye)
            linear[i] = behind + cover[i] * (seen - behind)
        return linear * gain / 0.85

    def _add_thumbs(self, scene: Scene, linear: Tensor) -> Tensor:
        """Paint the thumbs into a photo's light, (3, H, W), in place; where they are, (H, W) bool."""
        width, height = self.config.size_wh
        hidden = torch.zeros(height, width, dtype=torch.bool, device=self.device)
        if not scene.thumbs:
            return hidden
        key = scene.lamps.positions[:-SKY_LIGHTS].mean(0)
        to_lamp = scene.camera.rotation @ (key / np.linalg.norm(key))
        tint = self._tensor(scene.lamps.colour.sum(0) / scene.lamps.colour.sum(0).mean()).view(3, 1, 1)
        for thumb in scene.thumbs:
            cover, colour, left = paint_thumb(thumb, (height, width), to_lamp, self.device)
            linear *= left
            linear += cover * (colour * tint * scene.lamps.exposure * 1.1 - linear)
            hidden |= cover > 0.5
        return hidden

    def _shade_sheet(
        self, nodes: Tensor, relief: Tensor, lit_at: _LitAt, index: slice, lamps: dict[str, Tensor], eye: Tensor
    ) -> Tensor:
        """Light on sheets: (B, 7, Rs, Cs), RGB above, RGB below and the mirrored lamp, corners aligned."""
        grid = nodes.permute(0, 3, 1, 2)
        along = functional.pad(grid[..., 2:] - grid[..., :-2], (1, 1, 0, 0), mode="replicate")
        down = functional.pad(grid[..., 2:, :] - grid[..., :-2, :], (0, 0, 1, 1), mode="replicate")
        along, down = unit(along), unit(down)
        # Shadows are looked up a little off the paper, on the light's side, lest it shade itself at grazing light.
        normal = unit(torch.linalg.cross(down, along, dim=1))
        key = unit(lamps["positions"][index][:, :-SKY_LIGHTS].mean(1)[:, :, None, None] - grid)
        facing = torch.tanh(8 * (key * normal).sum(1, keepdim=True))
        off_paper = (grid + 0.012 * facing * normal).flatten(2).transpose(1, 2)
        above = nodes.flatten(1, 2) + nodes.new_tensor([0.0, 0.0, 0.012])
        lit = lit_at(off_paper, above, index).view(len(nodes), 2, *nodes.shape[1:3])
        step = (nodes.shape[1] - 1) / (GRID_HW[0] - 1)
        lit[:, 1:] = gaussian_blur(lit[:, 1:], torch.full_like(eye[index, 0], 1.5 * step))
        size = relief.shape[-2:]
        together = torch.cat([grid, along, down, normal, lit], 1)
        together = functional.interpolate(together, size, mode="bilinear", align_corners=True)
        grid, along, down, normal, lit = (part.flatten(2) for part in together.split([3, 3, 3, 3, 2], 1))
        fine = relief.flatten(2)
        normal = unit(normal - fine[:, :1] * along + fine[:, 1:] * down)
        light = shade(grid, normal, lit, {name: value[index] for name, value in lamps.items()}, eye[index])
        return torch.cat([light.front, light.back, light.mirrored[:, None]], 1).view(len(nodes), 7, *size)

    def _add_book(
        self,
        page: NDArray[np.uint8],
        scene: Scene,
        facing_nodes: Array,
        i: int,
        seen: Tensor,
        material: Tensor,
        uv: Tensor,
        lit_at: _LitAt,
        lamps: dict[str, Tensor],
        eye: Tensor,
    ) -> Tensor:
        """Colours of the facing page and of the block of pages below, put into those of the page."""
        relief = torch.zeros(1, 2, 177, 121, device=self.device)
        facing = self._tensor(facing_nodes)[None]
        light = self._shade_sheet(facing, relief, lit_at, slice(i, i + 1), lamps, eye)
        falling = functional.grid_sample(light[:, :3], uv[None], padding_mode="border", align_corners=True)[0]
        other = uv.clone()
        other[..., 1] = torch.remainder(uv[..., 1] + 1.63, 2) - 1
        xy, _ = project(scene.surface.nodes, scene.camera)
        colour = self._page_colours(page, _PRINT, xy, other)
        leaf = torch.sin(uv[..., 1] * 60) * 0.06 + torch.sin(uv[..., 1] * 23.7) * 0.05
        block = light[:, :3].mean((0, 2, 3)).view(3, 1, 1) * (0.5 + leaf)
        seen = torch.where(material == _FACING, colour * falling, seen)
        return torch.where(material == _BLOCK, block, seen)


def rest_on_table(surface: Surface) -> None:
    """Lay a sheet on the table, or stand a book on it, in place."""
    if surface.facing is None:
        surface.nodes = lay_on_table(surface.nodes)
        return
    low = min(surface.nodes[..., 2].min(), surface.facing[..., 2].min()) - surface.thickness
    surface.nodes = surface.nodes - [0.0, 0.0, low]
    surface.facing = surface.facing - [0.0, 0.0, low]


def _relief(scene: Scene, cells: int) -> Array:
    """Fine slopes of the paper, (2, Rs, Cs), along x and y of the page: creases and crumples beyond the mesh."""
    surface, rng = scene.surface, scene.detail
    rows, cols = (GRID_HW[0] - 1) * cells + 1, (GRID_HW[1] - 1) * cells + 1
    slopes = np.zeros((2, rows, cols))
    if surface.kind == "scan":
        return slopes
    width, height = surface.size_wh
    x = (np.linspace(-0.5, 0.5, cols) * width)[None, :]
    y = (np.linspace(0.5, -0.5, rows) * height)[:, None]
    mesh_step = 1.0 / (surface.nodes.shape[0] - 1)
    for crease in surface.creases:
        # The mesh bends over two cells where paper breaks: the difference is added as a slope.
        distance = x * np.cos(crease.angle_rad) + y * np.sin(crease.angle_rad) - crease.offset
        reach = 1.6 * mesh_step
        sharp = np.tanh(distance / 0.0015) * np.clip(1 - np.abs(distance) / reach, 0, None)
        worn = rng.uniform(0.05, 0.25) * distance / 0.002 * np.exp(-0.5 * (distance / 0.002) ** 2)
        slope = 0.5 * crease.bend_rad * sharp + np.sign(crease.bend_rad) * worn
        slopes[0] += slope * np.cos(crease.angle_rad)
        slopes[1] += slope * np.sin(crease.angle_rad)
    if surface.crumpled > 0:
        step = 2
        place = np.stack(np.broadcast_arrays(x[:, ::step], y[::step]), -1)
        rough = facets(place, rng, 70) * 0.0028 * surface.crumpled
        gradient_y = np.gradient(rough, axis=0) / (y[step, 0] - y[0, 0])
        gradient_x = np.gradient(rough, axis=1) / (x[0, step] - x[0, 0])
        for i, gradient in enumerate((gradient_x, gradient_y)):
            slopes[i] += cv2.resize(gradient, (cols, rows), interpolation=cv2.INTER_LINEAR)
    # No sheet is quite smooth.
    for i in range(2):
        lumps = rng.standard_normal((9, 7)).astype(np.float64) * rng.uniform(0.0, 0.02)
        slopes[i] += cv2.resize(lumps, (cols, rows), interpolation=cv2.INTER_CUBIC)
    return slopes


def _widen(nodes: Array) -> Array:
    """Add a narrow rim to a grid of (R, C, D) values that carries on as the edges run: (R + 2, C + 2, D)."""
    top = nodes[:1] + _RIM * (nodes[:1] - nodes[1:2])
    low = nodes[-1:] + _RIM * (nodes[-1:] - nodes[-2:-1])
    tall = np.concatenate([top, nodes, low])
    left = tall[:, :1] + _RIM * (tall[:, :1] - tall[:, 1:2])
    right = tall[:, -1:] + _RIM * (tall[:, -1:] - tall[:, -2:-1])
    return np.concatenate([left, tall, right], 1)


class _Mesh:
    """Triangles of all the batch's photos in one list: pages, facing pages and the blocks below books."""

    def __init__(self, scenes: Sequence[Scene], placed: Sequence[tuple[Array, Array]], device: torch.device) -> None:
        rows, cols = scenes[0].surface.nodes.shape[:2]
        sheet_faces = grid_faces(rows + 2, cols + 2).numpy()
        sheet_uv = np.stack(np.meshgrid(np.linspace(-1, 1, cols), np.linspace(-1, 1, rows)), -1)
        every = 2 * (rows - 1) // (GRID_HW[0] - 1)
        coarse_faces = grid_faces((rows - 1) // every + 1, (cols - 1) // every + 1).numpy()
        xy: list[Array] = []
        depth: list[Array] = []
        uv: list[Array] = []
        px_per_uv: list[Array] = []
        coarse: list[Array] = []
        faces, photo, material, low_faces, low_photo = (list[NDArray[np.int64]]() for _ in range(5))
        corners = low_corners = 0

        def add_sheet(points_xy: Array, ahead: Array, what: int) -> None:
            wide_xy = _widen(points_xy)
            places = [np.r_[-_RIM, np.arange(n), n - 1 + _RIM] for n in (rows, cols)]
            along, down = np.gradient(wide_xy, places[1], axis=1), np.gradient(wide_xy, places[0], axis=0)
            cell_px = np.abs(along[..., 0] * down[..., 1] - along[..., 1] * down[..., 0])
            across = [cell_px / np.maximum(np.linalg.norm(v, axis=-1), 1e-9) for v in (down, along)]
            px_per_uv.append((np.stack(across, -1) * [(cols - 1) / 2, (rows - 1) / 2]).reshape(-1, 2))
            add(wide_xy, _widen(ahead[..., None]), _widen(sheet_uv), sheet_faces, what)

        def add(points_xy: Array, ahead: Array, places: Array, triangles: NDArray[np.int64], what: int) -> None:
            nonlocal corners
            xy.append(points_xy.reshape(-1, 2))
            depth.append(ahead.reshape(-1))
            uv.append(places.reshape(-1, 2))
            faces.append(triangles + corners)
            photo.append(np.full(len(triangles), i))
            material.append(np.full(len(triangles), what))
            corners += len(uv[-1])

        for i, (scene, (points_xy, ahead)) in enumerate(zip(scenes, placed, strict=True)):
            add_sheet(points_xy, ahead, _PAGE)
            sheets = [scene.surface.nodes]
            if scene.surface.facing is not None:
                sheets.append(scene.surface.facing)
                add_sheet(*project(scene.surface.facing, scene.camera), _FACING)
                for sheet in sheets:
                    rim = np.concatenate([sheet[0], sheet[1:, -1], sheet[-1, -2::-1], sheet[-2:0:-1, 0]])
                    # Set in a little, as a book's block is below its uppermost leaf.
                    wall = np.stack([rim - [0, 0, 0.002], rim * [1.0, 1.0, 0.0] + [0, 0, scene.floor]])
                    strip = np.stack(np.meshgrid(np.linspace(-1, 1, len(rim)), [-1.0, 1.0]), -1).reshape(-1, 2)
                    px_per_uv.append(np.ones((strip.shape[0], 2)))
                    add(*project(wall, scene.camera), strip, grid_faces(2, len(rim)).numpy(), _BLOCK)
            for sheet in sheets:
                coarse.append(sheet[::every, ::every].reshape(-1, 3))
                low_faces.append(coarse_faces + low_corners)
                low_photo.append(np.full(len(coarse_faces), i))
                low_corners += len(coarse[-1])

        def real(parts: list[Array]) -> Tensor:
            return torch.as_tensor(np.concatenate(parts), dtype=torch.float32, device=device)

        def whole(parts: list[NDArray[np.int64]]) -> Tensor:
            return torch.as_tensor(np.concatenate(parts), dtype=torch.int64, device=device)

        self.xy, self.depth, self.coarse = real(xy), real(depth), real(coarse)
        self.faces, self.photo, self.material = whole(faces), whole(photo), whole(material)
        self.coarse_faces, self.coarse_photo = whole(low_faces), whole(low_photo)
        self.uv_planes = affine_over_faces(self.xy, self.faces, real(uv)).unbind(1)  # u and v: (3, F) each
        self.px_per_uv = real(px_per_uv)[self.faces].mean(1).T.contiguous().unbind(0)
        corner = self.xy[self.faces]
        first, second = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
        self.upper = first[:, 0] * second[:, 1] - second[:, 0] * first[:, 1] < 0

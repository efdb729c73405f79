"""Where each pixel of the output page lies in the original file, both ways, and sampling a picture once.

Coordinates are pixels, x to the right and y down; integers are pixel centres, as in OpenCV.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from docpre.errors import ConfigError

Points = NDArray[np.float64]
Map = NDArray[np.float32]
Angle = Literal[0, 90, 180, 270]
Interpolation = Literal["nearest", "linear", "cubic"]

_INTERPOLATION = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
_COUNTER_CLOCKWISE = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
# cv2.remap addresses its source with 16-bit integers; pictures beyond that are sampled tile by tile.
_MAX_SOURCE_SIDE = 32_000
_MAX_TILE_SIDE = 16_384
# Maps are made for so many pixels at a time: they stay in the processor's cache until they are read.
_BAND_PIXELS = 1 << 18
_SOURCE_MARGIN = 4  # the widest interpolation reads so many pixels to each side


@dataclass(frozen=True, eq=False)
class Homography:
    """A projective map. ``matrix`` (3, 3) takes homogeneous pixels of the step's output to pixels of its input."""

    kind: ClassVar[str] = "homography"
    matrix: NDArray[np.float64]

    def backward(self, points_xy: Points) -> Points:
        return _project(self.matrix, points_xy)

    def forward(self, points_xy: Points) -> Points:
        return _project(_inverse(self.matrix), points_xy)

    def to_json(self) -> dict[str, Any]:
        return {"matrix": self.matrix.tolist()}


@dataclass(frozen=True, eq=False)
class Rotation:
    """A quarter turn back: the input is turned clockwise by ``angle_cw_deg``, the output is upright. Exact."""

    kind: ClassVar[str] = "rotation"
    angle_cw_deg: Angle
    input_size_hw: tuple[int, int]

    @property
    def output_size_hw(self) -> tuple[int, int]:
        height, width = self.input_size_hw
        return (width, height) if self.angle_cw_deg in (90, 270) else (height, width)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(3, 3), output pixels to input pixels."""
        last_y, last_x = self.input_size_hw[0] - 1, self.input_size_hw[1] - 1
        rows = {
            0: ((1, 0, 0), (0, 1, 0)),
            90: ((0, -1, last_x), (1, 0, 0)),
            180: ((-1, 0, last_x), (0, -1, last_y)),
            270: ((0, 1, 0), (-1, 0, last_y)),
        }[self.angle_cw_deg]
        return np.array([*rows, (0, 0, 1)], np.float64)

    def backward(self, points_xy: Points) -> Points:
        return _project(self.matrix, points_xy)

    def forward(self, points_xy: Points) -> Points:
        return _project(_inverse(self.matrix), points_xy)

    def to_json(self) -> dict[str, Any]:
        return {"angle_cw_deg": self.angle_cw_deg, "input_size_hw": list(self.input_size_hw)}


@dataclass(frozen=True, eq=False)
class Grid:
    """A backward map given at the nodes of a grid over the output, bilinear between them, linear beyond its rim.

    Args:
        grid_xy: (2, rows, columns), where each node of the output lies in the input, x then y, in [-1, 1], where -1
            and 1 are the centres of the first and last pixel (corners aligned).
        input_size_hw: size of the input.
        output_size_hw: size of the output; its corner pixels are the grid's corner nodes.
    """

    kind: ClassVar[str] = "grid"
    grid_xy: NDArray[np.float32]
    input_size_hw: tuple[int, int]
    output_size_hw: tuple[int, int]

    @property
    def nodes_xy(self) -> Points:
        """(rows, columns, 2): the nodes in pixels of the input."""
        last_xy = np.array(self.input_size_hw[::-1], np.float64) - 1
        return (np.moveaxis(self.grid_xy.astype(np.float64), 0, -1) + 1) / 2 * last_xy

    def _cells_per_pixel(self) -> tuple[float, float]:
        rows, columns = self.grid_xy.shape[1:]
        height, width = self.output_size_hw
        return (columns - 1) / max(width - 1, 1), (rows - 1) / max(height - 1, 1)

    def backward(self, points_xy: Points) -> Points:
        value, _ = _bilinear(self.nodes_xy, points_xy * self._cells_per_pixel())
        return value

    def forward(self, points_xy: Points) -> Points:
        return _invert_bilinear(self.nodes_xy, points_xy) / self._cells_per_pixel()

    def to_json(self) -> dict[str, Any]:
        return {
            "grid_xy": [[[round(float(x), 8) for x in row] for row in axis] for axis in self.grid_xy],
            "input_size_hw": list(self.input_size_hw),
            "output_size_hw": list(self.output_size_hw),
        }


Step = Homography | Rotation | Grid


@dataclass(frozen=True, eq=False)
class Transform:
    """How a page was made from its original: a chain of steps, each known in both directions.

    Args:
        original_size_hw: height and width of the original, in its own units.
        output_size_hw: height and width of the output page in pixels.
        steps: from the original to the output.
        original_unit: ``pixel`` of the file as it is stored (before its EXIF orientation), or ``point`` (1/72 inch,
            from the top left of the page before its ``/Rotate``) for a PDF page.
    """

    original_size_hw: tuple[float, float]
    output_size_hw: tuple[int, int]
    steps: tuple[Step, ...] = ()
    original_unit: Literal["pixel", "point"] = "pixel"

    @classmethod
    def identity(cls, size_hw: tuple[int, int]) -> Transform:
        """The transform of a picture that is left as it is."""
        return cls(size_hw, size_hw)

    @property
    def is_identity(self) -> bool:
        return not self.steps

    def turned_back(self, angle_cw_deg: Angle) -> Transform:
        """This transform, then a quarter turn counter-clockwise by the angle that the page is turned clockwise."""
        if angle_cw_deg == 0:
            return self
        step = Rotation(angle_cw_deg, self.output_size_hw)
        return self._extended((step,), step.output_size_hw)

    def unwarped(self, grid_xy: NDArray[np.float32], output_size_hw: tuple[int, int]) -> Transform:
        """This transform, then unwarping by a backward map (2, rows, columns) in [-1, 1], corners aligned."""
        return self._extended((Grid(grid_xy, self.output_size_hw, output_size_hw),), output_size_hw)

    def then(self, following: Transform) -> Transform:
        """This transform, then another one whose original is this one's output."""
        return self._extended(following.steps, following.output_size_hw)

    def _extended(self, steps: tuple[Step, ...], output_size_hw: tuple[int, int]) -> Transform:
        return Transform(self.original_size_hw, output_size_hw, self.steps + steps, self.original_unit)

    def to_original(self, points_xy: ArrayLike) -> Points:
        """Pixels of the output page to where they came from.

        Args:
            points_xy: (..., 2).

        Returns:
            (..., 2), in pixels of the original file (points of a PDF page); fractions are meant, and points beyond
            the page's rim are continued linearly.

        Raises:
            ConfigError: the last dimension is not x and y.
        """
        points, shape = _flat_points(points_xy)
        for step in reversed(self.steps):
            points = step.backward(points)
        return points.reshape(shape)

    def to_output(self, points_xy: ArrayLike) -> Points:
        """Pixels of the original file (points of a PDF page) to pixels of the output page; see ``to_original``."""
        points, shape = _flat_points(points_xy)
        for step in self.steps:
            points = step.forward(points)
        return points.reshape(shape)

    def to_json(self) -> dict[str, Any]:
        """As plain numbers, lists and strings."""
        return {
            "original_size_hw": list(self.original_size_hw),
            "original_unit": self.original_unit,
            "output_size_hw": list(self.output_size_hw),
            "steps": [{"kind": step.kind, **step.to_json()} for step in self.steps],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | str) -> Transform:
        """The inverse of ``to_json``; takes its text as well.

        Raises:
            ConfigError: ``data`` is not such a description.
        """
        try:
            if isinstance(data, str):
                data = json.loads(data)
            assert isinstance(data, Mapping)
            height, width = data["original_size_hw"]
            steps = tuple(_step_from_json(step) for step in data["steps"])
            unit = data.get("original_unit", "pixel")
            if unit not in ("pixel", "point"):
                raise ConfigError(f"The unit of a transform is 'pixel' or 'point', not {unit!r}.")
            return cls((height, width), _size(data["output_size_hw"]), steps, unit)
        except (KeyError, TypeError, ValueError, AssertionError) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(f"Not the description of a transform: {error!r}.") from error

    def sample(self, image: NDArray[np.uint8], interpolation: Interpolation = "cubic") -> NDArray[np.uint8]:
        """The output page, every pixel of it sampled once from the original picture.

        Beyond the picture's rim its nearest pixel is repeated. A turn alone moves pixels and leaves their values as
        they are; without steps the picture itself comes back.

        Args:
            image: (H, W, C) uint8, of ``original_size_hw``.
            interpolation: ``nearest``, ``linear`` or ``cubic``.

        Returns:
            (*output_size_hw, C) uint8, contiguous.
        """
        if all(isinstance(step, Rotation) for step in self.steps):
            for step in self.steps:
                image = turned_back(image, step.angle_cw_deg)  # type: ignore[union-attr]
            return np.ascontiguousarray(image)
        output = np.empty((*self.output_size_hw, *image.shape[2:]), np.uint8)
        height, width = self.output_size_hw
        band = min(height, max(1, _BAND_PIXELS // max(width, 1)))
        maps = np.empty((2, band, width), np.float32)
        write_maps = self._map_writer()
        for first_row in range(0, height, band):
            stop_row = min(first_row + band, height)
            map_x, map_y = rows = maps[:, : stop_row - first_row]
            write_maps(rows, first_row)
            for first_column in range(0, width, _MAX_TILE_SIDE):
                tile = slice(first_column, min(first_column + _MAX_TILE_SIDE, width))
                target = output[first_row:stop_row, tile]
                _sample_tile(image, map_x[:, tile], map_y[:, tile], target, _INTERPOLATION[interpolation])
        return output

    def _map_writer(self) -> Callable[[Map, int], None]:
        """What writes where the pixels of whole rows of the output, from one on, lie in the original.

        It is called with (2, rows, width), which is filled with x and y, and the first row's number.
        """
        last, before, width = self.steps[-1], self.steps[:-1], self.output_size_hw[1]
        write_grid = None
        if isinstance(last, Grid):
            nodes = last.nodes_xy
            # An affine map of what is interpolated is the interpolation of what was mapped: map the few nodes.
            while before and not isinstance(before[-1], Grid) and _is_affine(before[-1].matrix):
                nodes, before = before[-1].backward(nodes.reshape(-1, 2)).reshape(nodes.shape), before[:-1]
            write_grid = _grid_writer(nodes, last.output_size_hw)
            if not before:
                return write_grid
        else:
            before = self.steps

        def write(maps: Map, first_row: int) -> None:
            if write_grid is None:
                maps[...] = np.mgrid[first_row : first_row + maps.shape[1], :width][::-1]
            else:
                write_grid(maps, first_row)
            points = np.moveaxis(maps, 0, -1).reshape(-1, 2).astype(np.float64)
            for step in reversed(before):
                points = step.backward(points)
            maps[...] = points.T.reshape(maps.shape)

        return write


def turned_back(image: NDArray[np.uint8], angle_cw_deg: int) -> NDArray[np.uint8]:
    """A picture (H, W, C) turned counter-clockwise by the angle that its page is turned clockwise, 90, 180 or 270.

    0 and -1 (nothing was looked at) leave it as it is.
    """
    if angle_cw_deg <= 0:
        return image
    # Three times as fast as a copy of NumPy's view.
    turned = cv2.rotate(image, _COUNTER_CLOCKWISE[angle_cw_deg])
    return turned.reshape(*turned.shape[:2], *image.shape[2:])


def page_size_hw(grid_xy: NDArray[np.float32], input_size_hw: tuple[int, int]) -> tuple[int, int]:
    """The size at which an unwarped page keeps the resolution that it has in the picture.

    The page is as wide and as high as the grid's rows and columns are long in the picture on average, enlarged until
    the longest of them (the 90th percentile) loses nothing either: the part of the page nearest to the camera. At most
    four times the picture's pixels, which only a broken grid would exceed.

    Args:
        grid_xy: (2, rows, columns) in [-1, 1], corners aligned.
        input_size_hw: size of the picture.
    """
    nodes_xy = Grid(grid_xy, input_size_hw, input_size_hw).nodes_xy
    lengths_hw = [np.linalg.norm(np.diff(nodes_xy, axis=axis), axis=-1).sum(axis) for axis in (0, 1)]
    mean_hw = np.array([lengths.mean() for lengths in lengths_hw])
    longest_hw = np.array([np.percentile(lengths, 90) for lengths in lengths_hw])
    scale = float((longest_hw / np.maximum(mean_hw, 1e-9)).max())
    pixels_limit = 4 * input_size_hw[0] * input_size_hw[1]
    scale *= min(1.0, (pixels_limit / max(float(np.prod(mean_hw * scale + 1)), 1.0)) ** 0.5)
    height, width = (max(1, round(side * scale) + 1) for side in mean_hw)
    return height, width


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.inv(matrix).astype(np.float64)


def _is_affine(matrix: NDArray[np.float64]) -> bool:
    return np.array_equal(matrix[2], (0, 0, 1))


def _project(matrix: NDArray[np.float64], points_xy: Points) -> Points:
    projected = points_xy @ matrix[:, :2].T + matrix[:, 2]
    if _is_affine(matrix):
        return projected[:, :2]
    return projected[:, :2] / projected[:, 2:]


def _flat_points(points_xy: ArrayLike) -> tuple[Points, tuple[int, ...]]:
    points = np.asarray(points_xy, np.float64)
    if points.shape[-1:] != (2,):
        raise ConfigError(f"Points are (..., 2), x then y; got an array of shape {points.shape}.")
    return points.reshape(-1, 2), points.shape


def _size(values: Any) -> tuple[int, int]:
    height, width = values
    return int(height), int(width)


def _step_from_json(data: Mapping[str, Any]) -> Step:
    kind = data["kind"]
    if kind == Homography.kind:
        return Homography(np.array(data["matrix"], np.float64).reshape(3, 3))
    if kind == Rotation.kind:
        if data["angle_cw_deg"] not in (0, 90, 180, 270):
            raise ConfigError(f"A rotation is by 0, 90, 180 or 270 degrees, not {data['angle_cw_deg']!r}.")
        return Rotation(data["angle_cw_deg"], _size(data["input_size_hw"]))
    if kind == Grid.kind:
        grid_xy = np.array(data["grid_xy"], np.float32)
        if grid_xy.ndim != 3 or grid_xy.shape[0] != 2 or min(grid_xy.shape[1:]) < 2:
            raise ConfigError(f"A grid is (2, rows, columns); got {grid_xy.shape}.")
        return Grid(grid_xy, _size(data["input_size_hw"]), _size(data["output_size_hw"]))
    raise ConfigError(f"A transform has no steps of the kind {kind!r}.")


def _grid_writer(nodes: Points, output_size_hw: tuple[int, int]) -> Callable[[Map, int], None]:
    """What interpolates a grid of nodes (rows, columns, 2) at whole rows of the output; see ``_map_writer``.

    Not a product of matrices, though it is one: the threads of BLAS would fight with those of the networks.
    """
    (rows, columns), (height, width) = nodes.shape[:2], output_size_hw
    u = np.arange(width) * (columns - 1) / max(width - 1, 1)
    left = np.clip(np.floor(u), 0, columns - 2).astype(np.intp)
    planes = np.ascontiguousarray(np.moveaxis(nodes, -1, 0), np.float32)
    start = np.diff(planes, axis=2).take(left, axis=2)  # (2, rows, width)
    start *= (u - left).astype(np.float32)
    start += planes.take(left, axis=2)
    rise = np.diff(start, axis=1)

    def write(maps: Map, first_row: int) -> None:
        v = np.arange(first_row, first_row + maps.shape[1]) * (rows - 1) / max(height - 1, 1)
        top = np.clip(np.floor(v), 0, rows - 2).astype(np.intp)
        fraction = (v - top).astype(np.float32)[:, None]
        for row in range(top[0], top[-1] + 1):
            first, stop = np.searchsorted(top, (row, row + 1))
            cells = maps[:, first:stop]
            np.multiply(rise[:, row, None], fraction[first:stop], out=cells)
            cells += start[:, row, None]

    return write


def _bilinear(nodes: Points, uv: Points) -> tuple[Points, NDArray[np.float64]]:
    """Value (N, 2) and Jacobian (N, 2, 2) of a grid of nodes (rows, columns, 2) at (column, row) positions (N, 2)."""
    rows, columns = nodes.shape[:2]
    cell = np.clip(np.floor(uv), 0, (columns - 2, rows - 2)).astype(np.intp)
    s, t = (uv - cell).T[..., None]
    column, row = cell.T
    a, b = nodes[row, column], nodes[row, column + 1]
    c, d = nodes[row + 1, column], nodes[row + 1, column + 1]
    value = (a * (1 - s) + b * s) * (1 - t) + (c * (1 - s) + d * s) * t
    jacobian = np.stack([(b - a) * (1 - t) + (d - c) * t, (c - a) * (1 - s) + (d - b) * s], -1)
    return value, jacobian


def _invert_bilinear(nodes: Points, points_xy: Points) -> Points:
    """(column, row) positions (N, 2) at which a grid of nodes takes given values: Newton's method.

    It starts at the nearest node, and again at further ones where it ends off the target. Where a grid folds over
    itself there are several answers, and one of them is given.
    """
    flat = nodes.reshape(-1, 2)
    found = np.zeros_like(points_xy)
    error = np.full(len(points_xy), np.inf)
    tolerance = 1e-6 * max(1.0, float(np.abs(flat).max()))
    for attempt in range(4):
        open_ = np.flatnonzero(error > tolerance)
        for chunk in _chunks(open_, 4096):
            target = points_xy[chunk]
            distance = ((target[:, None] - flat) ** 2).sum(-1)
            start = np.argpartition(distance, attempt, axis=1)[:, attempt]
            uv, residual = _newton(nodes, target, start)
            better = residual < error[chunk]
            found[chunk[better]] = uv[better]
            error[chunk[better]] = residual[better]
    return found


def _newton(nodes: Points, target: Points, start: NDArray[np.intp]) -> tuple[Points, NDArray[np.float64]]:
    columns = nodes.shape[1]
    uv = np.stack([start % columns, start // columns], -1).astype(np.float64)
    best, best_error = uv.copy(), np.full(len(uv), np.inf)
    for _ in range(32):
        value, jacobian = _bilinear(nodes, uv)
        off = target - value
        error = np.linalg.norm(off, axis=1)
        better = error < best_error
        best[better], best_error[better] = uv[better], error[better]
        (a, b), (c, d) = jacobian[:, 0].T, jacobian[:, 1].T
        det = a * d - b * c
        det = np.where(np.abs(det) < 1e-9, 1e-9, det)
        step = np.stack([d * off[:, 0] - b * off[:, 1], a * off[:, 1] - c * off[:, 0]], -1) / det[:, None]
        # A long step leaves the cells that its slope was taken from; beyond the rim the map goes on as it is.
        length = np.linalg.norm(step, axis=1, keepdims=True)
        uv = uv + step * np.minimum(1, 4 / np.maximum(length, 1e-12))
        if best_error.max(initial=0) < 1e-9:
            break
    return best, best_error


def _chunks(indices: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    for start in range(0, len(indices), size):
        yield indices[start : start + size]


def _sample_tile(
    image: NDArray[np.uint8], map_x: Map, map_y: Map, output: NDArray[np.uint8], interpolation: int
) -> None:
    """Fill ``output`` (h, w, C) with the picture at the places of the maps (h, w)."""
    if max(image.shape[:2]) <= _MAX_SOURCE_SIDE:
        sampled = cv2.remap(image, map_x, map_y, interpolation, dst=output, borderMode=cv2.BORDER_REPLICATE)
        if not np.may_share_memory(sampled, output):
            output[...] = sampled.reshape(output.shape)
        return
    left, right = _needed(map_x, image.shape[1])
    top, bottom = _needed(map_y, image.shape[0])
    if max(right - left, bottom - top) > _MAX_SOURCE_SIDE and max(output.shape[:2]) > 1:
        axis = int(np.argmax(output.shape[:2]))
        half = output.shape[axis] // 2
        for part in (slice(None, half), slice(half, None)):
            where = (part, slice(None)) if axis == 0 else (slice(None), part)
            _sample_tile(image, map_x[where], map_y[where], output[where], interpolation)
        return
    sampled = cv2.remap(
        image[top:bottom, left:right],
        np.ascontiguousarray(map_x - np.float32(left)),
        np.ascontiguousarray(map_y - np.float32(top)),
        interpolation,
        borderMode=cv2.BORDER_REPLICATE,
    )
    output[...] = sampled.reshape(output.shape)


def _needed(positions: Map, size: int) -> tuple[int, int]:
    """The half-open range of a picture's rows or columns that is read at some positions."""
    first = int(np.clip(np.floor(positions.min()) - _SOURCE_MARGIN, 0, size - 1))
    return first, int(np.clip(np.ceil(positions.max()) + _SOURCE_MARGIN + 1, first + 1, size))

"""Augmentation by albumentations. Whatever it does to a picture it does to the points that come with it, so an
orientation's label is read off where the page's upward direction went, and a grid is where its nodes went."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docpre.errors import ConfigError
from docpre.loading import ImageArray
from train.data.source import WarpedPage
from train.data.tight_crop import normalised_grid
from train.data.wrinkles import wrinkled

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would look for a newer release of itself online
import albumentations

Points = NDArray[np.float64]
_WINDOW_AREA, _WINDOW_ASPECT = (0.1, 0.8), 2.5
_STRIP_SHARE, _STRIP_ASPECT, _STRIP_WIDTH = 0.3, (2.5, 16.0), (0.25, 1.0)
_INK = 20.0  # the standard deviation of a window with a few words in it


@dataclass
class Augment:
    """How much a sample may be changed. Shares are chances in [0, 1]; 0 leaves a change out.

    Args:
        tilt_deg: turned by at most this to either side.
        perspective: each corner is moved by about this share of the side.
        crop: at most this share of each side is cut off at either end.
        flip: share that is mirrored left to right. A mirrored page stays readable to a network for unwarping, whose
            grid goes along; text to be told upright from upside down is better not mirrored.
        quarter_turns: share that is turned by 90, 180 or 270 degrees.
        colour: how far brightness, contrast, saturation and hue may go.
        gray: share that loses its colour.
        blur: share that is blurred, by the lens or by motion.
        noise: share that gets the noise of a sensor.
        jpeg: share that goes through JPEG at low quality.
        shadow: share that gets a shadow.
        margin: at most this share of each side is added around a page.
        invert: share whose colours are inverted.
        faint: share that loses nearly all of its contrast.
        tiny: share that has been much smaller.
        zoom: share of pages of which a window is taken first: a tenth of the page or more, of proportions up to 2.5:1;
            or, of three in ten, a strip of up to 16:1, as lines are. It is for orientation alone.
        wrinkle: share of photos for unwarping that get wrinkles (``train.data.wrinkles``).
        untouched: share of samples that nothing is done to.
    """

    tilt_deg: float = 0.0
    perspective: float = 0.0
    crop: float = 0.0
    flip: float = 0.0
    quarter_turns: float = 0.0
    colour: float = 0.2
    gray: float = 0.1
    blur: float = 0.2
    noise: float = 0.2
    jpeg: float = 0.3
    shadow: float = 0.1
    margin: float = 0.0
    invert: float = 0.0
    faint: float = 0.0
    tiny: float = 0.0
    zoom: float = 0.0
    wrinkle: float = 0.0
    untouched: float = 0.0

    def __post_init__(self) -> None:
        names = ("perspective", "crop", "flip", "quarter_turns", "colour", "gray", "blur", "noise", "jpeg")
        for name in (*names, "margin", "invert", "faint", "tiny", "zoom", "wrinkle", "untouched"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"augment.{name} lies between 0 and 1, not at {getattr(self, name)}.")
        if self.crop >= 0.5 or not 0 <= self.tilt_deg <= 180:
            raise ConfigError("augment.crop is below 0.5, and augment.tilt_deg between 0 and 180.")

    def geometry(self) -> list[albumentations.BasicTransform]:
        """The changes that move points, in order."""
        steps: list[albumentations.BasicTransform] = []
        if self.flip:
            steps.append(albumentations.HorizontalFlip(p=self.flip))
        if self.quarter_turns:
            steps.append(albumentations.RandomRotate90(p=self.quarter_turns))
        if self.tilt_deg:
            turn = (-self.tilt_deg, self.tilt_deg)
            steps.append(albumentations.Affine(rotate=turn, fit_output=True, border_mode=1, p=1))
        if self.perspective:
            steps.append(albumentations.Perspective(scale=(0, self.perspective), fit_output=True, border_mode=1, p=1))
        if self.crop:
            c = self.crop
            steps.append(albumentations.RandomCropFromBorders(c, c, c, c, p=1))
        if self.margin:
            around = [
                albumentations.CropAndPad(
                    percent=(0, self.margin), fill=shade, keep_size=False, sample_independently=True
                )
                for shade in (0, 90, 160, 255)
            ]
            steps.append(albumentations.OneOf(around, p=0.3))
        return steps

    def appearance(self) -> list[albumentations.BasicTransform]:
        """The changes that leave points where they are, in order."""
        c = self.colour
        chosen = [
            (albumentations.RandomShadow(p=self.shadow), self.shadow),
            (albumentations.ColorJitter((1 - c, 1 + c), (1 - c, 1 + c), (1 - c, 1 + c), (-c / 8, c / 8), p=0.8), c),
            (albumentations.ToGray(p=self.gray), self.gray),
            (albumentations.InvertImg(p=self.invert), self.invert),
            (albumentations.RandomBrightnessContrast((0, 0.2), (-0.85, -0.4), p=self.faint), self.faint),
            (albumentations.Downscale(scale_range=(0.25, 0.6), p=self.tiny), self.tiny),
            (
                albumentations.OneOf(
                    [albumentations.GaussianBlur(blur_limit=(3, 5)), albumentations.MotionBlur(blur_limit=(3, 7))],
                    p=self.blur,
                ),
                self.blur,
            ),
            (albumentations.GaussNoise(std_range=(0.01, 0.06), p=self.noise), self.noise),
            (albumentations.ImageCompression(quality_range=(30, 90), p=self.jpeg), self.jpeg),
        ]
        return [step for step, share in chosen if share > 0]


class Augmenter:
    """Applies an ``Augment``; the same seed and sample number give the same result.

    Args:
        augment: what may be changed.
        seed: of the whole run.
    """

    def __init__(self, augment: Augment, seed: int = 0) -> None:
        self._seed, self._untouched, self._zoom = seed, augment.untouched, augment.zoom
        self._wrinkle = augment.wrinkle
        self._compose = albumentations.Compose(
            [*augment.geometry(), *augment.appearance()],
            keypoint_params=albumentations.KeypointParams(format="xy", remove_invisible=False),
        )

    def __call__(self, image: ImageArray, points_xy: Points, number: int) -> tuple[ImageArray, Points]:
        """Change a picture and points in it.

        Args:
            image: (H, W, 3) RGB uint8.
            points_xy: (N, 2) in pixels, centres at whole numbers; they may lie outside.
            number: the sample's number in the run.

        Returns:
            The changed picture, of any size, and where the points are in it.
        """
        random = np.random.default_rng([self._seed, number])
        self._compose.set_random_seed(int(random.integers(2**31)))
        if self._untouched and random.random() < self._untouched:
            return image, points_xy
        changed: dict[str, Any] = self._compose(image=np.ascontiguousarray(image), keypoints=points_xy)
        return changed["image"], np.asarray(changed["keypoints"], np.float64).reshape(-1, 2)

    def page(self, image: ImageArray, angle_cw_deg: int, number: int, is_whole: bool = True) -> tuple[ImageArray, int]:
        """Change a page that is turned clockwise by ``angle_cw_deg``; returns it with the angle that it has then.

        Of one that is not shown whole no window is taken.
        """
        random = np.random.default_rng([self._seed, number, 1])
        if is_whole and random.random() < self._zoom:
            image = window_of(image, random)
        height, width = image.shape[:2]
        centre = np.array([width - 1, height - 1]) / 2
        turn = math.radians(angle_cw_deg)
        up = np.array([math.sin(turn), -math.cos(turn)]) * min(height, width) / 8
        changed, (foot, head) = self(image, np.stack([centre - up, centre + up]), number)
        return changed, upright_angle(head - foot)

    def warped(self, page: WarpedPage, number: int) -> WarpedPage:
        """Change a photo; its grid goes along.

        A mirrored photo shows a mirrored page: the nodes are put in the order in which that page reads from left to
        right (or from top to bottom), and its mesh is mirrored.
        """
        height, width = page.image.shape[:2]
        rows, columns = page.grid_xy.shape[1:]
        nodes = (np.moveaxis(page.grid_xy.astype(np.float64), 0, -1) + 1) / 2 * (width - 1, height - 1)
        image, points = page.image, nodes.reshape(-1, 2)
        random = np.random.default_rng([self._seed, number, 2])
        if random.random() < self._wrinkle:
            image, points = wrinkled(image, points, random)
        image, moved = self(image, points, number)
        grid_xy = normalised_grid(moved.reshape(rows, columns, 2), (image.shape[0], image.shape[1]))
        mesh = page.mesh
        if is_mirrored(grid_xy):
            down = grid_xy[1, -1].mean() - grid_xy[1, 0].mean()
            across = grid_xy[0, :, -1].mean() - grid_xy[0, :, 0].mean()
            axis = 2 if down >= across else 1
            grid_xy = np.ascontiguousarray(np.flip(grid_xy, axis))
            if mesh is not None:
                mesh = np.flip(mesh, axis).copy()
                channel = 1 if axis == 2 else 2
                mesh[channel] = 1 - mesh[channel]
        return WarpedPage(image, grid_xy, mesh)


def window_of(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """A window on a page (H, W, 3) RGB uint8 with something in it; the page itself where none was found."""
    height, width = image.shape[:2]
    is_strip = random.random() < _STRIP_SHARE
    for _ in range(3):
        if is_strip:
            length = random.uniform(*_STRIP_WIDTH) * width
            aspect = math.exp(random.uniform(*np.log(_STRIP_ASPECT)))
            wanted = length / aspect, length
        else:
            side = math.sqrt(random.uniform(*_WINDOW_AREA) * height * width)
            stretch = math.exp(random.uniform(-1, 1) * math.log(_WINDOW_ASPECT) / 2)
            wanted = side * stretch, side / stretch
        size = min(height, max(16, round(wanted[0]))), min(width, max(16, round(wanted[1])))
        top, left = (int(random.integers(whole - part + 1)) for whole, part in zip((height, width), size, strict=True))
        window = image[top : top + size[0], left : left + size[1]]
        if window[::2, ::2].std() > _INK:
            return window
    return image


def upright_angle(up_xy: Points) -> int:
    """The quarter turn clockwise, 0, 90, 180 or 270, that is nearest to where a page's upward direction points.

    Args:
        up_xy: (2,), x to the right and y down; (0, -1) is an upright page's.
    """
    return round(math.degrees(math.atan2(up_xy[0], -up_xy[1])) / 90) * 90 % 360


def is_mirrored(grid_xy: NDArray[np.floating[Any]]) -> bool:
    """Whether a grid (2, rows, columns) shows its page from behind: its rim runs counter-clockwise."""
    rim = np.concatenate([grid_xy[:, 0], grid_xy[:, 1:, -1], grid_xy[:, -1, -2::-1], grid_xy[:, -2:0:-1, 0]], 1)
    x, y = rim.astype(np.float64)
    return bool((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() < 0)

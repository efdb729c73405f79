"""Photos with the page's mask, as ``python -m train page_photos`` keeps them, changed anew each time they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from docpre.errors import InputError
from docpre.loading import ImageArray
from docpre.network_input import normalised
from docpre.registry import ModelSpec
from train.data.source import Source

Mask = NDArray[np.uint8]

#: Of the files, each so manyth is for validation; its pages are in no other.
VALIDATION_EVERY = 12
MASK_STEP = 2  # pixels of the network's picture to one of its mask
_ASPECTS = (0.75, 4 / 3, 1.0, 9 / 16, 16 / 9, 2 / 3, 1.5)
_ANY_TURN, _SCALE, _SHIFT = 0.5, (0.65, 1.4), 0.2
_OTHER_GROUND, _GRAY, _BLUR, _NOISE, _JPEG = 0.5, 0.12, 0.25, 0.4, 0.25
_PALE_GROUND, _PALENESS = 0.15, (0.5, 0.9)  # how near the ground's colour comes to the paper's
_OTHER_PAGES, _MOST_OTHERS = 0.25, 3
_TWIN, _TWIN_GAP = 0.5, (0.98, 1.08)  # the other is the same page again, side by side, and how far off, in its sides
_OTHER_SEEN = 0.6  # as much of the page, at most, is seen of another one
_OWN_SHARE = 0.4  # of all that is seen of a page and its mirrored copies, what it is at least
_ON_GLASS, _GLASS_SHARE, _GLASS_TURN_DEG = 0.3, (0.25, 0.95), 6.0  # scans on a larger glass
_SHADOW, _SHADOW_LIGHT, _SHADOW_SOFT = 0.3, (0.2, 0.8), (0.3, 8.0)  # what it leaves of the light; pixels
_STAINED, _STAINS, _STAIN_CELLS = 0.35, (0.02, 0.15), (4, 24)  # scans of old paper; depth, and how many across
_FULL = 250  # a mask of at least this everywhere belongs to a page that fills the picture


class MaskSample(TypedDict):
    """``image`` (3, H, W) normalised; ``mask`` (1, H/2, W/2), the share of each cell that shows the page."""

    image: Tensor
    mask: Tensor


class PagePhotos(Source):
    """Small photos and the page's mask in each.

    Args:
        path: the folder that ``python -m train page_photos`` made.
        for_validation: the files whose pages are kept for validation, or the others.
    """

    def __init__(self, path: Path, for_validation: bool) -> None:
        self.path = Path(path).expanduser()
        files = [file for file in sorted(self.path.glob("[0-9]*.npz")) if ".part" not in file.name]
        files = [file for file in files if is_for_validation(int(file.stem)) == for_validation]
        if not files:
            raise InputError(f"{self.path}: no photos in it. Make them with python -m train page_photos.")
        kept = [np.load(file) for file in files]
        self._images = np.concatenate([content["images"] for content in kept])
        self._masks = np.concatenate([content["masks"] for content in kept])
        self._aspects = np.concatenate([content["aspects"] for content in kept])
        self.documents = [file.name for file, own in zip(files, kept, strict=True) for _ in range(len(own["aspects"]))]

    def read(self, index: int) -> tuple[ImageArray, Mask, float]:
        """The photo and its mask, squeezed into one size, and the photo's width over its height."""
        return self._images[index], self._masks[index], float(self._aspects[index])

    def describe(self) -> dict[str, Any]:
        return self._described(path=str(self.path))


def is_for_validation(file: int) -> bool:
    """Whether the photos of a file, by its number, are for validation."""
    return file % VALIDATION_EVERY == VALIDATION_EVERY - 1


class MaskSamples(Dataset[MaskSample]):
    """Photos as the network sees them.

    Args:
        source: the photos.
        indices: which of them.
        spec: of the network.
        seed: of the changes; None: photos are only resized.
    """

    def __init__(self, source: PagePhotos, indices: Sequence[int], spec: ModelSpec, seed: int | None) -> None:
        self._source, self._indices, self._spec, self._seed = source, indices, spec, seed

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, key: tuple[int, int]) -> MaskSample:
        index, number = key
        image, mask, aspect = self._source.read(self._indices[index])
        size = self._spec.size_hw[::-1]
        if self._seed is None:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
            mask = cv2.resize(mask, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        else:
            random = np.random.default_rng([self._seed, number])
            image, mask = moved(image, mask, aspect, size, random)
            if random.random() < _OTHER_PAGES:
                photo = image
                for _ in range(random.integers(1, _MOST_OTHERS + 1)):
                    if random.random() < _TWIN:
                        image = with_twin(image, mask, photo, random)
                        continue
                    other = self._source.read(self._indices[int(random.integers(len(self._indices)))])
                    image = with_other_page(image, mask, *moved(*other, size, random), random)
            if mask.min() >= _FULL and random.random() < _STAINED:
                image = stained(image, random)
            image = coloured(shadowed(image, random), mask, random)
        cells = cv2.resize(mask, (size[0] // MASK_STEP, size[1] // MASK_STEP), interpolation=cv2.INTER_AREA)
        return {
            "image": torch.from_numpy(normalised([image], self._spec)[0]),
            "mask": torch.from_numpy(cells.astype(np.float32)[None] / 255),
        }


def moved(
    image: ImageArray, mask: Mask, aspect: float, size_wh: tuple[int, int], random: np.random.Generator
) -> tuple[ImageArray, Mask]:
    """A photo turned, mirrored, scaled and moved in a frame of other proportions, squeezed into a size.

    Args:
        image, mask: of one size.
        aspect: the photo's width over its height.
        size_wh: of the result.
        random: source of chance.
    """
    is_scan = bool(mask.min() >= _FULL)
    if is_scan and random.random() < _ON_GLASS:
        return on_glass(image, aspect, size_wh, random)
    quarter = int(random.integers(4))
    turn = np.deg2rad(90 * quarter)
    scale = random.uniform(0.9, 1) if is_scan else float(np.exp(random.uniform(*np.log(_SCALE))))
    shift = np.zeros(2)
    frame = 1 / aspect if quarter % 2 else aspect
    if not is_scan:
        turn += np.deg2rad(random.uniform(-45, 45)) if random.random() < _ANY_TURN else 0.0
        shift = random.uniform(-_SHIFT, _SHIFT, 2)
        if random.random() < 0.5:
            frame = _ASPECTS[random.integers(len(_ASPECTS))]
    # Frames of equal areas; from the result's [-1, 1] to the photo's.
    own, other = np.array([aspect, 1 / aspect]) ** 0.5, np.array([frame, 1 / frame]) ** 0.5
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    if random.random() < 0.5:
        rotation[:, 0] *= -1
    linear = (rotation * other * scale) / own[:, None]
    source_wh = np.array(mask.shape[::-1])
    matrix = np.empty((2, 3))
    matrix[:, :2] = linear * source_wh[:, None] / np.array(size_wh)
    matrix[:, 2] = (shift + 1) / 2 * source_wh - 0.5 - matrix[:, :2] @ (np.array(size_wh) / 2 - 0.5)
    rim = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    filling = random.random()
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    borders: dict[str, Any] = {"borderMode": cv2.BORDER_CONSTANT, "borderValue": 0}
    covered = cv2.warpAffine(mask, matrix, size_wh, flags=flags, **borders)
    if is_scan:
        borders = {"borderMode": cv2.BORDER_REPLICATE}
        covered = np.full(size_wh[::-1], 255, np.uint8)
    elif rim.any() or filling < 0.3:
        edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])[rim < 128]
        level = edge.mean(0) if len(edge) and random.random() < 0.6 else random.uniform(0, 255, 3)
        borders["borderValue"] = [float(value) for value in level]
    else:
        # Mirrored copies of the page are other pages: it is the page as long as they don't show more.
        mirrored: dict[str, Any] = {"borderMode": cv2.BORDER_REFLECT_101}
        all_pages = cv2.warpAffine(mask, matrix, size_wh, flags=flags, **mirrored)
        is_mirrored = filling < 0.65 and covered.sum() >= _OWN_SHARE * all_pages.sum()
        borders = mirrored if is_mirrored else {"borderMode": cv2.BORDER_REPLICATE}
    seen = cv2.warpAffine(image, matrix, size_wh, flags=flags, **borders)
    return seen.astype(np.uint8, copy=False), np.asarray(covered, np.uint8)


def on_glass(
    image: ImageArray, aspect: float, size_wh: tuple[int, int], random: np.random.Generator
) -> tuple[ImageArray, Mask]:
    """A flat page on a scanner's glass that is larger, under a lid of one colour, mostly white or nearly black.

    Args:
        image: the page alone.
        aspect: its width over its height.
        size_wh: of the result.
        random: source of chance.

    Returns:
        The photo and the page's mask, squeezed into that size.
    """
    frame = _ASPECTS[random.integers(len(_ASPECTS))]
    turn = np.deg2rad(random.normal(0, _GLASS_TURN_DEG) + 90 * random.integers(4))
    frame_wh, page_wh = np.array([frame, 1 / frame]) ** 0.5, np.array([aspect, 1 / aspect]) ** 0.5
    unit = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    corners = (unit * page_wh) @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    largest = (frame_wh / np.ptp(corners, axis=0)).min()
    corners = corners * min(largest, np.sqrt(random.uniform(*_GLASS_SHARE)))
    room = frame_wh - np.ptp(corners, axis=0)
    corners = (corners + room * random.uniform(-0.5, 0.5, 2)) / frame_wh
    size = np.array(size_wh)
    target = ((corners + 0.5) * size - 0.5).astype(np.float32)
    source = ((unit + 0.5) * image.shape[1::-1] - 0.5).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    mask = cv2.warpPerspective(np.full(image.shape[:2], 255, np.uint8), matrix, size_wh)
    paper = np.median(image.reshape(-1, 3), axis=0)
    lid = np.full(3, random.uniform(225, 255) if random.random() < 0.6 else random.uniform(0, 120))
    lid = lid * random.uniform(0.95, 1, 3)
    # The sheet's shadow along two of its sides; without one, and on a lid of its colour, it isn't to be seen.
    shadow = random.uniform(-1, 1, 2) * 0.02 * min(size_wh)
    depth = random.uniform(0.15, 0.5) if random.random() < 0.6 or np.abs(lid - paper).max() < 12 else 0.0
    moved_by = np.array([[1, 0, shadow[0]], [0, 1, shadow[1]]])
    shade = cv2.GaussianBlur(cv2.warpAffine(mask, moved_by, size_wh), (0, 0), random.uniform(0.5, 1.5))
    ground = lid * (1 - depth * shade[..., None].astype(np.float32) / 255)
    share = mask[..., None].astype(np.float32) / 255
    seen = share * cv2.warpPerspective(image, matrix, size_wh, borderMode=cv2.BORDER_REPLICATE) + (1 - share) * ground
    return np.clip(seen, 0, 255).astype(np.uint8), np.asarray(mask, np.uint8)


def shadowed(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """A photo (H, W, 3) uint8, three in ten with a shadow across it: of an edge, a beam or a thing; hard or soft."""
    if random.random() >= _SHADOW:
        return image
    height, width = image.shape[:2]
    angle, kind = random.uniform(0, 2 * np.pi), random.random()
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    middle = random.uniform(0.1, 0.9, 2) * (width, height)
    size = max(width, height)
    # From the middle to one side without end, a beam as long, or a thing of four corners.
    reach = [
        (-2, 2, 0, 2),
        (-2, 2, 0, random.uniform(0.05, 0.4)),
        (0, random.uniform(0.2, 0.7), 0, random.uniform(0.2, 0.7)),
    ]
    left, right, low, high = reach[0 if kind < 0.5 else 1 if kind < 0.75 else 2]
    corners = np.array([[left, low], [right, low], [right, high], [left, high]]) + random.normal(0, 0.05, (4, 2))
    outline = middle + size * (corners[:, :1] * along + corners[:, 1:] * across)
    shade = np.zeros((height, width), np.float32)
    cv2.fillPoly(shade, [(outline * 16).round().astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    soft = float(np.exp(random.uniform(*np.log(_SHADOW_SOFT))))
    shade = np.asarray(cv2.GaussianBlur(shade, (0, 0), soft), np.float32)[..., None]
    if random.random() < 0.3:
        shade = 1 - shade  # light falls on that part alone
    light = _levels(random, *_SHADOW_LIGHT, 1) * _levels(random, 0.93, 1.07)
    return (image * (1 - shade * (1 - np.minimum(light, 1)))).astype(np.uint8)


def stained(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """A page (H, W, 3) uint8 on old paper: brown, with soft stains all over."""
    height, width = image.shape[:2]
    cells = int(random.integers(*_STAIN_CELLS))
    noise = random.standard_normal((cells, cells), np.float32)
    waves = np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    tint = np.array([1, random.uniform(0.85, 0.98), random.uniform(0.6, 0.9)], np.float32)
    stains = 1 + random.uniform(*_STAINS) * waves[..., None]
    return np.clip(image * tint * stains * random.uniform(0.75, 1), 0, 255).astype(np.uint8)


def with_other_page(
    image: ImageArray, mask: Mask, other: ImageArray, other_mask: Mask, random: np.random.Generator
) -> ImageArray:
    """A photo with another photo's page beneath its own, cut by the frame: it isn't the one that is meant.

    Args:
        image, mask: the photo, (H, W, 3) RGB uint8, and its page, (H, W).
        other, other_mask: another photo of that size; one whose page fills it, or shows nothing, adds nothing.
        random: source of chance.
    """
    if mask.min() >= _FULL or other_mask.min() >= _FULL or not other_mask.any():
        return image
    rows, columns = np.nonzero(other_mask)
    target = random.uniform(0, 1, 2)
    target[random.integers(2)] = random.integers(2)  # on the frame's rim
    return _beneath(image, mask, other, other_mask, target * mask.shape[::-1] - (columns.mean(), rows.mean()))


def with_twin(image: ImageArray, mask: Mask, photo: ImageArray, random: np.random.Generator) -> ImageArray:
    """A photo with its page once more, side by side with it as pages on a pile or a table lie, cut by the frame.

    Args:
        image, mask: the photo, (H, W, 3) RGB uint8, and its page, (H, W).
        photo: what it was before others were put beneath its page.
        random: source of chance.
    """
    outline = cv2.findNonZero((mask > 127).astype(np.uint8))
    if mask.min() >= _FULL or outline is None:
        return image
    corners = cv2.boxPoints(cv2.minAreaRect(outline))
    first = int(random.integers(4))
    side = corners[(first + 1) % 4] - corners[first]
    along = corners[(first + 2) % 4] - corners[(first + 1) % 4]
    shift = side * random.uniform(*_TWIN_GAP) + along * random.uniform(-0.1, 0.1)
    return _beneath(image, mask, photo, mask, shift)


def _beneath(
    image: ImageArray, mask: Mask, other: ImageArray, other_mask: Mask, shift: NDArray[np.floating]
) -> ImageArray:
    """A photo with another's page beneath its own, moved by pixels; as it is where too much of it would be seen."""
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
    size = mask.shape[::-1]
    share = cv2.warpAffine(other_mask, matrix, size).astype(np.float32) / 255 * (1 - mask.astype(np.float32) / 255)
    if share.sum() > _OTHER_SEEN * mask.sum() / 255:
        return image
    seen = cv2.warpAffine(other, matrix, size).astype(np.float32)
    return (image * (1 - share[..., None]) + seen * share[..., None]).round().astype(np.uint8)


def coloured(image: ImageArray, mask: Mask, random: np.random.Generator) -> ImageArray:
    """A photo in other light, often with a ground of another colour, and worse in other ways."""
    picture = image.astype(np.float32)
    if random.random() < _OTHER_GROUND:
        share = (mask.astype(np.float32) / 255)[..., None]
        ground = (picture - 128) * _levels(random, 0.3, 1.3, 1) + 128
        ground = ground * _levels(random, 0.7, 1.3) + _levels(random, -70, 110, 1)
        picture = share * picture + (1 - share) * np.clip(ground, 0, 255)
    if random.random() < _PALE_GROUND and mask.max() > 127:
        share = (mask.astype(np.float32) / 255)[..., None]
        paper = np.median(picture[mask > 127], axis=0).astype(np.float32)
        picture += (1 - share) * (paper - picture) * _levels(random, *_PALENESS, 1)
    picture = (picture - 128) * _levels(random, 0.6, 1.3, 1) + (128 + _levels(random, -40, 40, 1))
    picture *= _levels(random, 0.85, 1.15)
    if random.random() < _GRAY:
        picture[:] = picture.mean(2, keepdims=True)
    if random.random() < _BLUR:
        picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.4, 1.5)).astype(np.float32, copy=False)
    if random.random() < _NOISE:
        picture += random.standard_normal(picture.shape, np.float32) * _levels(random, 1, 12, 1)
    result = np.clip(picture, 0, 255).astype(np.uint8)
    if random.random() < _JPEG:
        quality = int(random.integers(20, 80))
        content = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        result = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)
    return result


def _levels(random: np.random.Generator, low: float, high: float, count: int = 3) -> NDArray[np.float32]:
    return random.uniform(low, high, count).astype(np.float32)

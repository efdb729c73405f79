"""``python -m train evaluate turned-photos``: real photos, each in several turns: are they found, upright and readable?

Such photos have no truth. What docpre makes of one turned is compared with what it makes of it as it is.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.errors import ConfigError
from docpre.geometry import Transform
from docpre.loading import ImageArray
from train.evaluate.environment import environment
from train.evaluate.orientation import INTERRUPTED
from train.evaluate.page import EvaluationPage, pictures_by_stem
from train.evaluate.predictions import ModelPredictions, read_picture
from train.evaluate.resumed import resumed
from train.evaluate.run_folder import file_stamps, write_json
from train.evaluate.text_reading import Line, PaddleWords

Ground = Literal["brown", "grey", "copies", "stretched"]
#: What lies around a photo that was turned: an even ground, its own mirrored copies, or its rim drawn out.
GROUNDS: dict[Ground, dict[str, Any]] = {
    "brown": {"borderMode": cv2.BORDER_CONSTANT, "borderValue": (120, 110, 90)},
    "grey": {"borderMode": cv2.BORDER_CONSTANT, "borderValue": (128, 128, 128)},
    "copies": {"borderMode": cv2.BORDER_REFLECT},
    "stretched": {"borderMode": cv2.BORDER_REPLICATE},
}
_UPRIGHT_DEG = 15  # a result that is turned by less against that of the photo as it is
_SAME_PAGE = 0.85  # overlap of what is shown, as intersection over union
_LEAST_WORDS, _MORE_TILT_DEG = 0.8, 1.0  # as readable: so many of the words, in lines askew by no more than this more
_LONG_LINE = 3  # lines so many times as long as high have a direction


@dataclass(frozen=True)
class TurnedPhotos:
    """How photos are turned.

    Args:
        turns: so many, evenly around the circle; the first is the photo as it is.
        ground: what lies around it then.
        long_side: photos are shrunk to so many pixels, if they are larger.

    Raises:
        ConfigError: a number or a ground that can't be.
    """

    turns: int = 12
    ground: Ground = "brown"
    long_side: int = 1600

    def __post_init__(self) -> None:
        if self.turns < 1 or self.long_side < 64:
            raise ConfigError("turns is 1 or more, and long_side 64 or more.")
        if self.ground not in GROUNDS:
            raise ConfigError(f"ground is one of {', '.join(GROUNDS)}, not {self.ground!r}.")

    @property
    def angles_deg(self) -> list[float]:
        """By how much the photo is turned clockwise."""
        return [360 * number / self.turns for number in range(self.turns)]

    def read(self, path: Path) -> ImageArray:
        """A photo (H, W, 3) RGB uint8."""
        photo = read_picture(path)
        scale = self.long_side / max(photo.shape[:2])
        if scale >= 1:
            return photo
        height, width = (max(1, round(side * scale)) for side in photo.shape[:2])
        return cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    def turned(self, photo: ImageArray, angle_deg: float) -> tuple[ImageArray, NDArray[np.float64]]:
        """The photo turned clockwise in the smallest frame that holds it, and (2, 3) from its pixels to the frame's."""
        height, width = photo.shape[:2]
        cos, sin = abs(np.cos(np.radians(angle_deg))), abs(np.sin(np.radians(angle_deg)))
        size_wh = round(width * cos + height * sin), round(height * cos + width * sin)
        matrix = np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle_deg, 1), np.float64)
        matrix[:, 2] += (size_wh[0] - width) / 2, (size_wh[1] - height) / 2
        picture = cv2.warpAffine(photo, matrix, size_wh, flags=cv2.INTER_CUBIC, **GROUNDS[self.ground])
        return picture.astype(np.uint8, copy=False), matrix


def evaluate_turned_photos(
    data: Path,
    output: Path,
    predictor: ModelPredictions,
    turning: TurnedPhotos,
    words: PaddleWords | None,
    workers: int = 1,
    progress: bool = True,
) -> int:
    """Clean each photo in each turn, print what became of them, and write ``summary.json``.

    Args:
        data: a folder of photos.
        output: the run's folder; a run that was stopped goes on with the next photo.
        predictor: what cleans them.
        turning: how they are turned.
        words: reads them; None: they are not read.
        workers: photos at a time.
        progress: show a bar.

    Returns:
        0, 1 if a photo failed, 130 if the run was interrupted.

    Raises:
        ConfigError: there are no photos, or the folder holds results of other settings.
    """
    photos = pictures_by_stem(data)
    if not photos:
        raise ConfigError(f"{data}: there is no such folder, or no picture in it.")
    settings = {
        "data": {name: file_stamps([path]) for name, path in photos.items()},
        "turns": turning.turns,
        "ground": turning.ground,
        "long_side": turning.long_side,
        "predictor": predictor.describe(),
        "words": words and words.describe(),
    }
    good, failed, is_whole = resumed(
        output, settings, photos, lambda path: {"turns": _turns(path, predictor, turning, words)}, workers, progress
    )
    figures = {name: result["turns"] for name, result in good.items()}
    summary = {**summarised(figures), "failed": failed}
    write_json(output / "summary.json", {**summary, "settings": settings, "environment": environment()})
    print(table(figures))
    for name, error in failed.items():
        print(f"failed: {name}: {error}", file=sys.stderr)
    if not is_whole:
        return INTERRUPTED
    return 1 if failed else 0


def _turns(
    path: Path, predictor: ModelPredictions, turning: TurnedPhotos, words: PaddleWords | None
) -> list[dict[str, Any]]:
    """Figures of a photo in each of its turns, against the first."""
    photo, page = turning.read(path), EvaluationPage(path.stem, path.stem)
    found = []
    for angle_deg in turning.angles_deg:
        picture, matrix = turning.turned(photo, angle_deg)
        prediction = predictor.predict(page, picture)
        assert prediction.transform is not None
        assert prediction.unwarping is not None
        to_photo = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
        outline_xy = _outline_xy(prediction.transform, to_photo)
        lines = None if words is None else words.lines(prediction.image)
        found.append((angle_deg, outline_xy, lines, prediction.unwarping["reason"]))
    _, first_xy, first_lines, _ = found[0]
    turns = []
    for angle_deg, outline_xy, lines, reason in found:
        off_deg = (_direction_deg(outline_xy) - _direction_deg(first_xy) + 180) % 360 - 180
        overlap = _overlap(outline_xy, first_xy, photo.shape[:2])
        turn = {"angle_deg": angle_deg, "off_deg": round(off_deg, 2), "overlap": round(overlap, 4), "reason": reason}
        if lines is not None and first_lines is not None:
            tilt = tilt_deg(lines)
            read, before = _words(lines), _words(first_lines)
            turn |= {
                "words": read.total(),
                "kept": round((read & before).total() / before.total(), 4) if before else 1.0,
                "tilt_deg": None if tilt is None else round(tilt, 3),
            }
        turns.append(turn)
    return turns


def _outline_xy(transform: Transform, to_photo: NDArray[np.float64], a_side: int = 8) -> NDArray[np.float64]:
    """What of the photo a clean page shows, (4 * a_side, 2): along its sides, from its top left corner clockwise."""
    height, width = transform.output_size_hw
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height), (0, 0)], np.float64)
    shares = np.arange(a_side)[:, np.newaxis] / a_side
    sides = [start + shares * (end - start) for start, end in pairwise(corners)]
    return transform.to_original(np.vstack(sides)) @ to_photo[:, :2].T + to_photo[:, 2]


def _direction_deg(outline_xy: NDArray[np.float64]) -> float:
    """Where a clean page's right lies in the photo: the mean of its upper and lower side."""
    corners = outline_xy.reshape(4, -1, 2)[:, 0]
    across = corners[1] - corners[0] + corners[2] - corners[3]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def _overlap(a_xy: NDArray[np.float64], b_xy: NDArray[np.float64], size_hw: tuple[int, ...]) -> float:
    """Intersection over union of two outlines, which may reach out of the photo."""
    margin = max(size_hw) // 2
    masks = np.zeros((2, size_hw[0] + 2 * margin, size_hw[1] + 2 * margin), np.uint8)
    for mask, outline_xy in zip(masks, (a_xy, b_xy), strict=True):
        cv2.fillPoly(mask, [np.round(outline_xy + margin).astype(np.int32)], 1)
    return float((masks[0] & masks[1]).sum() / max(1, (masks[0] | masks[1]).sum()))


def tilt_deg(lines: Sequence[Line]) -> float | None:
    """By how much lines are off level, the mean weighted with their lengths; None without lines that tell."""
    total = length = 0.0
    for line in lines:
        top, down = line.box_xy[1] - line.box_xy[0], line.box_xy[3] - line.box_xy[0]
        long = float(np.hypot(*top))
        if long >= _LONG_LINE * np.hypot(*down):
            total += long * abs(float(np.degrees(np.arctan2(top[1], top[0]))))
            length += long
    return total / length if length else None


def _words(lines: Sequence[Line]) -> Counter[str]:
    return Counter(word for line in lines for word in line.text.split())


def is_upright(turn: Mapping[str, Any]) -> bool:
    """Whether a turned photo came out as the photo that is not turned did."""
    return abs(float(turn["off_deg"])) < _UPRIGHT_DEG


def is_same_page(turn: Mapping[str, Any]) -> bool:
    """Whether it also shows the same part of the photo."""
    return is_upright(turn) and float(turn["overlap"]) >= _SAME_PAGE


def is_readable(turn: Mapping[str, Any], first: Mapping[str, Any]) -> bool:
    """Whether it reads as the photo that is not turned does."""
    more_tilt = (turn["tilt_deg"] or 0.0) - (first["tilt_deg"] or 0.0)
    return is_upright(turn) and float(turn["kept"]) >= _LEAST_WORDS and more_tilt <= _MORE_TILT_DEG


def summarised(photos: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Counts and means over all turns of all photos."""
    pairs = [(turn, turns[0]) for turns in photos.values() for turn in turns]
    summary: dict[str, Any] = {
        "turns": len(pairs),
        "upright": sum(is_upright(turn) for turn, _ in pairs),
        "same_page": sum(is_same_page(turn) for turn, _ in pairs),
        "overlap": _mean([turn["overlap"] for turn, _ in pairs]),
    }
    if pairs and "words" in pairs[0][0]:
        summary["readable"] = sum(is_readable(turn, first) for turn, first in pairs)
        summary["as_they_are"] = _reading([turns[0] for turns in photos.values()])
        summary["in_all_turns"] = _reading([turn for turn, _ in pairs])
    return summary


def _reading(turns: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Means of what is read."""
    tilts = [turn["tilt_deg"] for turn in turns if turn["tilt_deg"] is not None]
    return {"words": _mean([turn["words"] for turn in turns]), "tilt_deg": _mean(tilts)}


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def table(photos: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Counts, means, and each turn that did not come out as the first."""
    summary = summarised(photos)
    of = f"of {summary['turns']}"
    lines = [f"upright      {summary['upright']} {of}", f"same page    {summary['same_page']} {of}"]
    if "readable" in summary:
        lines.append(f"as readable  {summary['readable']} {of}")
        for name, words in (("as they are", summary["as_they_are"]), ("in all turns", summary["in_all_turns"])):
            tilt = "no line" if words["tilt_deg"] is None else f"lines off by {words['tilt_deg']:.2f} degrees"
            lines.append(f"{name}: {words['words']:.1f} words, {tilt}")
    for name, turns in photos.items():
        for turn in turns:
            if not is_same_page(turn) or ("kept" in turn and not is_readable(turn, turns[0])):
                kept = f", {turn['kept']:.0%} of the words" if "kept" in turn else ""
                lines.append(
                    f"{name} at {turn['angle_deg']:g}: off by {turn['off_deg']:.0f} degrees, overlap "
                    f"{turn['overlap']:.2f}{kept} ({turn['reason']})"
                )
    return "\n".join(lines)

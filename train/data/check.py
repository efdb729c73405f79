"""``python -m train data check orientation|unwarping``: reads every sample that a configuration names."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import numpy as np
from tqdm import tqdm

from docpre.errors import ConfigError, DocpreError
from train.data.augment import is_mirrored
from train.data.module import OrientationData, SampleData, UnwarpingData
from train.data.source import PageSource, WarpedSource

PARTS = ("train", "val", "test")
_SHOWN = 20


def main(arguments: list[str]) -> int:
    """Check the data of a configuration, as training would take them, and say what was found.

    Args:
        arguments: the task, and the options of training (``--config``, ``--data.train.path`` and so on).

    Returns:
        0 if all is well, 1 if a sample can't be used.
    """
    if not arguments or arguments[0] not in ("orientation", "unwarping"):
        raise ConfigError("data check is followed by 'orientation' or 'unwarping' and the options of training.")
    from train.cli import command_line

    datamodule: Any = command_line(arguments[0], arguments[1:], run=False).datamodule
    lines, failures = check(datamodule)
    print("\n".join(lines))
    for failure in failures[:_SHOWN]:
        print(f"failed: {failure}", file=sys.stderr)
    if len(failures) > _SHOWN:
        print(f"... and {len(failures) - _SHOWN} more", file=sys.stderr)
    print(f"{len(failures)} samples failed" if failures else "all samples can be used")
    return 1 if failures else 0


def check(datamodule: SampleData[Any]) -> tuple[list[str], list[str]]:
    """Read each sample of each part once.

    Returns:
        What there is, a line a fact; and what failed, a line a sample.
    """
    lines: list[str] = []
    failures: list[str] = []
    seen: set[tuple[int, int]] = set()
    documents: dict[str, set[str]] = {}
    for part in PARTS:
        source, indices = datamodule.indices(part)  # type: ignore[arg-type]
        documents[part] = {source.documents[i] for i in indices}
        lines.append(f"{part}: {len(indices)} samples of {len(documents[part])} documents")
        if isinstance(datamodule, OrientationData):
            counts = Counter(source.angles_cw_deg[i] for i in indices)
            lines.append("  by angle: " + ", ".join(f"{angle}: {counts[angle]}" for angle in sorted(counts)))
        new = [i for i in indices if (id(source), i) not in seen]
        seen |= {(id(source), i) for i in new}
        if new:
            reader = _read_pages if isinstance(datamodule, OrientationData) else _read_warped
            assert isinstance(datamodule, OrientationData | UnwarpingData)
            lines += [f"  {fact}" for fact in reader(source, new, f"reading {part}", failures)]
    if datamodule.indices("val")[0] is not datamodule.indices("train")[0] and (
        shared := documents["train"] & documents["val"]
    ):
        failures.append(f"{len(shared)} documents are both trained on and held out, {sorted(shared)[0]} for one")
    return lines, failures


def _read_pages(source: PageSource, indices: list[int], title: str, failures: list[str]) -> list[str]:
    sides = []
    for index in tqdm(indices, desc=title, unit="page"):
        try:
            sides.append(source.read(index).shape[:2])
        except DocpreError as error:
            failures.append(str(error))
    return [_sizes(sides)] if sides else []


def _read_warped(source: WarpedSource, indices: list[int], title: str, failures: list[str]) -> list[str]:
    sides, outside, mirrored, meshes = [], [], 0, 0
    for index in tqdm(indices, desc=title, unit="photo"):
        try:
            page = source.read(index, index)
        except DocpreError as error:
            failures.append(str(error))
            continue
        sides.append(page.image.shape[:2])
        outside.append(float((np.abs(page.grid_xy) > 1).any(0).mean()))
        mirrored += is_mirrored(page.grid_xy)
        meshes += page.mesh is not None
    if not sides:
        return []
    facts = [_sizes(sides), f"{meshes} of {len(sides)} with a mesh"]
    facts.append(f"nodes outside the frame: {100 * np.mean(outside):.1f} %, at most {100 * max(outside):.1f} % of one")
    if mirrored:
        failures.append(f"{mirrored} grids show the page from behind: is x first, and do rows run from left to right?")
    return facts


def _sizes(sides: list[Any]) -> str:
    heights, widths = zip(*sides, strict=True)
    return f"{min(widths)}x{min(heights)} to {max(widths)}x{max(heights)} pixels"

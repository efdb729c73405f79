"""Recipes of docpre_ori are read by the training's own command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from train.cli import command_line
from train.corpus.build import save_jpeg
from train.corpus.manifest import MANIFEST, Entry, write_manifest

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("recipe", ["docpre_ori", "docpre_ori_by_hand"])
def test_the_recipe_is_read(recipe, tmp_path):
    entries = []
    for split in ("train", "val"):
        for number in range(4):
            name = f"{split}/{number}.jpg"
            save_jpeg(np.full((40, 30, 3), 255, np.uint8), tmp_path / name)
            entries.append(Entry(name, split, "real", "books", "Arabic", name))
    write_manifest(tmp_path / MANIFEST, entries)
    options = [
        "--config",
        str(CONFIGS / f"{recipe}.yaml"),
        "--data.train.path",
        str(tmp_path),
        "--data.val.path",
        str(tmp_path),
    ]
    cli = command_line("orientation", [*options, "--data.train.right_to_left", "3"], run=False)
    assert cli.model.spec.size_hw == (304, 304)
    assert (cli.model.spec.resize_short, cli.model.spec.max_aspect) == (None, 1.5)
    source, indices = cli.datamodule.indices("train")
    assert len(indices) == len(source) == 12

"""Temperature and bound of the orientation classifier."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from docpre.errors import ModelError
from docpre.registry import find_model
from train.calibration import fitted_temperature, least_sure_score, main
from train.corpus.build import save_jpeg
from train.corpus.manifest import MANIFEST, Entry, write_manifest
from train.export import export
from train.orientation import Orientation


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.5])
def test_the_temperature_that_labels_were_drawn_with_is_found(truth):
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(20_000, 4, generator=generator)
    labels = torch.multinomial((logits / truth).softmax(1), 1, generator=generator)[:, 0]
    assert fitted_temperature(logits, labels) == pytest.approx(truth, rel=0.06)


def test_the_bound_leaves_few_wrong_answers_and_is_no_higher_than_that_needs():
    best = np.array([0.95] * 90 + [0.6] * 5 + [0.9] * 5)
    scores = np.stack([best, *[(1 - best) / 3] * 3], 1)
    labels = np.array([0] * 90 + [1] * 5 + [0] * 5)
    assert least_sure_score(scores, labels, 0.01, 0.5) == pytest.approx(0.61)
    assert least_sure_score(scores, labels, 0.06, 0.5) == pytest.approx(0.3)


def test_the_bound_keeps_its_coverage_where_not_both_can_be_had():
    scores = np.array([[0.95, 0.05]] * 90 + [[0.8, 0.2]] * 10)
    labels = np.array([1] * 3 + [0] * 97)
    assert least_sure_score(scores, labels, 0.001, 0.97) == pytest.approx(0.8)


def checkpoint(path, module):
    module.network.eval()
    torch.save(
        {
            "state_dict": module.state_dict(),
            "hyper_parameters": dict(module.hparams),
            "docpre": {"task": "orientation", "figures": {}, "data": {}},
            "epoch": 0,
            "global_step": 1,
        },
        path,
    )


def test_a_calibrated_checkpoint_is_exported_with_its_bound(tmp_path):
    random = np.random.default_rng(0)
    entries = []
    for number in range(3):
        save_jpeg(random.integers(0, 255, (60, 50, 3), np.uint8), tmp_path / f"val/{number}.jpg")
        entries.append(Entry(f"val/{number}.jpg", "val", "real", "books", "Latin", str(number)))
    write_manifest(tmp_path / MANIFEST, entries)
    checkpoint(tmp_path / "a.ckpt", Orientation(start="nothing", size_hw=(64, 64), resize_short=None, max_aspect=2.0))
    main(["--ckpt", str(tmp_path / "a.ckpt"), "--data", str(tmp_path), "--output", str(tmp_path / "b.ckpt")])
    spec = export(tmp_path / "b.ckpt", tmp_path / "model", "mine", "Apache-2.0")
    found = find_model("orientation", model_dir=tmp_path / "model")
    assert found.min_score == spec.min_score is not None
    assert found.max_aspect == spec.max_aspect
    assert (spec.size_hw, spec.resize_short, spec.max_aspect) == ((64, 64), None, 2.0)


def test_what_has_no_last_layer_is_refused(tmp_path):
    module = Orientation(start="nothing", size_hw=(64, 64))
    module.network.fc = torch.nn.Sequential(module.network.fc)
    path = tmp_path / "a.ckpt"
    checkpoint(path, module)
    with pytest.raises(ModelError):
        main(["--ckpt", str(path), "--data", str(tmp_path), "--output", str(tmp_path / "b.ckpt")])

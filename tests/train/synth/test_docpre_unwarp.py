"""The bundled unwarping weights: every engine agrees on them, and photos that they never saw come out flat."""

from __future__ import annotations

import numpy as np
import pytest

from docpre import DocPreprocessor, TextImageUnwarping
from docpre.engines import RuntimeOptions, create_engine
from docpre.registry import MODELS, find_weights
from tests.conftest import draw_page
from train.evaluate.true_grid import true_figures
from train.synth import SynthConfig, Synthesiser


@pytest.fixture(scope="module")
def photos():
    config = SynthConfig(kinds={"bend": 1, "fold": 1, "curl": 1, "cone": 1}, coverage=(0.4, 0.7), any_turn=0)
    return Synthesiser(config, 77)([draw_page(1400, 990, seed, 16) for seed in range(6)], range(6))


NAMES = ("docpre_unwarp", "docpre_unwarp_lite")


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_are_in_the_package(name):
    assert find_weights(MODELS[name], offline=True).origin == "docpre"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_engines_agree(engine, name):
    spec = MODELS[name]
    picture = np.random.default_rng(0).random((2, 3, *spec.size_hw), np.float32)
    found, expected = (
        create_engine(spec, RuntimeOptions(engine=each))[0].run(picture) for each in (engine, "onnxruntime")
    )
    assert np.abs(found - expected).max() < 1e-3


def test_one_pass_is_nearer_to_the_truth_than_uvdoc(photos):
    off = {}
    for name in ("UVDoc", *NAMES):
        module = TextImageUnwarping(name, leave_flat_pages=False, refine=False)
        results = module.predict([image.numpy() for image in photos.image])
        figures = [
            true_figures(result.transform, grid.numpy().astype(np.float64))
            for result, grid in zip(results, photos.grid_xy, strict=True)
        ]
        off[name] = np.mean([each["nodes_off"] for each in figures])
    for name in NAMES:
        assert off[name] < 3
        assert off[name] < 0.8 * off["UVDoc"]


def test_the_pipeline_takes_it_by_name(photos):
    pipeline = DocPreprocessor(doc_unwarping_model_name="docpre_unwarp")
    result = pipeline.predict(photos.image[0].numpy())[0]
    assert result["unwarping"]["applied"]
    assert true_figures(result.transform, photos.grid_xy[0].numpy().astype(np.float64))["nodes_off"] < 3

"""Lower precisions: the drawn pages, how answers are compared, and int8 as it is made, kept and found again."""

from __future__ import annotations

import json
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docpre.calibration_pages import draw_pages
from docpre.engines import RuntimeOptions, create_engine, devices, quantised
from docpre.engines.parity import Parity, compare, node_shift_percent
from docpre.errors import EngineError
from docpre.network_input import network_pictures, normalised
from docpre.registry import MODELS, cache_dir, find_weights

LCNET, UVDOC = MODELS["PP-LCNet_x1_0_doc_ori"], MODELS["UVDoc"]
NEEDS_NNCF = pytest.mark.skipif(
    not (devices.is_installed("openvino") and devices.is_installed("nncf")), reason="needs the extra openvino"
)


def test_drawn_pages_are_the_same_each_time_and_all_different():
    first, again = list(draw_pages(5)), list(draw_pages(6))
    for page, same in zip(first, again, strict=False):
        np.testing.assert_array_equal(page, same)
        assert page.dtype == np.uint8
        assert page.std() > 10
    assert len({page.tobytes() for page in again}) == 6
    assert not np.array_equal(first[0], next(iter(draw_pages(1, seed=1))))


def test_the_classifier_reads_the_drawn_pages():
    """They look like pages to a network that was trained on real ones."""
    pictures = network_pictures(list(islice(draw_pages(12), 12)), LCNET)
    scores = create_engine(LCNET, RuntimeOptions(device="cpu"))[0].run(normalised(pictures, LCNET))
    assert (scores.argmax(1) == np.tile(np.arange(4), 12)).mean() > 0.8


def grid(count: int = 2) -> np.ndarray:
    ys, xs = np.mgrid[-0.9:0.9:45j, -0.8:0.8:31j]
    return np.repeat(np.stack([xs, ys])[None].astype(np.float32), count, 0)


@given(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
def test_node_shift_of_a_moved_grid(right, down):
    moved = grid() + np.array([right, down], np.float32).reshape(1, 2, 1, 1)
    height, width = UVDOC.size_hw
    diagonal = np.hypot(1.6 * (width - 1) / 2, 1.8 * (height - 1) / 2)
    expected = 100 * np.hypot(right * (width - 1) / 2, down * (height - 1) / 2) / diagonal
    np.testing.assert_allclose(node_shift_percent(grid(), moved, UVDOC.size_hw), expected, atol=1e-3)


def test_grids_are_bound_by_percentile_and_by_the_worst_node():
    one = grid()
    one[0, 0, 20, 20] += 0.01
    parity = compare(UVDOC, grid(), one)
    assert parity.node_shift_p99_percent == 0
    assert parity.failure("int8") is None
    assert "differs" in (parity.failure("fp32") or "")
    one[0, 0, 20, 20] += 0.1
    assert "a grid node moves" in (compare(UVDOC, grid(), one).failure("int8") or "")
    assert "99th percentile" in (compare(UVDOC, grid(), grid() + 0.01).failure("bf16") or "")
    assert compare(UVDOC, grid(), grid() + 0.0005).failure("fp32") is None


@pytest.mark.parametrize("spoilt", [np.full((2, 2, 45, 31), np.nan, np.float32), grid()[:, :, :-1]])
def test_no_answer_at_all_fails(spoilt):
    for precision in ("fp32", "bf16", "int8"):
        assert compare(UVDOC, grid(), spoilt).failure(precision)


def test_labels_count_where_the_reference_is_sure():
    expected = np.array([[0.9, 0.1, 0, 0], [0.4, 0.35, 0.2, 0.05]], np.float32)
    parity = compare(LCNET, expected, np.array([[0.6, 0.4, 0, 0], [0.35, 0.4, 0.2, 0.05]], np.float32))
    assert parity.label_agreement == 1
    assert parity.failure("int8") is None
    parity = compare(LCNET, expected, expected[:, [1, 0, 2, 3]])
    assert parity.label_agreement == 0
    assert "labels agree" in (parity.failure("int8") or "")
    assert compare(LCNET, expected, expected[:, :3]).failure("int8")


def test_a_record_has_no_figures_that_do_not_apply():
    assert Parity(3, 0.5, label_agreement=1.0).to_json() == {
        "pictures": 3,
        "worst_difference": 0.5,
        "label_agreement": 1.0,
    }


def test_int8_says_which_engine_has_it():
    with pytest.raises(EngineError, match="engine='openvino'"):
        create_engine(LCNET, RuntimeOptions(device="cpu", engine="onnxruntime", precision="int8"))


@pytest.mark.skipif(not devices.is_installed("openvino"), reason="needs the extra openvino")
def test_without_nncf_int8_says_what_to_install(monkeypatch, tmp_path):
    weights = find_weights(LCNET).path
    monkeypatch.setenv("DOCPRE_CACHE", str(tmp_path))
    monkeypatch.setattr(quantised.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"pip install 'docpre\[openvino\]'"):
        quantised.quantised_network(LCNET, weights)


@NEEDS_NNCF
def test_int8_is_made_once_kept_and_mended(monkeypatch, tmp_path, page_rgb):
    options = RuntimeOptions(device="cpu", engine="openvino", precision="int8")
    weights = find_weights(LCNET).path
    model_dir = tmp_path / "model"
    model_dir.mkdir()
    (model_dir / weights.name).symlink_to(weights)
    monkeypatch.setenv("DOCPRE_CACHE", str(tmp_path))
    monkeypatch.setattr(quantised, "CALIBRATION_PAGES", 6)
    made = []
    quantise = quantised.quantise
    monkeypatch.setattr(quantised, "quantise", lambda *arguments: made.append(1) or quantise(*arguments))
    batch = normalised(network_pictures([page_rgb], LCNET), LCNET)

    def scores() -> np.ndarray:
        engine, _ = create_engine(LCNET, options, str(model_dir))
        assert (engine.name, engine.precision) == ("openvino", "int8")
        return engine.run(batch)

    first = scores()
    np.testing.assert_array_equal(first.argmax(1), [0, 1, 2, 3])
    assert len(made) == 1
    np.testing.assert_array_equal(scores(), first)
    assert len(made) == 1
    (folder,) = (path for path in (cache_dir().parent / "int8").iterdir() if path.is_dir())
    assert set(json.loads((folder / "record.json").read_text("utf-8"))["sha256"]) == {"network.bin", "network.xml"}
    (folder / "network.bin").write_bytes(b"cut off")
    np.testing.assert_array_equal(scores(), first)
    assert len(made) == 2


@NEEDS_NNCF
def test_a_network_that_cannot_be_quantised_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCPRE_CACHE", str(tmp_path))
    monkeypatch.setattr(quantised, "CALIBRATION_PAGES", 1)
    (tmp_path / "a.onnx").write_bytes(b"not a network")
    with pytest.raises(EngineError, match="could not quantise"):
        quantised.quantised_network(LCNET, tmp_path / "a.onnx")
    assert not [path for path in (tmp_path / "int8").iterdir() if path.suffix != ".lock"]

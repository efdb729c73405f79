"""The two modules alone, and the judgement on flat pages."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from docpre import ConfigError, DocImgOrientationClassification, InputError, TextImageUnwarping
from docpre.flatness import bend_percent, is_on_plain_ground, judge, move_percent, rim_shares
from docpre.grids import identity_grid
from docpre.network_input import normalised, resized
from docpre.registry import DEFAULT_MODEL, MODELS
from tests.conftest import draw_page


def bgr(image_rgb: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image_rgb[..., ::-1])


@pytest.fixture(scope="module")
def classifier():
    return DocImgOrientationClassification(device="cpu")


@pytest.fixture(scope="module")
def unwarper():
    return TextImageUnwarping(model_name="UVDoc", device="cpu")


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_orientation_in_batches(classifier, page_rgb, batch_size):
    pages = [bgr(np.rot90(page_rgb, -k)) for k in range(4)] + [b"junk"]
    results = classifier.predict(pages, batch_size=batch_size)
    for k, result in enumerate(results[:4]):
        assert result["label_names"] == [str(90 * k)]
        assert result["class_ids"].tolist() == [k]
        assert 0.5 < result["scores"][0] < 1
        assert set(result["all_scores"]) == {"0", "90", "180", "270"}
    assert results[4].error is not None


def test_orientation_results_print_and_save(classifier, page_rgb, tmp_path, capsys):
    (result,) = classifier.predict(page_rgb)
    result.print(format_json=False)
    assert "'label_names': ['0']" in capsys.readouterr().out
    assert json.loads(result.save_to_json(tmp_path).read_text())["res"]["class_ids"] == [0]
    assert result.save_to_img(tmp_path).name == "array_0_res.png"
    assert list(result.img) == ["res"]


def test_batches_do_not_change_the_answer(unwarper, photo_rgb, page_rgb):
    pages = [bgr(photo_rgb), bgr(page_rgb), bgr(photo_rgb)]
    one, many = unwarper.predict(pages), unwarper.predict(pages, batch_size=3)
    for a, b in zip(one, many, strict=True):
        assert a["doctr_img"].shape == b["doctr_img"].shape
        assert np.abs(a["doctr_img"].astype(int) - b["doctr_img"].astype(int)).mean() < 0.5


def test_unwarping_results(unwarper, photo_rgb, tmp_path):
    (result,) = unwarper.predict(bgr(photo_rgb))
    assert result["unwarping"]["applied"]
    assert result["doctr_img"].dtype == np.uint8
    assert result.save_to_img(tmp_path).name == "array_0_res.png"
    assert result.save_page(tmp_path).name == "array_0_page.png"
    assert "transform" in json.loads(result.save_to_json(tmp_path).read_text())["res"]


def test_unwarping_leaves_flat_pages_alone_unless_told_otherwise(unwarper, page_rgb):
    assert_array_equal(unwarper.predict(bgr(page_rgb))[0]["doctr_img"], bgr(page_rgb))
    always = TextImageUnwarping(device="cpu", leave_flat_pages=False)
    assert always.predict(bgr(page_rgb))[0]["unwarping"]["applied"]


@pytest.mark.parametrize("module", [DocImgOrientationClassification, TextImageUnwarping])
def test_wrong_arguments_of_modules(module, page_rgb):
    for arguments in ({"model_name": "NoSuchModel"}, {"topp": 1}, {"cpu_threads": 0}):
        with pytest.raises(ConfigError):
            module(**arguments)
    ready = module(device="cpu")
    for arguments in ({"batch_size": 0}, {"batch_size": "2"}, {"dpi": 0}, {"colour": 1}):
        with pytest.raises(ConfigError):
            ready.predict(page_rgb, **arguments)
    with pytest.raises(InputError):
        ready.predict("/no/such/page.png")


def test_network_inputs_follow_the_spec():
    spec = MODELS["PP-LCNet_x1_0_doc_ori"]
    image = np.zeros((512, 1024, 3), np.uint8)
    image[:, 512:] = (255, 0, 0)
    small = resized(image, spec)
    assert small.shape == (224, 224, 3)
    assert (small[:, :112] == 0).all()
    assert (small[:, 112:] == (255, 0, 0)).all()
    batch = normalised([small], spec)
    assert batch.shape == (1, 3, 224, 224)
    assert batch.dtype == np.float32
    assert batch[0, :, 0, 223] == pytest.approx([(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225], abs=1e-5)
    assert resized(image, MODELS["UVDoc"]).shape == (712, 488, 3)


@pytest.mark.parametrize("shape", [(1, 1), (20, 40_000), (40_000, 20), (3, 500)])
def test_network_inputs_of_odd_sizes(shape):
    image = np.full((*shape, 3), 77, np.uint8)
    for spec in (MODELS[name] for task, name in DEFAULT_MODEL.items() if task in ("orientation", "unwarping")):
        assert (resized(image, spec) == 77).all()


def test_a_glimpse_is_cut_as_the_whole_page_is():
    spec = MODELS["PP-LCNet_x1_0_doc_ori"]
    image = np.zeros((2048, 3072, 3), np.uint8)
    image[128:-128, 640:-640] = 77
    assert (resized(image, spec, is_glimpse=True) == 77).all()
    y, x = np.mgrid[:2048, :3072]
    image = np.stack([x / 13, y / 9, (x + y) / 21], -1).astype(np.uint8)
    off = np.abs(resized(image, spec, is_glimpse=True).astype(int) - resized(image, spec))
    assert off.max() <= 3


def test_a_strip_is_folded_whether_glimpsed_or_not():
    spec = MODELS["docpre_ori"]
    y, x = np.mgrid[:1300, :6000]
    image = np.stack([x / 24, y / 6, (x + y) / 29], -1).astype(np.uint8)
    off = np.abs(resized(image, spec, is_glimpse=True).astype(int) - resized(image, spec))
    assert np.percentile(off, 99) <= 4


def test_sizes_of_warps():
    identity = identity_grid((45, 31)).astype(np.float32)
    assert bend_percent(identity) == pytest.approx(0, abs=1e-5)
    assert move_percent(identity) == pytest.approx(0, abs=1e-5)
    assert move_percent(identity + np.float32(0.2)) == pytest.approx(0.2 * 2**0.5 / 2 * 100, rel=1e-4)
    tilted = identity * 0.7 + identity[::-1] * 0.1 + 0.05
    assert bend_percent(tilted) == pytest.approx(0, abs=1e-4)
    bent = identity.copy()
    bent[1] += 0.1 * np.sin(3 * identity[0])
    assert bend_percent(bent) > 1


def test_rims():
    page = draw_page()
    assert rim_shares(page) == (1.0, 1.0)
    paper, even = rim_shares(np.pad(page, ((80, 80), (80, 80), (0, 0)), constant_values=30))
    assert paper < 0.05
    assert even > 0.9


@pytest.mark.parametrize(("ground", "is_darker"), [(30, True), (180, True), (225, False), (255, False)])
def test_the_ground_of_a_sheet_is_darker_than_its_paper(ground, is_darker):
    photo = np.pad(draw_page(800, 600), ((100, 100), (100, 100), (0, 0)), constant_values=ground)
    corners = np.array([[1 / 8, 1 / 10], [7 / 8, 1 / 10], [7 / 8, 9 / 10], [1 / 8, 9 / 10]])
    assert is_on_plain_ground(photo, corners) is is_darker


def test_the_paper_around_a_dark_panel_is_no_ground():
    page = np.full((1000, 800, 3), 255, np.uint8)
    page[100:900, 100:700] = 255 - draw_page(800, 600)
    corners = np.array([[1 / 8, 1 / 10], [7 / 8, 1 / 10], [7 / 8, 9 / 10], [1 / 8, 9 / 10]])
    assert not is_on_plain_ground(page, corners)


def test_print_around_a_pale_panel_tells_a_page_from_a_ground():
    page = np.full((1000, 800, 3), (20, 30, 90), np.uint8)
    page[200:800, 100:600] = draw_page(600, 500)
    corners = np.array([[1 / 8, 1 / 5], [3 / 4, 1 / 5], [3 / 4, 4 / 5], [1 / 8, 4 / 5]])
    assert is_on_plain_ground(page, corners)
    page[890:950, 100:700] = 255 - draw_page(60, 600)
    assert is_on_plain_ground(page, corners) is False


def test_the_judgement():
    page = draw_page()
    identity = identity_grid((45, 31)).astype(np.float32)
    bent = 0.7 * identity
    bent[1] += 0.15 * np.sin(3 * identity[0])
    on_table = np.pad(page, ((80, 80), (80, 80), (0, 0)), constant_values=30)
    assert judge(page, identity).is_flat
    assert judge(on_table, identity).is_flat  # nothing to do
    assert not judge(on_table, bent).is_flat
    shaded = (page * np.linspace(0.75, 1, page.shape[1])[None, :, None]).astype(np.uint8)
    assert not judge(shaded, bent * 1.3).is_flat  # a bent page that fills the frame
    for image in (page, on_table):
        assert judge(image, bent).reason

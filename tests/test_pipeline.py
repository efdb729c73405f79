"""The main job, on the official weights."""

from __future__ import annotations

import inspect
import json
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from docpre import ConfigError, DocPreprocessor, InputError, ModelError, Transform
from docpre.registry import MODELS, find_weights
from tests.conftest import draw_page, photograph


def bgr(image_rgb: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image_rgb[..., ::-1])


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_turned_photo_comes_back_upright(pipeline, photo_rgb, angle):
    (upright,) = pipeline.predict(bgr(photo_rgb))
    (result,) = pipeline.predict(bgr(np.rot90(photo_rgb, -angle // 90)))
    assert result["angle"] == angle
    assert result["unwarping"]["applied"]
    assert_array_equal(result["rot_img"], bgr(photo_rgb))
    # The network's small picture is turned after it was resized, which rounds some of its values another way.
    difference = np.abs(result["output_img"].astype(int) - upright["output_img"].astype(int))
    assert difference.mean() < 0.3


def test_unwarping_flattens_the_lines(pipeline, photo_rgb, page_rgb):
    """Ink lies in rows: the flattened photo has far more blank rows between its lines than the bent one."""
    (result,) = pipeline.predict(bgr(photo_rgb))
    output = result["output_img"]

    def line_contrast(image):
        gray = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (600, 800), interpolation=cv2.INTER_AREA)
        return np.abs(np.diff(gray[120:680, 100:500].astype(float).mean(1))).mean()

    assert line_contrast(output) > 1.5 * line_contrast(bgr(photo_rgb))


def test_a_flat_page_is_left_bit_for_bit(pipeline):
    for seed in range(4):
        page = bgr(draw_page(seed=seed))
        (result,) = pipeline.predict(page)
        assert result["angle"] == 0
        assert not result["unwarping"]["applied"]
        assert result["unwarping"]["reason"]
        assert_array_equal(result["output_img"], page)
        assert result.transform.is_identity
        (turned,) = pipeline.predict(np.ascontiguousarray(np.rot90(page, -1)))
        assert turned["angle"] == 90
        assert_array_equal(turned["output_img"], page)


def test_leaving_flat_pages_alone_can_be_switched_off(page_rgb):
    pipeline = DocPreprocessor(device="cpu", leave_flat_pages=False, output_size="input", interpolation="linear")
    (result,) = pipeline.predict(bgr(page_rgb))
    assert result["unwarping"]["applied"]
    assert result["output_img"].shape == page_rgb.shape
    assert not np.array_equal(result["output_img"], bgr(page_rgb))


def test_the_result_has_paddleocrs_keys_and_more(pipeline, photo_rgb):
    image = bgr(photo_rgb)
    (result,) = pipeline.predict(image)
    assert {"input_path", "page_index", "model_settings", "angle", "input_img", "rot_img", "output_img"} <= set(result)
    assert len(result) == len(list(result))
    assert result["input_path"] is None
    assert result["page_index"] is None
    assert result["model_settings"] == {"use_doc_orientation_classify": True, "use_doc_unwarping": True}
    assert_array_equal(result["input_img"], image)
    for key in ("input_img", "rot_img", "output_img"):
        assert result[key].dtype == np.uint8
        assert result[key].flags.c_contiguous
    assert set(result.orientation["scores"]) == {"0", "90", "180", "270"}
    assert sum(result.orientation["scores"].values()) == pytest.approx(1, abs=1e-4)
    assert result.orientation["applied"]
    assert result.unwarping["bend_percent"] is None  # the page is small in the photo, and is seen alone at once
    assert set(result.elapsed_ms) == {"loading", "orientation", "unwarping", "sampling"}
    assert result.error is None
    with pytest.raises(KeyError):
        result["no such key"]


def test_steps_can_be_switched_off_and_on_again(pipeline, photo_rgb):
    turned = bgr(np.rot90(photo_rgb, -1))
    (result,) = pipeline.predict(turned, use_doc_orientation_classify=False, use_doc_unwarping=False)
    assert result["angle"] == -1
    assert_array_equal(result["output_img"], turned)
    assert_array_equal(result["rot_img"], turned)
    assert not result["orientation"]["applied"]
    assert result["model_settings"] == {"use_doc_orientation_classify": False, "use_doc_unwarping": False}
    off = DocPreprocessor(use_doc_orientation_classify=False, use_doc_unwarping=False, device="cpu")
    assert_array_equal(off.predict(turned)[0]["output_img"], turned)
    assert off.predict(turned, use_doc_orientation_classify=True)[0]["angle"] == 90


def test_an_unsure_orientation_is_left_alone_and_says_so(photo_rgb):
    pipeline = DocPreprocessor(device="cpu", doc_orientation_min_score=1.0, use_doc_unwarping=False)
    turned = bgr(np.rot90(photo_rgb, 2))
    (result,) = pipeline.predict(turned)
    assert result["angle"] == 0
    assert result["orientation"]["label"] == "180"
    assert not result["orientation"]["applied"]
    assert "under the bound of 1.0" in result["orientation"]["reason"]
    assert_array_equal(result["output_img"], turned)


def test_points_follow_the_pixels(pipeline, photo_rgb):
    """Every corner of the output that is not at the picture's rim shows what the original shows there."""
    turned = bgr(np.rot90(photo_rgb, -1))
    (result,) = pipeline.predict(turned)
    output = cv2.GaussianBlur(result["output_img"], (0, 0), 2)
    original = cv2.GaussianBlur(turned, (0, 0), 2)
    rng = np.random.default_rng(0)
    points = rng.uniform(0.05, 0.95, (200, 2)) * (np.array(output.shape[1::-1]) - 1)
    source = result.transform.to_original(points)
    assert_allclose(result.transform.to_output(source), points, atol=0.5)
    here = np.array([output[round(y), round(x)] for x, y in points], float)
    there = np.array([original[round(y), round(x)] for x, y in source], float)
    assert np.abs(here - there).mean() < 8
    copy = Transform.from_json(json.dumps(result.json["res"]["transform"]))
    assert_allclose(copy.to_original(points), source, atol=0.05)


def test_exif_and_turn_are_one_transform(pipeline, photo_rgb, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "phone.png"
    Image.fromarray(photo_rgb).save(path, exif=exif)
    (result,) = pipeline.predict(path)
    assert result["angle"] == 90  # the EXIF orientation turned an upright picture clockwise
    assert result.transform.original_size_hw == photo_rgb.shape[:2]
    assert result.exif_orientation == 6
    assert result.json["res"]["exif_orientation"] == 6
    (plain,) = pipeline.predict(bgr(photo_rgb))
    points = [[100, 200], [500, 600]]
    assert_allclose(result.transform.to_original(points), plain.transform.to_original(points), atol=0.2)


def test_odd_sizes_go_through(pipeline):
    for shape in ((1, 1, 3), (20, 40_000, 3), (40_000, 20), (1, 50), (3000, 2, 4)):
        (result,) = pipeline.predict(np.full(shape, 200, np.uint8))
        assert result["output_img"].ndim == 3


def test_odd_sizes_are_unwarped_too():
    always = DocPreprocessor(device="cpu", leave_flat_pages=False)
    for shape in ((1, 1, 3), (20, 40_000, 3), (1, 50)):
        (result,) = always.predict(np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8))
        height, width = result["output_img"].shape[:2]
        assert height * width <= 5 * shape[0] * shape[1] + 50


def test_a_pdf_is_processed_page_by_page(pipeline, pdf_path):
    results = pipeline.predict_iter(pdf_path, dpi=100)
    first = next(results)
    assert (first["page_index"], first["input_path"]) == (0, str(pdf_path))
    assert [result["page_index"] for result in results] == [1, 2]


def test_what_a_program_drew_is_left_without_the_network(pipeline, pdf_path, page_rgb):
    text, (picture,) = pipeline.predict(pdf_path, dpi=100), pipeline.predict(bgr(page_rgb))
    for result in (*text, picture):
        unwarping = result["unwarping"]
        assert (unwarping["applied"], unwarping["passes"], unwarping["bend_percent"]) == (False, 0, None)
    assert "PDF" in text[0]["unwarping"]["reason"]
    assert "noise" in picture["unwarping"]["reason"]


def test_drawn_pages_and_photos_of_a_batch_stay_apart(pipeline, photo_rgb, page_rgb):
    inputs = [bgr(page_rgb), bgr(photo_rgb), bgr(page_rgb), bgr(photo_rgb)]
    together = pipeline.predict(inputs, batch_size=4)
    alone = [pipeline.predict(each)[0] for each in inputs]
    for one, other in zip(together, alone, strict=True):
        assert one["unwarping"] == other["unwarping"]
        assert_array_equal(one["output_img"], other["output_img"])


def test_a_list_keeps_its_good_pages(pipeline, page_rgb):
    good = bgr(page_rgb)
    results = pipeline.predict([good, "/no/such.png", None, good])
    assert [result.error is None for result in results] == [True, False, False, True]
    failed = results[1]
    assert "/no/such.png" in str(failed.error)
    assert failed["input_path"] == "/no/such.png"
    assert failed.img == {}
    assert "error" in failed.json["res"]
    with pytest.raises(InputError):
        pipeline.predict([good, "/no/such.png"], on_error="raise")
    with pytest.raises(InputError, match="such"):
        pipeline.predict("/no/such.png")
    assert pipeline.predict([]) == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"use_doc_unwarp": True},
        {"use_doc_unwarping": "yes"},
        {"use_doc_orientation_classify": 1},
        {"precision": "int3"},
        {"leave_flat_pages": 0},
        {"output_size": "large"},
        {"interpolation": "magic"},
        {"doc_orientation_min_score": 2},
        {"doc_unwarping_model_name": "NoSuchModel"},
        {"paddlex_config": {"pipeline_name": "OCR"}},
    ],
)
def test_wrong_arguments_are_errors(arguments):
    with pytest.raises(ConfigError):
        DocPreprocessor(**arguments)


def test_wrong_arguments_of_predict_are_errors(pipeline, page_rgb):
    for arguments in ({"use_unwarping": True}, {"dpi": -1}, {"use_doc_unwarping": "no"}, {"max_pixels": 0}):
        with pytest.raises(ConfigError):
            pipeline.predict(page_rgb, **arguments)


def test_a_missing_model_directory_is_an_error():
    with pytest.raises(ModelError, match="nowhere"):
        DocPreprocessor(doc_unwarping_model_dir="/nowhere")


def test_a_model_directory_is_used(tmp_path, photo_rgb):
    weights = find_weights(MODELS["UVDoc"]).path
    (tmp_path / "inference.onnx").write_bytes(weights.read_bytes())
    own = DocPreprocessor(doc_unwarping_model_dir=str(tmp_path), device="cpu")
    named = DocPreprocessor(doc_unwarping_model_name="UVDoc", device="cpu")
    assert_array_equal(own.predict(bgr(photo_rgb))[0]["output_img"], named.predict(bgr(photo_rgb))[0]["output_img"])


def test_the_torch_engine_gives_the_same_page(pipeline, photo_rgb):
    pytest.importorskip("torch", reason="needs the extra torch")
    other = DocPreprocessor(engine="torch", device="cpu")
    ours, theirs = pipeline.predict(bgr(photo_rgb))[0], other.predict(bgr(photo_rgb))[0]
    assert ours["angle"] == theirs["angle"]
    points = np.random.default_rng(0).uniform(0, 700, (50, 2))
    assert_allclose(ours.transform.to_original(points), theirs.transform.to_original(points), atol=1)


def test_a_device_for_one_call(pipeline, page_rgb):
    assert pipeline.predict(bgr(page_rgb), device="cpu")[0].error is None


def test_threads_share_one_pipeline(pipeline, photo_rgb):
    pages = [bgr(np.rot90(photographed, -k)) for photographed in (photo_rgb, draw_page(seed=9)) for k in range(4)]
    alone = [pipeline.predict(page)[0] for page in pages]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda page: pipeline.predict(page)[0], pages))
    for one, other in zip(alone, together, strict=True):
        assert one["angle"] == other["angle"]
        assert_array_equal(one["output_img"], other["output_img"])


def test_a_small_page_keeps_its_resolution_in_a_large_photo(pipeline):
    page = draw_page(1600, 1130, seed=3, font_size=30)
    (result,) = pipeline.predict(bgr(photograph(page, 2400, 1800)))
    height, width = result["output_img"].shape[:2]
    assert 1700 < height < 2600  # the page is about 1870 pixels high there
    assert 1150 < width < 1900


def test_close_lets_go_and_the_next_call_starts_again(page_rgb):
    pipeline = DocPreprocessor(device="cpu", use_doc_unwarping=False)
    pipeline.close()
    assert pipeline.predict(bgr(page_rgb))[0]["angle"] == 0


def test_the_constructor_has_paddleocrs_names_and_defaults():
    parameters = inspect.signature(DocPreprocessor).parameters
    for name in (
        "doc_orientation_classify_model_name",
        "doc_orientation_classify_model_dir",
        "doc_unwarping_model_name",
        "doc_unwarping_model_dir",
        "use_doc_orientation_classify",
        "use_doc_unwarping",
        "device",
        "paddlex_config",
    ):
        assert parameters[name].default is None
    assert list(inspect.signature(DocPreprocessor.predict).parameters)[1] == "input"

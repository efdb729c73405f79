"""Printing and saving."""

from __future__ import annotations

import ast
import json

import cv2
import numpy as np
import pymupdf
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from docpre import InputError, save_pdf
from docpre.pdf_output import PdfPage, save_pdf_pages


@pytest.fixture
def photo_path(tmp_path, photo_rgb):
    path = tmp_path / "in" / "letter.jpg"
    path.parent.mkdir()
    Image.fromarray(photo_rgb).save(path, quality=90)
    return path


@pytest.fixture
def result(pipeline, photo_path):
    return pipeline.predict(photo_path)[0]


def test_print(result, capsys):
    result.print()
    printed = json.loads(capsys.readouterr().out)
    assert printed["res"]["angle"] == 0
    assert "transform" not in printed["res"]
    result.print(format_json=False)
    assert ast.literal_eval(capsys.readouterr().out) == ast.literal_eval(str(result))
    assert list(printed["res"])[:4] == ["input_path", "page_index", "model_settings", "angle"]


def test_ensure_ascii(pipeline, page_rgb, tmp_path, capsys):
    path = tmp_path / "文書.png"
    Image.fromarray(page_rgb).save(path)
    (result,) = pipeline.predict(path)
    result.print()
    assert "文書" in capsys.readouterr().out
    result.print(ensure_ascii=True)
    assert "文書" not in capsys.readouterr().out
    assert json.loads(result.save_to_json(tmp_path / "out").read_text("utf-8"))["res"]["input_path"] == str(path)


def test_lists_of_numbers_are_written_in_one_line(result, tmp_path, monkeypatch):
    values = {"res": {"points": [[1, 2.5], [-3e-5, 4]], "texts": ["[\n1]", "]"], "empty": [], "one": [{"a": [7]}]}}
    monkeypatch.setattr(type(result), "json", values)
    text = result.save_to_json(tmp_path).read_text("utf-8")
    assert json.loads(text) == values
    assert "[[1, 2.5], [-3e-05, 4]]" in text


def test_names_in_a_directory(result, tmp_path):
    folder = tmp_path / "out" / "deep"
    assert result.save_to_json(folder) == folder / "letter.json"
    assert result.save_to_img(folder) == folder / "letter_doc_preprocessor_res_img.jpg"
    assert result.save_page(folder) == folder / "letter_page.jpg"
    assert json.loads((folder / "letter.json").read_text()) == json.loads(json.dumps(result.json))
    width = sum(result[key].shape[1] for key in ("input_img", "rot_img", "output_img"))
    assert Image.open(folder / "letter_doc_preprocessor_res_img.jpg").width == width


def test_a_file_path_is_taken_as_it_is(result, tmp_path):
    result.save_to_json(tmp_path / "a" / "my.json")
    result.save_to_img(str(tmp_path / "a" / "my.png"))
    result.save_page(tmp_path / "a" / "clean.png")
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["clean.png", "my.json", "my.png"]
    assert_array_equal(cv2.imread(str(tmp_path / "a" / "clean.png")), result["output_img"])


def test_arrays_are_named_by_position_and_written_as_png(pipeline, page_rgb, tmp_path):
    for result in pipeline.predict([page_rgb, page_rgb]):
        result.save_to_json(tmp_path)
        result.save_to_img(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "array_0.json",
        "array_0_doc_preprocessor_res_img.png",
        "array_1.json",
        "array_1_doc_preprocessor_res_img.png",
    ]


def test_img_is_the_three_pages_side_by_side(result):
    (key,) = result.img
    assert key == "preprocessed_img"
    left = np.asarray(result.img[key])[: result["input_img"].shape[0], : result["input_img"].shape[1]]
    assert_array_equal(left[..., ::-1], result["input_img"])


def test_a_picture_that_its_format_cannot_hold(pipeline, tmp_path):
    (result,) = pipeline.predict(np.full((10, 70_000, 3), 255, np.uint8), use_doc_orientation_classify=False)
    with pytest.raises(InputError, match=r"\.jpg"):
        result.save_page(tmp_path / "long.jpg")
    assert result.save_page(tmp_path / "long.png").is_file()


def test_pdf_in_pdf_out_keeps_the_text_of_flat_pages(pipeline, pdf_path, tmp_path):
    results = pipeline.predict(pdf_path, dpi=100)
    assert [result["angle"] for result in results] == [0, 0, 0]
    path = save_pdf(results, tmp_path / "clean.pdf")
    with pymupdf.open(path) as clean, pymupdf.open(pdf_path) as original:
        assert [page.get_text() for page in clean] == [page.get_text() for page in original]
        assert [page.rect for page in clean] == [page.rect for page in original]
    single = results[1].save_page(tmp_path / "one")
    assert single.name == "document_1_page.pdf"
    with pymupdf.open(single) as document:
        assert document.page_count == 1
        assert "Page 2" in document[0].get_text()


def test_a_turned_pdf_page_is_turned_back_with_its_text(pipeline, pdf_path, tmp_path):
    with pymupdf.open(pdf_path) as document:
        document[0].set_rotation(90)
        document.save(tmp_path / "turned.pdf")
    result = pipeline.predict(tmp_path / "turned.pdf", dpi=100, pages="1")[0]
    assert result["angle"] == 90
    path = result.save_page(tmp_path / "upright.pdf")
    with pymupdf.open(path) as document:
        assert document[0].rotation == 0
        assert "Page 1" in document[0].get_text()


def test_an_unwarped_pdf_page_is_a_picture_of_the_right_size(pipeline, photo_rgb, tmp_path):
    document = pymupdf.open()
    page = document.new_page(width=450, height=600)
    Image.fromarray(photo_rgb).save(tmp_path / "photo.png")
    page.insert_image(page.rect, filename=tmp_path / "photo.png")
    document.save(tmp_path / "scan.pdf")
    (result,) = pipeline.predict(tmp_path / "scan.pdf", dpi=144)
    assert result["unwarping"]["applied"]
    with pymupdf.open(result.save_page(tmp_path / "flat.pdf")) as clean:
        height, width = result["output_img"].shape[:2]
        assert clean[0].rect.width == pytest.approx(width / 2, abs=0.5)
        assert clean[0].rect.height == pytest.approx(height / 2, abs=0.5)


def test_many_pages_go_into_one_pdf(tmp_path):
    image = np.full((50, 40, 3), 200, np.uint8)
    path = save_pdf_pages((PdfPage(None, None, 0, image, 100) for _ in range(60)), tmp_path / "many.pdf")
    with pymupdf.open(path) as document:
        assert document.page_count == 60
    assert sorted(file.name for file in tmp_path.iterdir()) == ["many.pdf"]


def test_an_interrupted_pdf_leaves_nothing_half_written(tmp_path):
    def pages():
        yield PdfPage(None, None, 0, np.full((5, 4, 3), 200, np.uint8), 100)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_pdf_pages(pages(), tmp_path / "a.pdf")
    with pytest.raises(InputError, match="none of the pages"):
        save_pdf_pages(iter([]), tmp_path / "a.pdf")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_page_can_be_saved_without_losing_the_others(pipeline, page_rgb, tmp_path, caplog):
    for result in pipeline.predict([page_rgb, b"junk"]):
        result.print()
        result.save_to_img(tmp_path)
        result.save_to_json(tmp_path)
        result.save_page(tmp_path)
    assert json.loads((tmp_path / "array_1.json").read_text())["res"]["error"]
    assert not list(tmp_path.glob("array_1*.png"))
    assert "No picture to save" in caplog.text

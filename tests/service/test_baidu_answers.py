"""What ``doc_analysis`` answers, parameter by parameter, against the analysis itself."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pymupdf
import pytest
from PIL import Image

from docpre.service.baidu_schemas import DocAnalysisAnswer
from tests.analysis.conftest import LINES
from tests.service.conftest import encoded


def texts(answer):
    return [result["words"]["word"] for result in answer["results"]]


def box(location):
    left, top = location["left"], location["top"]
    return np.array([left, top, left + location["width"], top + location["height"]])


def test_the_least_answer(baidu, reading_page):
    answer = baidu.analyse(image=encoded(reading_page))
    assert answer.keys() == {"log_id", "results_num", "results"}
    assert 0 <= answer["log_id"] < 2**64
    assert texts(answer) == list(LINES)
    assert answer["results_num"] == len(LINES)
    for result in answer["results"]:
        assert result.keys() == {"words_type", "words"}
        assert result["words_type"] == "print"
        assert result["words"].keys() == {"word", "words_location"}
        assert result["words"]["words_location"].keys() == {"left", "top", "width", "height"}


def test_everything_that_can_be_asked_for(baidu, reading_page):
    answer = baidu.analyse(
        image=encoded(reading_page),
        result_type="small",
        detect_direction="true",
        line_probability="true",
        disp_line_poly="true",
        words_type="handprint_mix",
        layout_analysis="True",
        an_unknown_one="1",
    )
    DocAnalysisAnswer.model_validate(answer, strict=True)
    assert answer["img_direction"] == 0
    height, width = reading_page.shape[:2]
    for result, line in zip(answer["results"], LINES, strict=True):
        words = result["words"]
        assert words.keys() == {"word", "words_location", "poly_location", "line_probability"}
        assert [corner.keys() for corner in words["poly_location"]] == 4 * [{"x", "y"}]
        corners = np.array([[corner["x"], corner["y"]] for corner in words["poly_location"]])
        # From the top left, clockwise.
        assert corners[0, 0] < corners[1, 0]
        assert corners[1, 1] < corners[2, 1]
        assert corners[3, 0] < corners[2, 0]
        around = box(words["words_location"])
        np.testing.assert_array_equal(around, [*corners.min(0), *corners.max(0)])
        assert 0 <= around[0] < around[2] <= width
        assert 0 <= around[1] < around[3] <= height
        assert 0 < words["line_probability"]["min"] <= words["line_probability"]["average"] <= 1
        assert "".join(char["char"] for char in result["chars"]) == line.replace(" ", "")
        for char in result["chars"]:
            left, top, right, bottom = box(char["chars_location"])
            assert left >= around[0] - 1
            assert top >= around[1] - 1
            assert right <= around[2] + 1
            assert bottom <= around[3] + 1
    assert answer["layouts_num"] == len(answer["layouts"]) > 0
    assert sorted(place for layout in answer["layouts"] for place in layout["layout_idx"]) == list(range(len(LINES)))
    (section,) = answer["sections"]
    assert section["attribute"] == "section"
    assert len(section["attri_location"]["points"]) == 4
    assert (answer["sec_rows"], answer["sec_cols"]) == (1, 1)
    index = section["sec_idx"]
    assert index == {
        "idx": list(range(len(LINES))),
        "para_idx": list(range(answer["layouts_num"])),
        "row_idx": [0],
        "col_idx": [0],
    }


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_page_that_was_turned(baidu, reading_page, turns):
    """The places are those of the picture that was sent, not of the page turned upright."""
    upright = baidu.analyse(image=encoded(reading_page))
    turned = np.ascontiguousarray(np.rot90(reading_page, turns))  # counter-clockwise
    answer = baidu.analyse(image=encoded(turned), detect_direction="true", disp_line_poly="true")
    assert answer["img_direction"] == turns
    assert texts(answer) == list(LINES)
    for before, after in zip(upright["results"], answer["results"], strict=True):
        left, top, right, bottom = box(before["words"]["words_location"])
        mask = np.zeros(reading_page.shape[:2], bool)
        mask[top:bottom, left:right] = True
        rows, columns = np.nonzero(np.rot90(mask, turns))
        expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(box(after["words"]["words_location"]), expected, atol=3)
        first = after["words"]["poly_location"][0]  # still where the line begins
        assert (first["x"] > columns.mean(), first["y"] > rows.mean()) == {
            1: (False, True),
            2: (True, True),
            3: (True, False),
        }[turns]


def test_a_photo_with_an_exif_orientation(baidu, reading_page):
    """Places and img_direction are those of the pixels as they are stored."""
    exif = Image.Exif()
    exif[0x0112] = 6  # show it turned clockwise, so it is stored turned counter-clockwise
    stored = np.ascontiguousarray(np.rot90(reading_page))
    photo = encoded(stored, "JPEG", quality=95, exif=exif)
    plain = baidu.analyse(image=encoded(stored, "JPEG", quality=95), detect_direction="true")
    answer = baidu.analyse(image=photo, detect_direction="true")
    assert answer["img_direction"] == plain["img_direction"] == 1
    for one, other in zip(answer["results"], plain["results"], strict=True):
        np.testing.assert_allclose(box(one["words"]["words_location"]), box(other["words"]["words_location"]), atol=3)


def test_latin_alone(baidu, reading_page):
    answer = baidu.analyse(image=encoded(reading_page), language_type="ENG")
    assert texts(answer)[0] == LINES[0]
    assert not any("\u4e00" <= letter <= "\u9fff" for text in texts(answer) for letter in text)


def test_the_handwritten_lines_alone(baidu, reading_page):
    mixed = baidu.analyse(image=encoded(reading_page), words_type="handprint_mix")
    alone = baidu.analyse(image=encoded(reading_page), words_type="handwring_only", layout_analysis="true")
    by_hand = [result for result in mixed["results"] if result["words_type"] == "handwriting"]
    assert alone["results"] == by_hand
    assert alone["results_num"] == len(by_hand) < len(LINES)


def test_a_page_of_a_pdf(baidu, pdf_of_three):
    first = baidu.analyse(pdf_file=pdf_of_three)
    second = baidu.analyse(pdf_file=pdf_of_three, pdf_file_num="2")
    assert (texts(first), texts(second)) == (["Page number 1"], ["Page number 2"])
    assert second["pdf_file_size"] == "3"
    left, top, right, bottom = box(second["results"][0]["words"]["words_location"])
    # The text stands at 40 points from the left, its foot at 90 points from the top; pages have 200 dots an inch.
    assert abs(left - 40 * 200 / 72) < 15
    assert top < 90 * 200 / 72 < bottom + 15
    assert right < 300 * 200 / 72


def test_the_picture_comes_before_the_url_and_the_url_before_the_pdf(baidu, reading_page, pdf_of_three, files):
    picture = encoded(reading_page)
    url = files.serve("/page.png", picture)
    one = baidu.analyse(image=picture, url="http://127.0.0.1:1/", pdf_file=pdf_of_three)
    two = baidu.analyse(url=url, pdf_file=pdf_of_three)
    three = baidu.analyse(image="", url="", pdf_file=pdf_of_three)
    assert texts(one) == texts(two) == list(LINES)
    assert texts(three) == ["Page number 1"]
    assert "pdf_file_size" not in two


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
def test_kinds_of_picture(baidu, reading_page, kind):
    assert texts(baidu.analyse(image=encoded(reading_page, kind)))[0] == LINES[0]


def test_a_blank_page(baidu):
    answer = baidu.analyse(image=encoded(np.full((300, 300, 3), 255, np.uint8)), layout_analysis="true")
    assert (answer["results_num"], answer["results"]) == (0, [])
    assert (answer["layouts_num"], answer["layouts"]) == (0, [])


def test_many_at_once_get_the_same_answer(baidu, reading_page):
    fields = {"image": encoded(reading_page), "layout_analysis": "true", "result_type": "small"}
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: baidu.analyse(**fields), range(6)))
    numbers = {answer.pop("log_id") for answer in answers}
    assert len(numbers) == 6
    assert all(answer == answers[0] for answer in answers)
    assert texts(answers[0]) == list(LINES)


def test_measures(baidu, reading_page):
    baidu.analyse(image=encoded(reading_page), layout_analysis="true")
    baidu.analyse()
    text = baidu.get("/metrics").text
    path = "/rest/2.0/ocr/v1/doc_analysis"
    for name in (
        f'docpre_requests_total{{path="{path}",status="200"}}',
        f'docpre_baidu_errors_total{{code="216101",path="{path}"}}',
        'docpre_step_seconds_count{step="recognition"}',
        'docpre_step_seconds_count{step="layout"}',
        'docpre_step_seconds_count{step="analyse"}',
        'docpre_pages_total{outcome="ok"}',
        'model="PP-OCRv6_small_rec"',
    ):
        assert name in text, name


@pytest.fixture(scope="session")
def pdf_of_three():
    file = io.BytesIO()
    with pymupdf.open() as document:
        for number in range(3):
            document.new_page(width=300, height=200).insert_text((40, 90), f"Page number {number + 1}", fontsize=20)
        document.save(file)
    return file.getvalue()

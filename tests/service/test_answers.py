"""What the service answers, field by field as PaddleX does, and what docpre adds."""

from __future__ import annotations

import io
import uuid

import numpy as np
import pymupdf
import pytest
from PIL import Image

from docpre import Transform
from docpre.service.negotiation import JSON, PDF, PNG, answer_kind
from docpre.service.paddle_api import PATH
from docpre.service.refusal import Refusal
from docpre.service.settings import ServiceSettings
from tests.service.conftest import QUICK, decoded, encoded, running


def test_a_picture_is_answered_as_paddlex_does(server, pipeline, photo_rgb):
    photo = encoded(photo_rgb, "JPEG", quality=90)
    answer = server.infer(photo, fileType=1)
    assert answer.status_code == 200
    content = answer.json()
    assert content.keys() == {"logId", "errorCode", "errorMsg", "result"}
    assert uuid.UUID(content["logId"])
    assert (content["errorCode"], content["errorMsg"]) == (0, "Success")
    result = content["result"]
    height, width = photo_rgb.shape[:2]
    assert result["dataInfo"] == {"width": width, "height": height, "type": "image"}
    (page,) = result["docPreprocessingResults"]
    assert page.keys() == {"outputImage", "prunedResult", "docPreprocessingImage", "inputImage"}
    (expected,) = pipeline.predict(photo)
    assert page["prunedResult"] == {"model_settings": expected["model_settings"], "angle": expected["angle"]}
    # Base64 of PNG for the page and of JPEG for what is to be looked at; the page is the pipeline's, bit for bit.
    assert page["outputImage"].startswith("iVBORw0KGgo")
    np.testing.assert_array_equal(decoded(page["outputImage"]), expected.output_image[..., ::-1])
    assert page["docPreprocessingImage"].startswith("/9j/")
    assert decoded(page["docPreprocessingImage"]).shape[:2] == expected.img["preprocessed_img"].size[::-1]
    difference = np.abs(decoded(page["inputImage"]).astype(int) - expected.input_image[..., ::-1])
    assert difference.mean() < 3


def test_visualize_and_the_switches(server, page_png):
    answer = server.infer(page_png, visualize=False, useDocOrientationClassify=False, useDocUnwarping=False).json()
    (page,) = answer["result"]["docPreprocessingResults"]
    assert page.keys() == {"outputImage", "prunedResult"}
    settings = {"use_doc_orientation_classify": False, "use_doc_unwarping": False}
    assert page["prunedResult"] == {"model_settings": settings, "angle": -1}
    np.testing.assert_array_equal(decoded(page["outputImage"]), np.asarray(Image.open(io.BytesIO(page_png))))


def test_the_transform_leads_to_the_file_as_it_was_sent(server, page_rgb, pipeline):
    turned = np.ascontiguousarray(np.rot90(page_rgb))  # counter-clockwise; EXIF 6 says: show it turned clockwise
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = encoded(turned, "JPEG", quality=95, exif=exif)
    (page,) = server.infer(photo, transform=True, visualize=False).json()["result"]["docPreprocessingResults"]
    transform = Transform.from_json(page["transform"])
    (expected,) = pipeline.predict(photo)
    points = [[0, 0], [100, 300], [500, 20]]
    np.testing.assert_allclose(transform.to_original(points), expected.transform.to_original(points))
    assert transform.original_size_hw == turned.shape[:2]


def test_the_first_ten_pages_of_a_pdf(server):
    document = pymupdf.open()
    for number in range(12):
        document.new_page(width=200, height=100 + number).insert_text((20, 50), f"Page {number}")
    answer = server.infer(document.tobytes(), **QUICK).json()["result"]
    sizes = [{"width": round(200 * 200 / 72), "height": round((100 + n) * 200 / 72)} for n in range(10)]
    info = answer["dataInfo"]
    assert (info["type"], info["numPages"], info["totalPages"]) == ("pdf", 10, 12)
    assert len(answer["docPreprocessingResults"]) == 10
    for page, size in zip(info["pages"], sizes, strict=True):
        assert abs(page["width"] - size["width"]) <= 1
        assert abs(page["height"] - size["height"]) <= 1


def test_what_a_pdf_draws_is_not_bent(server, pipeline):
    document = pymupdf.open()
    page = document.new_page(width=400, height=500)
    page.draw_rect(page.rect, fill=(0.2, 0.25, 0.2))
    askew = (pymupdf.Point(200, 250), pymupdf.Matrix(12))
    page.draw_rect(pymupdf.Rect(90, 100, 310, 400), fill=(0.96, 0.95, 0.9), morph=askew)
    page.insert_textbox(pymupdf.Rect(105, 115, 300, 390), "Lines of an upright page. " * 24, fontsize=9, morph=askew)
    rendered = np.array(page.get_pixmap(dpi=200).pil_image())
    assert pipeline.predict(rendered[..., ::-1])[0]["unwarping"]["applied"]  # of the same pixels alone it would be
    answer = server.infer(document.tobytes(), visualize=False).json()["result"]
    (found,) = answer["docPreprocessingResults"]
    np.testing.assert_array_equal(decoded(found["outputImage"]), rendered)


def test_one_bad_page_loses_no_other(server):
    document = pymupdf.open()
    for size in (200, 5000, 210):  # the second has 193 megapixels
        document.new_page(width=size, height=size).insert_text((20, 50), "A page")
    answer = server.infer(document.tobytes(), **QUICK).json()["result"]
    good, bad, last = answer["docPreprocessingResults"]
    assert decoded(good["outputImage"]).shape[0] in range(555, 558)
    assert decoded(last["outputImage"]).shape[0] in range(582, 586)
    assert bad.keys() == {"error"}
    assert "over the limit" in bad["error"]
    assert answer["dataInfo"]["pages"][1] == {}


def test_a_tiff_has_pages(server, page_rgb):
    file = io.BytesIO()
    pages = [Image.fromarray(page_rgb[: 200 + n]) for n in range(3)]
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    answer = server.infer(file.getvalue(), **QUICK).json()["result"]
    heights = [decoded(page["outputImage"]).shape[0] for page in answer["docPreprocessingResults"]]
    assert heights == [200, 201, 202]
    assert answer["dataInfo"] == {"width": page_rgb.shape[1], "height": 200, "type": "image"}


def test_a_picture_by_multipart_and_the_page_alone(server, page_png, pipeline):
    files = {"file": ("page.png", page_png, "image/png")}
    fields = {"useDocUnwarping": "false", "fileType": "1"}
    answer = server.session.post(server.url + PATH, files=files, data=fields, headers={"Accept": PNG})
    assert answer.headers["Content-Type"] == PNG
    (expected,) = pipeline.predict(page_png, use_doc_unwarping=False)
    image = np.asarray(Image.open(io.BytesIO(answer.content)))
    np.testing.assert_array_equal(image, expected.output_image[..., ::-1])


def test_a_clean_pdf_keeps_the_text(server, pdf_path):
    answer = server.infer(pdf_path.read_bytes(), headers={"Accept": PDF})
    assert answer.headers["Content-Type"] == PDF
    with pymupdf.open(stream=answer.content) as clean, pymupdf.open(pdf_path) as source:
        assert [page.get_text() for page in clean] == [page.get_text() for page in source]


def test_a_picture_becomes_a_pdf(server, photo_rgb):
    answer = server.infer(encoded(photo_rgb, "JPEG"), headers={"Accept": PDF})
    with pymupdf.open(stream=answer.content) as clean:
        assert [len(page.get_images()) for page in clean] == [1]


def test_a_pdf_shows_pages_whose_light_was_evened(pdf_path):
    settings = ServiceSettings(
        pipelines=("doc_preprocessor",), pipeline={"device": "cpu", "use_doc_unwarping": False, "even_light": True}
    )
    with running(settings) as evening:
        answer = evening.infer(pdf_path.read_bytes(), headers={"Accept": PDF})
    with pymupdf.open(stream=answer.content) as document:
        assert all(page.get_images() and not page.get_text().strip() for page in document)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("image/*", PNG),
        ("application/pdf", PDF),
        ("application/json;q=0.5, application/pdf", PDF),
        ("image/png;q=0.9, */*;q=0.1", PNG),
        ("application/*", JSON),
        ("application/json;q=0, */*", PNG),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON),  # Java's default
    ],
)
def test_accept(accept, kind):
    assert answer_kind(accept) == kind


@pytest.mark.parametrize("accept", ["text/html", "image/png;q=0", "application/json;q=x"])
def test_accept_nothing_that_there_is(accept):
    with pytest.raises(Refusal) as refusal:
        answer_kind(accept)
    assert refusal.value.status == 406


def test_state_and_measures(server, page_png):
    for path, message in (("/health", "Healthy"), ("/ready", "Ready")):
        answer = server.get(path)
        assert answer.status_code == 200
        assert (answer.json()["errorCode"], answer.json()["errorMsg"]) == (0, message)
    server.infer(page_png, **QUICK)
    text = server.get("/metrics").text
    for name in (
        'docpre_requests_total{path="/document-preprocessing",status="200"}',
        'docpre_step_seconds_bucket{le="0.1",step="orientation"}',
        'docpre_step_seconds_count{step="encode"}',
        'docpre_pages_total{outcome="ok"}',
        "docpre_requests_under_way 0.0",
        "docpre_pages_waiting 0.0",
        'docpre_model_info{device="cpu",engine="onnxruntime",model="UVDoc",precision="fp32",step="unwarping"} 1.0',
    ):
        assert name in text, name


def test_numbers_of_requests(server):
    own = server.get("/health", headers={"X-Request-Id": "batch-7:page.3"})
    assert own.headers["X-Request-Id"] == "batch-7:page.3"
    forged = server.get("/health", headers={"X-Request-Id": "a b=c"})
    assert forged.headers["X-Request-Id"] == forged.json()["logId"]


def test_an_offer_to_upgrade_is_passed_over(server, page_png):
    """Java's client makes one in its first request."""
    headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAAAAAMAAAAA"}
    assert server.infer(page_png, headers=headers, **QUICK).status_code == 200

"""Every error that ``doc_analysis`` can answer with: HTTP's status 200, Baidu's code, and a sentence."""

from __future__ import annotations

import asyncio
import base64
import socket
from contextlib import ExitStack
from urllib.parse import quote_plus, urlencode

import numpy as np
import pymupdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docpre.errors import EngineError
from docpre.service.baidu_api import PATH, _attempt
from docpre.service.baidu_errors import BaiduError, Code, as_baidu_error
from docpre.service.baidu_request import MAX_ENCODED, _decoded, _fields, parsed
from docpre.service.baidu_schemas import DocAnalysisRequest
from docpre.service.baidu_tokens import Tokens
from docpre.service.refusal import Refusal
from docpre.service.safe_fetch import UrlFault, UrlRefusal
from tests.service.bad_requests import picture
from tests.service.conftest import CLIENT_ID, CLIENT_SECRET, QUICK, encoded, wait_until

GIF = b"GIF89a" + bytes(40)


def check(answer, code, says=""):
    assert answer.status_code == 200
    content = answer.json()
    assert content.keys() == {"log_id", "error_code", "error_msg"}, content
    assert content["error_code"] == code, content
    assert says in content["error_msg"]
    assert isinstance(content["log_id"], int)


def blank(height, width):
    return encoded(np.full((height, width, 3), 255, np.uint8))


def locked_pdf():
    with pymupdf.open() as document:
        document.new_page()
        return document.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="x", owner_pw="y")


def large_page():
    with pymupdf.open() as document:
        document.new_page(width=3000, height=100)
        return document.tobytes()


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({}, 216101, "image, url, pdf_file"),
        ({"image": ""}, 216200, "image"),
        ({"image": "===="}, 216201, "Base64"),
        ({"image": "data:image/png;base64,iVBORw0K"}, 216201, "Base64"),
        ({"image": "aGFsbG8="}, 216201, "jpg, jpeg, png or bmp"),
        ({"image": GIF}, 216201, "jpg, jpeg, png or bmp"),
        ({"image": picture("TIFF")}, 216201, "jpg, jpeg, png or bmp"),
        ({"image": picture("PNG")[:60]}, 216201, "can't be read"),
        ({"image": blank(14, 100)}, 216202, "100x14"),
        ({"image": blank(20, 8193)}, 216202, "8193x20"),
        ({"image": "A" * (MAX_ENCODED + 4)}, 216202, "10,485,760"),
        ({"pdf_file": ""}, 216101, "pdf_file"),
        ({"pdf_file": picture("PNG")}, 216201, "no PDF"),
        ({"pdf_file": b"%PDF-1.7\nbroken"}, 216201, "PDF"),
        ({"pdf_file": locked_pdf()}, 216201, "encrypted"),
        ({"pdf_file": large_page()}, 216202, "8334x278"),
        ({"pdf_file": large_page(), "pdf_file_num": "2"}, 216100, "pages are 1 to 1"),
        ({"pdf_file": large_page(), "pdf_file_num": "0"}, 216100, "pdf_file_num"),
        ({"pdf_file": large_page(), "pdf_file_num": "one"}, 216100, "pdf_file_num"),
        ({"image": picture("PNG"), "language_type": "FRE"}, 216100, "'CHN_ENG' or 'ENG'"),
        ({"image": picture("PNG"), "result_type": "middle"}, 216100, "'big' or 'small'"),
        ({"image": picture("PNG"), "words_type": "handwriting_only"}, 216100, "handwring_only"),
        ({"image": picture("PNG"), "detect_direction": "1"}, 216100, "'true' or 'false'"),
        ({"image": picture("PNG"), "line_probability": "yes"}, 216100, "line_probability"),
        ({"image": picture("PNG"), "disp_line_poly": "yes"}, 216100, "disp_line_poly"),
        ({"image": picture("PNG"), "layout_analysis": "yes"}, 216100, "layout_analysis"),
        ({"image": picture("PNG"), "recg_formula": "true"}, 216102, "recg_formula"),
        ({"image": picture("PNG"), "recg_long_division": "true"}, 216102, "recg_long_division"),
        ({"image": picture("PNG"), "disp_underline_analysis": "true"}, 216102, "disp_underline_analysis"),
        ({"image": picture("PNG"), "language_type": "E" * 257}, 216103, "language_type"),
        ({"url": ""}, 282114, "url"),
        ({"url": "http://127.0.0.1/" + "ü" * 504}, 282114, "1024"),
        ({"url": "page.png"}, 282111, "http"),
        ({"url": "ftp://example.org/page.png"}, 282111, "ftp"),
        ({"url": "http://10.0.0.1/page.png"}, 282111, "not on the public internet"),
        ({"url": "http://no-such-host.invalid/"}, 282110, "not known"),
        ({"url": "http://127.0.0.1:1/page.png"}, 282113, "can't be reached"),
    ],
)
def test_what_is_wrong_with_a_request(baidu, fields, code, says):
    check(baidu.post(**fields), code, says)


@pytest.mark.parametrize(
    ("path", "code", "says"),
    [("/missing", 282110, "404"), ("/broken", 282113, "500"), ("/page.pdf", 216201, "jpg"), ("/empty", 216200, "URL")],
)
def test_what_is_wrong_with_a_url(baidu, files, path, code, says):
    files.serve("/page.pdf", b"%PDF-1.7")
    files.serve("/empty", b"")
    check(baidu.post(url=files.url + path), code, says)


def test_a_file_at_a_url_that_is_too_large(baidu, files):
    check(baidu.post(url=files.serve("/large.bmp", b"BM" + bytes(MAX_ENCODED))), 216202, "over the limit")


def test_tokens(baidu):
    image = picture("PNG")
    check(baidu.post(token=None, image=image), 100, "access_token")
    check(baidu.post(token="", image=image), 110)
    check(baidu.post(token="24.6c5e1ff107f0e8bcef8c46d3424a0e78.2592000.1485516651", image=image), 110)
    expired = Tokens(CLIENT_ID, CLIENT_SECRET).issue(now=1_600_000_000)
    check(baidu.post(token=expired, image=image), 111)


def test_a_large_body_is_told_of_its_bad_token(baidu):
    check(baidu.post(token="bad", image="A" * 9_000_000), 110)


def test_a_body_beyond_the_service_s_limit(baidu):
    check(baidu.post(image="A" * 17_000_000), 216202, "over the limit")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", PATH), ("PUT", PATH), ("POST", "/rest/2.0/ocr/v1/general"), ("DELETE", "/oauth/2.0/token")],
)
def test_other_methods_and_services(baidu, method, path):
    check(baidu.session.request(method, baidu.url + path, timeout=60), 3)


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b'{"image": "aGFsbG8="}', "application/json", 216101),
        (b"image=%FF", "application/x-www-form-urlencoded", 216100),
        (b"image=\xff", "application/x-www-form-urlencoded", 216100),
        (b"a&" * 101, "application/x-www-form-urlencoded", 216100),
        (b"image=QUJD&image=QUJD", "application/x-www-form-urlencoded", 216100),
    ],
)
def test_bodies(baidu, body, content_type, code):
    address = f"{baidu.url}{PATH}?access_token={baidu.token}"
    answer = baidu.session.post(address, data=body, headers={"Content-Type": content_type}, timeout=60)
    check(answer, code)


def test_too_many_requests(baidu):
    """All places are taken by clients that are slow to send their bodies."""
    host, port = baidu.url.removeprefix("http://").split(":")
    head = f"POST {PATH}?access_token={baidu.token} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nimage"
    with ExitStack() as stack:
        for _ in range(baidu.places):
            client = stack.enter_context(socket.create_connection((host, int(port))))
            client.sendall(head.encode())
        wait_until(lambda: f"docpre_requests_under_way {baidu.places}.0" in baidu.get("/metrics").text)
        answer = baidu.post(image=picture("PNG"))
        check(answer, 18)
        assert answer.headers["Retry-After"] == "1"
    wait_until(lambda: "docpre_requests_under_way 0.0" in baidu.get("/metrics").text)


def test_where_it_is_not_served(server, page_png):
    answer = server.session.post(server.url + PATH, data={"image": base64.b64encode(page_png)}, timeout=60)
    check(answer, 216102, "docpre[analysis]")
    assert server.infer(page_png, **QUICK).status_code == 200


def test_without_a_pair_no_token_is_asked_for(open_baidu):
    for token in (None, "anything"):
        check(open_baidu.post(token=token), 216101)


def test_the_codes_of_refusals():
    codes = {401: 110, 404: 3, 405: 3, 408: 282810, 413: 216202, 422: 216100, 429: 18, 500: 282000}
    for status, code in codes.items():
        assert as_baidu_error(Refusal(status, "So it is.")).code == code
    slow = as_baidu_error(UrlRefusal(UrlFault.TIMEOUT, "It does not answer."))
    assert (slow.code, str(slow)) == (282112, "url download timeout: It does not answer.")


@pytest.mark.parametrize("code", [Code.DETECT, Code.RECOGNIZE])
def test_a_step_that_fails(code):
    async def step():
        raise EngineError("The device has gone.")

    with pytest.raises(BaiduError, match="The device has gone") as error:
        asyncio.run(_attempt(code, step()))
    assert error.value.code == code


@given(
    st.dictionaries(
        st.one_of(st.sampled_from(list(DocAnalysisRequest.model_fields)), st.text(max_size=8)), st.text(max_size=300)
    )
)
def test_any_form_is_a_request_or_an_error(fields):
    request, code = None, None
    try:
        request = parsed(_fields(urlencode(fields).encode()))
    except BaiduError as error:
        code = error.code
    if request is None:
        assert code in (216100, 216101, 216102, 216103, 216200, 282114)
    else:
        assert request.image or request.url or request.pdf_file


@given(st.binary(min_size=1, max_size=200), st.booleans())
def test_base64_that_was_not_percent_encoded(content, is_encoded):
    text = base64.b64encode(content).decode()
    body = f"image={quote_plus(text) if is_encoded else text}".encode()
    assert _decoded("image", _fields(body)["image"]) == content

"""The form of a request to ``doc_analysis``, and the file that it holds or names."""

from __future__ import annotations

import asyncio
import binascii
from dataclasses import dataclass
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.requests import Request

from docpre.service.baidu_errors import BaiduError, Code
from docpre.service.baidu_schemas import DocAnalysisRequest
from docpre.service.safe_fetch import fetch
from docpre.service.settings import ServiceSettings

FORM_TYPE = "application/x-www-form-urlencoded"
#: Of a file in Base64, and so of the file itself.
MAX_ENCODED = 10 * 1024**2
_MAX_BYTES = MAX_ENCODED // 4 * 3
_MAX_URL_BYTES = 1024
_MAX_VALUE = 256
_MAX_FIELDS = 100
_FILES = ("image", "url", "pdf_file")
_NOT_THERE = ("recg_formula", "recg_long_division", "disp_underline_analysis", "recg_alter")
_PICTURE_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM")
_PDF_MAGIC_WITHIN = 1024


@dataclass(frozen=True, eq=False)
class SentFile:
    """What is to be analysed.

    Args:
        content: the file's bytes.
        page: of a PDF, from 0; None: it is a picture.
    """

    content: bytes
    page: int | None


async def read_fields(request: Request) -> dict[str, str]:
    """The fields of a form, in the order of the form; none where the body is no form.

    Raises:
        BaiduError: 216100 where the form is malformed.
    """
    media = request.headers.get("content-type", FORM_TYPE).split(";")[0].strip().lower()
    body = await request.body()
    return await asyncio.to_thread(_fields, body) if media == FORM_TYPE else {}


async def read_sent_file(request: DocAnalysisRequest, settings: ServiceSettings) -> SentFile:
    """The file that a request holds or names.

    Raises:
        BaiduError, Refusal: it can't be had, or is not what it should be.
    """
    if request.image:
        return SentFile(_picture(await asyncio.to_thread(_decoded, "image", request.image)), None)
    if request.url:
        content = await fetch(
            request.url,
            max_bytes=min(_MAX_BYTES, settings.max_body_bytes),
            max_redirects=settings.max_redirects,
            allowed=settings.allow_urls,
        )
        return SentFile(_picture(content), None)
    assert request.pdf_file
    content = await asyncio.to_thread(_decoded, "pdf_file", request.pdf_file)
    if b"%PDF-" not in content[:_PDF_MAGIC_WITHIN]:
        raise BaiduError(Code.IMAGE_FORMAT, "pdf_file is no PDF.")
    return SentFile(content, _page_index(request.pdf_file_num))


def parsed(fields: dict[str, str]) -> DocAnalysisRequest:
    """A form's fields, checked as far as that goes without looking into the file.

    Raises:
        BaiduError: which one is wrong.
    """
    for name, value in fields.items():
        if name in DocAnalysisRequest.model_fields and name not in _FILES and len(value) > _MAX_VALUE:
            raise BaiduError(Code.PARAM_TOO_LONG, f"{name} has {len(value):,} characters, more than {_MAX_VALUE}.")
    # A field that is left empty is one that was not filled in.
    filled = {name: value for name, value in fields.items() if value or name in _FILES}
    try:
        request = DocAnalysisRequest.model_validate(filled)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=True)[0]
        wrong, given = fault["loc"][0], repr(fault["input"])[:50]
        wanted = fault.get("ctx", {}).get("expected", "something else")
        raise BaiduError(Code.INVALID_PARAM, f"{wrong} is {wanted}, not {given}.") from None
    for name in _NOT_THERE:
        if getattr(request, name) == "true":
            raise BaiduError(Code.NOT_SUPPORTED, f"{name} is not available here; leave it out.")
    _check_source(request)
    if request.pdf_file and not (request.image or request.url):
        _page_index(request.pdf_file_num)
    return request


def _check_source(request: DocAnalysisRequest) -> None:
    if request.image or (request.pdf_file and not request.url):
        return
    if request.url:
        if len(request.url.encode()) > _MAX_URL_BYTES:
            raise BaiduError(Code.URL_LENGTH, f"a URL has at most {_MAX_URL_BYTES} bytes.")
    elif request.image is not None:
        raise BaiduError(Code.EMPTY_IMAGE, "image has nothing in it.")
    elif request.url is not None:
        raise BaiduError(Code.URL_LENGTH, "url has nothing in it.")
    elif request.pdf_file is not None:
        raise BaiduError(Code.NOT_ENOUGH_PARAM, "pdf_file has nothing in it.")
    else:
        raise BaiduError(Code.NOT_ENOUGH_PARAM, f"one of {', '.join(_FILES)} is needed, in a form ({FORM_TYPE}).")


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError as error:  # also of decoding
        raise BaiduError(Code.INVALID_PARAM, f"the form is malformed, or has over {_MAX_FIELDS} fields.") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BaiduError(Code.INVALID_PARAM, f"{twice[:100]!r} is given twice.")
    return fields


def _decoded(name: str, text: str) -> bytes:
    if len(text) > MAX_ENCODED:
        raise BaiduError(
            Code.IMAGE_SIZE, f"{name} has {len(text):,} characters of Base64; {MAX_ENCODED:,} are allowed."
        )
    try:
        # A plus sign that was not percent-encoded arrives as a space; MIME encoders break the text into lines.
        joined = text.replace(" ", "+").encode("ascii").translate(None, b"\t\r\n")
        content = binascii.a2b_base64(joined, strict_mode=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise BaiduError(
            Code.IMAGE_FORMAT, f"{name} is not Base64. Encode the file's bytes, without a head such as data:image/png."
        ) from error
    if not content:
        raise BaiduError(Code.EMPTY_IMAGE, f"{name} has nothing in it.")
    return content


def _picture(content: bytes) -> bytes:
    if not content:
        raise BaiduError(Code.EMPTY_IMAGE, "the file at the URL has nothing in it.")
    if not content.startswith(_PICTURE_MAGIC):
        raise BaiduError(Code.IMAGE_FORMAT, "the file is not jpg, jpeg, png or bmp.")
    return content


def _page_index(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise BaiduError(Code.INVALID_PARAM, f"pdf_file_num is a page's number, from 1, not {text[:20]!r}.")
    return int(text) - 1

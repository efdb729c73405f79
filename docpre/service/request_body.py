"""The body of a request, JSON or a form, becomes an ``InferRequest`` and the bytes of a file."""

from __future__ import annotations

import asyncio
import binascii
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from docpre.service.paddle_schemas import InferRequest, parsed_form, parsed_json
from docpre.service.refusal import Refusal
from docpre.service.safe_fetch import fetch
from docpre.service.settings import ServiceSettings

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_SWITCHES = ("useDocOrientationClassify", "useDocUnwarping", "visualize", "transform")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False, "": None, "null": None}
_PDF_TYPE, _PICTURE_TYPE = 0, 1
_PDF_MAGIC_WITHIN = 1024
_PICTURE_MAGIC = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n|BM|II\*\0|MM\0\*|II\+\0|MM\0\+|RIFF....WEBP", re.DOTALL)
_SMALL_BODY = 64 * 1024


async def read_request(request: Request) -> tuple[InferRequest, bytes | None]:
    """The request, and the file if it was uploaded as one.

    Raises:
        Refusal: 400, 415 or 422 where it is malformed.
    """
    media = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if media == "application/json" or media.endswith("+json"):
        body = await request.body()
        if len(body) <= _SMALL_BODY:
            return parsed_json(body), None
        return await asyncio.to_thread(parsed_json, body), None
    if media == "multipart/form-data":
        return await _read_form(request)
    raise Refusal(415, "The body is application/json or multipart/form-data. Set the header Content-Type.")


async def read_file(wish: InferRequest, uploaded: bytes | None, settings: ServiceSettings) -> tuple[bytes, bool]:
    """The bytes of the file, and whether it is a PDF.

    Raises:
        Refusal: 408, 413 or 422 where it can't be had, or is not what the request says.
    """
    url = None
    if uploaded is not None:
        content = uploaded
    elif _SCHEME.match(wish.file):
        url = wish.file
        content = await fetch(
            url,
            max_bytes=settings.max_body_bytes,
            max_redirects=settings.max_redirects,
            allowed=settings.allow_urls,
        )
    elif len(wish.file) <= _SMALL_BODY:
        content = _decoded(wish.file)
    else:
        content = await asyncio.to_thread(_decoded, wish.file)
    if not content:
        raise Refusal(422, "The file is empty.")
    return content, _is_pdf(content, wish.file_type, url)


def _decoded(text: str) -> bytes:
    try:
        # MIME encoders break the text into lines.
        joined = text.encode("ascii").translate(None, b" \t\r\n")
        return binascii.a2b_base64(joined, strict_mode=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise Refusal(
            422, "file is neither Base64 nor an http(s) URL. Encode the file's bytes in standard Base64."
        ) from error


def _is_pdf(content: bytes, file_type: int | None, url: str | None) -> bool:
    is_pdf = b"%PDF-" in content[:_PDF_MAGIC_WITHIN]
    is_picture = not is_pdf and bool(_PICTURE_MAGIC.match(content))
    if (file_type == _PDF_TYPE and not is_pdf) or (file_type == _PICTURE_TYPE and not is_picture):
        named = "a PDF" if file_type == _PDF_TYPE else "a picture"
        found = "a PDF" if is_pdf else "a picture" if is_picture else "neither a picture nor a PDF"
        raise Refusal(422, f"fileType says that the file is {named}, but it is {found}. Leave fileType out.")
    if is_pdf or is_picture:
        return is_pdf
    if url is not None and unquote(urlsplit(url).path).lower().endswith(".pdf"):
        return True
    raise Refusal(422, "The file is neither a picture (JPEG, PNG, BMP, TIFF, WebP) nor a PDF.")


async def _read_form(request: Request) -> tuple[InferRequest, bytes | None]:
    try:
        form = await request.form(max_files=1, max_fields=len(_SWITCHES) + 2)
    except HTTPException as error:  # starlette's, of what python-multipart finds
        raise Refusal(400, f"The form is malformed ({error.detail}).") from error
    try:
        uploaded: bytes | None = None
        fields: dict[str, Any] = {}
        for name, value in form.multi_items():
            if name in fields:
                raise Refusal(422, f"{name[:100]} is given twice.")
            if isinstance(value, UploadFile):
                if name != "file":
                    raise Refusal(422, "The form's file is to be named file.")
                uploaded = await value.read()
                fields[name] = "uploaded"
            else:
                fields[name] = _form_value(name, value)
    finally:
        await form.close()
    return parsed_form(fields), uploaded


def _form_value(name: str, text: str) -> Any:
    """A form knows only texts; null, numbers and switches are told from them by the field."""
    if name == "fileType":
        return {"0": _PDF_TYPE, "1": _PICTURE_TYPE, "": None, "null": None}.get(text.strip().lower(), text)
    if name in _SWITCHES:
        return _BOOLEANS.get(text.strip().lower(), text)
    return text

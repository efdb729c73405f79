"""Requests that no server should fall over, and how each is to be answered."""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pymupdf
from PIL import Image

from docpre.service.paddle_api import PATH

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Bad:
    """A request, and the status of its answer; ``says`` is in the sentence."""

    status: int
    says: str
    body: Callable[[], bytes]
    headers: dict[str, str] = field(default_factory=lambda: JSON)
    method: str = "POST"
    path: str = PATH


def _fields(**fields: Any) -> Callable[[], bytes]:
    return lambda: json.dumps(fields).encode()


def _file(content: Callable[[], bytes], **fields: Any) -> Callable[[], bytes]:
    return lambda: json.dumps({"file": base64.b64encode(content()).decode()} | fields).encode()


@cache
def picture(kind: str = "PNG", mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    Image.fromarray(noise).convert(mode).save(file, kind, **options)
    return file.getvalue()


@cache
def document(**options: Any) -> bytes:
    pdf = pymupdf.open()
    pdf.new_page(width=100, height=100).insert_text((10, 50), "A page")
    return pdf.tobytes(**options)


def _two_pages() -> bytes:
    file = io.BytesIO()
    page = Image.new("RGB", (32, 32))
    page.save(file, "TIFF", save_all=True, append_images=[page])
    return file.getvalue()


def _form(*parts: tuple[str, str, str]) -> dict[str, Any]:
    lines = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n' for name, more, value in parts
    ]
    body = "".join([*lines, "--b--\r\n"]).encode("latin-1")
    return {"body": lambda: body, "headers": {"Content-Type": "multipart/form-data; boundary=b"}}


_PNG_TEXT = base64.b64encode(picture()).decode()

BAD: dict[str, Bad] = {
    "no body": Bad(400, "not JSON", lambda: b""),
    "not JSON": Bad(400, "not JSON", lambda: b"file=abc"),
    "JSON that breaks off": Bad(400, "not JSON", lambda: b'{"file": "abc'),
    "not UTF-8": Bad(400, "not JSON", lambda: b'{"file": "\xff\xfe"}'),
    "deeply nested": Bad(400, "not JSON", lambda: b"[" * 100_000),
    "a list": Bad(422, "Fields are", lambda: b"[]"),
    "null": Bad(422, "Fields are", lambda: b"null"),
    "no file": Bad(422, "file: Field required", _fields(fileType=1)),
    "file is null": Bad(422, "file", _fields(file=None)),
    "file is a number": Bad(422, "file", _fields(file=7)),
    "file is a list": Bad(422, "file", _fields(file=[_PNG_TEXT])),
    "file is empty": Bad(422, "file", _fields(file="")),
    "file is blank": Bad(422, "empty", _fields(file="  \n")),
    "a path": Bad(422, "neither Base64 nor", _fields(file="/etc/passwd")),
    "a path upwards": Bad(422, "neither Base64 nor", _fields(file="../../secret.png")),
    "file URL": Bad(422, "http or https", _fields(file="file:///etc/passwd")),
    "ftp URL": Bad(422, "http or https", _fields(file="ftp://example.com/a.png")),
    "gopher URL": Bad(422, "http or https", _fields(file="gopher://127.0.0.1:6379/_FLUSHALL")),
    "data URL": Bad(422, "http or https", _fields(file="data:image/png;base64," + _PNG_TEXT)),
    "URL of this machine": Bad(422, "not on the public internet", _fields(file="http://127.0.0.1:22/")),
    "URL of this machine by name": Bad(422, "not on the public internet", _fields(file="http://localhost/a.png")),
    "URL of this machine, IPv6": Bad(422, "not on the public internet", _fields(file="http://[::1]/a.png")),
    "URL of this machine, mapped": Bad(422, "not on the public", _fields(file="http://[::ffff:127.0.0.1]/a.png")),
    "URL of this machine, decimal": Bad(422, "not on the public internet", _fields(file="http://2130706433/a.png")),
    "URL of this machine, short": Bad(422, "not on the public internet", _fields(file="http://127.1/a.png")),
    "URL of this machine, octal": Bad(422, "not on the public internet", _fields(file="http://0177.0.0.1/a.png")),
    "URL of nowhere": Bad(422, "not on the public internet", _fields(file="http://0.0.0.0/a.png")),
    "URL of a cloud's secrets": Bad(422, "not on the public", _fields(file="http://169.254.169.254/latest/meta-data/")),
    "URL of a private network": Bad(422, "not on the public internet", _fields(file="https://10.0.0.1/a.png")),
    "URL with a password": Bad(422, "password", _fields(file="http://me:secret@example.com/a.png")),
    "URL without a host": Bad(422, "no host", _fields(file="http:///a.png")),
    "URL with a bad port": Bad(422, "malformed", _fields(file="http://example.com:99999/a.png")),
    "URL with a bad bracket": Bad(422, "malformed", _fields(file="http://[::1/a.png")),
    "URL with a line break": Bad(422, "", _fields(file="http://127.0.0.1/\r\nHost: a")),
    "not Base64": Bad(422, "neither Base64 nor", _fields(file="!" * 40)),
    "Base64 without its end": Bad(422, "neither Base64 nor", _fields(file=_PNG_TEXT[:-3])),
    "Base64 of URLs": Bad(422, "neither Base64 nor", _fields(file="_-_-")),
    "Base64 with accents": Bad(422, "neither Base64 nor", _fields(file="é" * 4)),
    "fileType 2": Bad(422, "fileType", _fields(file=_PNG_TEXT, fileType=2)),
    "fileType as text": Bad(422, "fileType", _fields(file=_PNG_TEXT, fileType="1")),
    "fileType is wrong: a picture": Bad(422, "is a picture", _fields(file=_PNG_TEXT, fileType=0)),
    "fileType is wrong: a PDF": Bad(422, "is a PDF", _file(document, fileType=1)),
    "a switch as text": Bad(422, "useDocUnwarping", _fields(file=_PNG_TEXT, useDocUnwarping="yes")),
    "a switch as a number": Bad(422, "visualize", _fields(file=_PNG_TEXT, visualize=1)),
    "an unknown field": Bad(
        422, "useDocUnwrapping: there is no such field", _fields(file=_PNG_TEXT, useDocUnwrapping=True)
    ),
    "a text file": Bad(422, "neither a picture", _file(lambda: b"Dear Sir or Madam, " * 9)),
    "a web page": Bad(422, "neither a picture", _file(lambda: b"<html><body>404</body></html>")),
    "an SVG": Bad(422, "neither a picture", _file(lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>')),
    "a GIF": Bad(422, "neither a picture", _file(lambda: picture("GIF"))),
    "an archive": Bad(422, "neither a picture", _file(lambda: b"PK\x03\x04" + bytes(60))),
    "half a PNG": Bad(422, "damaged PNG", _file(lambda: picture()[:-3000])),
    "a PNG with wrong data": Bad(422, "damaged PNG", _file(lambda: picture()[:60] + bytes(200) + picture()[260:])),
    "the first bytes of a JPEG": Bad(422, "damaged", _file(lambda: picture("JPEG")[:30])),
    "half a TIFF": Bad(422, "can't be read", _file(lambda: picture("TIFF")[:100])),
    "half a WebP": Bad(422, "damaged WEBP", _file(lambda: picture("WEBP", lossless=True)[:500])),
    "the first bytes of a BMP": Bad(422, "can't be read", _file(lambda: picture("BMP")[:20])),
    "a TIFF of floats": Bad(422, "32-bit", _file(lambda: picture("TIFF", "F"))),
    "the first bytes of a PDF": Bad(422, "PDF", _file(lambda: b"%PDF-1.7\n")),
    "a PDF with a password": Bad(422, "encrypted", _file(lambda: document(encryption=5, user_pw="a", owner_pw="b"))),
    "a PDF without pages": Bad(
        422, "PDF", _file(lambda: b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer<</Root 1 0 R>>")
    ),
    "too many pixels": Bad(413, "over the limit", _file(lambda: _large())),
    "too many bytes": Bad(413, "over the limit", lambda: b'{"file": "' + b"A" * 5_000_000 + b'"}'),
    "a form as the body": Bad(
        415, "Content-Type", lambda: b"file=abc", {"Content-Type": "application/x-www-form-urlencoded"}
    ),
    "XML": Bad(415, "Content-Type", lambda: b"<file/>", {"Content-Type": "text/xml"}),
    "a picture as the body": Bad(415, "Content-Type", picture, {"Content-Type": "image/png"}),
    "a compressed body": Bad(400, "not JSON", lambda: zlib.compress(b"{}"), JSON | {"Content-Encoding": "deflate"}),
    "nothing that there is accepted": Bad(406, "Accept", _fields(file=_PNG_TEXT), JSON | {"Accept": "text/html"}),
    "a PNG of two pages": Bad(422, "several pages", _file(_two_pages), JSON | {"Accept": "image/png"}),
    "form without a boundary": Bad(400, "form", lambda: b"x", {"Content-Type": "multipart/form-data"}),
    "form that breaks off": Bad(422, "file", lambda: b"--b\r\n", {"Content-Type": "multipart/form-data; boundary=b"}),
    "form without a file": Bad(422, "file", **_form(("fileType", "", "1"))),
    "form with an unknown field": Bad(422, "no such field", **_form(("file", "", _PNG_TEXT), ("page", "", "1"))),
    "form with two files": Bad(400, "form", **_form(("file", '; filename="a"', "x"), ("file", '; filename="b"', "y"))),
    "form with a field twice": Bad(422, "twice", **_form(("file", "", "x"), ("file", "", "y"))),
    "form with a file of another name": Bad(422, "named file", **_form(("image", '; filename="a"', "x"))),
    "form with many fields": Bad(400, "form", **_form(*((f"f{n}", "", "") for n in range(50)))),
    "form with a bad switch": Bad(422, "visualize", **_form(("file", "", _PNG_TEXT), ("visualize", "", "maybe"))),
    "GET": Bad(405, "does not take GET", lambda: b"", {}, "GET"),
    "PUT": Bad(405, "does not take PUT", lambda: b"{}", JSON, "PUT"),
    "another path": Bad(404, "nothing here", lambda: b"{}", JSON, "POST", "/ocr"),
    "a path upwards in the URL": Bad(404, "nothing here", lambda: b"", {}, "GET", "/docs/../../etc/passwd"),
}


def _large() -> bytes:
    file = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(file, "PNG")
    return file.getvalue()

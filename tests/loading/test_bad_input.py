"""Input that is bad or beyond a limit: errors of docpre's own, which name it and lose nothing else."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pymupdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docpre.errors import ConfigError, InputError
from docpre.loading import Limits, iter_pages
from tests.loading.files import encoded, pages_of


def png_with_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels to show for it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def encrypted_pdf() -> bytes:
    document = pymupdf.open()
    document.new_page()
    return document.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="secret", owner_pw="owner")


BAD = {
    "none": (None, "None"),
    "number": (7, "int"),
    "dict": ({"a": 1}, "dict"),
    "empty bytes": (b"", "empty"),
    "random bytes": (bytes(range(256)) * 9, "neither a picture nor a PDF"),
    "text": (b"Hello, this is not a picture.", "neither a picture nor a PDF"),
    "missing": ("/no/such/file.jpg", "no such file"),
    "float array": (np.zeros((4, 4, 3), np.float32), "float32"),
    "five channels": (np.zeros((4, 4, 5), np.uint8), r"\(4, 4, 5\)"),
    "flat array": (np.zeros(4, np.uint8), r"\(4,\)"),
    "empty array": (np.zeros((0, 4, 3), np.uint8), "empty"),
    "object array": (np.array([None]), "object"),
    "broken PDF": (b"%PDF-1.7 and then nothing of the sort", "PDF"),
    "encrypted PDF": (encrypted_pdf(), "encrypted"),
    "cut PNG": (encoded(np.zeros((50, 50, 3), np.uint8), "PNG")[:60], "damaged PNG"),
    "PNG bomb": (png_with_header(60_000, 60_000), "max_pixels"),
    "JPEG header alone": (b"\xff\xd8\xff\xe0", "damaged|neither"),
    "nul in path": ("a\0b.png", "no such file|can't be read"),
    "a very long path": ("x" * 9000, "can't be read|no such file"),
    "unreachable URL": ("http://127.0.0.1:9/a.png", "can't be reached"),
    "malformed URL": ("http://[bad/a.png", "can't be reached"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_an_error_of_docpres_own(name):
    item, message = BAD[name]
    with pytest.raises(InputError, match=message):
        pages_of(item)


@pytest.mark.parametrize("name", BAD)
def test_bad_input_in_a_list_loses_nothing_else(name, small):
    pages = pages_of([small, BAD[name][0], small])
    assert [page.error is None for page in pages] == [True, False, True]
    assert pages[1].image is None
    with pytest.raises(InputError):
        pages_of([small, BAD[name][0]], on_error="raise")


def test_errors_name_the_input(tmp_path):
    path = tmp_path / "letter.jpg"
    path.write_text("Dear Sir")
    with pytest.raises(InputError, match=r"letter\.jpg"):
        pages_of(path)
    with pytest.raises(InputError, match="position 0"):
        pages_of(np.zeros((0, 1), np.uint8))


def test_limits(tmp_path, small, pdf_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(small, "PNG"))
    with pytest.raises(InputError, match="max_bytes"):
        pages_of(path, limits=Limits(max_bytes=100))
    with pytest.raises(InputError, match="max_pixels"):
        pages_of(path, limits=Limits(max_pixels=100))
    with pytest.raises(InputError, match="max_pixels"):
        pages_of(small, limits=Limits(max_pixels=100))
    with pytest.raises(InputError, match="max_pages"):
        pages_of(pdf_path, limits=Limits(max_pages=2))
    assert len(pages_of(pdf_path, limits=Limits(max_pages=2), pages="1-2")) == 2
    with pytest.raises(ConfigError):
        Limits(max_pixels=0)
    with pytest.raises(ConfigError):
        pages_of(small, dpi=0)
    with pytest.raises(ConfigError):
        pages_of(small, on_error="ignore")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    position=st.floats(0, 1),
    junk=st.binary(min_size=1, max_size=40),
    format=st.sampled_from(["PNG", "JPEG", "TIFF", "BMP", "WEBP", "PDF"]),
)
def test_damaged_files_never_raise_foreign_errors(position, junk, format):
    if format == "PDF":
        document = pymupdf.open()
        document.new_page(width=50, height=50).insert_text((5, 20), "text")
        content = bytearray(document.tobytes())
    else:
        content = bytearray(encoded(np.arange(2700, dtype=np.uint8).reshape(30, 30, 3), format))
    start = int(position * len(content))
    content[start : start + len(junk)] = junk
    try:
        for page in iter_pages(bytes(content), limits=Limits(max_pixels=10_000_000)):
            assert page.error is not None or page.image.ndim == 3
    except InputError:
        pass

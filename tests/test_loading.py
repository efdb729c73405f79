"""Every kind of input, good and bad."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pymupdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from docpre.errors import ConfigError, InputError
from docpre.loading import Limits, count_pages, iter_pages, parse_page_ranges


def encoded(image: np.ndarray, format: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, format, **options)
    return file.getvalue()


def pages_of(input, **options):
    return list(iter_pages(input, **options))


@pytest.fixture
def small() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)


@pytest.mark.parametrize(("format", "suffix"), [("PNG", ".png"), ("BMP", ".bmp"), ("TIFF", ".tif"), ("WEBP", ".webp")])
def test_lossless_formats(tmp_path, small, format, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encoded(small, format, **({"lossless": True} if format == "WEBP" else {})))
    (page,) = pages_of(path)
    assert_array_equal(page.image, small)
    assert (page.input_path, page.page_index, page.stem, page.suffix) == (str(path), None, "a", suffix)
    assert page.transform.is_identity


def test_jpeg_is_read_as_opencv_reads_it(tmp_path, page_rgb):
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(page_rgb, "JPEG", quality=95))
    (page,) = pages_of(path)
    assert_allclose(page.image[..., ::-1].astype(int), cv2.imread(str(path)).astype(int), atol=2)


def test_arrays_are_bgr(small):
    (page,) = pages_of(small)
    assert_array_equal(page.image, small[..., ::-1])
    assert (page.input_path, page.stem, page.suffix) == (None, "array_0", ".png")


def test_gray_and_transparent_arrays(small):
    (gray,) = pages_of(small[..., 0])
    assert_array_equal(gray.image, np.repeat(small[..., :1], 3, -1))
    (gray,) = pages_of(small[..., :1])
    assert gray.image.shape == (40, 60, 3)
    transparent = np.dstack([small, np.zeros((40, 60), np.uint8)])
    (page,) = pages_of(transparent)
    assert (page.image == 255).all()


def test_pillow_modes(small):
    rgb = Image.fromarray(small)
    for mode in ("1", "L", "P", "RGB", "RGBA", "CMYK", "LA", "YCbCr"):
        (page,) = pages_of(rgb.convert(mode))
        assert page.image.shape == (40, 60, 3)
        assert page.image.dtype == np.uint8
    deep = Image.fromarray(np.full((4, 4), 0x8040, np.uint16))
    assert (pages_of(deep)[0].image == 0x80).all()
    with pytest.raises(InputError, match="32-bit"):
        pages_of(Image.fromarray(np.zeros((4, 4), np.float32)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_and_recorded(tmp_path, orientation):
    image = np.zeros((40, 60, 3), np.uint8)
    image[5:9, 10:14] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.png"
    Image.fromarray(image).save(path, exif=exif)
    (page,) = pages_of(path)
    assert page.exif_orientation == (orientation if orientation > 1 else None)
    assert page.image.shape == ((60, 40, 3) if orientation >= 5 else (40, 60, 3))
    centre = np.argwhere(page.image[..., 0] > 128).mean(0)[::-1]
    assert_allclose(page.transform.to_original(centre), (11.5, 6.5))
    assert page.transform.original_size_hw == (40, 60)


def test_a_tiff_has_pages(tmp_path, small):
    path = tmp_path / "a.tiff"
    frames = [Image.fromarray(np.roll(small, 20 * i, 0)) for i in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    pages = pages_of(path)
    assert [page.page_index for page in pages] == [0, 1, 2]
    assert [page.stem for page in pages] == ["a_0", "a_1", "a_2"]
    assert_array_equal(pages[2].image, np.asarray(frames[2]))
    assert [page.page_index for page in pages_of(path, pages="2-")] == [1, 2]
    assert count_pages(path) == 3


def test_pdf_pages_are_rendered_upright_with_their_points(pdf_path):
    pages = pages_of(pdf_path, dpi=144)
    assert [page.page_index for page in pages] == [0, 1, 2]
    assert [page.image.shape for page in pages] == [(1684, 1190, 3), (1684, 1190, 3), (800, 600, 3)]
    assert [page.suffix for page in pages] == [".png"] * 3
    for page in pages:
        assert page.transform.original_unit == "point"
        assert page.dpi == 144
    assert_allclose(pages[0].transform.to_original((-0.5, -0.5)), (0, 0), atol=1e-6)
    assert_allclose(pages[0].transform.to_original((1189.5, 1683.5)), (595, 842), atol=1e-6)
    # /Rotate 90 turns the page clockwise for display: its top left is the stored page's bottom left.
    assert pages[1].transform.original_size_hw == (595, 842)
    assert_allclose(pages[1].transform.to_original((-0.5, -0.5)), (0, 595), atol=1e-6)
    assert count_pages(pdf_path) == 3


def test_points_of_a_pdf_are_where_its_text_is(pdf_path):
    with pymupdf.open(pdf_path) as document:
        for page in pages_of(pdf_path, dpi=100):
            for word in document[page.page_index].get_text("words")[:5]:
                box = pymupdf.Rect(word[:4])  # before /Rotate
                corners = page.transform.to_output([[box.x0, box.y0], [box.x1, box.y1]])
                (x0, y0), (x1, y1) = np.sort(corners, 0).round().astype(int)
                assert page.image[y0 : y1 + 1, x0 : x1 + 1].min() < 128, word[4]


@pytest.mark.parametrize("rotation", [0, 90])
@pytest.mark.parametrize(
    ("place", "is_drawn"),
    [
        ((0, 0, 600, 800), False),
        ((0, 0, 600, 420), False),
        ((-900, 0, 360, 800), False),
        ((0, 0, 600, 300), True),
        ((-900, 0, 200, 800), True),
        (None, True),
    ],
)
def test_a_pdf_page_that_pictures_hardly_cover_is_drawn(tmp_path, small, place, is_drawn, rotation):
    document = pymupdf.open()
    page = document.new_page(width=600, height=800)
    page.insert_text((50, 760), "A line of its own.")
    if place is not None:
        page.insert_image(pymupdf.Rect(place), stream=encoded(small, "PNG"), keep_proportion=False)
    page.set_rotation(rotation)
    document.save(tmp_path / "page.pdf")
    (page,) = pages_of(tmp_path / "page.pdf", dpi=30)
    assert page.is_drawn is is_drawn


def test_page_ranges(pdf_path):
    assert [page.page_index for page in pages_of(pdf_path, pages="3,1-2")] == [2, 0, 1]
    assert count_pages(pdf_path, pages="2-") == 2
    with pytest.raises(InputError, match="has 3 pages"):
        pages_of(pdf_path, pages="4")


def test_page_range_syntax():
    assert parse_page_ranges("1-3, 7,12-") == ((0, 3), (6, 7), (11, None))
    for text in ("", "0", "3-1", "a", "1,,2", "-3", "1.5"):
        with pytest.raises(ConfigError):
            parse_page_ranges(text)


def test_a_pdf_over_the_pixel_limit_is_rendered_smaller_and_says_so(pdf_path):
    page = pages_of(pdf_path, limits=Limits(max_pixels=100_000))[0]
    assert page.image.shape[0] * page.image.shape[1] <= 102_000
    assert "instead of 200 dpi" in page.notes[0]


def test_a_directory_gives_its_pictures_and_pdfs_by_name(tmp_path, small, pdf_path, caplog):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "b.png").write_bytes(encoded(small, "PNG"))
    (folder / "a.JPG").write_bytes(encoded(small, "JPEG"))
    (folder / "sub" / "b.bmp").write_bytes(encoded(small, "BMP"))
    (folder / "c.pdf").write_bytes(pdf_path.read_bytes())
    (folder / "notes.txt").write_text("not a page")
    (folder / ".hidden.png").write_text("hidden")
    pages = pages_of(folder)
    assert [page.stem for page in pages] == ["a", "b", "c_0", "c_1", "c_2", "b-2"]
    assert count_pages(folder) == 6
    assert "left out 1 files" in caplog.text


def test_names_of_a_run_are_unique(tmp_path, small, pdf_path):
    twin = tmp_path / "Document_0.png"
    twin.write_bytes(encoded(small, "PNG"))
    stems = [page.stem for page in pages_of([pdf_path, twin, twin, small, small])]
    assert stems == ["document_0", "document_1", "document_2", "Document_0-2", "Document_0-3", "array_3", "array_4"]


def test_an_empty_list_gives_no_pages():
    assert pages_of([]) == []


def test_bytes(small, pdf_path):
    assert_array_equal(pages_of(encoded(small, "PNG"))[0].image, small)
    assert len(pages_of(pdf_path.read_bytes())) == 3


def test_a_truncated_jpeg_is_decoded_as_far_as_it_goes(tmp_path, page_rgb):
    content = encoded(page_rgb, "JPEG")
    path = tmp_path / "cut.jpg"
    path.write_bytes(content[: len(content) // 2])
    (page,) = pages_of(path)
    assert page.image.shape == page_rgb.shape
    assert "truncated" in page.notes[0]
    assert_allclose(page.image[:300].astype(int), page_rgb[:300].astype(int), atol=90)


def test_odd_sizes_go_through():
    assert pages_of(np.zeros((1, 1, 3), np.uint8))[0].image.shape == (1, 1, 3)
    assert pages_of(np.zeros((20, 40_000), np.uint8))[0].image.shape == (20, 40_000, 3)


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


def test_an_empty_directory(tmp_path):
    with pytest.raises(InputError, match="no pictures or PDFs"):
        pages_of(tmp_path)
    assert pages_of([tmp_path])[0].error is not None


class Handler(BaseHTTPRequestHandler):
    content = encoded(np.full((30, 20, 3), 90, np.uint8), "PNG")

    def do_GET(self):
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_urls(server):
    (page,) = pages_of(f"{server}/pictures/my%20page.png?size=large")
    assert page.image.shape == (30, 20, 3)
    assert (page.stem, page.suffix) == ("my page", ".png")
    with pytest.raises(InputError, match="404"):
        pages_of(f"{server}/missing.png")
    with pytest.raises(InputError, match="max_bytes"):
        pages_of(f"{server}/a.png", limits=Limits(max_bytes=10))


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


def test_one_page_is_held_at_a_time(pdf_path):
    pages = iter_pages(pdf_path)
    assert next(pages).page_index == 0
    Path(pdf_path).unlink()
    assert next(pages).page_index == 1

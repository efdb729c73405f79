"""Small files that cost a careless reader much time or memory, made in code."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

SIDE = 30_000  # 900 megapixels: 2.7 GB decoded


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _zeros(count: int) -> bytes:
    """``count`` zero bytes, deflated: one deflated mebibyte, again and again, without the checksum at the end."""
    packer = zlib.compressobj(9)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block[:2] + (count >> 20) * block[2:]


def png_of_many_pixels() -> bytes:
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    rows = _zeros(64 << 20)  # more than enough to begin with
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def png_with_inflated_text() -> bytes:
    """A hundred texts and profiles of 16 MB each, 16 KB in the file."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(file, "PNG")
    content = file.getvalue()
    text = zlib.compress(bytes(16 << 20), 9)
    extra = _chunk(b"iCCP", b"p\0\0" + text) + 100 * _chunk(b"zTXt", b"k\0\0" + text)
    return content[:33] + extra + content[33:]


def jpeg_of_many_pixels() -> bytes:
    file = io.BytesIO()
    Image.new("L", (64, 64)).save(file, "JPEG")
    content = bytearray(file.getvalue())
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", 65_500, 65_500)
    return bytes(content)


def jpeg_of_many_scans() -> bytes:
    """A progressive JPEG of 60 megapixels with 20,000 refinement scans of a few bytes each."""
    file = io.BytesIO()
    Image.new("L", (64, 64)).save(file, "JPEG", progressive=True)
    content = bytearray(file.getvalue())
    frame = content.index(b"\xff\xc2")
    content[frame + 5 : frame + 9] = struct.pack(">HH", 7_700, 7_700)
    scan = bytes.fromhex("ffda0008010100013f00")
    return bytes(content[:-2]) + 20_000 * (scan + b"\x00\x00") + b"\xff\xd9"


def tiff_of_many_pixels() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "TIFF", compression="tiff_deflate")
    content = bytearray(file.getvalue())
    for tag in (256, 257, 278):  # width, height, rows in a strip
        at = content.index(struct.pack("<HH", tag, 3)) if struct.pack("<HH", tag, 3) in content else None
        if at is not None:
            content[at + 2 : at + 12] = struct.pack("<HII", 4, 1, SIDE)
    return bytes(content)


def tiff_of_many_pages() -> bytes:
    """Twenty thousand pages that share one pixel, each with tags of its own that point to the next."""
    tags = [(256, 4, 1), (257, 4, 1), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 0), (277, 3, 1), (279, 4, 1)]
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    size, count = 2 + len(directory) + 4, 20_000
    parts = [b"II*\0" + struct.pack("<I", 8)]
    for index in range(count):
        following = 8 + size * (index + 1) if index + 1 < count else 0
        parts.append(struct.pack("<H", len(tags)) + directory + struct.pack("<I", following))
    return b"".join(parts)


def webp_of_many_pixels() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "WEBP", lossless=True)
    content = bytearray(file.getvalue())
    at = content.index(b"VP8L") + 9
    content[at : at + 4] = struct.pack("<I", (16_382) | (16_382 << 14))
    return bytes(content)


def bmp_of_many_pixels() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "BMP")
    content = bytearray(file.getvalue())
    content[18:26] = struct.pack("<ii", SIDE, SIDE)
    return bytes(content)


def pdf(objects: list[bytes]) -> bytes:
    """A PDF of these objects; the first is the catalogue."""
    parts, offsets = [b"%PDF-1.7\n"], []
    for number, content in enumerate(objects, 1):
        offsets.append(sum(map(len, parts)))
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start = sum(map(len, parts))
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table))
    parts.append(b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start))
    return b"".join(parts)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(content), entries, content)


def _one_page(contents: bytes, *more: bytes, resources: bytes = b"", box: bytes = b"0 0 595 842") -> bytes:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<<%s>>>>" % (box, resources)
    return pdf(
        [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>", page, contents, *more],
    )


def pdf_of_a_huge_page() -> bytes:
    return _one_page(stream(b"0 0 10 10 re f"), box=b"0 0 14400 14400")


def pdf_that_says_it_has_many_pages() -> bytes:
    return _one_page(stream(b"0 0 10 10 re f")).replace(b"/Count 1/", b"/Count 2000000000/")


def pdf_with_inflated_contents() -> bytes:
    """A page whose drawing commands are 4 GB of zeros, twice deflated."""
    return _one_page(stream(zlib.compress(_zeros(1 << 32), 9), b"/Filter[/FlateDecode/FlateDecode]"))


def pdf_with_a_huge_picture() -> bytes:
    picture = stream(
        _zeros(SIDE * SIDE * 3),
        b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/FlateDecode"
        % (SIDE, SIDE),
    )
    return _one_page(stream(b"595 0 0 842 0 0 cm /I Do"), picture, resources=b"/XObject<</I 5 0 R>>")


def pdf_of_nested_forms() -> bytes:
    """Ten forms, each drawing the next one ten times: ten thousand million rectangles."""
    forms = []
    for level in range(10):
        commands = b"0 0 1 1 re f" if level == 9 else b" ".join([b"/F Do"] * 10)
        inner = b"" if level == 9 else b"/Resources<</XObject<</F %d 0 R>>>>" % (6 + level)
        forms.append(stream(commands, b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]" + inner))
    return _one_page(stream(b"/F Do"), *forms, resources=b"/XObject<</F 5 0 R>>")


def pdf_of_endless_drawing() -> bytes:
    """Half a million curves across the page."""
    numbers = np.random.default_rng(0).integers(0, 800, (500, 6))
    lines = "".join(f"0 0 m {' '.join(map(str, row))} c S\n" for row in numbers)
    return _one_page(stream(zlib.compress(lines.encode() * 1000, 9), b"/Filter/FlateDecode"))


BOMBS: dict[str, Callable[[], bytes]] = {
    make.__name__: make
    for make in (
        png_of_many_pixels,
        png_with_inflated_text,
        jpeg_of_many_pixels,
        jpeg_of_many_scans,
        tiff_of_many_pixels,
        tiff_of_many_pages,
        webp_of_many_pixels,
        bmp_of_many_pixels,
        pdf_of_a_huge_page,
        pdf_that_says_it_has_many_pages,
        pdf_with_inflated_contents,
        pdf_with_a_huge_picture,
        pdf_of_nested_forms,
        pdf_of_endless_drawing,
    )
}

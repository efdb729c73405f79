"""Pictures of every kind, in files and in memory."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from docpre.errors import InputError
from docpre.loading import count_pages
from tests.loading.files import encoded, pages_of


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

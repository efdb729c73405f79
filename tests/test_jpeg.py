from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image

from docpre import DocImgOrientationClassification, jpeg
from docpre.jpeg import decoded, is_complete, reduced
from docpre.loading import iter_pages


def encoded(image: np.ndarray, mode: str = "RGB", **options) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).convert(mode).save(content, "JPEG", **options)
    return content.getvalue()


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_the_pixels_are_pillows(noise, mode, progressive, subsampling):
    content = encoded(noise, mode, progressive=progressive, subsampling=subsampling, quality=90)
    with Image.open(io.BytesIO(content)) as image:
        assert_array_equal(decoded(content), np.asarray(image.convert("RGB")))


@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_a_file_that_breaks_off_is_not_complete(cut, progressive, has_preview):
    image = np.random.default_rng(1).integers(0, 256, (24, 24, 3), np.uint8)
    exif = Image.Exif()
    exif[0x010E] = "\xff\xd9" if has_preview else "a note"  # an end-of-image marker where it means nothing
    content = encoded(image, progressive=progressive, exif=exif)
    assert is_complete(content)
    assert is_complete(content + b"\0" * cut)  # cameras append what they like
    assert not is_complete(content[: min(cut, len(content) - 2)])


@given(st.binary(max_size=200))
def test_any_bytes_are_looked_at_in_peace(content):
    is_complete(content)
    is_complete(b"\xff\xd8" + content)
    assert decoded(b"\xff\xd8" + content + b"x") is None


@pytest.mark.parametrize(("least_side", "scale"), [(100, 8), (101, 4), (201, 2), (401, None)])
def test_the_reduction_leaves_the_side_asked_for(least_side, scale):
    image = np.zeros((800, 1000, 3), np.uint8)
    image[:400, :, 0] = 200
    small = reduced(encoded(image), (800, 1000), least_side)
    if scale is None:
        assert small is None
    else:
        assert small.shape == (800 // scale, 1000 // scale, 3)
        assert small[10, 10, 0] > 150 > small[10, 10, 2]  # RGB


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_preview_is_the_page_made_smaller(tmp_path, page_rgb, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "page.jpg"
    path.write_bytes(encoded(page_rgb, exif=exif))
    (full,) = iter_pages(path)
    (page,) = iter_pages(path, preview_side=200)
    preview = page.glance.to_rgb(page.glance.array)
    assert preview.shape[0] < full.image.shape[0]
    assert min(preview.shape[:2]) >= 200
    assert "image" not in vars(page)  # not decoded yet
    assert_array_equal(page.image, full.image)
    assert page.transform.to_json() == full.transform.to_json()
    with Image.fromarray(page.image) as image:
        small = np.asarray(image.resize(preview.shape[1::-1], Image.Resampling.BOX))
    assert np.abs(small.astype(int) - preview).mean() < 3


def test_the_orientation_module_decodes_no_more_than_it_needs(tmp_path, page_rgb):
    large = np.kron(page_rgb, np.ones((3, 3, 1), np.uint8))  # half of it is still more than a look from near takes
    path = tmp_path / "page.jpg"
    path.write_bytes(encoded(np.rot90(large)))
    module = DocImgOrientationClassification(device="cpu")
    (result,) = module.predict(path)
    assert "image" not in vars(result._page)
    assert result["label_names"] == ["270"]
    assert result["input_img"].shape == np.rot90(large).shape
    assert result.img["res"].size == np.rot90(large).shape[1::-1]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_array_is_converted_when_it_is_asked_for(page_rgb, channels):
    array = {1: page_rgb[..., 0], 3: page_rgb, 4: np.dstack([page_rgb, page_rgb[..., 0]])}[channels]
    (full,) = iter_pages(array)
    (page,) = iter_pages(array, preview_side=200)
    assert page.glance.array is array
    assert "image" not in vars(page)
    assert_array_equal(page.glance.to_rgb(array), full.image)
    assert_array_equal(page.image, full.image)


def test_what_there_is_no_preview_of_is_seen_whole(page_rgb):
    (page,) = iter_pages(Image.fromarray(page_rgb), preview_side=200)
    assert page.preview is None
    assert_array_equal(page.glance.array, page_rgb)


def test_what_is_encoded_is_the_picture_in_rgb(page_rgb):
    reddish = page_rgb // 2
    reddish[..., 0] += 90
    with Image.open(io.BytesIO(jpeg.encoded(reddish, 95))) as image:
        assert image.size == reddish.shape[1::-1]
        assert np.abs(np.asarray(image).astype(int) - reddish).mean() < 2
    with pytest.raises(ValueError, match="65,500"):
        jpeg.encoded(np.zeros((1, 65_501, 3), np.uint8), 95)

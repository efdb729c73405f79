"""Files of pictures, opened before they are decoded, so that limits hold first."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from docpre import jpeg
from docpre.errors import InputError, LimitError
from docpre.loading.exif import exif_orientation, exif_transform, upright
from docpre.loading.formats import READABLE
from docpre.loading.in_memory import decoded_picture
from docpre.loading.limits import Limits
from docpre.loading.page import Decoded, ImageArray, Pixels

# What Pillow may try, in this order.
_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
_JPEG_END = b"\xff\xd9"


class PictureFile:
    """The file of a picture; a TIFF may have several pages.

    Args:
        image: as ``_opened_image`` opens it.
        content: of the file.
        limits: see ``Limits``.
        preview_side: see ``iter_pages``.

    Attributes:
        page_count: how many there are to choose from; None: the file is one picture, its pages have no numbers.
    """

    def __init__(self, image: Image.Image, content: bytes, limits: Limits, preview_side: int | None) -> None:
        self._image = image
        self._content = content
        self._limits = limits
        self._preview_side = preview_side
        # Frames are pages in a TIFF alone; elsewhere they are an animation or a phone's second picture.
        frames = _frame_count(image, limits.max_pages)
        self.page_count = frames if image.format == "TIFF" and frames > 1 else None
        is_animated = frames > 1 and image.format not in ("TIFF", "MPO")
        self._notes = (f"the first of {frames} frames was used",) if is_animated else ()

    def page(self, index: int) -> Decoded:
        """One page, counted from 0.

        Raises:
            InputError: it can't be decoded, or is beyond a limit.
        """
        _seek(self._image, index)
        self._limits.check_pixels(*self._image.size)
        if (page := self._fast_page()) is not None:
            return page
        image, note = _loaded(self._image, self._content)
        return decoded_picture(image, (*self._notes, *([note] if note else [])))

    def _fast_page(self) -> Decoded | None:
        """The page of a sound JPEG in gray or colour; None: leave it to Pillow, which says what is wrong."""
        image, content = self._image, self._content
        if image.format not in ("JPEG", "MPO") or image.mode not in ("RGB", "L") or not jpeg.is_complete(content):
            return None
        size_hw = (image.size[1], image.size[0])
        orientation = exif_orientation(image)
        preview = None if self._preview_side is None else jpeg.reduced(content, size_hw, self._preview_side)
        rgb = jpeg.decoded(content) if preview is None else None
        if preview is None and (rgb is None or rgb.shape[:2] != size_hw):
            return None

        def decoded() -> ImageArray:
            rgb = jpeg.decoded(content)
            assert rgb is not None  # its preview could be decoded
            return upright(rgb, orientation)

        return Decoded(
            decoded if rgb is None else upright(rgb, orientation),
            exif_transform(orientation, size_hw),
            exif_orientation=orientation,
            notes=self._notes,
            preview=None if preview is None else Pixels(upright(preview, orientation)),
        )


@contextmanager
def opened_picture(content: bytes, limits: Limits, preview_side: int | None) -> Iterator[PictureFile]:
    """A picture's file, to be read from until the context ends.

    Raises:
        InputError: it is not a picture, is damaged, or has more pages than it may.
    """
    with _opened_image(content) as image:
        yield PictureFile(image, content, limits, preview_side)


def _opened_image(content: bytes) -> Image.Image:
    """A lazily opened picture. Pillow's own limit on pixels is passed by; docpre's holds before decoding."""
    Image.preinit()
    Image.init()
    for name in _FORMATS:
        factory, accept = Image.OPEN[name]
        if accept is not None and not accept(content[:16]):
            continue
        try:
            return factory(io.BytesIO(content), "")
        except (SyntaxError, IndexError, TypeError, KeyError, EOFError):
            continue  # not this format after all
        except (OSError, ValueError, UnidentifiedImageError) as error:
            raise InputError(f"it is a damaged {name} ({error})") from error
        except Exception as error:  # struct.error and others, on headers that are cut short
            raise InputError(f"it is a damaged {name} ({error!r})") from error
    raise InputError(f"it is neither a picture nor a PDF that docpre can read. {READABLE}")


def _loaded(image: Image.Image, content: bytes) -> tuple[Image.Image, str | None]:
    """The picture, decoded. A JPEG that breaks off is decoded as far as it goes, and a note says so."""
    try:
        image.load()
        return image, None
    except Exception as error:  # Pillow's plug-ins raise whatever they meet
        if image.format not in ("JPEG", "MPO"):
            raise InputError(f"it is a damaged {image.format} ({error})") from error
        try:
            # With an end-of-image marker in place of what is lost, the decoder fills the rest with gray.
            partial = _opened_image(content + _JPEG_END)
            partial.load()
        except Exception as second_error:
            raise InputError(f"it is a damaged JPEG ({error})") from second_error
        return partial, "the JPEG is truncated or damaged; it was decoded as far as it goes"


def _frame_count(image: Image.Image, most: int | None) -> int:
    try:
        if most is not None and image.format == "TIFF":
            # Counting walks through all of the file's pages, millions in a forged one: look only so far.
            for index in range(1, most + 1):
                try:
                    image.seek(index)
                except EOFError:
                    image.seek(0)
                    return index
            raise LimitError(f"it has more than {most} pages (max_pages)")
        return int(getattr(image, "n_frames", 1))
    except LimitError:
        raise
    except Exception as error:  # Pillow's plug-ins raise whatever they meet
        raise InputError(f"it is a damaged {image.format} ({error})") from error


def _seek(image: Image.Image, index: int) -> None:
    try:
        image.seek(index)
    except Exception as error:  # Pillow's plug-ins raise whatever they meet
        raise InputError(f"it is a damaged {image.format} ({error})") from error

"""Whatever a user names as input becomes an iterator of pages, one decoded page in memory at a time."""

from __future__ import annotations

import io
import itertools
import logging
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from docpre import jpeg
from docpre.errors import ConfigError, DocpreError, InputError, LimitError
from docpre.geometry import Angle, Homography, Transform, turned_back
from docpre.mupdf import PDF_LOCK, mupdf

ImageArray = NDArray[np.uint8]
Item = TypeVar("Item")
OnError = Literal["result", "raise"]

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".tif", ".tiff", ".webp")
PDF_SUFFIXES = (".pdf",)
# What Pillow may try, in this order.
_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
_READABLE = "Readable are JPEG, PNG, BMP, TIFF, WebP and PDF."
_EXIF_ORIENTATION = 0x0112
_JPEG_END = b"\xff\xd9"
_URL = re.compile(r"https?://", re.IGNORECASE)
_POINTS_PER_INCH = 72
# What MuPDF paints as pictures, scanned pages as masks among them; from this share on a PDF's page may be a photo.
_PICTURES, _PICTURE_SHARE = ("fill-image", "fill-imgmask"), 0.5
_USER_AGENT = "docpre (document preprocessing)"
_LOG = logging.getLogger("docpre")


@dataclass(frozen=True)
class Limits:
    """What an input may cost. None lifts a limit.

    Args:
        max_bytes: of a file, a download, or bytes.
        max_pixels: of one page, looked at before it is decoded. PDF pages are rendered at a lower resolution instead
            of being refused.
        max_pages: of one document.
        url_timeout_s: seconds without an answer from a server.
    """

    max_bytes: int | None = 512 * 1024**2
    max_pixels: int | None = 200_000_000
    max_pages: int | None = 10_000
    url_timeout_s: float = 30.0

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pixels", "max_pages"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigError(f"{name} is a whole number of at least 1, or None for no limit, not {value!r}.")


def _as_it_is(image: NDArray[np.uint8]) -> ImageArray:
    return image


@dataclass(frozen=True, eq=False)
class Pixels:
    """A picture in memory that is converted to RGB after it has been made smaller, which is cheaper.

    Args:
        array: (H, W) or (H, W, C) uint8, its channels in any order.
        to_rgb: what makes RGB of it, or of a smaller one.
    """

    array: NDArray[np.uint8]
    to_rgb: Callable[[NDArray[np.uint8]], ImageArray] = _as_it_is


@dataclass(frozen=True, eq=False)
class Page:
    """One page, decoded, or the reason why it could not be.

    Args:
        pixels: (H, W, 3) RGB uint8, or a function that decodes them; None if ``error`` is set.
        input_path: what the user named, as text; None for pictures in memory.
        page_index: counted from 0 in a PDF or a file of several pages, else None.
        stem: name for output files, unique within the run.
        suffix: extension for output pictures, with its dot.
        transform: from the original's pixels (points) to ``image``.
        exif_orientation: 1 to 8 if the file states one and it was applied, else None.
        dpi: at which a PDF page was rendered, else None.
        notes: what the user should know, such as that a file was truncated.
        error: set on a page that failed.
        preview: what is enough for those to whom a small picture may be enough, where that was asked for and comes
            cheaper than ``image``: the same picture at a reduced scale, or a user's array as it came.
        is_drawn: a PDF's page that is text and lines, not a picture: pictures cover less than half of it.
    """

    pixels: ImageArray | Callable[[], ImageArray] | None
    input_path: str | None
    page_index: int | None
    stem: str
    suffix: str
    transform: Transform = field(default_factory=lambda: Transform.identity((0, 0)))
    exif_orientation: int | None = None
    dpi: float | None = None
    notes: tuple[str, ...] = ()
    error: DocpreError | None = None
    preview: Pixels | None = None
    is_drawn: bool = False

    @cached_property
    def image(self) -> ImageArray | None:
        """(H, W, 3) RGB uint8, decoded now if it has not been yet; None if ``error`` is set."""
        return self.pixels() if callable(self.pixels) else self.pixels

    @property
    def glance(self) -> Pixels | None:
        """The preview, or without one ``image``; None if ``error`` is set."""
        return self.preview or (None if self.image is None else Pixels(self.image))


@dataclass(frozen=True, eq=False)
class NamedContent:
    """The content of a file, and the path, URL or other name that messages and results call it by."""

    content: bytes
    name: str


def iter_pages(
    input: Any,
    *,
    dpi: float = 200,
    pages: str | None = None,
    limits: Limits = Limits(),
    on_error: OnError = "result",
    preview_side: int | None = None,
) -> Iterator[Page]:
    """The pages of an input, in order, each decoded when it is asked for.

    Args:
        input: ndarray (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA, uint8; PIL image; bytes of a file, or
            ``NamedContent``; path of a picture or PDF; URL; directory (its pictures and PDFs, in all its folders, by
            name); a ``Page`` that was read already, which comes as it is; list of these.
        dpi: at which PDF pages are rendered.
        pages: which pages of PDFs and multi-page files, counted from 1: ``"1-3,7,12-"``. None: all.
        limits: see ``Limits``.
        on_error: ``result``: where there are several pages, one that fails becomes a page with ``error`` set, and the
            others are delivered. ``raise``: the first failure is raised.
        preview_side: for those to whom a small picture may be enough: pictures that can be decoded at a reduced scale
            for less, both sides keeping so many pixels at least, come with that as ``preview``, and are decoded in
            full when ``image`` is asked for. Arrays come as they are and are converted when ``image`` is asked for (so
            don't write into one while its page is in use).

    Raises:
        InputError: a single input can't be processed, or any with ``on_error="raise"``.
        ConfigError: ``dpi``, ``pages`` or ``on_error`` is malformed.
    """
    if not (isinstance(dpi, (int, float)) and not isinstance(dpi, bool) and 1 <= dpi <= 2400):
        raise ConfigError(f"dpi is a number from 1 to 2400, not {dpi!r}.")
    if on_error not in ("result", "raise"):
        raise ConfigError(f"on_error is 'result' or 'raise', not {on_error!r}.")
    reader = _Reader(dpi, parse_page_ranges(pages), limits, on_error, preview_side)
    return reader.read(input)


def pages_from_arguments(input: Any, arguments: Mapping[str, Any], preview_side: int | None = None) -> Iterator[Page]:
    """The pages that the keyword arguments of a ``predict`` ask for.

    Args:
        input: see ``iter_pages``.
        arguments: ``dpi``, ``pages`` and ``on_error`` of ``iter_pages``, and the fields of ``Limits``.
        preview_side: see ``iter_pages``.

    Raises:
        ConfigError: one is unknown or wrong.
    """
    limit_names = [f.name for f in fields(Limits)]
    known = ["dpi", "pages", "on_error", *limit_names]
    if unknown := sorted(set(arguments) - set(known)):
        raise ConfigError(f"Unknown argument: {', '.join(unknown)}. Arguments on reading are {', '.join(known)}.")
    limits = Limits(**{name: arguments[name] for name in limit_names if name in arguments})
    others = {name: value for name, value in arguments.items() if name not in limit_names}
    return iter_pages(input, limits=limits, preview_side=preview_side, **others)


def batches(pages: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """Pages (or what comes of them) in lists of ``size``, the last one shorter.

    Raises:
        ConfigError: ``size`` is not a whole number of at least 1.
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ConfigError(f"batch_size is a whole number of at least 1, not {size!r}.")
    return iter(lambda: list(itertools.islice(pages, size)), [])


def read_content(name: str, limits: Limits = Limits()) -> NamedContent:
    """What is in a file or at a URL.

    Raises:
        InputError: it can't be read, is empty, or is beyond a limit.
    """
    try:
        return NamedContent(_Reader(_POINTS_PER_INCH, None, limits, "raise", None).content(name), name)
    except InputError as error:
        raise type(error)(f"{name}: {error}.") from error


def count_pages(input: Any, *, pages: str | None = None) -> int | None:
    """How many pages an input will give, for progress bars; None where that is not known without reading it all."""
    ranges = parse_page_ranges(pages)
    try:
        if isinstance(input, (list, tuple)):
            counts = [count_pages(item, pages=pages) for item in input]
            return None if None in counts else sum(count for count in counts if count is not None)
        if isinstance(input, NamedContent) and b"%PDF-" in input.content[:1024]:
            with PDF_LOCK, mupdf().open(stream=input.content, filetype="pdf") as document:
                return len(_chosen(ranges, document.page_count, input.name))
        if isinstance(input, (str, os.PathLike)) and not is_url(input):
            path = Path(input).expanduser()
            if path.is_dir():
                return count_pages(files_in(path)[0], pages=pages)
            if path.suffix.lower() in PDF_SUFFIXES:
                with PDF_LOCK, mupdf().open(path) as document:
                    return len(_chosen(ranges, document.page_count, str(path)))
            if path.suffix.lower() in (".tif", ".tiff"):
                with Image.open(path) as image:
                    return len(_chosen(ranges, getattr(image, "n_frames", 1), str(path)))
        return None if is_url(input) or isinstance(input, (bytes, bytearray, memoryview, NamedContent)) else 1
    except Exception:  # a count is a courtesy; what is wrong with the input is said when it is read
        return 1


def parse_page_ranges(text: str | None) -> tuple[tuple[int, int | None], ...] | None:
    """``"1-3,7,12-"`` to ``((0, 3), (6, 7), (11, None))``: half-open ranges counted from 0.

    Raises:
        ConfigError: it is not such a list.
    """
    if text is None:
        return None
    ranges: list[tuple[int, int | None]] = []
    for part in str(text).split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:(-)\s*(\d+)?)?\s*", part)
        first = int(match[1]) if match else 0
        last = int(match[3]) if match and match[3] else (None if match and match[2] else first)
        if not match or first < 1 or (last is not None and last < first):
            raise ConfigError(f"pages is a list such as '1-3,7,12-', counted from 1, not {text!r}.")
        ranges.append((first - 1, last))
    return tuple(ranges)


def to_rgb(image: Image.Image) -> ImageArray:
    """A Pillow image of any mode as (H, W, 3) RGB uint8; what is transparent becomes white, 16 bits become 8.

    Raises:
        InputError: its values have no stated range (32-bit integers or floats).
    """
    if image.mode in ("I;16", "I;16L", "I;16B", "I;16N"):
        gray = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return np.repeat(gray[..., None], 3, -1)
    if image.mode in ("I", "F"):
        raise InputError(
            f"its pixels are 32-bit {'integers' if image.mode == 'I' else 'floats'}, whose range is not stated; "
            "convert it to 8 or 16 bits a channel"
        )
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))


def array_to_rgb(array: NDArray[Any]) -> ImageArray:
    """A user's array, BGR as OpenCV reads it (or gray, or BGRA over white), as (H, W, 3) RGB uint8, contiguous.

    Raises:
        InputError: it is not uint8, not of such a shape, or empty.
    """
    _check_array(array)
    array = np.ascontiguousarray(array)
    channels = array.shape[2] if array.ndim == 3 else 1
    if channels == 1:
        return cv2.cvtColor(array.reshape(array.shape[:2]), cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    if channels == 3:
        return cv2.cvtColor(array, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
    return to_rgb(Image.fromarray(cv2.cvtColor(array, cv2.COLOR_BGRA2RGBA)))


def _check_array(array: NDArray[Any]) -> None:
    if array.dtype != np.uint8:
        raise InputError(f"the array is {array.dtype}; docpre takes uint8, 0 to 255")
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise InputError(
            f"the array's shape is {array.shape}; docpre takes (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA"
        )
    if 0 in array.shape:
        raise InputError(f"the array of shape {array.shape} is empty")


@dataclass(frozen=True)
class _Source:
    """Where a document comes from: for messages, and for the names of output files."""

    label: str
    input_path: str | None
    stem: str
    suffix: str


class _Reader:
    """One run over an input; keeps the names of output files apart."""

    def __init__(
        self,
        dpi: float,
        ranges: tuple[tuple[int, int | None], ...] | None,
        limits: Limits,
        on_error: OnError,
        preview_side: int | None,
    ) -> None:
        self._dpi = dpi
        self._ranges = ranges
        self._limits = limits
        self._on_error = on_error
        self._preview_side = preview_side
        self._stems: set[str] = set()

    def read(self, input: Any) -> Iterator[Page]:
        if isinstance(input, (list, tuple)):
            yield from self._read_list(input)
        elif (directory := _as_directory(input)) is not None:
            files, ignored = files_in(directory)
            if not files:
                raise InputError(f"The directory {directory} has no pictures or PDFs. {_READABLE}")
            if ignored:
                _LOG.warning("%s: left out %d files that are neither pictures nor PDFs", directory, ignored)
            yield from self._read_list(files)
        else:
            yield from self._read_one(input, 0)

    def _read_list(self, items: Sequence[Any]) -> Iterator[Page]:
        for position, item in enumerate(items):
            try:
                if isinstance(item, (list, tuple)):
                    raise InputError(f"Item {position} is a list inside a list; give one flat list.")
                if (directory := _as_directory(item)) is not None:
                    yield from self.read(directory)
                else:
                    yield from self._read_one(item, position)
            except DocpreError as error:
                if self._on_error == "raise":
                    raise
                source = self._source(item, position)
                yield self._failed(source, None, error)

    def _read_one(self, item: Any, position: int) -> Iterator[Page]:
        if isinstance(item, Page):
            yield item
            return
        source = self._source(item, position)
        try:
            if isinstance(item, np.ndarray):
                if item.ndim >= 2:
                    self._check_pixels(item.shape[1], item.shape[0])
                yield self._array_page(source, item)
            elif isinstance(item, Image.Image):
                self._check_pixels(*item.size)
                yield self._picture_page(source, item, None, ())
            else:
                yield from self._document(source, self.content(item))
        except InputError as error:
            if str(error).startswith(source.label):
                raise
            raise type(error)(f"{source.label}: {error}" + ("" if str(error).endswith(".") else ".")) from error

    def content(self, item: Any) -> bytes:
        """What a path or URL names, or bytes as they are."""
        if isinstance(item, NamedContent):
            item = item.content
        if isinstance(item, (bytes, bytearray, memoryview)):
            content = bytes(item)
            self._check_bytes(len(content))
        elif isinstance(item, (str, os.PathLike)):
            content = self._download(str(item)) if is_url(item) else self._file(Path(item).expanduser())
        else:
            raise InputError(
                f"docpre takes an ndarray, a PIL image, bytes, a path, a URL, a directory, or a list of these, "
                f"not {'None' if item is None else type(item).__name__}"
            )
        if not content:
            raise InputError("it is empty")
        return content

    def _file(self, path: Path) -> bytes:
        try:
            if not path.exists():
                raise InputError("there is no such file")
            if not path.is_file():
                raise InputError("it is not a regular file")
            self._check_bytes(path.stat().st_size)
            return path.read_bytes()
        except (OSError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"it can't be read ({getattr(error, 'strerror', None) or error})") from error

    def _download(self, url: str) -> bytes:
        limit = self._limits.max_bytes
        try:
            request = urllib.request.Request(url, headers={"User-Agent": _USER_AGENT})
            with urllib.request.urlopen(request, timeout=self._limits.url_timeout_s) as answer:
                content = answer.read() if limit is None else answer.read(limit + 1)
        except urllib.error.HTTPError as error:
            raise InputError(f"the server answered {error.code} {error.reason}") from error
        except (OSError, ValueError) as error:
            raise InputError(f"it can't be reached ({getattr(error, 'reason', None) or error})") from error
        self._check_bytes(len(content))
        return bytes(content)

    def _document(self, source: _Source, content: bytes) -> Iterator[Page]:
        if b"%PDF-" in content[:1024]:
            yield from self._pdf_pages(source, content)
            return
        with _opened_image(content) as image:
            # Frames are pages in a TIFF alone; elsewhere they are an animation or a phone's second picture.
            frames = _frame_count(image, self._limits.max_pages)
            paged = image.format == "TIFF" and frames > 1
            notes = [] if paged or frames == 1 or image.format == "MPO" else [f"the first of {frames} frames was used"]
            for index in self._chosen_pages(frames, source) if paged else [0]:
                page_index = index if paged else None
                try:
                    _seek(image, index)
                    self._check_pixels(*image.size)
                    page = self._fast_page(source, image, content, tuple(notes))
                    if page is None:
                        image, note = _loaded(image, content)
                        page = self._picture_page(source, image, page_index, (*notes, *([note] if note else [])))
                except InputError as error:
                    labelled = _labelled(source, page_index, error)
                    if not paged or self._on_error == "raise":
                        raise labelled from error
                    page = self._failed(source, page_index, labelled)
                yield page

    def _array_page(self, source: _Source, array: NDArray[Any]) -> Page:
        _check_array(array)
        transform = Transform.identity((array.shape[0], array.shape[1]))
        if self._preview_side is None:
            return self._page(source, array_to_rgb(array), None, transform)
        preview = Pixels(array, array_to_rgb)
        return self._page(source, lambda: array_to_rgb(array), None, transform, preview=preview)

    def _fast_page(self, source: _Source, image: Image.Image, content: bytes, notes: tuple[str, ...]) -> Page | None:
        """The page of a sound JPEG in gray or colour; None: leave it to Pillow, which says what is wrong."""
        if image.format not in ("JPEG", "MPO") or image.mode not in ("RGB", "L") or not jpeg.is_complete(content):
            return None
        size_hw = (image.size[1], image.size[0])
        orientation = _exif_orientation(image)
        preview = None if self._preview_side is None else jpeg.reduced(content, size_hw, self._preview_side)
        rgb = jpeg.decoded(content) if preview is None else None
        if preview is None and (rgb is None or rgb.shape[:2] != size_hw):
            return None

        def decoded() -> ImageArray:
            rgb = jpeg.decoded(content)
            assert rgb is not None  # its preview could be decoded
            return _upright(rgb, orientation)

        return self._page(
            source,
            decoded if rgb is None else _upright(rgb, orientation),
            None,
            _exif_transform(orientation, size_hw),
            exif_orientation=orientation,
            notes=notes,
            preview=None if preview is None else Pixels(_upright(preview, orientation)),
        )

    def _picture_page(
        self, source: _Source, image: Image.Image, page_index: int | None, notes: tuple[str, ...]
    ) -> Page:
        size_hw = (image.size[1], image.size[0])
        if 0 in size_hw:
            raise InputError("the picture has no pixels")
        orientation = _exif_orientation(image)
        try:
            rgb = _upright(to_rgb(image), orientation)
        except InputError:
            raise
        except Exception as error:  # Pillow's plug-ins raise whatever they meet
            raise InputError(f"it can't be decoded ({error})") from error
        transform = _exif_transform(orientation, size_hw)
        return self._page(source, rgb, page_index, transform, exif_orientation=orientation, notes=notes)

    def _pdf_pages(self, source: _Source, content: bytes) -> Iterator[Page]:
        with PDF_LOCK:
            try:
                document = mupdf().open(stream=content, filetype="pdf")
            except Exception as error:  # pymupdf raises a dozen kinds
                raise InputError(f"it is a broken PDF ({error})") from error
            needs_password, count = bool(document.needs_pass), document.page_count
        try:
            if needs_password:
                raise InputError("the PDF is encrypted; remove its password first")
            if count == 0:
                raise InputError("the PDF has no pages, or is broken")
            for index in self._chosen_pages(count, source):
                try:
                    page = self._pdf_page(source, document, index)
                except InputError as error:
                    labelled = _labelled(source, index, error)
                    if self._on_error == "raise":
                        raise labelled from error
                    page = self._failed(source, index, labelled)
                yield page
        finally:
            with PDF_LOCK:
                document.close()

    def _pdf_page(self, source: _Source, document: Any, index: int) -> Page:
        notes: list[str] = []
        with PDF_LOCK:
            try:
                page = document[index]
                width, height = page.rect.width, page.rect.height
                if min(width, height) <= 0:
                    raise InputError("the page has no area")
                dpi = self._capped_dpi(width, height, notes)
                zoom = dpi / _POINTS_PER_INCH
                pixmap = page.get_pixmap(matrix=mupdf().Matrix(zoom, zoom), alpha=False, colorspace=mupdf().csRGB)
                rows = np.frombuffer(pixmap.samples_mv, np.uint8).reshape(pixmap.height, pixmap.stride)
                rgb = rows[:, : 3 * pixmap.width].reshape(pixmap.height, pixmap.width, 3).copy()
                derotation = tuple(page.derotation_matrix)
                is_drawn = _picture_share(page) < _PICTURE_SHARE
            except InputError:
                raise
            except Exception as error:
                raise InputError(f"the page can't be rendered ({error})") from error
        # Pixel centres to points: pixel (0, 0) covers the points from 0 to 1/zoom.
        to_points = np.array([[1 / zoom, 0, 0.5 / zoom], [0, 1 / zoom, 0.5 / zoom], [0, 0, 1]])
        a, b, c, d, e, f = derotation
        derotate = np.array([[a, c, e], [b, d, f], [0, 0, 1]])
        unrotated_size = (height, width) if abs(a) > 0.5 else (width, height)
        step = Homography(derotate @ to_points)
        transform = Transform(unrotated_size, (rgb.shape[0], rgb.shape[1]), (step,), "point")
        return self._page(source, rgb, index, transform, dpi=dpi, notes=tuple(notes), is_drawn=is_drawn)

    def _capped_dpi(self, width: float, height: float, notes: list[str]) -> float:
        limit = self._limits.max_pixels
        pixels = width * height * (self._dpi / _POINTS_PER_INCH) ** 2
        if limit is None or pixels <= limit:
            return self._dpi
        dpi = self._dpi * (limit / pixels) ** 0.5
        notes.append(f"rendered at {dpi:.1f} instead of {self._dpi:g} dpi to stay within {limit:,} pixels")
        return dpi

    def _chosen_pages(self, count: int, source: _Source) -> Sequence[int]:
        chosen = _chosen(self._ranges, count, source.label)
        if self._limits.max_pages is not None and len(chosen) > self._limits.max_pages:
            raise LimitError(
                f"it has {len(chosen)} pages, over the limit of {self._limits.max_pages}; choose some (pages) "
                "or raise the limit (max_pages)"
            )
        return chosen

    def _check_bytes(self, count: int) -> None:
        if self._limits.max_bytes is not None and count > self._limits.max_bytes:
            raise LimitError(f"it is over the limit of {self._limits.max_bytes:,} bytes (max_bytes)")

    def _check_pixels(self, width: int, height: int) -> None:
        limit = self._limits.max_pixels
        if limit is not None and width * height > limit:
            raise LimitError(f"its {width}x{height} pixels are over the limit of {limit:,} (max_pixels)")

    def _source(self, item: Any, position: int) -> _Source:
        if isinstance(item, (str, os.PathLike, NamedContent)):
            path = item.name if isinstance(item, NamedContent) else str(item)
            name = _path_of_url(path) if is_url(item) else path
            stem = re.sub(r"[^\w.()+@ -]", "_", Path(name).stem)[:150].strip() or "page"
            suffix = Path(name).suffix.lower()
            return _Source(path, path, stem, suffix if suffix in IMAGE_SUFFIXES else ".png")
        label = f"The array at position {position}" if isinstance(item, np.ndarray) else f"The input at {position}"
        if isinstance(item, (bytes, bytearray, memoryview, Image.Image)):
            label = f"The {'picture' if isinstance(item, Image.Image) else 'bytes'} at position {position}"
        return _Source(label, None, f"array_{position}", ".png")

    def _page(
        self,
        source: _Source,
        pixels: ImageArray | Callable[[], ImageArray],
        page_index: int | None,
        transform: Transform,
        **details: Any,
    ) -> Page:
        stem = self._unique_stem(source, page_index)
        suffix = ".png" if transform.original_unit == "point" else source.suffix
        return Page(pixels, source.input_path, page_index, stem, suffix, transform, **details)

    def _failed(self, source: _Source, page_index: int | None, error: DocpreError) -> Page:
        stem = self._unique_stem(source, page_index)
        return Page(None, source.input_path, page_index, stem, source.suffix, error=error)

    def _unique_stem(self, source: _Source, page_index: int | None) -> str:
        stem = source.stem if page_index is None else f"{source.stem}_{page_index}"
        candidate, number = stem, 2
        while candidate.casefold() in self._stems:
            candidate, number = f"{stem}-{number}", number + 1
        self._stems.add(candidate.casefold())
        return candidate


def _picture_share(page: Any) -> float:
    """How much of a PDF's page its pictures cover, as a share of its area; where they overlap it counts twice."""
    paper = page.rect * page.derotation_matrix  # the places are those before /Rotate
    places = [mupdf().Rect(place) for kind, place in page.get_bboxlog() if kind in _PICTURES]
    return float(sum((place & paper).get_area() for place in places) / paper.get_area())


def _labelled(source: _Source, page_index: int | None, error: InputError) -> InputError:
    page = "" if page_index is None else f", page {page_index + 1}"
    return type(error)(f"{source.label}{page}: {error}.")


def is_url(item: Any) -> bool:
    """Whether an input is a URL that can be fetched."""
    return isinstance(item, str) and bool(_URL.match(item))


def _path_of_url(url: str) -> str:
    try:
        return urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    except ValueError:  # malformed; what is wrong with it is said when it is fetched
        return url


def _as_directory(item: Any) -> Path | None:
    if not isinstance(item, (str, os.PathLike)) or is_url(item):
        return None
    path = Path(item).expanduser()
    try:
        return path if path.is_dir() else None
    except (OSError, ValueError):
        return None


def files_in(directory: Path) -> tuple[list[Path], int]:
    """Pictures and PDFs in a directory and its folders, by name, and how many other files there are."""
    files, ignored = [], 0
    for folder, subfolders, names in os.walk(directory):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            if Path(name).suffix.lower() in (*IMAGE_SUFFIXES, *PDF_SUFFIXES):
                files.append(Path(folder, name))
            else:
                ignored += 1
    return files, ignored


def _chosen(ranges: tuple[tuple[int, int | None], ...] | None, count: int, label: str) -> Sequence[int]:
    if ranges is None:
        return range(count)  # not a list: a forged file may say that it has billions
    chosen: list[int] = []
    for first, stop in ranges:
        if first >= count or (stop is not None and stop > count):
            raise InputError(
                f"{label} has {count} pages; page {(stop or first + 1) if stop else first + 1} is not there."
            )
        chosen.extend(range(first, count if stop is None else stop))
    return chosen


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
    raise InputError(f"it is neither a picture nor a PDF that docpre can read. {_READABLE}")


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


def _exif_orientation(image: Image.Image) -> int | None:
    """2 to 8 where the picture's EXIF says so; None where it says nothing that changes anything, or is damaged."""
    try:
        value = image.getexif().get(_EXIF_ORIENTATION)
    except Exception as error:  # EXIF is parsed by hand in Pillow and breaks in many ways
        _LOG.warning("The picture's EXIF can't be read and was ignored: %s", error)
        return None
    return value if isinstance(value, int) and 2 <= value <= 8 else None


def _upright(rgb: ImageArray, exif_orientation: int | None) -> ImageArray:
    """A picture (H, W, 3) as its EXIF orientation says that it is to be shown."""
    if exif_orientation in (5, 7):
        rgb = np.ascontiguousarray(rgb.transpose(1, 0, 2))
    if exif_orientation in (2, 4):
        rgb = np.ascontiguousarray(rgb[:, ::-1] if exif_orientation == 2 else rgb[::-1])
    angles_cw_deg: Mapping[int | None, Angle] = {3: 180, 6: 270, 7: 180, 8: 90}
    return turned_back(rgb, angles_cw_deg.get(exif_orientation, 0))


def _exif_transform(orientation: int | None, size_hw: tuple[int, int]) -> Transform:
    """From the pixels of a file to those of the picture that its EXIF orientation makes of them."""
    if orientation is None:
        return Transform.identity(size_hw)
    upright_hw = size_hw[::-1] if orientation >= 5 else size_hw
    return Transform(size_hw, upright_hw, (Homography(_exif_matrix(orientation, size_hw[1], size_hw[0])),))


def _exif_matrix(orientation: int, width: int, height: int) -> NDArray[np.float64]:
    """(3, 3): pixels of the upright picture to pixels of the file, for the EXIF orientations 2 to 8."""
    x, y = width - 1, height - 1
    rows = {
        2: ((-1, 0, x), (0, 1, 0)),
        3: ((-1, 0, x), (0, -1, y)),
        4: ((1, 0, 0), (0, -1, y)),
        5: ((0, 1, 0), (1, 0, 0)),
        6: ((0, 1, 0), (-1, 0, y)),
        7: ((0, -1, x), (-1, 0, y)),
        8: ((0, -1, x), (1, 0, 0)),
    }[orientation]
    return np.array([*rows, (0, 0, 1)], np.float64)

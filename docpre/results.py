"""What a page became: values, printing and saving as PaddleOCR's results have them, and more."""

from __future__ import annotations

import json
import logging
import mimetypes
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from docpre import jpeg
from docpre.errors import DocpreError, InputError
from docpre.geometry import Transform, turned_back
from docpre.loading import ImageArray, Page
from docpre.pdf_output import PdfPage, save_pdf_pages

_LOG = logging.getLogger("docpre")
_CAPTION_SIZE = 16
_QUALITY = 95
# PNG is lossless at every level; the higher ones take four times as long for files of much the same size.
_SAVING: Mapping[str, Mapping[str, Any]] = {
    ".jpg": {"quality": _QUALITY},
    ".jpeg": {"quality": _QUALITY},
    ".webp": {"quality": _QUALITY},
    ".png": {"compress_level": 1},
    ".tif": {"compression": "tiff_lzw"},
    ".tiff": {"compression": "tiff_lzw"},
}

# A text in JSON has no line break, so this is never inside one.
_NUMBERS = re.compile(r"\[\n[-+.\deE,\s\[\]]*\]")


class Result(Mapping[str, Any]):
    """A page's result: a mapping of values, with ways to print and save it.

    Pixels are BGR uint8, contiguous, as OpenCV takes them. A page that failed has ``error`` set and no pixels.
    """

    #: What follows the stem in file names that docpre chooses, for the JSON and for the picture.
    json_suffix = ""
    img_suffix = ""

    def __init__(self, page: Page, values: Mapping[str, Any], output: ImageArray | None, transform: Transform) -> None:
        self._page = page
        self._values = dict(values)
        self._output = output
        #: From the original file to the output page, and back.
        self.transform = transform
        #: Why the page failed, or None.
        self.error: DocpreError | None = page.error
        #: What the user should know of how the page was read.
        self.notes = page.notes
        #: 2 to 8 where the file stated an EXIF orientation and it was applied, else None.
        self.exif_orientation = page.exif_orientation
        #: At which a PDF page was rendered, else None.
        self.dpi = page.dpi

    def __getitem__(self, key: str) -> Any:
        pixels = self._pixels()
        if key in pixels:
            return getattr(self, pixels[key])
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        yield from self._values
        yield from self._pixels()

    def __len__(self) -> int:
        return len(self._values) + len(self._pixels())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._summary()!r})"

    def __str__(self) -> str:
        return str({"res": self._summary()})

    def _pixels(self) -> Mapping[str, str]:
        """Keys whose values are pictures, and the attributes that make them."""
        raise NotImplementedError

    def _summary(self) -> dict[str, Any]:
        """What is printed: all values that are short, as plain Python."""
        summary = {key: _plain(value) for key, value in self._values.items()}
        for name in ("exif_orientation", "dpi"):
            if getattr(self, name) is not None:
                summary[name] = getattr(self, name)
        if self.notes:
            summary["notes"] = list(self.notes)
        if self.error is not None:
            summary["error"] = str(self.error)
        return summary

    def _pictures(self) -> dict[str, Image.Image]:
        raise NotImplementedError

    @cached_property
    def input_image(self) -> ImageArray:
        """The page as it came, after its EXIF orientation, BGR."""
        return _bgr(self._page_image())

    @cached_property
    def output_image(self) -> ImageArray:
        """The page as it became, BGR."""
        unchanged = self._output is None or self._output is self._page.image
        return self.input_image if unchanged else _bgr(self._output_image())

    @property
    def clean_page(self) -> ImageArray:
        """The page as it became, (H, W, 3) RGB uint8, as docpre's own parts take it; not to be written into."""
        return self._output_image()

    @property
    def json(self) -> dict[str, Any]:
        """``{"res": {...}}``, what ``save_to_json`` writes: the values and the transform, without pixels."""
        content = self._summary()
        if self.error is None:
            content["transform"] = self.transform.to_json()
        return {"res": content}

    @property
    def img(self) -> dict[str, Image.Image]:
        """Pictures for looking at, by name; none of a page that failed."""
        return {} if self.error is not None else self._pictures()

    @property
    def page_suffix(self) -> str:
        """The extension, with its dot, of the clean page's file in its input's format."""
        return ".pdf" if self.transform.original_unit == "point" else self._page.suffix

    def print(
        self, format_json: bool = True, indent: int = 4, ensure_ascii: bool = False, file: TextIO | None = None
    ) -> None:
        """Write ``{"res": {...}}`` to stdout: as JSON, or with ``format_json=False`` as one line of Python."""
        content = {"res": self._summary()}
        text = json.dumps(content, indent=indent, ensure_ascii=ensure_ascii) if format_json else str(content)
        (file or sys.stdout).write(text + "\n")

    def save_to_json(self, save_path: str | Path, indent: int = 4, ensure_ascii: bool = False) -> Path:
        """Write ``.json`` to a file, or under a name of docpre's choice into a directory, which is made.

        Args:
            save_path: a path that ends in ``.json`` is taken as it is; any other is a directory.
            indent: spaces a level; lists of numbers stay in one line.
            ensure_ascii: write other characters as escapes.

        Returns:
            The file's path.
        """
        path = self._target(save_path, f"{self.json_suffix}.json", lambda path: path.suffix.lower() == ".json")
        text = json.dumps(self.json, indent=indent, ensure_ascii=ensure_ascii)
        path.write_text(_NUMBERS.sub(_in_one_line, text), "utf-8")
        return path

    def save_to_img(self, save_path: str | Path) -> Path | None:
        """Write ``.img`` to a file, or under a name of docpre's choice into a directory, which is made.

        Args:
            save_path: a path with a picture's extension is taken as it is; any other is a directory.

        Returns:
            The file's path; None for a page that failed, of which there is no picture (a warning is logged).
        """
        if not self._has_page("picture"):
            return None
        path = self._target(save_path, f"{self.img_suffix}{self._page.suffix}", _is_picture)
        (picture,) = self.img.values()
        _save_picture(picture, path)
        return path

    def save_page(self, save_path: str | Path) -> Path | None:
        """Write the clean page alone.

        Args:
            save_path: a path that ends in ``.pdf`` or in a picture's extension is taken as it is; any other is a
                directory, and the page keeps its input's format. A PDF page that needed no unwarping is written as
                it was (turned, if need be), with its text and vectors.

        Returns:
            The file's path; None for a page that failed (a warning is logged).
        """
        if not self._has_page("clean page"):
            return None
        path = self._target(
            save_path, f"_page{self.page_suffix}", lambda path: _is_picture(path) or path.suffix.lower() == ".pdf"
        )
        if path.suffix.lower() == ".pdf":
            save_pdf_pages([self.pdf_page()], path)
        else:
            _save_picture(self._output_image(), path)
        return path

    def pdf_page(self) -> PdfPage:
        """How this page goes into a PDF; see ``save_pdf``."""
        raise NotImplementedError

    def _has_page(self, what: str) -> bool:
        if self.error is not None:
            _LOG.warning("No %s to save: %s", what, self.error)
        return self.error is None

    def _target(self, save_path: str | Path, ending: str, is_file: Any) -> Path:
        path = Path(save_path).expanduser()
        if is_file(path) and not path.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            return path
        path.mkdir(parents=True, exist_ok=True)
        return path / f"{self._page.stem}{ending}"

    def _page_image(self) -> ImageArray:
        if self._page.image is None:
            raise KeyError(f"a page that failed has no pixels ({self.error})")
        return self._page.image

    def _output_image(self) -> ImageArray:
        return self._page_image() if self._output is None else self._output


class DocPreprocessorResult(Result):
    """A page's result of the whole pipeline.

    Keys: ``input_path``, ``page_index``, ``model_settings``, ``engines`` (what ran each step: model, engine, precision,
    device), ``angle``, ``orientation``, ``unwarping``, ``light``, ``elapsed_ms``, and the pictures
    ``input_img``, ``rot_img``, ``output_img``.
    """

    img_suffix = "_doc_preprocessor_res_img"

    def _pixels(self) -> Mapping[str, str]:
        if self.error is not None:
            return {}
        return {"input_img": "input_image", "rot_img": "turned_image", "output_img": "output_image"}

    @property
    def orientation(self) -> dict[str, Any]:
        """The four scores, the label, whether it was applied, and why not."""
        return self._values["orientation"]

    @property
    def unwarping(self) -> dict[str, Any]:
        """Whether the page was unwarped, why not, and the size of the warp."""
        return self._values["unwarping"]

    @property
    def elapsed_ms(self) -> dict[str, float]:
        """Milliseconds of each step."""
        return self._values["elapsed_ms"]

    @property
    def is_redrawn(self) -> bool:
        """Whether more than a quarter turn was done to the page: a PDF's own text and vectors don't show it then."""
        return _was_bent(self._values["unwarping"]) or bool(self._values["light"]["applied"])

    @cached_property
    def turned_image(self) -> ImageArray:
        """The page upright, before unwarping, BGR."""
        return turned_back(self.input_image, self._values["angle"])

    @property
    def side_by_side(self) -> ImageArray:
        """The page as it came, turned, and as it became, side by side with captions, (H, W, 3) BGR."""
        settings = self._values["model_settings"]
        captions = (
            "Original Image",
            f"Rotated Image ({settings['use_doc_orientation_classify']}, {self._values['angle']})",
            f"Unwarping Image ({settings['use_doc_unwarping']})",
        )
        panels = (self._page_image(), turned_back(self._page_image(), self._values["angle"]), self._output_image())
        height, width = max(panel.shape[0] for panel in panels), sum(panel.shape[1] for panel in panels)
        caption_size = max(_CAPTION_SIZE, height // 50)
        strip = Image.new("RGB", (width, caption_size * 3 // 2), "white")
        draw = ImageDraw.Draw(strip)
        font = ImageFont.load_default(caption_size)
        picture = np.full((height + strip.height, width, 3), 255, np.uint8)
        left = 0
        for panel, caption in zip(panels, captions, strict=True):
            rows, columns = panel.shape[:2]
            cv2.cvtColor(panel, cv2.COLOR_RGB2BGR, dst=picture[:rows, left : left + columns])
            draw.text((left + caption_size // 2, caption_size // 5), caption, "black", font)
            left += columns
        picture[height:] = np.asarray(strip)[..., ::-1]
        return picture

    def _pictures(self) -> dict[str, Image.Image]:
        return {"preprocessed_img": Image.fromarray(_bgr(self.side_by_side))}

    def pdf_page(self) -> PdfPage:
        """How this page goes into a PDF; see ``save_pdf``."""
        if self.error is not None or not self.is_redrawn:
            angle = max(self._values.get("angle", 0), 0)
            return PdfPage(self._page.input_path, self._page.page_index, angle, self._output, self._page.dpi)
        return PdfPage(None, None, 0, self._output, self._page.dpi)


class OrientationResult(Result):
    """Result of the orientation module. Keys: ``input_path``, ``page_index``, ``class_ids``, ``scores``,
    ``label_names`` (the best class, always), ``all_scores``, ``elapsed_ms``, and the picture ``input_img``."""

    json_suffix = "_res"
    img_suffix = "_res"

    def _pixels(self) -> Mapping[str, str]:
        return {} if self.error is not None else {"input_img": "input_image"}

    def _pictures(self) -> dict[str, Image.Image]:
        picture = Image.fromarray(self._page_image().copy())
        text = f"{self._values['label_names'][0]} {self._values['scores'][0]:.2f}"
        font = ImageFont.load_default(max(_CAPTION_SIZE, picture.width // 25))
        draw = ImageDraw.Draw(picture)
        box = draw.textbbox((0, 0), text, font)
        draw.rectangle((0, 0, box[2] + 12, box[3] + 8), (200, 30, 30))
        draw.text((6, 2), text, "white", font)
        return {"res": picture}


class UnwarpingResult(Result):
    """Result of the unwarping module. Keys: ``input_path``, ``page_index``, ``unwarping``, ``elapsed_ms``, and the
    pictures ``input_img`` and ``doctr_img``."""

    json_suffix = "_res"
    img_suffix = "_res"

    def _pixels(self) -> Mapping[str, str]:
        return {} if self.error is not None else {"input_img": "input_image", "doctr_img": "output_image"}

    def _pictures(self) -> dict[str, Image.Image]:
        return {"res": Image.fromarray(self._output_image())}

    def pdf_page(self) -> PdfPage:
        """How this page goes into a PDF; see ``save_pdf``."""
        if self.error is not None or not _was_bent(self._values["unwarping"]):
            return PdfPage(self._page.input_path, self._page.page_index, 0, self._output, self._page.dpi)
        return PdfPage(None, None, 0, self._output, self._page.dpi)


def _was_bent(unwarping: Mapping[str, Any]) -> bool:
    """Whether a page was changed by more than a quarter turn."""
    return bool(unwarping["applied"] or unwarping.get("turn"))


def _bgr(image: NDArray[np.uint8]) -> ImageArray:
    """RGB to BGR, or back."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False)


def _in_one_line(numbers: re.Match[str]) -> str:
    return re.sub(r"(?<=\[) | (?=\])", "", re.sub(r"\s+", " ", numbers[0]))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return round(float(value), 6)
    return value.item() if isinstance(value, np.generic) else value


def _is_picture(path: Path) -> bool:
    kind, _ = mimetypes.guess_type(path.name)
    return kind is not None and kind.startswith("image/")


def _save_picture(picture: Image.Image | ImageArray, path: Path) -> None:
    try:
        if isinstance(picture, np.ndarray) and path.suffix.lower() in (".jpg", ".jpeg"):
            path.write_bytes(jpeg.encoded(picture, _QUALITY))
            return
        image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
        image.save(path, **_SAVING.get(path.suffix.lower(), {}))
    except (ValueError, OSError) as error:  # an unknown format; sides over the format's limit
        raise InputError(f"{path} can't be written as {path.suffix}: {error}. Choose .png, for example.") from error

"""Pages of a Hugging Face ``datasets`` set: by name, or from local parquet files or webdataset tars."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from PIL import Image, ImageOps

from docpre.errors import ConfigError, InputError
from docpre.loading import ImageArray, to_rgb
from train.data.source import PageSource

ANGLES = (0, 90, 180, 270)


class HuggingFacePages(PageSource):
    """Pages that the ``datasets`` library reads.

    Args:
        name: a set's name on the hub, or a local parquet file, tar, or folder of these.
        split: which split of it.
        image_column: column of pictures; in a tar the pictures' extension, ``jpg`` or ``png``.
        label_column: column of labels; None: all pages are upright. In a tar the extension of the label's file, as
            ``cls``, or the name of a field in ``json``.
        labels: what a label is: an ``angle`` in degrees clockwise, or an ``index`` into 0, 90, 180, 270.
        document_column: column that names the document; None: each page is one.
        cache_dir: where ``datasets`` keeps its files; None: its own choice.
    """

    def __init__(
        self,
        name: str,
        split: str = "train",
        image_column: str = "image",
        label_column: str | None = None,
        labels: Literal["angle", "index"] = "angle",
        document_column: str | None = None,
        cache_dir: str | None = None,
    ) -> None:
        self.name, self.split, self._image_column = name, split, image_column
        self._rows = _load(name, split, cache_dir)
        present = self._rows.column_names
        for column in (image_column, label_column, document_column):
            if column is not None and column not in present and not (column == label_column and "json" in present):
                raise ConfigError(f"{name} ({split}) has no column {column!r}. It has: {', '.join(present)}.")
        plain = self._rows.remove_columns([image_column])
        self.documents = [str(i) for i in range(len(plain))]
        self.angles_cw_deg = [0] * len(plain)
        if document_column is not None:
            self.documents = [str(value) for value in plain[document_column]]
        if label_column is not None:
            values = plain[label_column] if label_column in present else [row[label_column] for row in plain["json"]]
            feature = plain.features.get(label_column)
            names = getattr(feature, "names", None)  # ClassLabel keeps indices and knows their names
            if names is not None and labels == "angle":
                values = [names[value] for value in values]
            self.angles_cw_deg = [self._angle(value, labels, row) for row, value in enumerate(values)]

    def read(self, index: int) -> ImageArray:
        try:
            value = self._rows[index][self._image_column]
            if isinstance(value, Mapping):
                value = value.get("bytes") or Path(value["path"]).read_bytes()
            if isinstance(value, bytes):
                value = Image.open(io.BytesIO(value))
            return to_rgb(ImageOps.exif_transpose(value))
        except Exception as error:  # Pillow's plug-ins and the readers of datasets raise whatever they meet
            raise InputError(
                f"{self.name} ({self.split}), row {index}: its picture can't be read ({error})."
            ) from error

    def describe(self) -> dict[str, Any]:
        return self._described(name=self.name, split=self.split)

    def _angle(self, value: Any, labels: str, row: int) -> int:
        valid = ANGLES if labels == "angle" else tuple(range(4))
        try:
            return ANGLES[valid.index(int(value))]
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{self.name} ({self.split}), row {row}: the label is {value!r}, not one of {valid}."
            ) from error


def _load(name: str, split: str, cache_dir: str | None) -> Any:
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise ConfigError("Reading Hugging Face sets needs the package datasets: pip install datasets.") from error
    path = Path(name).expanduser()
    try:
        if not path.exists():
            return datasets.load_dataset(name, split=split, cache_dir=cache_dir)
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for suffix, reader in ((".parquet", "parquet"), (".tar", "webdataset")):
            chosen = [str(file) for file in files if file.suffix == suffix]
            if chosen:
                return datasets.load_dataset(reader, data_files={split: chosen}, split=split, cache_dir=cache_dir)
    except Exception as error:  # the library's errors have no common base
        raise InputError(f"{name} ({split}): the set can't be read: {error}") from error
    raise InputError(f"{name}: there are neither .parquet nor .tar files.")

"""PaddleX's and PaddleClas's layout for classification: a text file of ``images/xx.jpg label`` lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docpre.errors import InputError
from docpre.loading import ImageArray
from train.data.pages import read_page
from train.data.source import PageSource


class TextList(PageSource):
    """Pages named in a text list.

    Args:
        path: the data set's folder, which the names in the list start from.
        list_file: the list in that folder, such as ``train.txt`` or ``val.txt``: a picture's name, a space, its label.
        label_file: what each label is called, ``0 0``, ``1 90``, ``2 180``, ``3 270`` (degrees clockwise). Where the
            folder has no such file, these four are taken.
        delimiter: between name and label; the last one in a line counts, so names may have spaces.
    """

    def __init__(
        self, path: Path, list_file: str = "train.txt", label_file: str = "label.txt", delimiter: str = " "
    ) -> None:
        self.path, self.list_file = Path(path).expanduser(), list_file
        angle_of = self._angles(self.path / label_file)
        self._files: list[Path] = []
        self.angles_cw_deg = []
        for number, line in self._lines(self.path / list_file):
            name, _, label = line.rpartition(delimiter)
            where = f"{self.path / list_file}, line {number}"
            if not name or label not in angle_of:
                labels = ", ".join(sorted(angle_of))
                raise InputError(f"{where}: {line!r} is not a picture's name, a delimiter and one of {labels}.")
            if not (self.path / name).is_file():
                raise InputError(f"{where}: there is no picture {self.path / name}.")
            self._files.append(self.path / name)
            self.angles_cw_deg.append(angle_of[label])
        if not self._files:
            raise InputError(f"{self.path / list_file}: it names no pictures.")
        self.documents = [str(file) for file in self._files]

    def read(self, index: int) -> ImageArray:
        return read_page(self._files[index])

    def describe(self) -> dict[str, Any]:
        return self._described(path=str(self.path), list_file=self.list_file)

    def _angles(self, path: Path) -> dict[str, int]:
        if not path.is_file():
            return {"0": 0, "1": 90, "2": 180, "3": 270}
        angle_of = {}
        for number, line in self._lines(path):
            label, _, name = line.partition(" ")
            if name.strip() not in ("0", "90", "180", "270"):
                raise InputError(f"{path}, line {number}: {line!r} is not a label and 0, 90, 180 or 270.")
            angle_of[label] = int(name)
        return angle_of

    @staticmethod
    def _lines(path: Path) -> list[tuple[int, str]]:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{path}: the list can't be read ({getattr(error, 'strerror', None) or error})."
            ) from error
        return [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]

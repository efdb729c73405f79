"""Pages sorted into folders by their angle, ``0``, ``90``, ``180``, ``270``, as torchvision's ImageFolder has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docpre.errors import InputError
from docpre.loading import IMAGE_SUFFIXES, ImageArray
from train.data.pages import page_files, read_page
from train.data.source import PageSource

ANGLES = (0, 90, 180, 270)


class AngleFolders(PageSource):
    """Pictures in folders that are named after the angle by which the pages in them are turned clockwise.

    Args:
        path: the folder that holds ``0``, ``90``, ``180``, ``270``, or some of them, and no other folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path).expanduser()
        if not self.path.is_dir():
            raise InputError(f"{self.path}: there is no such folder.")
        folders = sorted(entry for entry in self.path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        expected = {str(angle) for angle in ANGLES}
        strange = [folder.name for folder in folders if folder.name not in expected]
        if strange or not folders:
            found = f"it has {', '.join(strange)}" if strange else "it has none"
            raise InputError(f"{self.path}: folders are named 0, 90, 180 or 270 (degrees clockwise); {found}.")
        self._files = [(file, int(folder.name)) for folder in folders for file in page_files(folder, IMAGE_SUFFIXES)]
        # The same file name under several angles is one page turned, hence one document.
        self.documents = [str(file.relative_to(self.path / str(angle))) for file, angle in self._files]
        self.angles_cw_deg = [angle for _, angle in self._files]

    def read(self, index: int) -> ImageArray:
        return read_page(self._files[index][0])

    def describe(self) -> dict[str, Any]:
        return self._described(path=str(self.path))

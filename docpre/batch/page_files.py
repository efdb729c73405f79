"""Names of clean pages, and the tar shards that they may go into."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from docpre.errors import OutputError
from docpre.loading import is_url

#: Where pages are, under the batch's folder.
PAGES_FOLDER = "pages"
_MOST_STEM = 80
_MODE = 0o644


def page_name(source: str, page: int | None, suffix: str) -> str:
    """A name that no other page has and that says where it comes from: ``letter-3f2a91c04be7d815_0.jpg``.

    Args:
        source: the input's name.
        page: of the document, from 0; None of a picture.
        suffix: with its dot.
    """
    path = PurePosixPath(urlsplit(source).path if is_url(source) else source)
    stem = re.sub(r"[^\w()+@-]", "_", path.stem)[:_MOST_STEM] or "page"
    number = "" if page is None else f"_{page}"
    return f"{stem}-{name_hash(source)}{number}{suffix}"


def name_hash(source: str) -> str:
    """Sixteen hexadecimal digits that stand for an input's name."""
    return hashlib.blake2b(source.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


class Shard:
    """A tar that grows page by page and takes its name when it is complete.

    Raises:
        OutputError: it can't be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pages = 0
        self.bytes = 0
        self._unfinished = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._archive = tarfile.open(self._unfinished, "w")  # noqa: SIM115 - closed by close
        except OSError as error:
            raise OutputError(f"{path} can't be written: {error}.") from error

    def add(self, name: str, content: bytes) -> None:
        """Append a page. Owner and time are left out, so that the same pages give the same file."""
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), _MODE
        try:
            self._archive.addfile(entry, io.BytesIO(content))
        except OSError as error:
            raise OutputError(f"{self.path} can't be written: {error}.") from error
        self.pages += 1
        self.bytes += len(content)

    def close(self) -> None:
        """Give it its name."""
        try:
            self._archive.close()
            self._unfinished.replace(self.path)
        except OSError as error:
            raise OutputError(f"{self.path} can't be written: {error}.") from error

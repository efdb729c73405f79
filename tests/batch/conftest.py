"""Small pages in files, and a batch that turns them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pyarrow.parquet
import pymupdf
import pytest

from docpre.batch.run import Summary, on_this_machine, run_batch
from docpre.batch.settings import BatchSettings
from tests.conftest import draw_page

#: Orientation alone: the unwarping network takes most of the time.
SETTINGS: dict[str, Any] = {
    "pipeline": {"device": "cpu", "use_doc_unwarping": False},
    "reading": {"dpi": 50, "url_timeout_s": 60.0},
}


def write_page(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), draw_page(240, 170, seed=seed, font_size=9)[..., ::-1])
    return path


def write_pdf(path: Path, pages: int) -> Path:
    document = pymupdf.open()
    for number in range(pages):
        document.new_page(width=140, height=200).insert_text((20, 40), f"Page {number}")
    document.save(path)
    return path


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder with four pictures, a PDF of eleven pages and a file that is no picture."""
    folder = tmp_path / "pages"
    for number in range(4):
        write_page(folder / f"{number}.jpg", number)
    write_pdf(folder / "document.pdf", 11)
    (folder / "bad.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Summary]:
    """Run a batch on this machine; ``tmp_path / "out"`` is its folder."""

    def run(*inputs: Any, folder: Path = tmp_path / "out", **options: Any) -> Summary:
        settings = BatchSettings(**SETTINGS | {name: options.pop(name) for name in LAYOUT if name in options})
        work = on_this_machine(settings, folder, num_workers=2)
        return run_batch([str(input) for input in inputs], folder, settings, work, **options)

    return run


LAYOUT = ("layout", "page_format")


def rows(folder: Path) -> list[dict[str, Any]]:
    """The results of a batch, without the times."""
    table = pyarrow.parquet.read_table(folder / "results.parquet").drop_columns(["elapsed_ms"])
    return table.to_pylist()  # type: ignore[no-any-return]


def files(folder: Path) -> dict[str, str]:
    """The pages that a batch has written, and their sha256."""
    found = sorted(path for path in (folder / "pages").rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

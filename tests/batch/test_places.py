"""What may be named as input, and what of it is left to do."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import datasets
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docpre.batch.finished import Finished
from docpre.batch.places import find_places
from docpre.batch.units import Unit, unfinished, units
from docpre.errors import ConfigError, InputError
from tests.batch.conftest import write_page, write_pdf


def all_units(*inputs: object, finished: Finished | None = None, column: str | None = None) -> list[Unit]:
    places = find_places([str(input) for input in inputs], column)
    done = finished or Finished()
    return [unit for place in unfinished(places, done) for unit in units(place, done, 10_000)]


def sources(*inputs: object, **options: object) -> list[str]:
    return [unit.source for unit in all_units(*inputs, **options)]  # type: ignore[arg-type]


def make_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_files_and_directories_and_globs(tmp_path):
    a, b = write_page(tmp_path / "a.jpg"), write_page(tmp_path / "below" / "b.png")
    (tmp_path / "notes.md").write_text("no page")
    assert sources(tmp_path) == sources(a, b) == sources(tmp_path / "**" / "?.*g") == [str(a), str(b)]
    assert sources(tmp_path, a) == [str(a), str(b)]  # each once


def test_paths_are_absolute(tmp_path, monkeypatch):
    path = write_page(tmp_path / "a.jpg")
    monkeypatch.chdir(tmp_path)
    assert sources("a.jpg") == sources("./a.jpg") == [str(path)]


def test_a_list_may_name_what_is_not_there(tmp_path):
    path = write_page(tmp_path / "in" / "a.jpg")
    listed = tmp_path / "list.txt"
    listed.write_text("in/a.jpg\n\nhttps://example.org/b.jpg\nmissing.jpg\n")
    assert sources(listed) == [str(path), "https://example.org/b.jpg", str(tmp_path / "missing.jpg")]


def test_what_is_named_must_be_there(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        find_places([str(tmp_path / "typo.jpg")])
    with pytest.raises(InputError, match="no pictures"):
        find_places([str(tmp_path)])
    with pytest.raises(InputError, match="hf://datasets/owner/name"):
        find_places(["owner/name"])


def test_a_document_comes_in_pieces(tmp_path):
    path = write_pdf(tmp_path / "a.pdf", 19)
    found = all_units(path)
    assert [unit.pages for unit in found] == [tuple(range(8)), tuple(range(8, 16)), (16, 17, 18)]
    assert [unit.inputs_done for unit in found] == [0, 0, 1]
    assert {unit.page_count for unit in found} == {19}
    done = Finished.of([(str(path), page, 19) for page in range(19) if page not in (3, 18)])
    assert [unit.pages for unit in all_units(path, finished=done)] == [(3, 18)]


def test_tars(tmp_path):
    content = write_page(tmp_path / "a.jpg").read_bytes()
    path = make_tar(tmp_path / "s.tar", {"1.jpg": content, "1.json": b"{}", "b/2.jpg": content})
    found = all_units(path)
    assert [unit.source for unit in found] == [f"{path}/1.jpg", f"{path}/b/2.jpg"]
    assert all(unit.content == content for unit in found)
    assert sources(path, finished=Finished.of([(f"{path}/1.jpg", None, 1)])) == [f"{path}/b/2.jpg"]


def test_a_tar_that_breaks_off(tmp_path):
    content = write_page(tmp_path / "a.jpg").read_bytes()
    path = make_tar(tmp_path / "s.tar", {"1.jpg": content, "2.jpg": content})
    path.write_bytes(path.read_bytes()[: 512 + len(content) + 1200])
    first, broken = all_units(path)
    assert first.source == f"{path}/1.jpg"
    assert broken.source == str(path)
    assert broken.error is not None


@pytest.mark.parametrize("column", ["image", "own"])
def test_parquet_of_contents(tmp_path, column):
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"n": range(5), column: [b"%d" % n for n in range(5)]}), path, 2)
    found = all_units(path, column=column)
    assert [(unit.source, unit.content) for unit in found] == [(f"{path}#{n}", b"%d" % n) for n in range(5)]
    done = Finished.of([(f"{path}#{n}", None, 1) for n in (0, 1, 3)])
    assert sources(path, column=column, finished=done) == [f"{path}#2", f"{path}#4"]
    with pytest.raises(ConfigError, match="--column"):
        find_places([str(path)], "other")


def test_parquet_of_paths_and_urls(tmp_path):
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"path": ["a.jpg", "/b.jpg", "http://c/d.jpg"]}), path)
    assert sources(path) == [str(tmp_path / "a.jpg"), "/b.jpg", "http://c/d.jpg"]


def test_what_datasets_has_saved(tmp_path):
    paths = [str(write_page(tmp_path / f"{n}.png", n)) for n in range(3)]
    pictures = datasets.Dataset.from_dict({"image": paths}).cast_column("image", datasets.Image())
    datasets.DatasetDict({"test": pictures}).save_to_disk(tmp_path / "saved")
    pictures.to_parquet(tmp_path / "saved.parquet")
    expected = [Path(path).read_bytes() for path in paths]
    for saved in ("saved", "saved.parquet"):
        found = [unit.content or Path(unit.source).read_bytes() for unit in all_units(tmp_path / saved)]
        assert found == expected


@settings(max_examples=40)
@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 3)), max_size=20))
def test_finished_is_what_has_all_its_pages(done):
    finished = Finished.of([(source, page, 4) for source, page in done])
    for source in {source for source, _ in done} | {"another"}:
        pages = {page for other, page in done if other == source}
        assert (source in finished) == (len(pages) == 4)
        if 0 < len(pages) < 4:
            assert finished.missing_pages(source) == sorted({0, 1, 2, 3} - pages)

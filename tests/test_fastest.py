"""enable_hpi: the fastest candidate within its bound is taken, kept, and every refusal has a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from docpre.engines import RuntimeOptions, create_engine, devices, fastest
from docpre.errors import EngineError
from docpre.registry import MODELS, Weights, find_weights

SPEC = MODELS["PP-LCNet_x1_0_doc_ori"]
HAS_OPENVINO = devices.is_installed("openvino")


class Scripted:
    """An engine with a known answer, that takes known time by a clock of the test's."""

    def __init__(self, clock: Clock, name: str, precision: str, seconds: float, shift: float = 0.0) -> None:
        self.name, self.precision, self.device = name, precision, "cpu"
        self._clock, self._seconds, self._shift = clock, seconds, shift

    def run(self, batch: np.ndarray) -> np.ndarray:
        self._clock.now += self._seconds
        scores = np.full((len(batch), 4), 0.05, np.float32)
        scores[:, 0], scores[:, 1] = 0.85 - self._shift, 0.05 + self._shift
        return scores


class Clock:
    now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch, tmp_path) -> Clock:
    clock = Clock()
    monkeypatch.setattr(fastest, "time", clock)
    monkeypatch.setattr(fastest, "_PAGES", 1)
    monkeypatch.setenv("DOCPRE_CACHE", str(tmp_path))
    monkeypatch.setattr(fastest, "is_installed", lambda engine: True)
    monkeypatch.setattr(fastest, "_cpu_info", lambda: {"model name": "A CPU", "flags": "avx512_vnni avx512_bf16"})
    return clock


def start_with(clock: Clock, engines: dict[tuple[str, str], tuple[float, float] | str], started: list | None = None):
    """A ``start`` that gives scripted engines: seconds a run and shift of the scores, or the error's text."""

    def start(options: RuntimeOptions):
        key = (options.engine or "onnxruntime", options.precision)
        if started is not None:
            started.append(key)
        script = engines[key]
        if isinstance(script, str):
            raise EngineError(script)
        return Scripted(clock, *key, *script), Weights(Path("a.onnx"), "cache")

    return start


ENGINES = {
    ("onnxruntime", "fp32"): (0.1, 0.0),
    ("openvino", "fp32"): (0.08, 0.00001),
    ("openvino", "bf16"): (0.04, 0.01),
    ("openvino", "int8"): (0.02, 0.02),
}


@pytest.fixture
def weights(tmp_path) -> Path:
    (tmp_path / "a.onnx").write_bytes(b"weights")
    return tmp_path / "a.onnx"


def run(weights: Path, start, **options):
    return fastest.start_fastest(SPEC, RuntimeOptions(enable_hpi=True, **options), "cpu", None, weights, start)[0]


def record(tmp_path: Path) -> dict:
    (path,) = (tmp_path / "fastest").glob("*.json")
    return json.loads(path.read_text("utf-8"))


def test_the_fastest_is_taken_and_read_from_the_record_the_next_time(clock, weights, tmp_path):
    engine = run(weights, start_with(clock, ENGINES))
    assert (engine.name, engine.precision) == ("openvino", "int8")
    content = record(tmp_path)
    assert content["chosen"] == {"engine": "openvino", "precision": "int8"}
    assert [entry["median_ms"] for entry in content["candidates"]] == [100, 80, 40, 20]
    assert next(fastest.records(SPEC.name))["chosen"] == content["chosen"]
    started: list = []
    run(weights, start_with(clock, ENGINES, started))
    assert started == [("openvino", "int8")]


def test_one_that_moves_the_answers_too_far_is_refused_with_its_reason(clock, weights, tmp_path):
    engine = run(weights, start_with(clock, ENGINES | {("openvino", "int8"): (0.02, 0.6)}))
    assert engine.precision == "bf16"
    assert "labels agree" in record(tmp_path)["candidates"][3]["refused"]
    (path,) = (tmp_path / "fastest").glob("*.json")
    path.unlink()
    engine = run(weights, start_with(clock, ENGINES | {("openvino", "fp32"): (0.01, 0.01)}))
    assert (engine.name, engine.precision) == ("openvino", "int8")
    assert "differs by" in record(tmp_path)["candidates"][1]["refused"]


def test_one_that_cannot_start_is_refused_with_its_reason(clock, weights, tmp_path, monkeypatch):
    engine = run(weights, start_with(clock, ENGINES | {("openvino", "int8"): "no NNCF here"}))
    assert engine.precision == "bf16"
    assert record(tmp_path)["candidates"][3]["refused"] == "no NNCF here"
    monkeypatch.setattr(fastest, "is_installed", lambda engine: engine == "onnxruntime")
    monkeypatch.setenv("DOCPRE_CACHE", str(tmp_path / "other"))
    assert run(weights, start_with(clock, ENGINES)).name == "onnxruntime"
    assert record(tmp_path / "other")["candidates"][1]["refused"] == "not installed"


def test_a_cpu_without_the_arithmetic_is_not_asked_for_it(clock, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(fastest, "_cpu_info", lambda: {"model name": "Old", "flags": "avx2"})
    assert run(weights, start_with(clock, ENGINES)).precision == "fp32"
    assert [entry.get("refused") for entry in record(tmp_path)["candidates"]][2:] == [
        "the CPU has no bf16 arithmetic",
        "the CPU has no int8 arithmetic",
    ]


def test_what_is_asked_for_restricts_the_candidates(clock, weights):
    started: list = []
    engine = run(weights, start_with(clock, ENGINES, started), engine="openvino", precision="bf16")
    assert (engine.name, engine.precision) == ("openvino", "bf16")
    assert started == [("onnxruntime", "fp32"), ("openvino", "bf16")]
    assert run(weights, start_with(clock, ENGINES), engine="onnxruntime").name == "onnxruntime"
    with pytest.raises(EngineError, match="no candidate"):
        run(weights, start_with(clock, ENGINES), engine="onnxruntime", precision="int8")
    with pytest.raises(EngineError, match=r"found nothing.*no NNCF here"):
        run(weights, start_with(clock, ENGINES | {("openvino", "int8"): "no NNCF here"}), precision="int8")


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"chosen": {}}', '{"chosen": {"engine": "paddle", "precision": 1}}']
)
def test_a_damaged_record_is_made_again(clock, weights, tmp_path, damage):
    run(weights, start_with(clock, ENGINES))
    (path,) = (tmp_path / "fastest").glob("*.json")
    path.write_text(damage, "utf-8")
    assert not list(fastest.records(SPEC.name))
    assert run(weights, start_with(clock, ENGINES)).precision == "int8"
    assert record(tmp_path)["chosen"]["precision"] == "int8"


def test_a_record_that_no_longer_holds_is_made_again(clock, weights):
    run(weights, start_with(clock, ENGINES))
    started: list = []
    engine = run(weights, start_with(clock, ENGINES | {("openvino", "int8"): "gone"}, started))
    assert engine.precision == "bf16"
    assert started[0] == ("openvino", "int8")


def test_other_weights_and_other_machines_have_records_of_their_own(clock, weights, tmp_path, monkeypatch):
    run(weights, start_with(clock, ENGINES))
    weights.write_bytes(b"other weights")
    run(weights, start_with(clock, ENGINES))
    assert len(list(fastest.records(SPEC.name))) == 2
    monkeypatch.setattr(fastest, "_cpu_info", lambda: {"model name": "Another", "flags": "avx512_vnni avx512_bf16"})
    assert not list(fastest.records(SPEC.name))
    run(weights, start_with(clock, ENGINES))
    assert len(list((tmp_path / "fastest").glob("*.json"))) == 3


@pytest.mark.skipif(not HAS_OPENVINO, reason="needs the extra openvino")
def test_the_real_engines_are_measured(monkeypatch, tmp_path):
    """Without int8, whose making takes long; which one is the fastest is the machine's affair."""
    origin = find_weights(SPEC).path
    model_dir = tmp_path / "model"
    model_dir.mkdir()
    (model_dir / origin.name).write_bytes(origin.read_bytes())
    monkeypatch.setenv("DOCPRE_CACHE", str(tmp_path))
    monkeypatch.setattr(fastest, "ON_CPU", fastest.ON_CPU[:2])
    options = RuntimeOptions(device="cpu", enable_hpi=True)
    engine, weights = create_engine(SPEC, options, str(model_dir))
    content = record(tmp_path)
    assert content["chosen"] == {"engine": engine.name, "precision": engine.precision}
    assert weights.origin == "directory"
    for entry in content["candidates"]:
        assert entry["median_ms"] > 0
        assert entry["parity"]["label_agreement"] == 1
    again, _ = create_engine(SPEC, replace(options, engine=None), str(model_dir))
    assert again.name == engine.name

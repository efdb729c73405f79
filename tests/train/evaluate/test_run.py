"""Runs through the command: known answers, resuming, failures, reports."""

from __future__ import annotations

import _thread
import json
import shutil
import time
from pathlib import Path

import pytest

from docpre.errors import ConfigError, InputError
from tests.train.evaluate.conftest import evaluate, rows, write
from train.evaluate.in_parallel import in_parallel
from train.evaluate.run_folder import RunFolder

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")


def test_equal_pages_and_the_metrics_as_they_are(pairs_folder, tmp_path, capsys):
    pytest.importorskip("numba")
    assert evaluate("pairs", "--data", pairs_folder, "--only", "page_0", "--output", tmp_path / "run") == 0
    row = rows(tmp_path / "run")["page_0"]
    assert float(row["ms_ssim"]) == pytest.approx(1.0001, abs=5e-3)  # resizing leaves a trace
    assert float(row["ld"]) == pytest.approx(0, abs=0.01)
    assert "1 of 3" in capsys.readouterr().out


def test_what_a_run_leaves(pairs_folder, tmp_path, quick_metrics, capsys):
    output = tmp_path / "run"
    assert evaluate("pairs", "--data", pairs_folder, "--gradient_border", "replicate", "--output", output) == 0
    found = rows(output)
    assert list(found) == ["page_0", "page_1", "page_2"]
    assert found["page_0"]["ms_ssim"] == "1.0"
    assert found["page_2"]["ld"] == "3.0"
    summary = json.loads((output / "summary.json").read_text())
    assert summary["figures"]["ld"] == {"mean": 2.0, "median": 3.0, "pages": 3, "of": 3}
    assert summary["settings"]["gradient_border"] == "replicate"
    assert summary["environment"]["cpu"]
    assert summary["environment"]["packages"]["numpy"]
    page = (output / "index.html").read_text()
    assert "pictures/page_2_reference.jpg" in page
    assert (output / "pictures" / "page_2_prediction.jpg").is_file()
    assert "MS-SSIM" in capsys.readouterr().out


def test_a_run_goes_on_where_it_stopped(pairs_folder, tmp_path, quick_metrics):
    output = tmp_path / "run"
    command = ("pairs", "--data", pairs_folder, "--output", output)
    assert evaluate(*command, "--only", "page_1") == 0
    assert evaluate(*command) == 0
    assert len(quick_metrics) == 3
    results = output / "results.jsonl"
    results.write_bytes(results.read_bytes()[:-40])  # as if it had been killed while it wrote
    assert evaluate(*command) == 0
    assert len(quick_metrics) == 4
    assert len(rows(output)) == 3
    write(pairs_folder / "prediction" / "page_0.png", 7)
    assert evaluate(*command) == 0
    assert len(quick_metrics) == 5, "a prediction that has changed is measured again"
    assert rows(output)["page_0"]["ld"] == "3.0"


def test_changed_settings_are_noticed(pairs_folder, tmp_path, quick_metrics):
    command = ("pairs", "--data", pairs_folder, "--output", tmp_path / "run")
    assert evaluate(*command) == 0
    with pytest.raises(ConfigError, match="gradient_border was 'zero' and is 'replicate'"):
        evaluate(*command, "--gradient_border", "replicate")


def test_one_bad_picture_loses_nothing_else(pairs_folder, tmp_path, quick_metrics, capsys):
    bad = pairs_folder / "prediction" / "page_1.png"
    bad.write_bytes(b"not a picture")
    command = ("pairs", "--data", pairs_folder, "--output", tmp_path / "run")
    assert evaluate(*command) == 1
    found = rows(tmp_path / "run")
    assert found["page_2"]["ld"] == "3.0"
    assert "page_1.png" in found["page_1"]["error"]
    assert "failed: page_1" in capsys.readouterr().err
    write(bad, 1)
    assert evaluate(*command) == 0, "failures are tried again"
    assert len(quick_metrics) == 3


def test_nothing_to_measure_is_an_error(tmp_path, quick_metrics):
    (tmp_path / "crop").mkdir()
    with pytest.raises(InputError, match=r"made/PAGE\.png"):
        evaluate("docunet", "--data", tmp_path, "--predictions", _folder_of_one(tmp_path), "--ocr", "none",
                 "--output", tmp_path / "run")  # fmt: skip


def test_upside_down_predictions_are_turned(tmp_path, quick_metrics):
    root = tmp_path / "set"
    write(root / "scan" / "64.png")
    import cv2

    page = cv2.imread(str(root / "scan" / "64.png"))
    (tmp_path / "made").mkdir()
    cv2.imwrite(str(tmp_path / "made" / "64_2.png"), page[::-1, ::-1])
    command = ("docunet", "--data", root, "--predictions", tmp_path / "made", "--ocr", "none")
    assert evaluate(*command, "--output", tmp_path / "as_is") == 0
    assert evaluate(*command, "--upside_down", "--output", tmp_path / "turned") == 0
    assert rows(tmp_path / "as_is")["64_2"]["ld"] == "3.0"
    assert rows(tmp_path / "turned")["64_2"]["ld"] == "0.0"


@needs_tesseract
def test_characters_with_a_text_alone(tmp_path, page_rgb, capsys):
    import cv2

    pytest.importorskip("rapidfuzz")
    root = tmp_path / "set"
    (root / "crop").mkdir(parents=True)
    cv2.imwrite(str(root / "crop" / "1_1 copy.png"), page_rgb[:400, :, ::-1])
    (tmp_path / "texts.json").write_text(json.dumps({"1": "A page about nothing much"}))
    output = tmp_path / "run"
    command = ("docunet", "--data", root, "--predictions", root / "crop", "--texts", tmp_path / "texts.json")
    assert evaluate(*command, "--output", output) == 0
    row = rows(output)["1_1"]
    assert float(row["cer_uvdoc"]) == float(row["cer_doctr"]) == float(row["ed_doctr"]) / 25
    assert "ms_ssim" not in row
    assert "MS-SSIM, LD and AD are not measured there" in capsys.readouterr().err
    summary = json.loads((output / "summary.json").read_text())
    assert len(summary["settings"]["tesseract"]["data_sha256"]["eng"]) == 64
    result = json.loads((output / "results.jsonl").read_text())
    assert result["texts"]["tesseract_doctr"].startswith("A page about nothing much")


@needs_tesseract
def test_the_flat_page_reads_as_itself(tmp_path, page_rgb, quick_metrics):
    import cv2

    pytest.importorskip("rapidfuzz")
    for what in ("prediction", "reference"):
        (tmp_path / what).mkdir()
        cv2.imwrite(str(tmp_path / what / "a.png"), page_rgb[:300, :, ::-1])
    assert evaluate("pairs", "--data", tmp_path, "--ocr", "plain", "--output", tmp_path / "run") == 0
    assert rows(tmp_path / "run")["a"]["cer"] == "0.0"


def test_a_model_unwarps_the_photos(tmp_path, photo_rgb, page_rgb, quick_metrics):
    import cv2

    for what, picture in (("photo", photo_rgb), ("reference", page_rgb)):
        (tmp_path / what).mkdir()
        cv2.imwrite(str(tmp_path / what / "a.png"), picture[..., ::-1])
    command = ("pairs", "--data", tmp_path, "--model", "UVDoc", "--device", "cpu")
    assert evaluate(*command, "--save_predictions", "True", "--output", tmp_path / "run") == 0
    assert rows(tmp_path / "run")["a"]["unwarped"] == "True"
    saved = cv2.imread(str(tmp_path / "run" / "predictions" / "a.png"))
    assert saved.shape == quick_metrics[0]
    model = json.loads((tmp_path / "run" / "settings.json").read_text())["prediction"]["model"]
    assert model["engine"] == "onnxruntime"
    assert len(model["sha256"]) == 64
    size = ("--leave_flat_pages", "False", "--output_size", "input")
    assert evaluate(*command, *size, "--output", tmp_path / "as_paddle") == 0
    assert quick_metrics[1] == photo_rgb.shape


def test_two_runs_in_one_folder_are_refused(tmp_path):
    with RunFolder(tmp_path, {}), pytest.raises(ConfigError, match="another evaluation"):
        RunFolder(tmp_path, {})


def test_an_interrupt_keeps_what_is_done():
    kept: list[int] = []

    def work(item: int) -> int:
        if item == 3:
            _thread.interrupt_main()
            time.sleep(0.2)
        return item

    is_whole = in_parallel(list(range(50)), work, lambda item, _: kept.append(item), workers=1, progress=False)
    assert not is_whole
    assert {0, 1, 2, 3} <= set(kept)
    assert len(kept) < 50


def test_unforeseen_errors_are_a_pages_own():
    kept: dict[int, object] = {}
    assert in_parallel([2, 1, 0], lambda item: 1 // item, kept.__setitem__, workers=2, progress=False)
    assert kept[2] == 0
    assert kept[1] == 1
    assert "ZeroDivisionError" in str(kept[0])


def _folder_of_one(path: Path) -> Path:
    write(path / "made" / "other.png")
    return path / "made"


def test_the_map_of_the_photo_is_applied_to_the_texture(tmp_path, photo_rgb, page_rgb, quick_metrics, capsys):
    import cv2

    texture = 255 - photo_rgb  # tells the two apart
    for folder, picture in (("img", photo_rgb), ("warped_textures", texture), ("texture_sample", page_rgb)):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "00001.png"), picture)
        cv2.imwrite(str(tmp_path / folder / "00002.png"), picture[:-9] if folder == "warped_textures" else picture)
    command = ("uvdoc-benchmark", "--data", tmp_path, "--model", "UVDoc", "--device", "cpu", "--ocr", "none")
    assert evaluate(*command, "--save_predictions", "True", "--output", tmp_path / "run") == 1
    drawn = cv2.imread(str(tmp_path / "run" / "predictions" / "00001.png"))
    assert drawn.mean() < 128 < photo_rgb[300:900, 300:600].mean()
    assert "00002.png has 900x1191 pixels" in capsys.readouterr().err
    assert evaluate(*command, "--drawn_from", "photo", "--only", "00001", "--output", tmp_path / "photo") == 0

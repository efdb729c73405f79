"""What the commands print and write, and their status."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys

import pymupdf
import pytest
from PIL import Image

from docpre import __version__
from docpre.cli import main
from docpre.registry import BUNDLED_DIR, MODELS


@pytest.fixture
def photo_path(tmp_path, photo_rgb):
    path = tmp_path / "letter.jpg"
    Image.fromarray(photo_rgb).rotate(180).save(path, quality=90)
    return path


def test_doc_preprocessor(photo_path, tmp_path, capsys):
    save = tmp_path / "out"
    assert main(["doc_preprocessor", "-i", str(photo_path), "--save_path", str(save), "--device", "cpu"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    result = ast.literal_eval(line)["res"]
    assert result["angle"] == 180
    assert result["input_path"] == str(photo_path)
    assert sorted(path.name for path in save.iterdir()) == [
        "letter.json",
        "letter_doc_preprocessor_res_img.jpg",
        "letter_page.jpg",
    ]


def test_switches_and_config(photo_path, tmp_path, capsys):
    config = tmp_path / "pipeline.yaml"
    config.write_text("pipeline_name: doc_preprocessor\nuse_doc_orientation_classify: false\n")
    flags = ["--use_doc_unwarping", "False", "--paddlex_config", str(config)]
    assert main(["doc_preprocessor", "--input", str(photo_path), *flags]) == 0
    result = ast.literal_eval(capsys.readouterr().out)["res"]
    assert result["model_settings"] == {"use_doc_orientation_classify": False, "use_doc_unwarping": False}
    assert result["angle"] == -1


def test_the_modules(photo_path, tmp_path, capsys):
    assert main(["doc_img_orientation_classification", "-i", str(photo_path), "--save_path", str(tmp_path / "o")]) == 0
    assert ast.literal_eval(capsys.readouterr().out)["res"]["label_names"] == ["180"]
    assert main(["text_image_unwarping", "-i", str(photo_path), "--save_path", str(tmp_path / "u")]) == 0
    assert ast.literal_eval(capsys.readouterr().out)["res"]["unwarping"]["applied"]
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["letter_res.jpg", "letter_res.json"]
    assert len(list((tmp_path / "u").iterdir())) == 3


def test_a_pdf_becomes_one_clean_pdf(pdf_path, tmp_path, capsys):
    save = tmp_path / "out"
    command = ["doc_preprocessor", "-i", str(pdf_path), "--save_path", str(save), "--dpi", "72", "--pages", "1,3"]
    assert main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    with pymupdf.open(save / "document_pages.pdf") as document:
        assert document.page_count == 2
    assert (save / "document_2.json").is_file()


def test_failures_are_listed_and_the_rest_is_done(photo_path, tmp_path, capsys):
    (tmp_path / "bad.png").write_text("no picture")
    assert main(["doc_preprocessor", "-i", str(tmp_path), "--use_doc_unwarping", "False"]) == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2
    assert "1 failures, 2 pages in all" in captured.err
    assert "bad.png" in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["-i", "/no/such/page.jpg"], 1),
        (["-i", "/no/such/a.jpg", "/no/such/b.jpg"], 1),
        (["-i", "a.jpg", "--device", "npu:0"], 1),
        (["-i", "a.jpg", "--device", "gpu:x"], 2),
        (["-i", "a.jpg", "--paddlex_config", "/no/such.yaml"], 2),
        (["-i", "a.jpg", "--doc_unwarping_model_name", "Nobody"], 2),
        (["-i", "a.jpg", "--pages", "x"], 2),
        (["-i", "a.jpg", "--cpu_threads", "0"], 2),
    ],
)
def test_errors_are_one_sentence(arguments, status, capsys):
    assert main(["doc_preprocessor", *arguments]) == status
    error = capsys.readouterr().err
    assert error.startswith("docpre: ")
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["doc_preprocessor"],
        ["doc_preprocessor", "-i", "a", "--use_doc_unwarping", "maybe"],
        ["doc_preprocessor", "-i", "a", "--max_pix", "5"],
    ],
)
def test_wrong_usage_is_status_two(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: docpre" in capsys.readouterr().err


def test_models(capsys):
    assert main(["models"]) == 0
    printed = capsys.readouterr().out
    for name, spec in MODELS.items():
        assert name in printed
        for artefact in spec.artefacts:
            assert artefact.licence in printed
            assert artefact.sha256 in printed
            if not artefact.package:
                assert str(BUNDLED_DIR / artefact.filename) in printed
    assert main(["models", "--pull", "all"]) == 0
    assert capsys.readouterr().out.count("(from the ") == len(MODELS)
    assert main(["models", "--pull", "Nobody"]) == 2


def test_as_a_program(tmp_path, photo_path):
    environment = os.environ | {"DOCPRE_OFFLINE": "1"}
    command = [sys.executable, "-m", "docpre"]
    assert subprocess.check_output([*command, "--version"]).decode().strip() == f"docpre {__version__}"
    done = subprocess.run(
        [*command, "doc_preprocessor", "-i", photo_path, "--save_path", tmp_path / "o"],
        capture_output=True,
        env=environment,
    )
    assert done.returncode == 0
    assert done.stderr == b""
    assert json.loads((tmp_path / "o" / "letter.json").read_text())["res"]["angle"] == 180

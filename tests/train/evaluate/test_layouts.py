"""Layouts of the public sets: what is found, and what is missing by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docpre.errors import ConfigError, InputError
from docpre.metrics.docunet import OCR_DOCUMENTS_DOCTR, OCR_DOCUMENTS_UVDOC
from tests.train.evaluate.conftest import write
from train.evaluate.dir300 import dir300
from train.evaluate.docunet import docunet
from train.evaluate.page import measurable, pictures_by_stem
from train.evaluate.pairs import pairs
from train.evaluate.uvdoc_benchmark import uvdoc_benchmark


@pytest.fixture
def docunet_folder(tmp_path: Path) -> Path:
    root = tmp_path / "docunet"
    for name in ("1_1", "1_2", "64_1", "2_1"):
        write(root / "crop" / f"{name} copy.png")
    write(root / "scan" / "1.png")
    write(root / "scan" / "64.png")
    return root


def test_docunet_finds_its_files_and_lists(docunet_folder):
    found = docunet(docunet_folder)
    pages = {page.name: page for page in found.pages}
    assert len(pages) == 130
    assert pages["1_2"].photo == docunet_folder / "crop" / "1_2 copy.png"
    assert pages["1_2"].reference == docunet_folder / "scan" / "1.png"
    assert pages["1_2"].document == "1"
    assert pages["3_1"].photo is None
    assert sum("uvdoc" in page.ocr for page in found.pages) == 2 * len(OCR_DOCUMENTS_UVDOC)
    assert sum("doctr" in page.ocr for page in found.pages) == 2 * len(OCR_DOCUMENTS_DOCTR)
    assert pages["64_1"].ocr == ()


def test_docunet_names_what_is_missing_and_keeps_the_rest(docunet_folder):
    good, missing = measurable(docunet(docunet_folder), by_model=True, wants_words=False)
    assert [page.name for page in good] == ["1_1", "1_2", "64_1"]
    by_what = {line.what: line for line in missing}
    assert by_what["reference"].names == ("2_1",)
    assert len(by_what["photo"].names) == 126
    assert "crop/K_I copy.png" in str(by_what["photo"])
    assert "126 pages without photo" in str(by_what["photo"])


def test_docunet_with_texts_alone_measures_characters(docunet_folder, tmp_path):
    texts = tmp_path / "texts.json"
    texts.write_text(json.dumps({"2": "a text\n"}))
    good, missing = measurable(docunet(docunet_folder, texts=texts), by_model=True, wants_words=False)
    page = next(page for page in good if page.name == "2_1")
    assert page.text == "a text"
    assert any(line.names == ("2_1",) and "MS-SSIM, LD and AD" in line.effect for line in missing)


def test_docunet_turns_only_the_photos_that_are_named(docunet_folder):
    turned = [page.name for page in docunet(docunet_folder, upside_down=["64_1"]).pages if page.is_upside_down]
    assert turned == ["64_1"]
    with pytest.raises(ConfigError, match="66_1"):
        docunet(docunet_folder, upside_down=["66_1"])


def test_docunet_refuses_other_settings(docunet_folder):
    with pytest.raises(ConfigError, match="plain"):
        docunet(docunet_folder, ocr=["plain"])
    with pytest.raises(InputError, match="no such folder"):
        docunet(docunet_folder / "nothing")


def test_uvdoc_benchmark_draws_from_the_texture(tmp_path):
    for folder in ("img", "texture_sample", "warped_textures"):
        write(tmp_path / folder / "00001.png")
    write(tmp_path / "img" / "00002.png")
    write(tmp_path / "texture_sample" / "00002.png")
    pages = uvdoc_benchmark(tmp_path).pages
    assert len(pages) == 50
    assert pages[0].drawn_from == tmp_path / "warped_textures" / "00001.png"
    assert pages[0].ocr == ("uvdoc",)
    assert pages[1].photo is None, "without its texture the sample can't be made"
    assert pages[3].ocr == ()
    of_photos = uvdoc_benchmark(tmp_path, "photo").pages
    assert of_photos[1].photo == tmp_path / "img" / "00002.png"
    assert of_photos[0].drawn_from is None


def test_dir300(tmp_path):
    write(tmp_path / "dist" / "300.png")
    write(tmp_path / "gt" / "300.png")
    good, missing = measurable(dir300(tmp_path), by_model=True, wants_words=False)
    assert [page.name for page in good] == ["300"]
    assert len(missing[0].names) == 299


def test_pairs_in_folders_are_matched_by_name(pairs_folder):
    (pairs_folder / "text").mkdir()
    (pairs_folder / "text" / "page_1.txt").write_text("some words\n")
    pages = pairs(pairs_folder).pages
    assert [page.name for page in pages] == ["page_0", "page_1", "page_2"]
    assert pages[1].text == "some words"
    assert pages[1].ocr == ("plain",)
    assert pages[0].ocr == ()


def test_pairs_in_a_list(pairs_folder):
    listed = pairs_folder / "list.csv"
    listed.write_text("prediction,reference,ms_ssim\nprediction/page_0.png,reference/page_0.png,0.5\nx.png,y.png,0\n")
    pages = pairs(listed).pages
    assert pages[0].reference == pairs_folder / "reference" / "page_0.png"
    assert pages[1].prediction is None
    listed.write_text("one,two\n1,2\n")
    with pytest.raises(InputError, match="prediction or photo"):
        pairs(listed)


def test_two_files_of_one_name_are_refused(tmp_path):
    write(tmp_path / "1.png")
    write(tmp_path / "1.jpg")
    with pytest.raises(InputError, match=r"1\.jpg and 1\.png"):
        pictures_by_stem(tmp_path)
